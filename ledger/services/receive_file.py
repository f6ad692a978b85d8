"""Take in an evidence file: stream it, hash it twice, encrypt it, keep it.

Guaranteed: SM3, SHA-256 and SM4-GCM run side by side on threads (all three release the interpreter's lock), memory is a
few pieces whatever the size, a false claim or a broken stream leaves nothing behind, and the same file again in a case
is kept once. Not guaranteed: anything about the file's meaning; it is bytes.
"""

import hashlib
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import Queue
from typing import Final, Protocol

from ledger.domain.limits import FILE_MAX_BYTES, FILES_PER_CASE_MAX, MEDIA_TYPE_MAX
from ledger.domain.records import FileRow
from ledger.ports import Clock, ObjectStore, Store
from ledger.services.permissions import check_participant
from tiezheng.digest import CHUNK_SIZE, FileDigests, new_sm3
from tiezheng.errors import Malformed, Refused, TooLarge, VerificationFailed

# Pieces of 1 MiB that may wait before each stage: enough to smooth it, far below the memory bound.
QUEUE_DEPTH: Final = 8
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")


class Reader(Protocol):
    """A binary stream; an empty read is its end."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Received:
    """What is kept, and whether it is new."""

    digests: FileDigests
    new: bool


class ReceiveFile:
    """The one way for files into the ledger."""

    def __init__(self, store: Store, objects: ObjectStore, clock: Clock) -> None:
        self._store = store
        self._objects = objects
        self._clock = clock

    def receive(
        self, case: bytes, institution: int, media_type: str, reader: Reader, claimed_sm3: bytes | None = None
    ) -> Received:
        """Read `reader` to its end. `claimed_sm3` is refused if false.

        Raises Refused `case.not_participant`, `file.too_many`, Malformed `file.media_type`, `file.empty`, TooLarge
        `file.too_large`, VerificationFailed `file.digest_mismatch`, Unavailable `object.store`.
        """
        media_type = _media_type(media_type)
        with self._store.read() as tables:
            check_participant(tables, case, institution)
            if tables.files.count(case) >= FILES_PER_CASE_MAX:
                raise Refused("file.too_many", expected=FILES_PER_CASE_MAX)
        writer = self._objects.create(case)
        try:
            digests = _stream(reader, writer.write)
            _check(digests, claimed_sm3)
            # The object is whole before a row names it; a crash between the two leaves an object that no row names.
            writer.commit()
        except BaseException:
            writer.abort()
            raise
        return self._keep(case, media_type, digests, writer.name)

    def _keep(self, case: bytes, media_type: str, digests: FileDigests, name: str) -> Received:
        row = FileRow(
            case=case,
            sm3=digests.sm3,
            sha256=digests.sha256,
            size=digests.size,
            media_type=media_type,
            object_name=name,
            received=self._clock.now_ms(),
        )
        with self._store.write() as tables:
            known = tables.files.get(case, digests.sm3)
            full = known is None and tables.files.count(case) >= FILES_PER_CASE_MAX
            if known is None and not full:
                tables.files.add(row)
        # Only now, when the transaction's outcome is known, may an object that no row names be dropped.
        if known is not None or full:
            self._objects.remove(name)
        if full:
            raise Refused("file.too_many", expected=FILES_PER_CASE_MAX)
        return Received(digests, new=known is None)


class _Stage(threading.Thread):
    """Feeds pieces to one consumer in order; the first error stops it and is raised by `finish`."""

    def __init__(self, consume: Callable[[bytes], object]) -> None:
        super().__init__(daemon=True)
        self._consume = consume
        self._pieces: Queue[bytes | None] = Queue(QUEUE_DEPTH)
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        while (piece := self._pieces.get()) is not None:
            if self.error is None:
                try:
                    self._consume(piece)
                except BaseException as error:  # noqa: BLE001  handed to the caller by `finish`
                    self.error = error

    def put(self, piece: bytes) -> None:
        """Hand on a piece; waits while the stage is behind."""
        self._pieces.put(piece)

    def finish(self) -> None:
        """Wait for the last piece."""
        self._pieces.put(None)
        self.join()


def _stream(reader: Reader, write: Callable[[bytes], object]) -> FileDigests:
    sm3, sha256 = new_sm3(), hashlib.sha256()
    stages = [_Stage(sm3.update), _Stage(sha256.update), _Stage(write)]
    size = 0
    try:
        while piece := reader.read(CHUNK_SIZE):
            size += len(piece)
            if size > FILE_MAX_BYTES:
                raise TooLarge("file.too_large", expected=FILE_MAX_BYTES)
            for stage in stages:
                stage.put(piece)
            if any(stage.error is not None for stage in stages):
                break
    finally:
        for stage in stages:
            stage.finish()
    for stage in stages:
        if stage.error is not None:
            raise stage.error
    return FileDigests(size, sm3.digest(), sha256.digest())


def _check(digests: FileDigests, claimed_sm3: bytes | None) -> None:
    if not digests.size:
        raise Malformed("file.empty")
    if claimed_sm3 is not None and claimed_sm3 != digests.sm3:
        raise VerificationFailed("file.digest_mismatch", expected=claimed_sm3, got=digests.sm3)


def _media_type(given: str) -> str:
    plain = given.partition(";")[0].strip().lower()
    if len(plain) > MEDIA_TYPE_MAX or _MEDIA_TYPE.fullmatch(plain) is None:
        raise Malformed("file.media_type", expected="type/subtype")
    return plain
