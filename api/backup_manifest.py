"""What a backup says it holds, and whether it does.

Guaranteed: a folder without a manifest is no backup, as the manifest is written last; a path in it never leaves the
folder. Not guaranteed: who made it: whoever may write there may write a manifest too, and only the audit tells.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from ledger.domain.copied import POSTGRESQL_FILE, SQLITE_FILE
from tiezheng.canonical import dumps, loads_strict
from tiezheng.digest import digest_file, new_sm3
from tiezheng.errors import Malformed, NotFound, TiezhengError

FORMAT: Final = "tiezheng/backup/1"
NAME: Final = "manifest.json"
# Some 150 bytes a file: room for three million of them, and no more memory than a small server has.
MANIFEST_MAX_BYTES: Final = 512 << 20
ROWS: Final = (SQLITE_FILE, POSTGRESQL_FILE)
FOLDERS: Final = ("objects", "leaves")
SMALL: Final = ("deployment.json", "trust.json")
KEYS: Final = ("keys", "secrets")
CHUNK_BYTES: Final = 1 << 20
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL

Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a backup."""

    path: str
    size: int
    sm3: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that a backup says of itself; `block` is the last one that the copied rows know of."""

    ledger: str
    time_ms: int
    version: str
    revision: str
    block: int | None
    block_hash: str | None
    files: tuple[Entry, ...]
    left_out: tuple[str, ...]

    @property
    def rows(self) -> str:
        """The file with the rows of the database."""
        return next(one.path for one in self.files if one.path in ROWS)

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return dumps(
            {
                "block": self.block,
                "block_hash": self.block_hash,
                "files": [{"path": one.path, "size": one.size, "sm3": one.sm3} for one in self.files],
                "format": FORMAT,
                "left_out": list(self.left_out),
                "ledger": self.ledger,
                "revision": self.revision,
                "time_ms": self.time_ms,
                "version": self.version,
            }
        )


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a backup. Raises NotFound `backup.unfinished`, Malformed `backup.manifest`."""
    path = folder / NAME
    try:
        with path.open("rb") as file:
            data = file.read(MANIFEST_MAX_BYTES + 1)
    except OSError as error:
        raise NotFound("backup.unfinished", got=folder.name) from error
    try:
        return _parse(loads_strict(data, MANIFEST_MAX_BYTES))
    except (TiezhengError, KeyError, TypeError, ValueError) as error:
        raise Malformed("backup.manifest", got=path.name) from error


def _parse(value: Any) -> Manifest:
    files = tuple(Entry(_path(one["path"]), int(one["size"]), str(one["sm3"])) for one in value["files"])
    if value["format"] != FORMAT or sum(one.path in ROWS for one in files) != 1:
        raise ValueError(FORMAT)
    return Manifest(
        ledger=str(value["ledger"]),
        time_ms=int(value["time_ms"]),
        version=str(value["version"]),
        revision=str(value["revision"]),
        block=value["block"],
        block_hash=value["block_hash"],
        files=files,
        left_out=tuple(value["left_out"]),
    )


def _path(text: str) -> str:
    path = PurePosixPath(text)
    inside = path.parts[0] in (*FOLDERS, *KEYS) and len(path.parts) > 1 and ".." not in path.parts
    if str(path) != text or not (inside or text in (*ROWS, *SMALL)):
        raise ValueError("path")
    return text


def check(folder: Path, manifest: Manifest, tell: Tell) -> list[tuple[str, str]]:
    """What is wrong, as (`missing`, `altered` or `unknown`; path)."""
    wrong: list[tuple[str, str]] = []
    for count, entry in enumerate(manifest.files, 1):
        path = folder / entry.path
        if not path.is_file():
            wrong.append(("missing", entry.path))
        elif path.stat().st_size != entry.size or digest_file(path).sm3.hex() != entry.sm3:
            wrong.append(("altered", entry.path))
        tell(count, len(manifest.files))
    known = {NAME, *(entry.path for entry in manifest.files)}
    found = (path.relative_to(folder).as_posix() for path in files_below(folder))
    return wrong + [("unknown", name) for name in found if name not in known]


def files_below(folder: Path) -> Iterator[Path]:
    """Every regular file, links aside, in one order."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        paths = (Path(place, name) for name in sorted(names))
        yield from (path for path in paths if path.is_file() and not path.is_symlink())


def copy_file(source: Path, target: Path) -> tuple[int, str]:
    """A flushed copy that its owner alone reads; its size and SM3 as they were read."""
    digest, size = new_sm3(), 0
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with source.open("rb") as reader, os.fdopen(os.open(target, _NEW, 0o600), "wb") as writer:
        while chunk := reader.read(CHUNK_BYTES):
            digest.update(chunk)
            writer.write(chunk)
            size += len(chunk)
        writer.flush()
        os.fsync(writer.fileno())
    return size, digest.digest().hex()
