"""Files that arrive in several goes, in SQL.

Guaranteed: a mark moves only from where its writer believes it to be. Not guaranteed: that the object behind a row is
there; whoever holds it finds out.
"""

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from ledger.domain.records import Mark, UploadRow
from ledger.ports import Uploads
from ledger.storage.tables import uploads
from tiezheng.statement import case_owner

_U: Final = uploads.c


class SqlUploads:
    """`ledger.ports.Uploads` on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, row: UploadRow) -> None:
        """See the port."""
        self._connection.execute(
            insert(uploads).values(
                id=row.id,
                case_id=row.case,
                owner=case_owner(row.case),
                institution=row.institution,
                size=row.size,
                media_type=row.media_type,
                object_name=row.object_name,
                created=row.created,
                changed=row.changed,
                claimed=row.claimed,
                durable=row.mark.offset,
                sealed=row.mark.sealed,
                finished=row.finished,
                sm3=row.sm3,
                sha256=row.sha256,
            )
        )

    def get(self, upload: bytes) -> UploadRow | None:
        """See the port."""
        row = self._connection.execute(select(uploads).where(_U.id == upload)).one_or_none()
        return None if row is None else _row(row)

    def of_institution(self, institution: int, case: bytes | None = None) -> list[UploadRow]:
        """See the port."""
        query = select(uploads).where(_U.institution == institution).order_by(_U.created, _U.id)
        if case is not None:
            query = query.where(_U.case_id == case)
        return [_row(row) for row in self._connection.execute(query)]

    def count_open(self, institution: int) -> int:
        """See the port."""
        query = select(func.count()).select_from(uploads)
        return self._connection.scalar(query.where(_U.institution == institution, _U.finished.is_(None))) or 0

    def reserved(self, owner: int) -> int:
        """See the port."""
        query = select(func.sum(_U.size)).where(_U.owner == owner, _U.finished.is_(None))
        return int(self._connection.scalar(query) or 0)

    def move(self, upload: bytes, before: Mark, after: Mark, at_ms: int) -> bool:
        """See the port."""
        query = (
            update(uploads)
            .where(_U.id == upload, _U.finished.is_(None), _U.durable == before.offset, _U.sealed == before.sealed)
            .values(durable=after.offset, sealed=after.sealed, changed=at_ms)
        )
        return self._connection.execute(query).rowcount == 1

    def finish(self, upload: bytes, sm3: bytes, sha256: bytes, at_ms: int) -> None:
        """See the port."""
        values = {"finished": at_ms, "changed": at_ms, "sm3": sm3, "sha256": sha256}
        self._connection.execute(update(uploads).where(_U.id == upload).values(**values))

    def remove(self, upload: bytes) -> bool:
        """See the port."""
        return self._connection.execute(delete(uploads).where(_U.id == upload)).rowcount == 1

    def unchanged_since(self, at_ms: int) -> list[UploadRow]:
        """See the port."""
        query = select(uploads).where(_U.changed <= at_ms).order_by(_U.changed)
        return [_row(row) for row in self._connection.execute(query)]


def _row(row: Row[Any]) -> UploadRow:
    return UploadRow(
        id=row.id,
        case=row.case_id,
        institution=row.institution,
        size=row.size,
        media_type=row.media_type,
        object_name=row.object_name,
        created=row.created,
        changed=row.changed,
        claimed=row.claimed,
        mark=Mark(row.durable, row.sealed),
        finished=row.finished,
        sm3=row.sm3,
        sha256=row.sha256,
    )


if TYPE_CHECKING:
    _port: type[Uploads] = SqlUploads
