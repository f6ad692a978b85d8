"""Case states and lists in SQL.

Guaranteed: `participates` and `page` follow the participants of the case's present state. Not guaranteed: that the
chain is as far; states include statements that are accepted and not yet anchored.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, delete, select

from ledger.domain.life import Status
from ledger.domain.records import CaseRow, CaseSummary
from ledger.storage.case_json import dump_state, load_state
from ledger.storage.rows import add_missing, put_all
from ledger.storage.tables import case_participants, cases, statements
from tiezheng.procedures import CaseState

_C: Final = cases.c
_P: Final = case_participants.c


class SqlCases:
    """`ledger.ports.Cases` on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, case: bytes) -> CaseRow | None:
        """See the port."""
        row = self._connection.execute(select(cases).where(_C.case_id == case)).one_or_none()
        return None if row is None else CaseRow(case, load_state(row.state), row.kind, row.updated)

    def get_many(self, wanted: Sequence[bytes]) -> dict[bytes, CaseRow]:
        """See the port."""
        rows = self._connection.execute(select(cases).where(_C.case_id.in_(wanted)))
        return {row.case_id: CaseRow(row.case_id, load_state(row.state), row.kind, row.updated) for row in rows}

    def participates(self, case: bytes, institution: int) -> bool:
        """See the port."""
        query = select(_P.institution).where(_P.case_id == case, _P.institution == institution)
        return self._connection.execute(query).first() is not None

    def page(self, institution: int, before_ms: int | None, limit: int, kind: int | None = None) -> list[CaseSummary]:
        """See the port."""
        query = (
            select(_C.case_id, _C.kind, _C.state, _C.updated, statements.c.status)
            .join(case_participants, and_(_P.case_id == _C.case_id, _P.institution == institution))
            .join(statements, statements.c.digest == _C.head)
            .order_by(_C.updated.desc(), _C.case_id)
        )
        if before_ms is not None:
            query = query.where(_C.updated < before_ms)
        if kind is not None:
            query = query.where(_C.kind == kind)
        rows = list(self._connection.execute(query.limit(limit)))
        if rows and len(rows) == limit:
            last = rows[-1]
            alike = query.where(_C.updated == last.updated, _C.case_id > last.case_id)
            rows += self._connection.execute(alike)
        return [_summary(row, load_state(row.state)) for row in rows]


def put_cases(connection: Connection, states: Sequence[CaseRow]) -> None:
    """Make these the states of their cases, each case once."""
    put_all(
        connection,
        cases,
        [
            {
                "case_id": state.case,
                "head": state.after.head,
                "state": dump_state(state.after),
                "kind": state.kind,
                "updated": state.updated,
            }
            for state in states
        ],
    )
    # Participants are only ever added as a case goes on; where a refusal sets it back, `drop_participants` comes first.
    places = {(state.case, number) for state in states for number in state.after.participants}
    add_missing(
        connection, case_participants, [{"case_id": case, "institution": number} for case, number in sorted(places)]
    )


def drop_participants(connection: Connection, case: bytes) -> None:
    """Forget who takes part, before the case is set back or removed."""
    connection.execute(delete(case_participants).where(_P.case_id == case))


def _summary(row: Row[Any, Any, Any, Any, Any], state: CaseState) -> CaseSummary:
    return CaseSummary(
        case=row.case_id,
        kind=row.kind,
        sequence=state.sequence,
        state=state.state,
        closed=state.closed,
        head=state.head,
        updated=row.updated,
        status=Status(row.status),
    )
