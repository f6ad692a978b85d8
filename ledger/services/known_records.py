"""What the kernel's rules have to know of the registry, as the store knows it.

Guaranteed: a statement's status follows from the statements that name it and still stand, so a refusal takes back what
the refused one changed; what is judged in the same transaction counts too (`take`). Not guaranteed: that the worker has
read the chain's last events. This version serves no successor of another registry.
"""

from typing import Final

from ledger.domain.accepting import registry_of
from ledger.domain.records import StatementRow
from ledger.ports import Tables
from tiezheng.errors import IntegrityFault
from tiezheng.procedures import (
    NEXT_STATUS,
    Effect,
    Holding,
    Kind,
    Predecessor,
    Procedure,
    Recorded,
    Split,
    Step,
    read_terms,
)
from tiezheng.statement import Flag, Statement, parse_statement
from tiezheng.trust import Trust

_NONE: Final[Predecessor | None] = None


class KnownRecords:
    """`tiezheng.procedures.Records` of one domain, within one transaction."""

    def __init__(self, tables: Tables, trust: Trust, domain: int) -> None:
        self._tables = tables
        self._trust = trust
        self._domain = domain
        self._records: dict[bytes, Recorded] = {}
        self._splits: dict[bytes, Split] = {}
        self._dates: dict[bytes, tuple[int, int] | None] = {}
        self._closed: bool | None = None

    @property
    def closed(self) -> bool:
        """Whether a decision closed the registry."""
        if self._closed is None:
            contract = registry_of(self._trust, self._domain)
            self._closed = contract is not None and self._tables.registries.closed(contract.address)
        return self._closed

    @property
    def predecessor(self) -> Predecessor | None:
        """None in this version."""
        return _NONE

    def take(self, step: Step) -> None:
        """Let what was judged and is not yet stored count for what is judged next."""
        self._records[step.digest] = step.record
        if step.target is not None:
            digest, record = step.target
            self._records[digest] = record
        if step.split is not None:
            digest, split = step.split
            self._splits[digest] = split

    def dates(self, table: bytes) -> tuple[int, int] | None:
        """See the kernel's Protocol."""
        if table not in self._dates:
            row = self._tables.registries.table(table)
            self._dates[table] = None if row is None else (row.valid_from, row.valid_until)
        return self._dates[table]

    def record(self, digest: bytes) -> Recorded | None:
        """See the kernel's Protocol."""
        if digest in self._records:
            return self._records[digest]
        found = self._standing(digest)
        if found is None:
            return None
        row, statement, procedure, kind = found
        status, supplemented = Recorded(row.case, 0).status, False
        for later in self._tables.statements.naming(digest):
            effect = self._kind(parse_statement(later.statement))[1].effect
            if effect is Effect.SUPPLEMENT:
                supplemented = True
            elif effect.has_target:
                status = NEXT_STATUS[effect][status]
        return Recorded(
            case=row.case,
            position=procedure.position(kind),
            status=status,
            late=bool(statement.flags & Flag.LATE),
            irregular=bool(statement.flags & Flag.IRREGULAR),
            supplemented=supplemented,
        )

    def split(self, digest: bytes) -> Split | None:
        """See the kernel's Protocol."""
        if digest in self._splits:
            return self._splits[digest]
        found = self._standing(digest)
        if found is None:
            return None
        _, statement, _, kind = found
        holding = read_terms(kind.effect, statement.terms)
        if kind.effect is not Effect.SPLIT or not isinstance(holding, Holding):
            return None
        named = (parse_statement(row.statement) for row in self._tables.statements.naming(digest))
        return Split(holding, any(self._kind(later)[1].effect is Effect.CHILD for later in named))

    def _standing(self, digest: bytes) -> tuple[StatementRow, Statement, Procedure, Kind] | None:
        row = self._tables.statements.get(digest)
        if row is None or not row.stands_in_registry:
            return None
        statement = parse_statement(row.statement)
        return row, statement, *self._kind(statement)

    def _kind(self, statement: Statement) -> tuple[Procedure, Kind]:
        case = self._tables.cases.get(statement.case)
        procedure = None if case is None else self._trust.procedure(case.after.table)
        kind = None if procedure is None else procedure.kind(statement.kind)
        if procedure is None or kind is None:
            raise IntegrityFault("chain.record_mismatch", got=statement.digest, detail="kind of a stored statement")
        return procedure, kind
