"""From a procedure to the bytes that a contract holds (spec/SPEC.md §8.2).

Guaranteed: the table keeps the rules that `CaseRegistry` checks when it is deployed. Not guaranteed: that a contract
holds it; its list of table digests says so.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Final

from tiezheng.errors import Malformed
from tiezheng.procedures.model import KEEP, Kind, Lane, Slot
from tiezheng.procedures.roles import RESERVED_ROLE

TABLE_VERSION: Final = 1
# As many as the mask of kinds seen has bits.
MAX_KINDS: Final = 32
MAX_STATE: Final = 31
MAX_SLOTS: Final = 4
MAX_HANDLERS: Final = 8
# Four bits in a kind's number; 14 and 15 would run into the ids of record and card schemas (§8.3).
MAX_DOMAIN: Final = 13
MAX_CASE_TYPE: Final = 15

_OPENS, _CLOSES, _INSTRUMENT, _NAMES, _BATCH = 1, 2, 4, 8, 16
_OPENER, _GUEST = 1, 2
_ENTRY: Final = struct.Struct(">BBIBIIBBB12sH")


def table_bytes(domain: int, case_type: int, document_digest: bytes, kinds: Sequence[Kind]) -> bytes:
    """The table of these kinds. Raises Malformed `procedure.definition` with the kind's code in `detail`."""
    if not 1 <= domain <= MAX_DOMAIN or not 1 <= case_type <= MAX_CASE_TYPE:
        raise Malformed("procedure.definition", detail="domain or case type out of range")
    if not 1 <= len(kinds) <= MAX_KINDS:
        raise Malformed("procedure.definition", expected=f"1 to {MAX_KINDS} kinds", got=len(kinds))
    steps = [kind.step for kind in kinds]
    if steps != sorted(set(steps)) or not 1 <= steps[0] <= steps[-1] <= 255:
        raise Malformed("procedure.definition", detail="steps must ascend from 1 to 255")
    bits = {kind.code: 1 << position for position, kind in enumerate(kinds)}
    if len(bits) != len(kinds):
        raise Malformed("procedure.definition", detail="a kind's code is repeated")
    head = bytes([TABLE_VERSION, domain, case_type, len(kinds)]) + document_digest
    return head + b"".join(_entry(kind, bits) for kind in kinds)


def _entry(kind: Kind, bits: Mapping[str, int]) -> bytes:
    needs = sum(bits[code] for code in kind.requires)
    bars = sum(bits[code] for code in kind.forbids)
    _check(kind, needs, bars)
    flags = (
        kind.opens * _OPENS
        | kind.closes * _CLOSES
        | kind.instrument * _INSTRUMENT
        | kind.names_counterparty * _NAMES
        | (kind.lane is Lane.BATCH) * _BATCH
    )
    slots = b"".join(_slot(slot) for slot in kind.slots)
    return _ENTRY.pack(
        kind.step,
        flags,
        sum(1 << state for state in kind.from_states),
        kind.to_state,
        needs,
        bars,
        kind.opener * _OPENER | kind.guest * _GUEST,
        0,
        len(kind.slots),
        slots.ljust(3 * MAX_SLOTS, b"\x00"),
        kind.limit_hours,
    )


def _slot(slot: Slot) -> bytes:
    mask = sum(1 << (position - 1) for position in slot.distinct)
    return bytes([slot.role, slot.remember << 4 | slot.required, mask])


def _check(kind: Kind, needs: int, bars: int) -> None:
    remembered = [slot.remember for slot in kind.slots if slot.remember]
    rules = (
        (kind.opens == (not kind.from_states), "only an opening kind has no state to come from"),
        (kind.to_state <= MAX_STATE or (kind.to_state == KEEP and not kind.opens), "state to go to"),
        (not needs & bars, "a kind is both required and forbidden"),
        (not (kind.opens and needs | bars), "an opening kind requires or forbids a kind"),
        (kind.opener or (kind.guest and not kind.opens), "who may record it"),
        (not (kind.opens and kind.guest), "a guest cannot open"),
        (kind.lane is Lane.REGISTRY or (kind.opens and kind.closes), "a kind of the batch lane opens and closes"),
        (1 <= len(kind.slots) <= MAX_SLOTS, "1 to 4 slots"),
        (any(not slot.is_counterparty for slot in kind.slots), "no slot of the institution's side"),
        (len(set(remembered)) == len(remembered), "a handler position is remembered twice"),
        (all(slot.role != RESERVED_ROLE for slot in kind.slots), "reserved role"),
        (kind.names_counterparty or not any(slot.is_counterparty for slot in kind.slots), "slot of a counterparty"),
        (not (kind.opens and any(slot.distinct for slot in kind.slots)), "distinct from handlers of an empty case"),
    )
    for holds, what in rules:
        if not holds:
            raise Malformed("procedure.definition", detail=f"{kind.code}: {what}")
