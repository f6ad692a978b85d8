"""From a procedure to the bytes that a contract holds (spec/SPEC.md §8.2).

Guaranteed: the table has the shape that a registry asks for. Not guaranteed: that one holds it; its events name the
digests of its tables.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from tiezheng.errors import Malformed, Refused
from tiezheng.procedures.model import Kind, Slot
from tiezheng.procedures.table import MAX_CASE_TYPE, MAX_KINDS, TABLE_VERSION, Entry, EntrySlot, read_table

# Four bits in a kind's number; 14 and 15 would run into the ids of record and card schemas (§8.3).
MAX_DOMAIN: Final = 13


def table_bytes(domain: int, case_type: int, document_digest: bytes, kinds: Sequence[Kind]) -> bytes:
    """The table of these kinds. Raises Malformed `procedure.definition` with the step in `detail`."""
    if not 1 <= domain <= MAX_DOMAIN or not 1 <= case_type <= MAX_CASE_TYPE:
        raise Malformed("procedure.definition", detail="domain or case type out of range")
    if not 1 <= len(kinds) <= MAX_KINDS:
        raise Malformed("procedure.definition", expected=f"1 to {MAX_KINDS} kinds", got=len(kinds))
    bits = {kind.code: 1 << position for position, kind in enumerate(kinds)}
    if len(bits) != len(kinds):
        raise Malformed("procedure.definition", detail="a kind's code is repeated")
    head = bytes([TABLE_VERSION, domain, case_type, len(kinds)]) + document_digest
    table = head + b"".join(entry_of(kind, bits).to_bytes() for kind in kinds)
    try:
        read_table(table)
    except Refused as refusal:
        raise Malformed("procedure.definition", detail=f"{refusal.code}: {refusal.detail}") from None
    return table


def entry_of(kind: Kind, bits: Mapping[str, int]) -> Entry:
    """The entry of a kind, where `bits` has each kind's bit by its code."""
    return Entry(
        step=kind.step,
        flags=int(kind.flags),
        states=sum(1 << state for state in kind.from_states),
        to_state=kind.to_state,
        requires=sum(bits[code] for code in kind.requires),
        forbids=sum(bits[code] for code in kind.forbids),
        who=int(kind.who),
        effect=int(kind.effect),
        limit_hours=kind.limit_hours,
        slots=tuple(_slot(slot) for slot in kind.slots),
        targets=sum(bits[code] for code in kind.targets),
    )


def _slot(slot: Slot) -> EntrySlot:
    return EntrySlot(slot.role, slot.remember, slot.required, sum(1 << (position - 1) for position in slot.distinct))
