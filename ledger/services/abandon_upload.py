"""Drop uploads: at their sender's wish, or because nothing came for too long.

Guaranteed: the object goes before the row that names it, so that a crash between the two leaves no object behind; an
upload that somebody writes to, or that was finished meanwhile, is left alone. Not guaranteed: that the disk forgets the
ciphertext at once.
"""

from dataclasses import dataclass

from ledger.domain.limits import UPLOAD_LIFE_MS
from ledger.domain.records import UploadRow
from ledger.ports import Clock, GrowingObject, GrowingObjects, Store
from tiezheng.errors import Conflict


@dataclass(frozen=True, slots=True)
class Swept:
    """How many uploads expired, and how many bytes had arrived of them."""

    uploads: int = 0
    bytes: int = 0


def drop_upload(store: Store, objects: GrowingObjects, row: UploadRow, held: GrowingObject | None = None) -> bool:
    """Remove an open upload as it stood in `row`, which the caller may hold; False if it moved on since. Raises
    Conflict `upload.busy`."""
    mine = objects.hold(row.case, row.object_name, row.size, fresh=False) if held is None else held
    try:
        with store.read() as tables:
            now = tables.uploads.get(row.id)
        if now is None or now.finished is not None or (held is None and now.changed != row.changed):
            return False
        if mine is not None:
            mine.discard()
        with store.write() as tables:
            return tables.uploads.remove(row.id)
    finally:
        if mine is not None and held is None:
            mine.close()


def sweep_uploads(store: Store, objects: GrowingObjects, clock: Clock) -> Swept:
    """Remove open uploads that expired, and forget finished ones; their files stay. Any process may, at any time."""
    with store.read() as tables:
        rows = tables.uploads.unchanged_since(clock.now_ms() - UPLOAD_LIFE_MS)
    count = size = 0
    for row in rows:
        if row.finished is not None:
            with store.write() as tables:
                tables.uploads.remove(row.id)
            continue
        try:
            dropped = drop_upload(store, objects, row)
        except Conflict:
            continue
        if dropped:
            count, size = count + 1, size + row.mark.offset
    return Swept(count, size)
