"""Hand out an evidence file to a participant of its case.

Guaranteed: each piece was authenticated, and a file that is altered or cut off ends in an IntegrityFault, never in a
clean end. Not guaranteed: that the reader keeps it secret.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ledger.domain.records import FileRow
from ledger.ports import ObjectStore, Store
from ledger.services.permissions import check_participant
from tiezheng.digest import new_sm3
from tiezheng.errors import IntegrityFault, NotFound


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """What is known of the file, and its bytes in pieces; the last piece comes only if the whole SM3 agrees."""

    row: FileRow
    pieces: Iterator[bytes]


class ReadFile:
    """Reads files that `ReceiveFile` took in."""

    def __init__(self, store: Store, objects: ObjectStore) -> None:
        self._store = store
        self._objects = objects

    def open(self, case: bytes, sm3: bytes, institution: int) -> OpenedFile:
        """The file with this SM3. Raises Refused `case.not_participant`, NotFound `file.not_found`."""
        with self._store.read() as tables:
            check_participant(tables, case, institution)
            row = tables.files.get(case, sm3)
        if row is None:
            raise NotFound("file.not_found", got=sm3)
        return OpenedFile(row, self._pieces(row))

    def list(self, case: bytes, institution: int) -> list[FileRow]:
        """All files of the case. Raises Refused `case.not_participant`."""
        with self._store.read() as tables:
            check_participant(tables, case, institution)
            return tables.files.of_case(case)

    def _pieces(self, row: FileRow) -> Iterator[bytes]:
        digest = new_sm3()
        held: bytes | None = None
        for piece in self._objects.read(row.case, row.object_name):
            if held is not None:
                yield held
            digest.update(piece)
            held = piece
        if digest.digest() != row.sm3:
            raise IntegrityFault("object.corrupt", expected=row.sm3, got=digest.digest())
        if held is not None:
            yield held
