"""The procedures that come with this version, their tables and their page."""

import json
from pathlib import Path

import pytest

from tiezheng.digest import sm3
from tiezheng.errors import Malformed
from tiezheng.procedures import (
    DEADLINE_UNIT_LABELS,
    EFFECT_LABELS,
    FLAG_LABELS,
    LABELS,
    STATUS_LABELS,
    UNIT_LABELS,
    WHO_LABELS,
    Certainty,
    DeadlineUnit,
    Effect,
    Kind,
    KindFlag,
    Lane,
    Procedure,
    Role,
    Status,
    Unit,
    Who,
    load_procedures,
    parse_procedure,
    procedure_of,
)
from tiezheng.procedures.__main__ import main, render
from tiezheng.procedures.schema import RESERVED

FLAGS = dict(
    enumerate((
        "opens", "closes", "instrument", "names_counterparty", "batch", "may_be_late", "may_be_irregular", "pauses",
        "resumes", "passes_pause", "freezes", "thaws", "after_close", "after_end",
    ))
)  # fmt: skip
EFFECTS = (
    "none", "end", "correct", "supplement", "suspend", "lift", "revoke", "revoke_part", "basis", "hold", "transfer",
    "consume", "split", "child", "dispose",
)  # fmt: skip
PROCEDURES = load_procedures()
KINDS = [pytest.param(one, kind, id=kind.path) for one in PROCEDURES for kind in one.kinds]


def test_procedures_come_in_the_order_of_their_numbers() -> None:
    codes = [one.code for one in PROCEDURES]
    assert codes[:3] == ["notarization.deposit", "notarization.bulk_deposit", "notarization.matter"]
    numbers = [(one.domain, one.case_type) for one in PROCEDURES]
    assert numbers == sorted(set(numbers))
    assert procedure_of(1, 2) is PROCEDURES[1]
    assert procedure_of(9, 1) is None
    assert load_procedures() is PROCEDURES


@pytest.mark.parametrize("procedure", PROCEDURES, ids=lambda one: one.code)
def test_a_table_is_a_head_that_pins_the_document_and_one_entry_a_kind(procedure: Procedure) -> None:
    table = procedure.table_bytes
    assert table[:4] == bytes([1, procedure.domain, procedure.case_type, len(procedure.kinds)])
    assert table[4:36] == procedure.sha == sm3(procedure.canonical_bytes)
    assert len(table) == 36 + 64 * len(procedure.kinds)
    assert procedure.table_digest == sm3(table)


@pytest.mark.parametrize(("procedure", "kind"), KINDS)
def test_an_entry_says_what_the_kind_says(procedure: Procedure, kind: Kind) -> None:
    """Read back byte by byte from the offsets of §8.2, apart from the code that wrote it."""
    position = procedure.kinds.index(kind)
    entry = procedure.table_bytes[36 + 64 * position :][:64]
    document = json.loads(procedure.canonical_bytes)["kinds"][position]
    flags = int.from_bytes(entry[1:3], "big")
    named = {name for bit, name in FLAGS.items() if flags >> bit & 1}
    assert entry[0] == kind.step
    assert named - {"batch"} == set(document["flags"]) - {"whole_days"}
    assert ("batch" in named) == (document["lane"] == "batch")
    mask = int.from_bytes(entry[3:7], "big")
    assert tuple(state for state in range(32) if mask >> state & 1) == tuple(sorted(kind.from_states))
    assert entry[7] == kind.to_state
    codes = [one.code for one in procedure.kinds]
    for at, names in ((8, kind.requires), (12, kind.forbids), (44, kind.targets)):
        seen = int.from_bytes(entry[at : at + 4], "big")
        assert {code for bit, code in enumerate(codes) if seen >> bit & 1} == set(names)
    assert entry[16] == sum(1 << ["opener", "guest", "holder"].index(one) for one in document["who"])
    assert (entry[17], EFFECTS[entry[17]]) == (kind.effect, document["effect"])
    assert int.from_bytes(entry[18:20], "big") == kind.limit_hours
    for at, slot in enumerate(kind.slots):
        role, nibbles, distinct = entry[20 + 3 * at : 23 + 3 * at]
        assert (role, nibbles >> 4, nibbles & 15) == (slot.role, slot.remember, slot.required)
        assert tuple(bit + 1 for bit in range(8) if distinct >> bit & 1) == slot.distinct
    assert not any(entry[20 + 3 * len(kind.slots) : 44])
    assert entry[48] == len(kind.slots)
    assert not any(entry[49:])


@pytest.mark.parametrize(("procedure", "kind"), KINDS)
def test_every_kind_has_names_a_basis_and_the_reserved_fields_first(procedure: Procedure, kind: Kind) -> None:
    assert kind.zh
    assert kind.en
    assert kind.basis
    assert kind.schema.fields[: len(RESERVED)] == RESERVED
    assert kind.schema.id >> 16 == kind.number
    assert procedure.kind(kind.number) is kind
    assert procedure.kind(kind.number ^ 0x1000) is None


@pytest.mark.parametrize("procedure", PROCEDURES, ids=lambda one: one.code)
def test_continue_is_a_kind_of_the_registry_lane_with_the_reserved_fields_alone(procedure: Procedure) -> None:
    number = procedure.domain << 12 | procedure.case_type << 8 | 255
    kind = procedure.kind(number)
    if all(one.lane is Lane.BATCH for one in procedure.kinds):
        assert kind is None
        return
    assert kind is not None
    assert kind not in procedure.kinds
    assert (kind.schema.id, kind.schema.fields) == (number << 16 | 1, RESERVED)
    assert procedure.position(kind) == 255


def test_what_was_not_read_is_shown_as_to_be_confirmed() -> None:
    unsure = [basis for one in PROCEDURES for kind in one.kinds for basis in kind.basis if not basis.confirmed]
    assert {basis.certainty for basis in unsure} <= {Certainty.KNOWN, Certainty.UNSURE}
    assert render().count("依据待核 / basis to be confirmed）*") == len(unsure)


def test_the_page_for_people_is_up_to_date(tmp_path: Path) -> None:
    page = Path(__file__).parents[4] / "docs" / "procedures.md"
    assert main([str(page), "--check"]) == 0
    assert main([str(tmp_path / "docs" / "page.md")]) == 0
    (tmp_path / "stale.md").write_text("x", encoding="utf-8")
    assert main([str(tmp_path / "stale.md"), "--check"]) == 1


def test_everything_that_a_kind_can_say_has_a_name_in_both_languages() -> None:
    for labels, numbers in (
        (FLAG_LABELS, KindFlag),
        (EFFECT_LABELS, Effect),
        (WHO_LABELS, Who),
        (DEADLINE_UNIT_LABELS, DeadlineUnit),
        (STATUS_LABELS, Status),
        (UNIT_LABELS, Unit),
        (LABELS, Role),
    ):
        assert set(labels) == set(numbers)
        assert all(zh and en and zh != en for zh, en in labels.values())


@pytest.mark.parametrize(
    ("way", "value"), [(("zh",), ""), (("en",), {}), (("domain", "zh"), ""), (("domain", "en"), 7)], ids=str
)
def test_a_document_names_itself_and_its_domain_in_both_languages(way: tuple[str, ...], value: object) -> None:
    document = json.loads(PROCEDURES[0].canonical_bytes)
    inner = document
    for name in way[:-1]:
        inner = inner[name]
    inner[way[-1]] = value
    with pytest.raises(Malformed):
        parse_procedure(document)


def test_no_two_record_schemas_share_a_number_whatever_their_versions() -> None:
    document = json.loads(PROCEDURES[1].canonical_bytes)
    (schema,) = document["record_schemas"]
    document["record_schemas"].append({**schema, "code": "another", "version": schema["version"] + 1})
    with pytest.raises(Malformed, match=r"procedure\.definition"):
        parse_procedure(document)
