"""What the rules look at and what comes out of them: a case, its records, the members, one accepted step (§8.5).

Guaranteed: a `Step` holds every word that the registry changes for a statement. Not guaranteed: that a store has kept
them; `Book` is one that does, in memory.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import Final, Protocol

from tiezheng.procedures.table import MAX_HANDLERS
from tiezheng.procedures.terms import Holding

NO_HANDLERS: Final = (0,) * MAX_HANDLERS
# `until` of a table without an end.
OPEN_END: Final = (1 << 48) - 1


class Status(IntEnum):
    """Status of a recorded statement (§8.5)."""

    IN_FORCE = 1
    CORRECTED = 2
    SUSPENDED = 3
    REVOKED = 4
    PARTLY_REVOKED = 5
    SUSPENDED_PARTLY_REVOKED = 6


STATUS_LABELS: Final = MappingProxyType(
    {
        Status.IN_FORCE: ("有效", "in force"),
        Status.CORRECTED: ("已更正", "corrected"),
        Status.SUSPENDED: ("已中止", "suspended"),
        Status.REVOKED: ("已撤销", "revoked"),
        Status.PARTLY_REVOKED: ("部分撤销", "partly revoked"),
        Status.SUSPENDED_PARTLY_REVOKED: ("部分撤销并中止", "suspended and partly revoked"),
    }
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A statement as its record has it: the case, the kind's position in the table (255: continue), and its status.

    `late_by_time`: later than the kind's limit; `late`, `irregular`: the statement's flags; `irregular_seen`: an
    irregular statement stands before it in the case; `supplemented`: a supplement names it.
    """

    case: bytes
    position: int
    status: Status = Status.IN_FORCE
    late_by_time: bool = False
    late: bool = False
    irregular: bool = False
    irregular_seen: bool = False
    supplemented: bool = False

    @property
    def status_byte(self) -> int:
        """The status with its bits, as in the record's word."""
        bits = (self.late_by_time, self.late, self.irregular, self.irregular_seen, self.supplemented)
        return self.status | sum(bit << place for place, bit in enumerate(bits, 3))


@dataclass(frozen=True, slots=True)
class Split:
    """What a split keeps for one child, and whether a child has taken it."""

    holding: Holding
    used: bool = False


@dataclass(frozen=True, slots=True)
class CaseState:
    """State of a case. `participants` without trailing zeros, the opener first; `handlers` always eight.

    `last_occurred` is that of the last statement without flag late, in ms; `end` the end time in ms, 0 none;
    `irregular` whether an irregular statement is in the case; `holder` 0 where nothing is held.
    """

    head: bytes
    table: bytes
    sequence: int
    state: int
    closed: bool
    kinds_seen: int
    last_occurred: int
    participants: tuple[int, ...]
    handlers: tuple[int, ...] = NO_HANDLERS
    paused: bool = False
    frozen: bool = False
    irregular: bool = False
    continued: bool = False
    end: int = 0
    holder: int = 0
    quantity: int = 0
    unit: int = 0

    @property
    def flags(self) -> int:
        """Closed, paused, frozen, irregular seen, continued, as in the progress word."""
        bits = (self.closed, self.paused, self.frozen, self.irregular, self.continued)
        return sum(bit << place for place, bit in enumerate(bits))


@dataclass(frozen=True, slots=True)
class Step:
    """One accepted statement: its digest, the case after it, its own record, and what it changed besides.

    `target`: digest of the statement that it is about, and that one's new record. `split`: digest of the splitting
    statement, and what is kept for a child (effect `split`) or has been taken by one (effect `child`).
    """

    digest: bytes
    state: CaseState
    record: Recorded
    target: tuple[bytes, Recorded] | None = None
    split: tuple[bytes, Split] | None = None


class MemberKey(Protocol):
    """A registered key (§5.3): its holder's institution, role (institution) or function (practitioner), and custody."""

    @property
    def institution(self) -> int: ...

    @property
    def role(self) -> int: ...

    @property
    def custody(self) -> int: ...

    @property
    def institution_active(self) -> bool:
        """Whether the institution that the key record names is active now."""

    def valid(self, at_seconds: int) -> bool:
        """Whether the key is valid at this block time."""


class Members(Protocol):
    """What the check has to know of `Institutions`."""

    def key(self, number: int, key_index: int) -> MemberKey | None:
        """The key with this index of this institution or practitioner; None where there is none."""

    def is_member(self, number: int) -> bool:
        """Whether the number is registered."""


class Predecessor(Protocol):
    """What the check has to know of the registry that this one succeeds (§8.6)."""

    @property
    def closed(self) -> bool:
        """Whether it is closed."""

    @property
    def succeeded(self) -> bool:
        """Whether the decision that closed it names this registry."""

    def case(self, case: bytes) -> CaseState | None:
        """The case as it stands there."""

    def has_case(self, case: bytes) -> bool:
        """Whether it has the case, or a registry that it succeeds has."""

    def record(self, digest: bytes) -> Recorded | None:
        """The record of a statement there."""


class Records(Protocol):
    """What the check has to know of the registry itself."""

    @property
    def closed(self) -> bool:
        """Whether a decision closed it."""

    @property
    def predecessor(self) -> Predecessor | None:
        """The registry that it succeeds."""

    def dates(self, table: bytes) -> tuple[int, int] | None:
        """From and until (ms) of a registered table; None where it is not registered."""

    def record(self, digest: bytes) -> Recorded | None:
        """The record of a statement here; also of one of the predecessor that a later statement here has changed."""

    def split(self, digest: bytes) -> Split | None:
        """What a split keeps."""


@dataclass(slots=True)
class Book:
    """`Records` (and `Predecessor`) in memory, filled by `register` and `take`.

    `succeeded` counts where this is the predecessor of another one.
    """

    predecessor: "Book | None" = None
    closed: bool = False
    succeeded: bool = True
    tables: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    cases: dict[bytes, CaseState] = field(default_factory=dict)
    records: dict[bytes, Recorded] = field(default_factory=dict)
    splits: dict[bytes, Split] = field(default_factory=dict)

    def register(self, table: bytes, start: int = 0, until: int = OPEN_END) -> None:
        """Take a table, in force from `start` until `until` (ms)."""
        self.tables[table] = (start, until)

    def take(self, step: Step) -> CaseState:
        """Keep what a statement changed; the case after it."""
        self.cases[step.record.case] = step.state
        self.records[step.digest] = step.record
        if step.target is not None:
            digest, record = step.target
            self.records[digest] = record
        if step.split is not None:
            digest, split = step.split
            self.splits[digest] = split
        return step.state

    def dates(self, table: bytes) -> tuple[int, int] | None:
        """See `Records`."""
        return self.tables.get(table)

    def case(self, case: bytes) -> CaseState | None:
        """See `Predecessor`."""
        return self.cases.get(case)

    def has_case(self, case: bytes) -> bool:
        """See `Predecessor`."""
        return case in self.cases or (self.predecessor is not None and self.predecessor.has_case(case))

    def record(self, digest: bytes) -> Recorded | None:
        """See `Records`."""
        return self.records.get(digest)

    def split(self, digest: bytes) -> Split | None:
        """See `Records`."""
        return self.splits.get(digest)
