"""Take in a file that arrives in several goes, by any of several processes.

Guaranteed: the offset that is told counts durable bytes alone, so a process that is killed loses at most what came
since the last flush, and nothing that was told; a stream that breaks keeps every byte that came; one writer at a time;
the file joins its case whole, with the size that was declared and the digest that was claimed, or not at all. Not
guaranteed: a quick end where another process, or this one before it was started anew, took in the first bytes: the
object is then read once more, because a running hash cannot be stored.

A piece: 1. check it against the row; 2. hold the object; 3. check again, for another writer may have been first; 4. cut
off what lies behind the mark and append, moving object and row forward together; 5. if that was the last byte, finish.
"""

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Protocol

from ledger.domain.limits import (
    FILE_MAX_BYTES,
    FILES_PER_CASE_MAX,
    UPLOAD_FLUSH_BYTES,
    UPLOAD_FLUSH_MS,
    UPLOAD_HASHES_MAX,
    UPLOAD_LIFE_MS,
    UPLOAD_PIECE_MIN_BYTES,
    UPLOADS_OPEN_MAX,
)
from ledger.domain.records import FileRow, Mark, UploadRow
from ledger.ports import Clock, GrowingObject, GrowingObjects, Store
from ledger.services.abandon_upload import drop_upload
from ledger.services.file_room import check_room
from ledger.services.permissions import check_participant
from ledger.services.receive_file import plain_media_type
from ledger.services.stream_file import Reader, stream_file
from tiezheng.digest import Hash, new_sm3
from tiezheng.errors import Conflict, IntegrityFault, Malformed, NotFound, Refused, TooLarge, VerificationFailed

ID_SIZE: Final = 16


class BreakingReader(Reader, Protocol):
    """A stream that may break; `rest` is what came and was not read by then."""

    def rest(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Taken:
    """The upload after a piece; `new` if that piece brought a file that the case did not hold."""

    row: UploadRow
    new: bool = False


class ReceiveUpload:
    """The way for files into the ledger that survives cuts. Safe to share between threads."""

    def __init__(self, store: Store, objects: GrowingObjects, clock: Clock) -> None:
        self._store = store
        self._objects = objects
        self._clock = clock
        self._hashes = _Hashes()

    def begin(
        self, case: bytes, institution: int, size: int, media_type: str, claimed_sm3: bytes | None = None
    ) -> UploadRow:
        """Reserve room for a file of `size` bytes.

        Raises Refused `case.not_participant`, `upload.too_many`, `file.too_many`, `file.quota`, Malformed
        `file.media_type`, `file.empty`, TooLarge `file.too_large`.
        """
        media_type = plain_media_type(media_type)
        if not size:
            raise Malformed("file.empty")
        if size > FILE_MAX_BYTES:
            raise TooLarge("file.too_large", expected=FILE_MAX_BYTES, got=size)
        now = self._clock.now_ms()
        row = UploadRow(
            id=secrets.token_bytes(ID_SIZE),
            case=case,
            institution=institution,
            size=size,
            media_type=media_type,
            object_name=self._objects.new_name(),
            created=now,
            changed=now,
            claimed=claimed_sm3,
        )
        with self._store.write() as tables:
            check_participant(tables, case, institution)
            if tables.uploads.count_open(institution) >= UPLOADS_OPEN_MAX:
                raise Refused("upload.too_many", expected=UPLOADS_OPEN_MAX)
            check_room(tables, case, size)
            tables.uploads.add(row)
        return row

    def get(self, upload: bytes, institution: int) -> UploadRow:
        """How far an upload of this institution got. Raises NotFound `upload.not_found`, also once it expired."""
        with self._store.read() as tables:
            row = tables.uploads.get(upload)
        if row is None or row.institution != institution or self._is_over(row):
            raise NotFound("upload.not_found")
        return row

    def list(self, institution: int, case: bytes | None = None) -> list[UploadRow]:
        """The institution's uploads, also finished ones of the last days, oldest first."""
        with self._store.read() as tables:
            rows = tables.uploads.of_institution(institution, case)
        return [row for row in rows if not self._is_over(row)]

    def append(self, upload: bytes, institution: int, offset: int, length: int, reader: BreakingReader) -> Taken:
        """Read the `length` bytes of a piece. No bytes at the end of an upload finish it, or tell the result again.

        Raises NotFound `upload.not_found`, Conflict `upload.offset`, `upload.busy`, `upload.complete`, Malformed
        `upload.size`, `upload.piece`, VerificationFailed `file.digest_mismatch` (the upload is then gone), Refused
        `file.too_many`, Unavailable `object.store`, IntegrityFault `object.*`, and what the reader raises.
        """
        row = self.get(upload, institution)
        if row.finished is not None:
            return _told_again(row, offset, length)
        _check_piece(row, offset, length)
        held = self._objects.hold(row.case, row.object_name, row.size, fresh=not row.mark.offset)
        if held is None:
            raise IntegrityFault("object.missing", got=row.object_name)
        try:
            row = self._still_there(row, held)
            if row.finished is not None:
                return _told_again(row, offset, length)
            _check_piece(row, offset, length)
            hashes = self._hashes.take(row)
            if length:
                row = self._read(row, held, hashes, length, reader)
            return Taken(row) if row.mark.offset < row.size else self._finish(row, held, hashes)
        finally:
            held.close()

    def abandon(self, upload: bytes, institution: int) -> None:
        """Drop an open upload with what arrived. Raises NotFound `upload.not_found`, Conflict `upload.busy`,
        `upload.complete`."""
        row = self.get(upload, institution)
        if row.finished is not None:
            raise Conflict("upload.complete")
        if not drop_upload(self._store, self._objects, row):
            raise Conflict("upload.busy")

    def _still_there(self, row: UploadRow, held: GrowingObject) -> UploadRow:
        try:
            return self.get(row.id, row.institution)
        except NotFound:
            # Abandoned between the look at the row and the lock: what was made meanwhile belongs to nobody.
            held.discard()
            raise

    def _read(
        self, row: UploadRow, held: GrowingObject, hashes: "_Running | None", length: int, reader: BreakingReader
    ) -> UploadRow:
        held.begin(row.mark)
        writer = _Writer(self._store, self._clock, held, row)
        consumers = [writer.write] if hashes is None else [writer.write, hashes.sm3.update, hashes.sha256.update]
        try:
            try:
                stream_file(reader, consumers, length)
            except BaseException:
                if not writer.failed:
                    rest = reader.rest()
                    for consume in consumers:
                        consume(rest)
                    writer.record(rest=True)
                    self._hashes.keep(row.id, writer.mark.offset, hashes)
                raise
            writer.record(rest=True)
        finally:
            if writer.failed:
                held.forget()
        self._hashes.keep(row.id, writer.mark.offset, hashes)
        return replace(row, mark=writer.mark)

    def _finish(self, row: UploadRow, held: GrowingObject, hashes: "_Running | None") -> Taken:
        hashes = _hashes_of(held) if hashes is None else hashes
        sm3, sha256 = hashes.sm3.digest(), hashes.sha256.digest()
        if row.claimed is not None and row.claimed != sm3:
            drop_upload(self._store, self._objects, row, held)
            raise VerificationFailed("file.digest_mismatch", expected=row.claimed, got=sm3)
        with self._store.read() as tables:
            known = tables.files.get(row.case, sm3) is not None
        if not known:
            # The object is whole before a row names it; after a crash between the two, the next piece comes here again.
            held.commit()
        now = self._clock.now_ms()
        file = FileRow(row.case, sm3, sha256, row.size, row.media_type, row.object_name, now)
        with self._store.write() as tables:
            known = tables.files.get(row.case, sm3) is not None
            full = not known and tables.files.count(row.case) >= FILES_PER_CASE_MAX
            if not known and not full:
                tables.files.add(file)
            if not full:
                tables.uploads.finish(row.id, sm3, sha256, now)
        self._hashes.drop(row.id)
        if full:
            drop_upload(self._store, self._objects, row, held)
            raise Refused("file.too_many", expected=FILES_PER_CASE_MAX)
        if known:
            held.discard()
        return Taken(replace(row, finished=now, changed=now, sm3=sm3, sha256=sha256), new=not known)

    def _is_over(self, row: UploadRow) -> bool:
        return row.changed + UPLOAD_LIFE_MS <= self._clock.now_ms()


class _Writer:
    """Appends to the object and moves the row behind it, every so many bytes and seconds."""

    def __init__(self, store: Store, clock: Clock, held: GrowingObject, row: UploadRow) -> None:
        self._store = store
        self._clock = clock
        self._held = held
        self._upload = row.id
        self._since = 0
        self._at = clock.now_ms()
        self.mark: Mark = row.mark
        self.failed = False

    def write(self, piece: bytes) -> None:
        try:
            self._held.write(piece)
        except BaseException:
            self.failed = True
            raise
        self._since += len(piece)
        if self._since >= UPLOAD_FLUSH_BYTES or abs(self._clock.now_ms() - self._at) >= UPLOAD_FLUSH_MS:
            self.record(rest=False)

    def record(self, *, rest: bool) -> None:
        try:
            mark = self._held.mark(rest=rest)
            self._at, self._since = self._clock.now_ms(), 0
            if mark == self.mark:
                return
            self._move(mark)
        except BaseException:
            self.failed = True
            raise

    def _move(self, mark: Mark) -> None:
        with self._store.write() as tables:
            if not tables.uploads.move(self._upload, self.mark, mark, self._at):
                raise NotFound("upload.not_found")
        self.mark = mark


@dataclass(slots=True)
class _Running:
    """Hashes of the first `offset` bytes."""

    sm3: Hash
    sha256: Hash
    offset: int = 0


class _Hashes:
    """What this process hashed of open uploads; a cache, so that the usual upload is read once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[bytes, _Running] = OrderedDict()

    def take(self, row: UploadRow) -> _Running | None:
        """Those that fit the row's mark, out of the cache; None if the object has to be read again."""
        with self._lock:
            kept = self._kept.pop(row.id, None)
        if kept is not None and kept.offset == row.mark.offset:
            return kept
        return None if row.mark.offset else _Running(new_sm3(), hashlib.sha256())

    def keep(self, upload: bytes, offset: int, hashes: _Running | None) -> None:
        if hashes is None:
            return
        hashes.offset = offset
        with self._lock:
            self._kept[upload] = hashes
            if len(self._kept) > UPLOAD_HASHES_MAX:
                self._kept.popitem(last=False)

    def drop(self, upload: bytes) -> None:
        with self._lock:
            self._kept.pop(upload, None)


class _Pieces:
    """Pieces as a reader, whatever size is asked for."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def read(self, _size: int, /) -> bytes:
        return next(self._pieces, b"")


def _hashes_of(held: GrowingObject) -> _Running:
    hashes = _Running(new_sm3(), hashlib.sha256())
    hashes.offset = stream_file(_Pieces(held.read()), [hashes.sm3.update, hashes.sha256.update], FILE_MAX_BYTES)
    return hashes


def _check_piece(row: UploadRow, offset: int, length: int) -> None:
    if offset != row.mark.offset:
        raise Conflict("upload.offset", expected=row.mark.offset, got=offset)
    if length > row.size - offset:
        raise Malformed("upload.size", expected=row.size - offset, got=length)
    if offset + length < row.size and length < UPLOAD_PIECE_MIN_BYTES:
        raise Malformed("upload.piece", expected=UPLOAD_PIECE_MIN_BYTES, got=length)


def _told_again(row: UploadRow, offset: int, length: int) -> Taken:
    """A sender that did not hear the end asks for it with an empty piece."""
    if length or offset != row.size:
        raise Conflict("upload.complete", expected=row.size, got=offset + length)
    return Taken(row)
