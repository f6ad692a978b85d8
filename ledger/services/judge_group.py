"""The judgement of a group in the transaction that takes it: each statement on the state that those before it leave.

Guaranteed: no statement passes that the kernel's rules refuse on the stored state, and no two pass for one place.
Not guaranteed: that the chain, which may lag or refuse, agrees. The backlog's bound holds within one process; several
processes may pass it by what each took since it counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from ledger.domain.limits import BACKLOG_MAX, BACKLOG_RETRY_SECONDS
from ledger.domain.records import CaseRow
from ledger.ports import Tables
from ledger.services.case_states import block_seconds, case_after, check_position, next_step
from ledger.services.check_group import Prepared
from ledger.services.check_statement import check_attachments, procedure_for
from ledger.services.known_members import KnownMembers
from ledger.services.known_records import KnownRecords
from tiezheng.errors import Conflict, Unavailable
from tiezheng.trust import Trust

# Counting a long backlog at each group would cost more than the group; near the bound it is counted each time.
RECOUNT_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Judged:
    """A statement that passed, and its case afterwards."""

    prepared: Prepared
    after: CaseRow


@dataclass(slots=True)
class Backlog:
    """How many statements wait for the chain, counted from time to time and carried on in between."""

    _counted: float = field(init=False, default=-RECOUNT_SECONDS)
    _waiting: int = field(init=False, default=0)

    def room(self, tables: Tables) -> int:
        """How many more may be taken."""
        now = monotonic()
        if now - self._counted >= RECOUNT_SECONDS or self._waiting * 10 >= BACKLOG_MAX * 9:
            self._waiting, self._counted = tables.statements.backlog(), now
        return BACKLOG_MAX - self._waiting

    def take(self, count: int) -> None:
        """So many were taken."""
        self._waiting += count


class GroupJudge:
    """Judges the statements of one group in turn; `judged` and `stored` (receipts of those there already) by digest."""

    def __init__(self, tables: Tables, trust: Trust, group: Sequence[Prepared], now: int, room: int) -> None:
        self.judged: dict[bytes, Judged] = {}
        self.stored: dict[bytes, bytes] = tables.statements.receipts([item.signed.digest for item in group])
        self._tables = tables
        self._trust = trust
        self._now = now
        self._room = room
        self._members = KnownMembers(tables.members)
        self._at_seconds = block_seconds(tables, now)
        self._states: dict[bytes, CaseRow] = tables.cases.get_many(
            sorted({item.signed.statement.case for item in group})
        )
        self._places: dict[tuple[bytes, int], bytes] = {}
        self._known: dict[int, KnownRecords] = {}

    def add(self, item: Prepared) -> None:
        """Judge one; raises what refuses it."""
        statement = item.signed.statement
        if statement.digest in self.judged or statement.digest in self.stored:
            return
        before = self._states.get(statement.case)
        holder = self._places.get((statement.case, statement.sequence))
        if holder is not None:
            raise Conflict("case.position_taken", expected=holder, got=statement.digest)
        check_position(self._tables, before, item.signed)
        procedure = procedure_for(self._trust, statement, None if before is None else before.after.table)
        records = self._records(statement.domain)
        step = next_step(procedure, before, item.signed, self._members, records, self._at_seconds)
        after = case_after(before, step, statement, self._now)
        if item.content is not None:
            check_attachments(item.content, statement.case, self._tables.files, item.not_held)
        if item.fault is not None:
            raise item.fault
        assert item.verified
        if len(self.judged) >= self._room:
            raise Unavailable("chain.backlog", retry_after_seconds=BACKLOG_RETRY_SECONDS)
        self.judged[statement.digest] = Judged(item, after)
        records.take(step)
        self._states[statement.case] = after
        self._places[statement.case, statement.sequence] = statement.digest

    def _records(self, domain: int) -> KnownRecords:
        if domain not in self._known:
            self._known[domain] = KnownRecords(self._tables, self._trust, domain)
        return self._known[domain]
