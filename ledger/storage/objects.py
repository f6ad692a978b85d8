"""Encrypted evidence files in any file system that fsspec knows.

Guaranteed: random names; an object appears under its name only once it is whole and, on a local disk, flushed; memory
does not grow with the file. Not guaranteed: flushing on remote stores, which have rules of their own.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import fsspec

from ledger.ports import ObjectStore
from ledger.storage.envelope import PREFIX_SIZE, FrameSealer
from ledger.storage.keyring import Keyring
from ledger.storage.segments import open_sealed
from tiezheng.errors import IntegrityFault, Unavailable

NAME_SIZE: Final = 16
PART: Final = ".part"


class EncryptedObjects:
    """`ledger.ports.ObjectStore` below `root` of a file system, under keys of the keyring."""

    def __init__(self, root: str, keyring: Keyring, protocol: str = "file") -> None:
        self._files: Any = fsspec.filesystem(protocol)
        self._root = root.rstrip("/")
        self._keyring = keyring
        self._local = protocol == "file"
        self._files.makedirs(self._root, exist_ok=True)

    def create(self, case: bytes) -> "EncryptedWriter":
        """See the port."""
        name = secrets.token_bytes(NAME_SIZE)
        sealer = FrameSealer(self._keyring.object_key(case, name, make=True), name, os.urandom(PREFIX_SIZE))
        path = self._path(name.hex())
        try:
            self._files.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
            return EncryptedWriter(self._files, path, name.hex(), sealer, local=self._local)
        except OSError as error:
            raise Unavailable("object.store", detail=type(error).__name__) from error

    def read(self, case: bytes, name: str) -> Iterator[bytes]:
        """See the port."""
        raw = bytes.fromhex(name)
        key = self._keyring.object_key(case, raw, make=False)
        try:
            file = self._files.open(self._path(name), "rb")
        except FileNotFoundError as error:
            raise IntegrityFault("object.missing", got=name) from error
        with file:
            yield from open_sealed(file, key, raw)

    def remove(self, name: str) -> None:
        """See the port."""
        with contextlib.suppress(FileNotFoundError):
            self._files.rm(self._path(name))

    def names(self) -> Iterator[str]:
        """See the port."""
        for path in sorted(self._files.find(self._root)):
            name = str(path).rsplit("/", 1)[-1]
            if not name.endswith(PART):
                yield name

    def _path(self, name: str) -> str:
        return f"{self._root}/{name[:2]}/{name}"


class EncryptedWriter:
    """`ledger.ports.ObjectWriter`: gathers frames, seals each, writes it."""

    def __init__(self, files: Any, path: str, name: str, sealer: FrameSealer, *, local: bool) -> None:
        self._files = files
        self._path = path
        self._name = name
        self._sealer = sealer
        self._local = local
        # Up to one frame is held back, because only `commit` knows that it is the last. Whole frames are held without
        # a copy of their own.
        self._held: bytearray | memoryview = bytearray()
        self._file: Any = files.open(path + PART, "wb")
        self._committed = False
        self._file.write(sealer.header)

    @property
    def name(self) -> str:
        """See the port."""
        return self._name

    def write(self, chunk: bytes) -> None:
        """See the port. Raises Unavailable `object.store` where the store cannot be written."""
        size = self._sealer.frame_size
        view = memoryview(bytes(chunk))
        at = 0
        while at < len(view):
            if len(self._held) == size:
                self._put(self._held, last=False)
                self._held = bytearray()
            if not self._held and len(view) - at >= size:
                self._held = view[at : at + size]
                at += size
                continue
            part = self._held if isinstance(self._held, bytearray) else bytearray(self._held)
            taken = view[at : at + size - len(part)]
            part += taken
            self._held = part
            at += len(taken)

    def commit(self) -> None:
        """See the port."""
        self._put(self._held, last=True)
        try:
            self._file.flush()
            if self._local:
                os.fsync(self._file.fileno())
            self._file.close()
            self._files.mv(self._path + PART, self._path)
            if self._local:
                flush_directory(Path(self._path).parent)
        except OSError as error:
            raise Unavailable("object.store", detail=type(error).__name__) from error
        self._committed = True

    def abort(self) -> None:
        """See the port."""
        if self._committed:
            return
        with contextlib.suppress(OSError, ValueError):
            self._file.close()
        # It may be renamed already, where flushing the directory failed; no row will name it.
        for path in (self._path + PART, self._path):
            with contextlib.suppress(OSError):
                self._files.rm(path)

    def _put(self, frame: bytearray | memoryview, *, last: bool) -> None:
        try:
            self._file.write(self._sealer.seal(frame, last=last))
        except OSError as error:
            raise Unavailable("object.store", detail=type(error).__name__) from error


def flush_directory(directory: Path) -> None:
    """Make names that were made or moved in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


if TYPE_CHECKING:
    _port: type[ObjectStore] = EncryptedObjects
