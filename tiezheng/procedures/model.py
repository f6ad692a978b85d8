"""What a procedure is: the legal state machine of one case type (spec/SPEC.md §8).

Guaranteed: a `Procedure` from `parse_procedure` compiles to a table that the contracts accept, and carries the digests
that pin it. Not guaranteed: that the law says so; each kind's basis shows how sure its source is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from tiezheng.procedures.roles import COUNTERPARTY_SIDE, PERSON
from tiezheng.procedures.schema import Schema

# `to` of a kind that leaves the state as it is.
KEEP: Final = 255


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
        return bool(self.role & PERSON)

    @property
    def is_counterparty(self) -> bool:
        """Whether the counterparty's side signs here."""
        return bool(self.role & COUNTERPARTY_SIDE)


@dataclass(frozen=True, slots=True)
class State:
    """One state of the machine, 0 to 31."""

    number: int
    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of statement. `from_states` is empty where it opens; `requires` and `forbids` are codes of kinds."""

    step: int
    number: int
    code: str
    path: str
    zh: str
    en: str
    opens: bool
    closes: bool
    instrument: bool
    names_counterparty: bool
    lane: Lane
    from_states: tuple[int, ...]
    to_state: int
    requires: tuple[str, ...]
    forbids: tuple[str, ...]
    opener: bool
    guest: bool
    limit_hours: int
    slots: tuple[Slot, ...]
    schema: Schema
    record_schemas: Mapping[int, Schema]
    basis: tuple[Basis, ...]


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
        object.__setattr__(self, "by_step", MappingProxyType({kind.step: kind for kind in self.kinds}))

    def kind(self, number: int) -> Kind | None:
        """The kind with this number (u16), None if it is not of this procedure."""
        kind = self.by_step.get(number & 0xFF)
        return kind if kind is not None and kind.number == number else None

    def position(self, kind: Kind) -> int:
        """Position in the table: the kind's bit in masks of kinds seen."""
        return self.kinds.index(kind)

    def state(self, number: int) -> State | None:
        """The state with this number."""
        return next((state for state in self.states if state.number == number), None)
