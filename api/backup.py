"""A copy of a home while its service runs, and a home out of such a copy.

Guaranteed: rows are copied before files, and a file is written before the row that names it, so each row of a backup
has its file; everything is flushed before the manifest, which comes last; a restored file is the one that the manifest
names, and `deployment.json`, without which nothing starts, comes last. Not guaranteed: a file that the service removed
while it was copied; and that a backup is recent: what it lacks, `tiezheng recover` takes from the chain.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from anchors.leaves import flush_directory, publish
from api.backup_manifest import (
    FOLDERS,
    KEYS,
    NAME,
    ROWS,
    SMALL,
    Entry,
    Manifest,
    Tell,
    copy_file,
    files_below,
    read_manifest,
)
from api.settings import Home
from ledger.domain.copied import Standing
from tiezheng.digest import digest_file
from tiezheng.errors import Conflict, IntegrityFault, Malformed, Unavailable

# Where the old database is must never be found in a new home by itself: the new one would write into the old one.
ADDRESS: Final = "secrets/database.url"
# The ending of an object that is not whole yet.
PART: Final = ".part"


@dataclass(frozen=True, slots=True)
class Backup:
    """Where it goes; `since` is an earlier one whose objects and leaves are linked instead of copied anew."""

    home: Home
    folder: Path
    keys: bool = False
    since: Path | None = None

    def prepare(self) -> None:
        """The empty folder, for this user alone. Raises Conflict `backup.not_empty`, Malformed `file.unwritable`."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if any(self.folder.iterdir()):
                raise Conflict("backup.not_empty", got=self.folder.name)
        except OSError as error:
            raise Malformed("file.unwritable", got=self.folder.name) from error

    def copy(self, ledger: str, rows: Path, standing: Standing, now_ms: int, tell: Tell) -> Manifest:
        """Everything beside the rows, which are there already; then the manifest. Raises Unavailable
        `object.store` where the disk is full."""
        earlier = {} if self.since is None else {one.path: one for one in read_manifest(self.since).files}
        with _stored():
            entries = [_entry_of(rows)]
            sources = list(self._sources())
            for count, source in enumerate(sources, 1):
                name = source.relative_to(self.home.root).as_posix()
                if (entry := self._take(name, earlier.get(name))) is not None:
                    entries.append(entry)
                tell(count, len(sources))
            for place, _, _ in os.walk(self.folder):
                flush_directory(Path(place))
            head = standing.head
            manifest = Manifest(
                ledger=ledger,
                time_ms=now_ms,
                version=version("tiezheng"),
                revision=standing.revision or "",
                block=None if head is None else head.block.number,
                block_hash=None if head is None else head.block.hash.hex(),
                files=tuple(sorted(entries, key=lambda one: one.path)),
                left_out=tuple(self._left_out()),
            )
            publish(self.folder / NAME, [manifest.to_bytes()])
            (self.folder / NAME).chmod(0o600)
        return manifest

    def _sources(self) -> Iterator[Path]:
        for name in SMALL:
            if (self.home.root / name).is_file():
                yield self.home.root / name
        for folder in (*FOLDERS, *(KEYS if self.keys else ())):
            for path in files_below(self.home.root / folder):
                if path != self.home.database_url:
                    yield path

    def _left_out(self) -> Iterator[str]:
        if not self.keys:
            yield from (f"{name}/" for name in KEYS)
        elif self.home.database_url.exists():
            yield ADDRESS

    def _take(self, name: str, earlier: Entry | None) -> Entry | None:
        """Linked from the earlier backup where it is there with the same size: what has its name never changes."""
        source, target = self.home.root / name, self.folder / name
        fixed = name.startswith(FOLDERS) and not name.endswith(PART)
        try:
            if fixed and earlier is not None and self.since is not None and source.stat().st_size == earlier.size:
                with contextlib.suppress(OSError):
                    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                    target.hardlink_to(self.since / name)
                    return earlier
            return Entry(name, *copy_file(source, target))
        except FileNotFoundError:
            # It came to its end meanwhile, or was given up.
            whole = name.removesuffix(PART)
            if whole == name or (self.folder / whole).exists() or not (self.home.root / whole).exists():
                return None
            return Entry(whole, *copy_file(self.home.root / whole, self.folder / whole))


def check_home(home: Home) -> None:
    """Raises Conflict `backup.occupied` where a home holds anything that a restore would bring; keys may be there."""
    for path in (home.database, *(home.root / name for name in SMALL)):
        if path.exists():
            raise Conflict("backup.occupied", got=path.name)
    for folder in (home.objects, home.leaves):
        if next(files_below(folder), None) is not None:
            raise Conflict("backup.occupied", got=folder.name)


def put_files(folder: Path, manifest: Manifest, home: Home, tell: Tell, *, last: bool) -> None:
    """All files but the rows; with `last`, those alone that end a restore. Raises IntegrityFault `backup.damaged`,
    Conflict `backup.occupied`, Unavailable `object.store`."""
    chosen = [one for one in manifest.files if one.path not in ROWS and (one.path in SMALL) == last]
    home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _stored():
        for name in (*FOLDERS, *KEYS):
            (home.root / name).mkdir(mode=0o700, exist_ok=True)
        for count, entry in enumerate(chosen, 1):
            target = home.root / entry.path
            if target.exists():
                raise Conflict("backup.occupied", got=entry.path)
            try:
                taken = copy_file(folder / entry.path, target)
            except FileNotFoundError as error:
                raise IntegrityFault("backup.damaged", got=entry.path) from error
            if taken != (entry.size, entry.sm3):
                target.unlink()
                raise IntegrityFault("backup.damaged", got=entry.path)
            tell(count, len(chosen))
        for place in {target.parent for target in (home.root / one.path for one in chosen)} | {home.root}:
            flush_directory(place)


def check_rows(folder: Path, manifest: Manifest) -> Path:
    """The file with the rows, as the manifest names it. Raises IntegrityFault `backup.damaged`."""
    path = folder / manifest.rows
    (wanted,) = [one for one in manifest.files if one.path == manifest.rows]
    if not path.is_file() or _entry_of(path) != wanted:
        raise IntegrityFault("backup.damaged", got=wanted.path)
    return path


def _entry_of(path: Path) -> Entry:
    found = digest_file(path)
    return Entry(path.name, found.size, found.sm3.hex())


@contextlib.contextmanager
def _stored() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable("object.store", detail=type(error).__name__) from error
