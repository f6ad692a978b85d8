"""The table of a procedure, byte by byte, and the shape that every registry asks of it (spec/SPEC.md §8.2).

Guaranteed: `read_table` takes exactly what `CaseRegistry` registers (in a domain from 1 to 15). Not guaranteed: that a
document stands behind the digest in its head; `tiezheng.procedures.compile` makes both.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

from tiezheng.errors import Refused
from tiezheng.procedures.model import KEEP, Effect, KindFlag, Who
from tiezheng.procedures.roles import COUNTERPARTY_SIDE, IRREGULAR_ROLE, PERSON
from tiezheng.refusals import REASONS

TABLE_VERSION: Final = 1
HEAD_SIZE: Final = 36
ENTRY_SIZE: Final = 64
# As many as the mask of kinds seen has bits.
MAX_KINDS: Final = 32
MAX_STATE: Final = 31
MAX_STEP: Final = 254
MAX_SLOTS: Final = 8
MAX_HANDLERS: Final = 8
MAX_CASE_TYPE: Final = 15

_ENTRY: Final = struct.Struct(">BHIBIIBBH24sIB15s")
_MAIN_ONLY: Final = (
    KindFlag.OPENS
    | KindFlag.CLOSES
    | KindFlag.NAMES_COUNTERPARTY
    | KindFlag.PAUSES
    | KindFlag.RESUMES
    | KindFlag.FREEZES
    | KindFlag.THAWS
)
_EFFECTS: Final = frozenset(int(effect) for effect in Effect)
_EXCLUSIVE: Final = (
    KindFlag.PAUSES | KindFlag.RESUMES,
    KindFlag.PAUSES | KindFlag.AFTER_CLOSE,
    KindFlag.FREEZES | KindFlag.THAWS,
)
_FACTS_ONLY: Final = KindFlag.MAY_BE_LATE | KindFlag.MAY_BE_IRREGULAR
_NOT_OPENING: Final = frozenset(
    {effect for effect in Effect if effect.has_target or effect.moves or effect is Effect.DISPOSE}
)


@dataclass(frozen=True, slots=True)
class EntrySlot:
    """A slot: role, handler position to remember at (0 none), required role or function (0 any), mask of handlers."""

    role: int
    remember: int
    required: int
    distinct: int


_NO_SLOT: Final = EntrySlot(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, 64 bytes; masks of states by number, of kinds by position in the table."""

    step: int
    flags: int
    states: int
    to_state: int
    requires: int
    forbids: int
    who: int
    effect: int
    limit_hours: int
    slots: tuple[EntrySlot, ...]
    targets: int

    def to_bytes(self) -> bytes:
        """The 64 bytes."""
        slots = b"".join(bytes([one.role, one.remember << 4 | one.required, one.distinct]) for one in self.slots)
        return _ENTRY.pack(
            self.step,
            self.flags,
            self.states,
            self.to_state,
            self.requires,
            self.forbids,
            self.who,
            self.effect,
            self.limit_hours,
            slots,
            self.targets,
            len(self.slots),
            b"",
        )


def read_table(data: bytes) -> tuple[Entry, ...]:
    """The entries of a table of the right shape. Raises Refused with the code of the registry's reason."""
    if len(data) < HEAD_SIZE:
        _refuse("TableLength", f"{len(data)} bytes", expected=HEAD_SIZE, got=len(data))
    version, domain, case_type, count = data[:4]
    if version != TABLE_VERSION:
        _refuse("TableVersion", "version", expected=TABLE_VERSION, got=version)
    if not 1 <= domain <= MAX_CASE_TYPE:
        _refuse("TableDomain", "domain", expected="1 to 15", got=domain)
    if not 1 <= case_type <= MAX_CASE_TYPE:
        _refuse("TableCaseType", "case type", expected="1 to 15", got=case_type)
    if not 1 <= count <= MAX_KINDS:
        _refuse("TableKindCount", "number of kinds", expected=f"1 to {MAX_KINDS}", got=count)
    size = HEAD_SIZE + count * ENTRY_SIZE
    if len(data) != size:
        _refuse("TableLength", f"{len(data)} bytes", expected=size, got=len(data))
    entries: list[Entry] = []
    for at in range(HEAD_SIZE, size, ENTRY_SIZE):
        entry = _read_entry(data[at : at + ENTRY_SIZE], entries[-1].step if entries else 0, (1 << count) - 1)
        entries.append(entry)
    return tuple(entries)


def _read_entry(data: bytes, before: int, kinds: int) -> Entry:
    """One entry after the step `before`; `kinds` has a bit for each kind of the table. The order is the registry's."""
    step, flags, states, to, requires, forbids, who, effect, limit, slots, targets, count, rest = _ENTRY.unpack(data)
    if not before < step <= MAX_STEP:
        _refuse("TableStepOrder", f"step {step}", expected=f"{before + 1} to {MAX_STEP}", got=step)
    triples = (slots[at : at + 3] for at in range(0, 3 * MAX_SLOTS, 3))
    read = tuple(EntrySlot(role, nibbles >> 4, nibbles & 15, distinct) for role, nibbles, distinct in triples)
    entry = Entry(step, flags, states, to, requires, forbids, who, effect, limit, read[:count], targets)
    for rules in (
        _flag_rules(entry),
        _state_rules(entry, kinds),
        (
            (1 <= count <= MAX_SLOTS, "TableSlotCount", f"1 to {MAX_SLOTS} slots"),
            (not any(rest), "TableFlags", "the last 15 bytes are not zero"),
        ),
        _slot_rules(read, count, flags),
        _effect_rules(entry, kinds),
    ):
        for holds, error, what in rules:
            if not holds:
                _refuse(error, f"step {step}: {what}", got=step)
    return entry


_Rules = Iterable[tuple[bool, str, str]]


def _flag_rules(entry: Entry) -> _Rules:
    flags, fact = entry.flags, entry.flags & _FACTS_ONLY
    batch = flags & KindFlag.BATCH
    ends_itself = KindFlag.OPENS | KindFlag.CLOSES
    return (
        (flags < 1 << 14, "TableFlags", "unknown flag"),
        (
            all(flags & both != both for both in _EXCLUSIVE),
            "TableFlags",
            "pauses and resumes, or after the case is closed; freezes and thaws",
        ),
        (not (flags & KindFlag.INSTRUMENT and fact), "TableFlags", "an instrument is never late nor irregular"),
        (not (flags & KindFlag.MAY_BE_LATE and flags & _MAIN_ONLY), "TableFlags", "what moves a case is never late"),
        (not batch or flags & ends_itself == ends_itself, "TableFlags", "a kind of the batch lane opens and closes"),
        (not (batch and flags & KindFlag.MAY_BE_IRREGULAR), "TableFlags", "no irregular kind in the batch lane"),
    )


def _state_rules(entry: Entry, kinds: int) -> _Rules:
    opens = bool(entry.flags & KindFlag.OPENS)
    masks = entry.requires | entry.forbids
    everyone = Who.OPENER | Who.GUEST | Who.HOLDER
    moves = entry.effect in _EFFECTS and Effect(entry.effect).moves
    return (
        (opens == (not entry.states), "TableStates", "only an opening kind has no state to come from"),
        (entry.to_state <= MAX_STATE or (entry.to_state == KEEP and not opens), "TableStates", "state to go to"),
        (not masks & ~kinds, "TableMasks", "requires or forbids a kind that is not there"),
        (not entry.requires & entry.forbids, "TableMasks", "a kind is both required and forbidden"),
        (not (opens and masks), "TableMasks", "an opening kind requires or forbids a kind"),
        (0 < entry.who <= everyone, "TableWho", "who may record it"),
        (not opens or entry.who == Who.OPENER, "TableWho", "the opener alone opens"),
        (not moves or entry.who == Who.HOLDER, "TableWho", "for the holder alone"),
    )


def _slot_rules(slots: Sequence[EntrySlot], count: int, flags: int) -> _Rules:
    """Slot by slot, the unused ones too; then what the kind's slots are together."""
    remembered: set[int] = set()
    for at, slot in enumerate(slots):
        yield at < count or slot == _NO_SLOT, "TableSlot", "an unused slot is not zero"
        yield slot.role != IRREGULAR_ROLE, "TableSlot", "reserved role"
        yield slot.remember <= MAX_HANDLERS, "TableSlot", "handler position"
        yield bool(slot.role & PERSON) or not slot.role & 0x3F, "TableSlot", "a function without a practitioner"
        names = bool(flags & KindFlag.NAMES_COUNTERPARTY)
        yield names or not slot.role & COUNTERPARTY_SIDE, "TableSides", "slot of a counterparty"
        opens = bool(flags & KindFlag.OPENS)
        yield not (opens and slot.distinct), "TableHandlers", "distinct from handlers of an empty case"
        yield slot.remember not in remembered, "TableHandlers", "a handler position is remembered twice"
        if slot.remember:
            remembered.add(slot.remember)
    roles = [slot.role for slot in slots[:count]]
    yield any(not role & COUNTERPARTY_SIDE for role in roles), "TableSides", "no slot of the institution's side"
    yield not flags & KindFlag.BATCH or 0 in roles, "TableSides", "no slot of the institution in the batch lane"


def _effect_rules(entry: Entry, kinds: int) -> _Rules:
    if entry.effect not in _EFFECTS:
        return ((False, "TableEffect", "unknown effect"),)
    effect, flags = Effect(entry.effect), entry.flags
    opens = bool(flags & KindFlag.OPENS)
    bare = flags & (KindFlag.BATCH | KindFlag.MAY_BE_LATE)
    others = any(slot.role & COUNTERPARTY_SIDE for slot in entry.slots)
    return (
        (effect is Effect.NONE or not bare, "TableEffect", "a late kind, or one of the batch lane, has an effect"),
        (effect not in (Effect.HOLD, Effect.CHILD) or opens, "TableEffect", "holding begins where a case opens"),
        (effect not in _NOT_OPENING or not opens, "TableEffect", "an effect on what an opening kind does not have"),
        (effect is not Effect.DISPOSE or bool(flags & KindFlag.CLOSES), "TableEffect", "disposal closes"),
        (effect is not Effect.TRANSFER or others, "TableEffect", "the one who receives does not sign"),
        (
            not (effect >= Effect.HOLD and others and flags & KindFlag.MAY_BE_IRREGULAR),
            "TableEffect",
            "irregular, the other side need not sign for what it holds",
        ),
        (effect.has_target == bool(entry.targets), "TableTargets", "targets where the effect has none, or none"),
        (not entry.targets & ~kinds, "TableTargets", "a target that is not there"),
    )


def _refuse(error: str, detail: str, *, expected: object = None, got: object = None) -> NoReturn:
    raise Refused(REASONS[error].code, expected=expected, got=got, detail=detail)
