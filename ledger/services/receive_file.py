"""Take in an evidence file: stream it, hash it twice, encrypt it, keep it.

Guaranteed: SM3, SHA-256 and SM4-GCM run side by side on threads (all three release the interpreter's lock), memory is a
few pieces whatever the size, a false claim or a broken stream leaves nothing behind, and the same file again in a case
is kept once. Not guaranteed: anything about the file's meaning; it is bytes.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from ledger.domain.limits import FILE_MAX_BYTES, MEDIA_TYPE_MAX
from ledger.domain.records import FileRow
from ledger.ports import Clock, ObjectStore, Store
from ledger.services.file_room import check_room
from ledger.services.permissions import check_participant
from ledger.services.stream_file import Reader, stream_file
from tiezheng.digest import FileDigests, new_sm3
from tiezheng.errors import Malformed, Refused, VerificationFailed

_MEDIA_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")


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
        self,
        case: bytes,
        institution: int,
        media_type: str,
        reader: Reader,
        claimed_sm3: bytes | None = None,
        announced: int | None = None,
    ) -> Received:
        """Read `reader` to its end. `claimed_sm3` is refused if false, and `announced` bytes are if there is no room.

        Raises Refused `case.not_participant`, `file.too_many`, `file.quota`, Malformed `file.media_type`, `file.empty`,
        TooLarge `file.too_large`, VerificationFailed `file.digest_mismatch`, Unavailable `object.store`.
        """
        media_type = plain_media_type(media_type)
        with self._store.read() as tables:
            check_participant(tables, case, institution)
            check_room(tables, case, announced or 0)
        writer = self._objects.create(case)
        try:
            sm3, sha256 = new_sm3(), hashlib.sha256()
            size = stream_file(reader, [sm3.update, sha256.update, writer.write], FILE_MAX_BYTES)
            digests = FileDigests(size, sm3.digest(), sha256.digest())
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
        try:
            with self._store.write() as tables:
                known = tables.files.get(case, digests.sm3)
                if known is None:
                    check_room(tables, case, digests.size)
                    tables.files.add(row)
        except Refused:
            # Only where the transaction's outcome is known may an object that no row names be dropped.
            self._objects.remove(name)
            raise
        if known is not None:
            self._objects.remove(name)
        return Received(digests, new=known is None)


def _check(digests: FileDigests, claimed_sm3: bytes | None) -> None:
    if not digests.size:
        raise Malformed("file.empty")
    if claimed_sm3 is not None and claimed_sm3 != digests.sm3:
        raise VerificationFailed("file.digest_mismatch", expected=claimed_sm3, got=digests.sm3)


def plain_media_type(given: str) -> str:
    """type/subtype without parameters, in lower case. Raises Malformed `file.media_type`."""
    plain = given.partition(";")[0].strip().lower()
    if len(plain) > MEDIA_TYPE_MAX or _MEDIA_TYPE.fullmatch(plain) is None:
        raise Malformed("file.media_type", expected="type/subtype")
    return plain
