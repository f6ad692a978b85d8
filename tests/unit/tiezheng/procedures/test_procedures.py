"""The procedures that come with this version, their tables and their page."""

from pathlib import Path

import pytest

from tiezheng.digest import sm3
from tiezheng.procedures import Certainty, Kind, Lane, Procedure, load_procedures, procedure_of
from tiezheng.procedures.__main__ import main, render
from tiezheng.procedures.schema import RESERVED

PROCEDURES = load_procedures()
KINDS = [pytest.param(one, kind, id=kind.path) for one in PROCEDURES for kind in one.kinds]


def test_the_three_notarization_procedures_are_there() -> None:
    assert [one.code for one in PROCEDURES] == [
        "notarization.deposit",
        "notarization.bulk_deposit",
        "notarization.matter",
    ]
    assert procedure_of(1, 2) is PROCEDURES[1]
    assert procedure_of(9, 1) is None
    assert load_procedures() is PROCEDURES


@pytest.mark.parametrize("procedure", PROCEDURES, ids=lambda one: one.code)
def test_a_table_is_a_head_that_pins_the_document_and_one_entry_a_kind(procedure: Procedure) -> None:
    table = procedure.table_bytes
    assert table[:4] == bytes([1, procedure.domain, procedure.case_type, len(procedure.kinds)])
    assert table[4:36] == procedure.sha == sm3(procedure.canonical_bytes)
    assert len(table) == 36 + 32 * len(procedure.kinds)
    assert procedure.table_digest == sm3(table)


@pytest.mark.parametrize(("procedure", "kind"), KINDS)
def test_an_entry_says_what_the_kind_says(procedure: Procedure, kind: Kind) -> None:
    """Read back byte by byte from the offsets of §8.2, apart from the code that wrote it."""
    position = procedure.kinds.index(kind)
    entry = procedure.table_bytes[36 + 32 * position :][:32]
    flags = entry[1]
    assert entry[0] == kind.step
    assert (bool(flags & 1), bool(flags & 2), bool(flags & 4)) == (kind.opens, kind.closes, kind.instrument)
    assert (bool(flags & 8), bool(flags & 16)) == (kind.names_counterparty, kind.lane is Lane.BATCH)
    mask = int.from_bytes(entry[2:6], "big")
    assert tuple(state for state in range(32) if mask >> state & 1) == tuple(sorted(kind.from_states))
    assert entry[6] == kind.to_state
    codes = [one.code for one in procedure.kinds]
    for at, names in ((7, kind.requires), (11, kind.forbids)):
        seen = int.from_bytes(entry[at : at + 4], "big")
        assert {code for bit, code in enumerate(codes) if seen >> bit & 1} == set(names)
    assert entry[15] == kind.opener | kind.guest << 1
    assert (entry[16], entry[17]) == (0, len(kind.slots))
    for at, slot in enumerate(kind.slots):
        role, nibbles, distinct = entry[18 + 3 * at : 21 + 3 * at]
        assert (role, nibbles >> 4, nibbles & 15) == (slot.role, slot.remember, slot.required)
        assert tuple(bit + 1 for bit in range(8) if distinct >> bit & 1) == slot.distinct
    assert not any(entry[18 + 3 * len(kind.slots) : 30])
    assert int.from_bytes(entry[30:], "big") == kind.limit_hours


@pytest.mark.parametrize(("procedure", "kind"), KINDS)
def test_every_kind_has_names_a_basis_and_the_reserved_fields_first(procedure: Procedure, kind: Kind) -> None:
    assert kind.zh
    assert kind.en
    assert kind.basis
    assert kind.schema.fields[:3] == RESERVED
    assert kind.schema.id == kind.number << 16 | 1
    assert procedure.kind(kind.number) is kind
    assert procedure.kind(kind.number ^ 0x1000) is None


def test_what_was_not_read_is_shown_as_to_be_confirmed() -> None:
    unsure = [basis for one in PROCEDURES for kind in one.kinds for basis in kind.basis if not basis.confirmed]
    assert {basis.certainty for basis in unsure} == {Certainty.KNOWN, Certainty.UNSURE}
    assert render().count("依据待核 / basis to be confirmed）*") == len(unsure)


def test_the_page_for_people_is_up_to_date(tmp_path: Path) -> None:
    page = Path(__file__).parents[4] / "docs" / "procedures.md"
    assert main([str(page), "--check"]) == 0
    assert main([str(tmp_path / "docs" / "page.md")]) == 0
    (tmp_path / "stale.md").write_text("x", encoding="utf-8")
    assert main([str(tmp_path / "stale.md"), "--check"]) == 1
