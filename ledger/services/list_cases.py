"""An institution's cases, and the timeline of one.

Guaranteed: only cases that the institution takes part in. Not guaranteed: names or contents; those come with a bundle
or with `read_content`, by scope.
"""

from dataclasses import dataclass

from ledger.domain.limits import PAGE_MAX
from ledger.domain.records import CaseRow, CaseSummary, RefusedRow, StatementRow
from ledger.ports import Store, Vault
from ledger.services.known_records import KnownRecords
from ledger.services.permissions import check_participant
from ledger.services.submit_statement import CONTENT_LABEL
from tiezheng.errors import NotFound
from tiezheng.procedures import Recorded
from tiezheng.trust import Trust


@dataclass(frozen=True, slots=True)
class Timeline:
    """A case's state and its statements that stand, in order; `records` say how each stands, None in the batch lane.

    `refused` are those that the chain refused, in the order in which they were accepted.
    """

    case: CaseRow
    statements: tuple[StatementRow, ...]
    records: tuple[Recorded | None, ...]
    refused: tuple[RefusedRow, ...]


def list_cases(
    store: Store, institution: int, before_ms: int | None = None, limit: int = 50, kind: int | None = None
) -> list[CaseSummary]:
    """Cases last changed before `before_ms`, latest first; `limit` is at most `PAGE_MAX`, and a page is longer
    where it would part cases of one millisecond (see the port). `kind` is that of the opening."""
    with store.read() as tables:
        return tables.cases.page(institution, before_ms, max(1, min(limit, PAGE_MAX)), kind)


def read_timeline(store: Store, trust: Trust, case: bytes, institution: int) -> Timeline:
    """One case, by what is accepted; the chain may not be as far.

    Raises Refused `case.not_participant`, NotFound `case.not_found`, `case.refused`.
    """
    with store.read() as tables:
        check_participant(tables, case, institution)
        row, refused = tables.cases.get(case), tuple(tables.refusals.of_case(case))
        if row is None:
            raise NotFound("case.refused" if refused else "case.not_found", got=case)
        rows = tuple(tables.statements.of_case(case))
        records = KnownRecords(tables, trust, rows[0].kind >> 12)
        return Timeline(row, rows, tuple(records.record(one.digest) for one in rows), refused)


def read_content(store: Store, vault: Vault, digest: bytes, institution: int) -> bytes:
    """The private content (canonical JSON, salts included) for the institution that submitted it.

    Raises NotFound `evidence.not_found`, `content.withheld`, `content.erased`, Refused `case.not_participant`.
    """
    with store.read() as tables:
        row = tables.statements.get(digest)
        if row is None:
            raise NotFound("evidence.not_found", got=digest)
        check_participant(tables, row.case, institution)
        sealed = tables.statements.content(digest)
    if sealed is None:
        raise NotFound("content.withheld", got=digest)
    return vault.open(row.case, CONTENT_LABEL + digest, sealed)
