"""The shape of a table: what a registry refuses, the kernel refuses for the same reason."""

from collections.abc import Callable
from random import Random

import pytest

from tests.support.made_procedures import acts, drawn, guests, handlers, persons_of_both, samples, times
from tests.support.procedure_cases import SPOILED_ACTS, SPOILED_GUESTS, SPOILED_SAMPLES
from tiezheng.errors import Refused
from tiezheng.procedures import Procedure, load_procedures, read_table

TABLES = [
    one.table_bytes for one in (*load_procedures(), guests(), handlers(), persons_of_both(), times(), acts(), samples())
]


def code_of(table: bytes) -> str | None:
    try:
        read_table(table)
    except Refused as refusal:
        return refusal.code
    return None


@pytest.mark.parametrize("table", TABLES)
def test_what_is_read_writes_the_same_bytes(table: bytes) -> None:
    assert table[:36] + b"".join(entry.to_bytes() for entry in read_table(table)) == table


@pytest.mark.parametrize(
    ("procedure", "spoil", "code"),
    [
        pytest.param(procedure, spoil, code, id=name)
        for procedure, faults in ((guests(), SPOILED_GUESTS), (samples(), SPOILED_SAMPLES), (acts(), SPOILED_ACTS))
        for name, spoil, code in faults
    ],
)
def test_each_rule_of_the_shape_has_its_reason(
    procedure: Procedure, spoil: Callable[[bytearray], None], code: str
) -> None:
    table = bytearray(procedure.table_bytes)
    assert code_of(bytes(table)) is None
    spoil(table)
    assert code_of(bytes(table)) == code


def test_a_drawn_table_with_a_changed_byte_is_read_as_it_stands_or_refused() -> None:
    rng = Random(7)
    for _ in range(400):
        table = bytearray(drawn(10, rng).table_bytes)
        table[rng.randrange(36, len(table))] = rng.randrange(256)
        if code_of(bytes(table)) is None:
            assert table[36:] == b"".join(entry.to_bytes() for entry in read_table(bytes(table)))
