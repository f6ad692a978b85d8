"""What the chain refused after a receipt was given: lists for institutions, and the one answer to "again".

Guaranteed: an institution sees the refusals of what it handed in, and of the cases that it opened or takes part in, and
no others. Not guaranteed: that a list which is read page by page shows what was refused since its first page.
"""

from ledger.domain.limits import PAGE_MAX
from ledger.domain.records import RefusedRow, StatementRow
from ledger.ports import Store, Tables
from ledger.services.permissions import check_participant
from tiezheng.errors import Conflict, NotFound
from tiezheng.refusals import REASONS_BY_NUMBER


def list_refusals(store: Store, institution: int, before: bytes | None = None, limit: int = 50) -> list[RefusedRow]:
    """Those refused last first; `before` is the evidence id of the last one that was listed.

    Raises NotFound `evidence.not_found` where `before` is no refused statement that the institution may see.
    """
    with store.read() as tables:
        last = None if before is None else _refused(tables, before, institution)
        return tables.refusals.page(institution, last, max(1, min(limit, PAGE_MAX)))


def check_reader(tables: Tables, row: StatementRow, institution: int) -> None:
    """The institution handed the statement in, or takes part in its case. Raises Refused `case.not_participant`.

    A refusal can take the invitation away on which a statement rested; whoever holds the receipt still gets the reason.
    """
    if row.institution != institution:
        check_participant(tables, row.case, institution)


def refused_already(tables: Tables, digest: bytes) -> Conflict | None:
    """The error for a statement that was refused, with the reason; None for any other."""
    row = tables.refusals.get(digest)
    if row is None:
        return None
    return Conflict("statement.refused", got=digest, detail=f"{row.reason} {REASONS_BY_NUMBER[row.reason].code}")


def _refused(tables: Tables, digest: bytes, institution: int) -> RefusedRow:
    statement, refusal = tables.statements.get(digest), tables.refusals.get(digest)
    if statement is None or refusal is None:
        raise NotFound("evidence.not_found", got=digest)
    check_reader(tables, statement, institution)
    return RefusedRow(statement, refusal)
