"""Where things lie under the home directory of a stack.

Guaranteed: secrets are written with mode 0600 into folders of mode 0700. Not guaranteed: protection from the same user.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDERS: Final = ("keys", "secrets", "profiles", "chain", "objects", "leaves", "run", "logs", "witness")
# What a founding makes, and what is removed where it did not come to its end.
FOUNDED: Final = (*FOLDERS, "ledger.db", "ledger.db-wal", "ledger.db-shm", "deployment.json", "trust.json")


@dataclass(frozen=True, slots=True)
class Home:
    """The directory `root` and the paths in it."""

    root: Path

    @property
    def deployment(self) -> Path:
        """Which contracts on which chain."""
        return self.root / "deployment.json"

    @property
    def trust(self) -> Path:
        """The trust file."""
        return self.root / "trust.json"

    @property
    def founding(self) -> Path:
        """Written last: the founding came to its end."""
        return self.root / "founding.json"

    @property
    def started(self) -> Path:
        """Written first: a founding was begun."""
        return self.root / "founding.started"

    @property
    def addresses(self) -> Path:
        """Ports and addresses of this start."""
        return self.root / "run" / "addresses.json"

    @property
    def chain(self) -> Path:
        """State of the local chain."""
        return self.root / "chain"

    def key(self, name: str) -> Path:
        """A private key file."""
        return self.root / "keys" / f"{name}.pem"

    def secret(self, name: str) -> Path:
        """A password, token or raw key."""
        return self.root / "secrets" / name

    def password(self, name: str) -> Path:
        """The password of `key(name)`."""
        return self.secret(f"{name}.password")

    def profile(self, name: str) -> Path:
        """A profile of the command line."""
        return self.root / "profiles" / f"{name}.json"

    def log(self, name: str) -> Path:
        """What a process printed."""
        return self.root / "logs" / f"{name}.log"

    def pid(self, name: str) -> Path:
        """Which process it is."""
        return self.root / "run" / f"{name}.pid"

    def make_folders(self) -> None:
        """All folders, for this user alone."""
        self.root.mkdir(parents=True, exist_ok=True)
        for name in FOLDERS:
            (self.root / name).mkdir(mode=0o700, exist_ok=True)


def write_secret(path: Path, data: bytes) -> None:
    """A new file with mode 0600. Raises FileExistsError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as writer:
        writer.write(data)


def replace_file(path: Path, data: bytes) -> None:
    """Write a file whole: readers see the old one or the new one."""
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("wb") as writer:
        writer.write(data)
        writer.flush()
        os.fsync(writer.fileno())
    fresh.replace(path)
