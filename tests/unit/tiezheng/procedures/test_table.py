"""The shape of a table: what a registry refuses, the kernel refuses for the same reason."""

from collections.abc import Callable
from random import Random

import pytest

from tests.support.made_procedures import acts, drawn, guests, handlers, persons_of_both, samples, times
from tiezheng.errors import Refused
from tiezheng.procedures import load_procedures, read_table

TABLES = [
    one.table_bytes for one in (*load_procedures(), guests(), handlers(), persons_of_both(), times(), acts(), samples())
]
STEP, FLAGS, FROM, TO, REQUIRES, FORBIDS, WHO, EFFECT, SLOTS, TARGETS, COUNT, REST = (
    0,
    1,
    3,
    7,
    8,
    12,
    16,
    17,
    20,
    44,
    48,
    49,
)
OPENS, CLOSES, INSTRUMENT, NAMES, BATCH, LATE, IRREGULAR = (1 << bit for bit in range(7))


def code_of(table: bytes) -> str | None:
    try:
        read_table(table)
    except Refused as refusal:
        return refusal.code
    return None


@pytest.mark.parametrize("table", TABLES)
def test_what_is_read_writes_the_same_bytes(table: bytes) -> None:
    assert table[:36] + b"".join(entry.to_bytes() for entry in read_table(table)) == table


def put(entry: int, at: int, value: int, size: int = 1) -> Callable[[bytearray], None]:
    start = 36 + 64 * entry + at
    return lambda table: table.__setitem__(slice(start, start + size), value.to_bytes(size, "big"))


def head(at: int, value: int) -> Callable[[bytearray], None]:
    return lambda table: table.__setitem__(at, value)


GUEST_CASES: list[tuple[Callable[[bytearray], None], str]] = [
    (head(0, 2), "table.version"),
    (head(1, 0), "table.domain"),
    (head(1, 16), "table.domain"),
    (head(2, 0), "table.case_type"),
    (head(2, 16), "table.case_type"),
    (head(3, 0), "table.kind_count"),
    (head(3, 33), "table.kind_count"),
    (head(3, 9), "table.length"),
    (lambda table: table.append(0), "table.length"),
    (lambda table: table.__delitem__(slice(20, None)), "table.length"),
    (put(0, STEP, 0), "table.step_order"),
    (put(1, STEP, 1), "table.step_order"),
    (put(9, STEP, 255), "table.step_order"),
    (put(1, FLAGS, 1 << 14, 2), "table.flags"),
    (put(1, FLAGS, 1 << 15, 2), "table.flags"),
    (put(1, FLAGS, NAMES | 1 << 7 | 1 << 8, 2), "table.flags"),
    (put(1, FLAGS, NAMES | 1 << 10 | 1 << 11, 2), "table.flags"),
    (put(1, FLAGS, INSTRUMENT | IRREGULAR, 2), "table.flags"),
    (put(2, FLAGS, INSTRUMENT | LATE, 2), "table.flags"),
    *((put(2, FLAGS, LATE | flag, 2), "table.flags") for flag in (CLOSES, NAMES, 1 << 7, 1 << 8, 1 << 10, 1 << 11)),
    (put(6, FLAGS, OPENS | BATCH, 2), "table.flags"),
    (put(6, FLAGS, OPENS | CLOSES | BATCH | IRREGULAR, 2), "table.flags"),
    (put(1, REST, 1), "table.flags"),
    (put(1, REST + 14, 1), "table.flags"),
    (put(0, FROM, 1, 4), "table.states"),
    (put(1, FROM, 0, 4), "table.states"),
    (put(1, TO, 32), "table.states"),
    (put(0, TO, 255), "table.states"),
    (put(1, REQUIRES, 1 << 10, 4), "table.masks"),
    (put(1, FORBIDS, 1 << 31, 4), "table.masks"),
    (put(1, REQUIRES, 1 << 5, 4), "table.masks"),
    (put(0, REQUIRES, 2, 4), "table.masks"),
    (put(0, FORBIDS, 2, 4), "table.masks"),
    (put(1, WHO, 0), "table.who"),
    (put(1, WHO, 8), "table.who"),
    (put(0, WHO, 3), "table.who"),
    (put(0, WHO, 2), "table.who"),
    (put(1, EFFECT, 15), "table.effect"),
    (put(6, EFFECT, 1), "table.effect"),
    (put(1, EFFECT, 9), "table.effect"),
    (put(1, EFFECT, 13), "table.effect"),
    (put(0, EFFECT, 14), "table.effect"),
    (put(1, EFFECT, 14), "table.effect"),
    (put(1, EFFECT, 11), "table.who"),
    (put(1, EFFECT, 2), "table.targets"),
    (put(1, TARGETS, 1, 4), "table.targets"),
    (put(1, COUNT, 0), "table.slot_count"),
    (put(1, COUNT, 9), "table.slot_count"),
    (put(1, SLOTS + 3, 1), "table.slot"),
    (put(1, SLOTS + 23, 1), "table.slot"),
    (put(1, SLOTS, 0xFF), "table.slot"),
    (put(1, SLOTS, 0x01), "table.slot"),
    (put(3, SLOTS + 3, 0x81), "table.slot"),
    (put(1, SLOTS + 1, 9 << 4), "table.slot"),
    (put(2, SLOTS, 0x80), "table.sides"),
    (put(1, SLOTS, 0x80), "table.sides"),
    (put(6, SLOTS, 0x41), "table.sides"),
    (put(0, SLOTS + 2, 1), "table.handlers"),
    (put(3, SLOTS, 0x00_10_00_80_10_00, 6), "table.handlers"),
]


@pytest.mark.parametrize(("spoil", "code"), GUEST_CASES)
def test_each_rule_of_the_shape_has_its_reason(spoil: Callable[[bytearray], None], code: str) -> None:
    table = bytearray(guests().table_bytes)
    assert code_of(bytes(table)) is None
    spoil(table)
    assert code_of(bytes(table)) == code


@pytest.mark.parametrize(
    ("entry", "at", "value", "size", "code"),
    [
        (2, FLAGS, 0, 2, "table.states"),
        (3, WHO, 7, 1, "table.who"),
        (3, SLOTS + 3, 0x41, 1, "table.effect"),
        (4, WHO, 6, 1, "table.who"),
        (12, FLAGS, 0, 2, "table.effect"),
        (12, TARGETS, 1, 4, "table.targets"),
    ],
)
def test_samples_are_for_their_holders(entry: int, at: int, value: int, size: int, code: str) -> None:
    table = bytearray(samples().table_bytes)
    put(entry, at, value, size)(table)
    assert code_of(bytes(table)) == code


def test_a_target_is_a_kind_of_the_table() -> None:
    table = bytearray(acts().table_bytes)
    put(3, TARGETS, 1 << 12, 4)(table)
    assert code_of(bytes(table)) == "table.targets"
    put(3, TARGETS, 1 << 11, 4)(table)
    assert code_of(bytes(table)) is None


def test_a_drawn_table_with_a_changed_byte_is_read_as_it_stands_or_refused() -> None:
    rng = Random(7)
    for _ in range(400):
        table = bytearray(drawn(10, rng).table_bytes)
        table[rng.randrange(36, len(table))] = rng.randrange(256)
        if code_of(bytes(table)) is None:
            assert table[36:] == b"".join(entry.to_bytes() for entry in read_table(bytes(table)))
