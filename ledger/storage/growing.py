"""Encrypted objects that arrive in several goes, on a local disk.

Guaranteed: one writer at a time over all processes of a machine (a lock that the system frees with the process); `mark`
is told only once everything before it is flushed; what lies behind the last mark is cut off before anything is written
after it, under a fresh key; nothing is readable under the object's name before `commit`. Not guaranteed: locks on
network file systems that do not pass `flock` on.
"""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ledger.domain.records import Mark
from ledger.ports import GrowingObject, GrowingObjects
from ledger.storage.envelope import FRAME_SIZE
from ledger.storage.keyring import Keyring
from ledger.storage.objects import NAME_SIZE, PART, flush_directory
from ledger.storage.segments import FIRST_TAG, SegmentSealer, header_of, open_sealed
from tiezheng.errors import Conflict, IntegrityFault, Unavailable

_MODE: Final = 0o600


class GrowingFiles:
    """`ledger.ports.GrowingObjects` below `root`, beside the objects of `EncryptedObjects`."""

    def __init__(self, root: Path, keyring: Keyring) -> None:
        self._root = root
        self._keyring = keyring

    def new_name(self) -> str:
        """See the port."""
        return secrets.token_hex(NAME_SIZE)

    def hold(self, case: bytes, name: str, size: int, *, fresh: bool) -> "GrowingFile | None":
        """See the port."""
        raw = bytes.fromhex(name)
        with _unavailable():
            opened = _open(self._root / name[:2] / name, fresh=fresh)
        if opened is None:
            return None
        descriptor, path = opened
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise Conflict("upload.busy") from None

        def key() -> bytes:
            return self._keyring.object_key(case, raw, make=True)

        return GrowingFile(descriptor, path, raw, key, size)


class GrowingFile:
    """`ledger.ports.GrowingObject`: gathers frames, seals each, writes it unbuffered."""

    def __init__(self, descriptor: int, path: Path, name: bytes, key: Callable[[], bytes], size: int) -> None:
        self._descriptor = descriptor
        # What was opened, and what `discard` removes: never an object that another writer finished meanwhile.
        self._path = path
        self._name = name
        self._key = key
        self._header = header_of(size)
        self._held = bytearray()
        self._sealer: SegmentSealer | None = None
        self._offset = 0
        self._mark = Mark()

    def begin(self, mark: Mark) -> None:
        """See the port."""
        have = os.fstat(self._descriptor).st_size
        if have < mark.sealed:
            raise IntegrityFault("object.corrupt", expected=mark.sealed, got=have, detail="shorter than recorded")
        with _unavailable():
            os.ftruncate(self._descriptor, mark.sealed)
            if not mark.sealed:
                os.pwrite(self._descriptor, self._header, 0)
                flush_directory(self._path.parent)
            os.lseek(self._descriptor, 0, os.SEEK_END)
        tag = os.pread(self._descriptor, len(FIRST_TAG), mark.sealed - len(FIRST_TAG)) if mark.offset else FIRST_TAG
        self._sealer = SegmentSealer(self._key(), self._name, self._header, mark.offset, tag)
        self._offset, self._mark = mark.offset, mark

    def write(self, chunk: bytes) -> None:
        """See the port."""
        at = 0
        view = memoryview(chunk)
        while at < len(view):
            if not self._held and len(view) - at >= FRAME_SIZE:
                self._put(view[at : at + FRAME_SIZE])
                at += FRAME_SIZE
                continue
            taken = view[at : at + FRAME_SIZE - len(self._held)]
            self._held += taken
            at += len(taken)
            if len(self._held) == FRAME_SIZE:
                self._put(self._held)
                self._held = bytearray()

    def mark(self, *, rest: bool) -> Mark:
        """See the port."""
        if rest and self._held:
            self._put(self._held)
            self._held = bytearray()
        with _unavailable():
            os.fsync(self._descriptor)
        self._mark = Mark(self._offset, os.lseek(self._descriptor, 0, os.SEEK_CUR))
        return self._mark

    def forget(self) -> Mark:
        """See the port."""
        self._held, self._sealer = bytearray(), None
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, self._mark.sealed)
        return self._mark

    def read(self) -> Iterator[bytes]:
        """See the port."""
        return open_sealed(_FromStart(self._descriptor), self._key(), self._name)

    def commit(self) -> None:
        """See the port."""
        with _unavailable():
            os.fsync(self._descriptor)
            if self._path.suffix == PART:
                self._path = self._path.rename(self._path.with_suffix(""))
            flush_directory(self._path.parent)

    def discard(self) -> None:
        """See the port."""
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """See the port."""
        os.close(self._descriptor)

    def _put(self, frame: bytearray | memoryview) -> None:
        if self._sealer is None:
            raise ValueError("writing begins at a mark")
        head, sealed = self._sealer.seal(frame)
        with _unavailable():
            written = os.writev(self._descriptor, [head, sealed])
            if written < len(head) + len(sealed):
                left = memoryview(head + bytes(sealed))[written:]
                while left:
                    left = left[os.write(self._descriptor, left) :]
        self._offset += len(frame)


class _FromStart:
    """A file from its first byte, whatever place its descriptor stands at."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._at = 0

    def read(self, size: int, /) -> bytes:
        piece = os.pread(self._descriptor, size, self._at)
        self._at += len(piece)
        return piece


def _open(path: Path, *, fresh: bool) -> tuple[int, Path] | None:
    """The part, else the object that a crash left between its commit and its row, else, if `fresh`, a new part."""
    part = path.with_suffix(PART)
    for one in (part, path):
        with contextlib.suppress(FileNotFoundError):
            return os.open(one, os.O_RDWR | os.O_CLOEXEC), one
    if not fresh:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE), part


@contextlib.contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable("object.store", detail=type(error).__name__) from error


if TYPE_CHECKING:
    _objects: type[GrowingObjects] = GrowingFiles
    _object: type[GrowingObject] = GrowingFile
