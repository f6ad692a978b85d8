"""What a procedure is: the legal state machine of one case type (spec/SPEC.md §8).

Guaranteed: a `Procedure` from `parse_procedure` compiles to a table that the contracts accept, and carries the digests
that pin it. Not guaranteed: that the law says so; each kind's basis shows how sure its source is.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag, StrEnum
from types import MappingProxyType
from typing import Final

from tiezheng.procedures.roles import COUNTERPARTY_SIDE, IRREGULAR_ROLE, PERSON
from tiezheng.procedures.schema import RESERVED, Schema
from tiezheng.statement import CONTINUE_STEP

# `to` of a kind that leaves the state as it is.
KEEP: Final = 255
# What the record of a continuing statement has as position (§8.5).
CONTINUE_POSITION: Final = 255
WHOLE_DAYS: Final = "whole_days"


class KindFlag(IntFlag):
    """Flags of a kind, as in the table (§8.2); their names in lower case are those of the documents."""

    OPENS = 1 << 0
    CLOSES = 1 << 1
    INSTRUMENT = 1 << 2
    NAMES_COUNTERPARTY = 1 << 3
    BATCH = 1 << 4
    MAY_BE_LATE = 1 << 5
    MAY_BE_IRREGULAR = 1 << 6
    PAUSES = 1 << 7
    RESUMES = 1 << 8
    PASSES_PAUSE = 1 << 9
    FREEZES = 1 << 10
    THAWS = 1 << 11
    AFTER_CLOSE = 1 << 12
    AFTER_END = 1 << 13


class Effect(IntEnum):
    """What a statement's terms say and what the registry does with them (§8.2)."""

    NONE = 0
    END = 1
    CORRECT = 2
    SUPPLEMENT = 3
    SUSPEND = 4
    LIFT = 5
    REVOKE = 6
    REVOKE_PART = 7
    BASIS = 8
    HOLD = 9
    TRANSFER = 10
    CONSUME = 11
    SPLIT = 12
    CHILD = 13
    DISPOSE = 14

    @property
    def has_target(self) -> bool:
        """Whether the terms name a statement of the same case."""
        return Effect.CORRECT <= self <= Effect.REVOKE_PART

    @property
    def moves(self) -> bool:
        """Whether it moves or uses up what is held: a freeze stops it, and no irregular statement passes a pause."""
        return Effect.TRANSFER <= self <= Effect.SPLIT


class Who(IntFlag):
    """Who may record a kind (§8.2)."""

    OPENER = 1
    GUEST = 2
    HOLDER = 4


class DeadlineUnit(StrEnum):
    """In what a deadline is counted (§8.1)."""

    HOURS = "hours"
    DAYS = "days"
    WORKING_DAYS = "working_days"
    MONTHS = "months"
    YEARS = "years"


class Certainty(StrEnum):
    """How sure a citation is: the text was read (F), general knowledge (K), unsure (U)."""

    READ = "F"
    KNOWN = "K"
    UNSURE = "U"


class Lane(StrEnum):
    """How a kind's statements reach the chain."""

    REGISTRY = "registry"
    BATCH = "batch"


@dataclass(frozen=True, slots=True)
class Basis:
    """One legal basis; dates are `YYYY-MM-DD`, None where open or not established."""

    zh: str
    en: str
    certainty: Certainty
    effective_from: str | None
    effective_until: str | None

    @property
    def confirmed(self) -> bool:
        """Whether the citation may be shown as it stands; else as "依据待核 / basis to be confirmed"."""
        return self.certainty is Certainty.READ


@dataclass(frozen=True, slots=True)
class Slot:
    """One signer that a kind asks for.

    `required` is the institution role or practitioner function, 0 any; `remember` a handler position 1 to 8, 0 none;
    `distinct` the handler positions from which the signer must differ.
    """

    role: int
    required: int
    remember: int
    distinct: tuple[int, ...]

    @property
    def is_person(self) -> bool:
        """Whether a practitioner signs here."""
        return bool(self.role & PERSON) and self.role != IRREGULAR_ROLE

    @property
    def is_counterparty(self) -> bool:
        """Whether the counterparty's side signs here."""
        return bool(self.role & COUNTERPARTY_SIDE) and self.role != IRREGULAR_ROLE


@dataclass(frozen=True, slots=True)
class State:
    """One state of the machine, 0 to 31."""

    number: int
    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Deadline:
    """Within which time this kind is due after the last recorded one of `start` (codes of kinds, ascending by step).

    `pauses`: paused time does not count.
    """

    start: tuple[str, ...]
    count: int
    unit: DeadlineUnit
    pauses: bool


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of statement.

    `from_states` is empty where it opens; `requires`, `forbids` and `targets` are codes of kinds; `limit_hours` 0 is
    no limit. `whole_days`: occurred is the start of a day in UTC+8.
    """

    step: int
    number: int
    code: str
    path: str
    zh: str
    en: str
    flags: KindFlag
    whole_days: bool
    from_states: tuple[int, ...]
    to_state: int
    requires: tuple[str, ...]
    forbids: tuple[str, ...]
    who: Who
    effect: Effect
    targets: tuple[str, ...]
    limit_hours: int
    deadline: Deadline | None
    slots: tuple[Slot, ...]
    schema: Schema
    record_schemas: Mapping[int, Schema]
    basis: tuple[Basis, ...]

    @property
    def opens(self) -> bool:
        """Whether it is the first statement of a case."""
        return KindFlag.OPENS in self.flags

    @property
    def closes(self) -> bool:
        """Whether it is the last one, apart from kinds that may come after closing."""
        return KindFlag.CLOSES in self.flags

    @property
    def instrument(self) -> bool:
        """Whether it is a certificate, opinion or proposal: never late, never irregular."""
        return KindFlag.INSTRUMENT in self.flags

    @property
    def names_counterparty(self) -> bool:
        """Whether it may name a counterparty."""
        return KindFlag.NAMES_COUNTERPARTY in self.flags

    @property
    def lane(self) -> Lane:
        """How its statements reach the chain."""
        return Lane.BATCH if KindFlag.BATCH in self.flags else Lane.REGISTRY

    @property
    def has_counterparty_slot(self) -> bool:
        """Whether someone of the counterparty's side signs."""
        return any(slot.is_counterparty for slot in self.slots)

    @property
    def person_slots(self) -> int:
        """How many practitioners sign."""
        return sum(slot.is_person for slot in self.slots)

    @property
    def is_continue(self) -> bool:
        """Whether it goes on with a case of a predecessor (§8.6)."""
        return self.step == CONTINUE_STEP


@dataclass(frozen=True, slots=True)
class RecordSchema:
    """A named schema of the records that a kind's record set may hold."""

    code: str
    zh: str
    en: str
    schema: Schema


@dataclass(frozen=True, slots=True)
class Procedure:
    """One case type's procedure; `sha` is SM3 of the canonical document, `table_digest` what a case is pinned to."""

    code: str
    zh: str
    en: str
    domain: int
    case_type: int
    version: int
    states: tuple[State, ...]
    kinds: tuple[Kind, ...]
    record_schemas: tuple[RecordSchema, ...]
    canonical_bytes: bytes = field(repr=False)
    sha: bytes
    table_bytes: bytes = field(repr=False)
    table_digest: bytes
    by_step: Mapping[int, Kind] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        kinds = {kind.step: kind for kind in self.kinds}
        if any(kind.lane is Lane.REGISTRY for kind in self.kinds):
            kinds[CONTINUE_STEP] = _continue_kind(self)
        object.__setattr__(self, "by_step", MappingProxyType(kinds))

    def kind(self, number: int) -> Kind | None:
        """The kind with this number (u16), in the registry lane also `continue`; None if it is not of this one."""
        kind = self.by_step.get(number & 0xFF)
        return kind if kind is not None and kind.number == number else None

    def position(self, kind: Kind) -> int:
        """Position in the table: the kind's bit in masks of kinds; 255 for `continue`."""
        return CONTINUE_POSITION if kind.is_continue else self.kinds.index(kind)

    def mask(self, codes: Collection[str]) -> int:
        """The kinds of these codes as bits of their positions."""
        return sum(1 << position for position, kind in enumerate(self.kinds) if kind.code in codes)

    def state(self, number: int) -> State | None:
        """The state with this number."""
        return next((state for state in self.states if state.number == number), None)


def _continue_kind(procedure: Procedure) -> Kind:
    """The kind that every procedure of the registry lane has (§8.6), with the reserved fields alone."""
    number = procedure.domain << 12 | procedure.case_type << 8 | CONTINUE_STEP
    return Kind(
        step=CONTINUE_STEP,
        number=number,
        code="continue",
        path=f"{procedure.code}.continue",
        zh="接续",
        en="continue",
        flags=KindFlag.OPENS,
        whole_days=False,
        from_states=(),
        to_state=KEEP,
        requires=(),
        forbids=(),
        who=Who.OPENER | Who.GUEST,
        effect=Effect.BASIS,
        targets=(),
        limit_hours=0,
        deadline=None,
        slots=(Slot(0, 0, 0, ()),),
        schema=Schema(number << 16 | 1, RESERVED),
        record_schemas=MappingProxyType({}),
        basis=(),
    )
