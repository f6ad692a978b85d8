"""Terms: the 32 bytes of a statement that the registry itself reads, by the effect of its kind (spec/SPEC.md §8.2).

Guaranteed: what is built here reads back as the same value. Not guaranteed: that target, basis, split or holder exist;
`tiezheng.procedures.check_step` asks the records.
"""

from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Final

from tiezheng.digest import DIGEST_SIZE
from tiezheng.errors import Malformed
from tiezheng.procedures.model import Effect
from tiezheng.statement import ZERO, is_institution

_END_SIZE: Final = 6
_HOLDING_SIZE: Final = 14


class Unit(IntEnum):
    """Units of quantities that have a meaning; other numbers up to 65535 are free."""

    ITEM = 1
    MILLIGRAM = 2
    GRAM = 3
    MICROLITRE = 4
    MILLILITRE = 5
    MILLIMETRE = 6
    SQUARE_CENTIMETRE = 7
    BYTE = 8
    SHEET = 9


UNIT_LABELS: Final = MappingProxyType(
    {
        Unit.ITEM: ("件", "item"),
        Unit.MILLIGRAM: ("毫克", "mg"),
        Unit.GRAM: ("克", "g"),
        Unit.MICROLITRE: ("微升", "µL"),
        Unit.MILLILITRE: ("毫升", "mL"),
        Unit.MILLIMETRE: ("毫米", "mm"),
        Unit.SQUARE_CENTIMETRE: ("平方厘米", "cm²"),
        Unit.BYTE: ("字节", "byte"),
        Unit.SHEET: ("页", "sheet"),
    }
)


@dataclass(frozen=True, slots=True)
class Holding:
    """How much of a sample is meant, in which unit (u16), and who holds it (an institution's number)."""

    quantity: int
    unit: int
    holder: int


def end_terms(end: int) -> bytes:
    """Terms of effect `end`; ms since 1970 UTC, not 0. Raises Malformed `statement.terms_layout`."""
    if not 0 < end < 1 << 48:
        raise Malformed("statement.terms_layout", expected="an end time of 48 bits, not 0", got=end)
    return end.to_bytes(_END_SIZE, "big").ljust(DIGEST_SIZE, b"\x00")


def digest_terms(digest: bytes) -> bytes:
    """Terms that name a target, a basis or a split by its digest. Raises Malformed `statement.terms_layout`."""
    if len(digest) != DIGEST_SIZE or digest == ZERO:
        raise Malformed("statement.terms_layout", expected="a digest of 32 bytes, not zero", got=digest)
    return digest


def holding_terms(holding: Holding) -> bytes:
    """Terms of effects `hold`, `transfer`, `consume`, `split`. Raises Malformed `statement.terms_layout`."""
    if not 0 < holding.quantity < 1 << 64 or not 0 < holding.unit < 1 << 16 or not is_institution(holding.holder):
        raise Malformed("statement.terms_layout", expected="quantity u64, unit u16, holder: none zero")
    head = holding.quantity.to_bytes(8, "big") + holding.unit.to_bytes(2, "big") + holding.holder.to_bytes(4, "big")
    return head.ljust(DIGEST_SIZE, b"\x00")


def read_end(terms: bytes) -> int | None:
    """The end time; None where the bytes are not laid out so."""
    end = int.from_bytes(terms[:_END_SIZE], "big")
    return end if end and not any(terms[_END_SIZE:]) else None


def read_holding(terms: bytes) -> Holding | None:
    """The holding; None where the bytes are not laid out so."""
    holding = Holding(*(int.from_bytes(terms[start:end], "big") for start, end in ((0, 8), (8, 10), (10, 14))))
    whole = holding.quantity and holding.unit and is_institution(holding.holder) and not any(terms[_HOLDING_SIZE:])
    return holding if whole else None


def read_terms(effect: Effect, terms: bytes) -> int | bytes | Holding | None:
    """What the terms say under this effect: end time, digest or holding; None where the effect has zero terms.

    Raises Malformed `statement.terms` where they should be zero, `statement.terms_layout` where they do not fit.
    """
    if effect in (Effect.NONE, Effect.DISPOSE):
        if terms != ZERO:
            raise Malformed("statement.terms", expected="zero", got=terms)
        return None
    read: int | bytes | Holding | None = terms
    if effect is Effect.END:
        read = read_end(terms)
    elif effect is Effect.HOLD or effect.moves:
        read = read_holding(terms)
    if read is None:
        raise Malformed("statement.terms_layout", expected=effect.name.lower(), got=terms)
    return read
