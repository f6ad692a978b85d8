"""Settings of the server processes: the only place of the server rooms that reads the environment.

Guaranteed: every path of a running stack follows from its home directory. Not guaranteed: that the files are there;
`api.bootstrap` names the one that is missing.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from anchors import database_url
from tiezheng.errors import Malformed, NotFound, Refused

HOME: Final = "TIEZHENG_HOME"
PORT: Final = "TIEZHENG_PORT"
PASSWORD: Final = "TIEZHENG_KEY_PASSWORD"  # noqa: S105  the variable's name
DATABASE: Final = "TIEZHENG_DATABASE"
DEFAULT_HOME: Final = ".tiezheng"
DEFAULT_PORT: Final = 8321
# The service speaks to this machine alone; whoever publishes it puts a server with TLS in front of it.
HOST: Final = "127.0.0.1"
_PASSWORD_MAX: Final = 4096


@dataclass(frozen=True, slots=True)
class Home:
    """The directory of one running stack, and what stands where in it."""

    root: Path

    @property
    def database(self) -> Path:
        """The SQLite database, unless `database_url` names another one."""
        return self.root / "ledger.db"

    @property
    def database_url(self) -> Path:
        """The address of the database, one line, read by its owner alone; absent where the home's SQLite serves."""
        return self.root / "secrets" / database_url.FILE

    @property
    def objects(self) -> Path:
        """Encrypted evidence files."""
        return self.root / "objects"

    @property
    def leaves(self) -> Path:
        """Published leaves files of batches."""
        return self.root / "leaves"

    @property
    def trust(self) -> Path:
        """The trust file."""
        return self.root / "trust.json"

    @property
    def deployment(self) -> Path:
        """Where the contracts stand on which chain."""
        return self.root / "deployment.json"

    @property
    def master_key(self) -> Path:
        """The key above all keys at rest."""
        return self.root / "secrets" / "master.key"

    @property
    def relayer_key(self) -> Path:
        """The account that sends transactions."""
        return self.root / "secrets" / "relayer.key"

    def key(self, number: int) -> Path:
        """The SM2 key of a member whose key is held here, encrypted PKCS#8."""
        return self.root / "keys" / f"{number}.pem"

    def password(self, number: int) -> Path:
        """The password of that key, one line."""
        return self.root / "secrets" / f"{number}.password"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a server process is started with. `password` is that of the operator's key, if the environment gave it."""

    home: Home
    port: int = DEFAULT_PORT
    password: bytes | None = None

    def operator_password(self, operator: int) -> bytes:
        """From the environment, else from the home's file. Raises NotFound `config.missing`."""
        return self.password if self.password is not None else read_password(self.home.password(operator))


def read_settings(
    home: Path | None = None,
    port: int | None = None,
    environment: Mapping[str, str] | None = None,
    password: bytes | None = None,
) -> Settings:
    """Options first, then the environment, then defaults. Raises Malformed `config.value`."""
    given = os.environ if environment is None else environment
    chosen = home if home is not None else Path(given.get(HOME) or DEFAULT_HOME)
    if password is None and given.get(PASSWORD):
        password = given[PASSWORD].encode()
    return Settings(
        home=Home(chosen.absolute()),
        port=check_port(given.get(PORT) or DEFAULT_PORT) if port is None else check_port(port),
        password=password,
    )


def database_of(home: Home, environment: Mapping[str, str] | None = None) -> Path | str:
    """Where the home's database is: by the environment, else by the home's `database.url`, else its SQLite file.

    Raises Refused `config.permissions`, Malformed `config.value`.
    """
    given = (os.environ if environment is None else environment).get(DATABASE)
    return given or database_url.database_of(home.root)


def keep_database(home: Home, *, founded: bool, environment: Mapping[str, str] | None = None) -> None:
    """Write the address that the environment names into the home, so that every process of a stack finds it.

    Raises Refused `config.disagree` where the home has another database.
    """
    given = (os.environ if environment is None else environment).get(DATABASE)
    if not given or database_url.database_of(home.root) == given:
        return
    if founded or home.database_url.exists():
        raise Refused("config.disagree", detail=f"{DATABASE}, {home.database_url}")
    with os.fdopen(os.open(home.database_url, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(given + "\n")


def check_port(value: int | str) -> int:
    """A port from 0 (any free one) to 65535. Raises Malformed `config.value`."""
    text = str(value)
    if not text.isascii() or not text.isdigit() or int(text[:6]) > 65535:
        raise Malformed("config.value", expected="0 to 65535", got=text[:16], detail="port")
    return int(text)


def read_password(path: Path) -> bytes:
    """The first line of a password file. Raises NotFound `config.missing`, Malformed `config.value`."""
    try:
        with path.open("rb") as file:
            line = file.read(_PASSWORD_MAX + 1)
    except FileNotFoundError as error:
        raise NotFound("config.missing", got=str(path)) from error
    except OSError as error:
        raise Malformed("file.unreadable", got=str(path)) from error
    line = line.removesuffix(b"\n").removesuffix(b"\r")
    if not line or len(line) > _PASSWORD_MAX or b"\n" in line:
        raise Malformed("config.value", expected="one line", got=str(path), detail="password file")
    return line
