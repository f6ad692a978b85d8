"""Contents: building, disclosing, checking; values that do not fit, and what errors may say."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import evidence as ev
from tiezheng.content import (
    ALL,
    Attachment,
    ContentType,
    build_content,
    build_record,
    build_records,
    check_content,
    check_disclosed,
    disclose,
    parse_disclosed_content,
    parse_private_json,
    to_private_json,
)
from tiezheng.digest import FileDigests
from tiezheng.errors import Malformed, TiezhengError, VerificationFailed
from tiezheng.procedures import FieldClass, FieldSpec, FieldType, JsonValue, Schema
from tiezheng.statement import Flag

DEPOSIT_KIND, BULK_KIND = ev.DEPOSIT.kinds[0], ev.BULK.kinds[0]


def spec(name: str, kind: FieldType, required: bool = False, **more: Any) -> FieldSpec:
    return FieldSpec(name, kind, required, FieldClass.WORK, name, name, **more)


def one_field(kind: FieldType, value: JsonValue) -> None:
    schema = Schema(0xFFFF_0009, (spec("secret_field", kind),))
    build_content(ContentType.CARD, schema, {"secret_field": value}, draw_salt=ev.salts("x"))


def test_every_schema_field_is_a_leaf_even_where_it_has_no_value() -> None:
    content = ev.deposit_content()
    assert [leaf.name for leaf in content.fields] == list(DEPOSIT_KIND.schema.names)
    assert content.values()["note"] is None
    assert len(content) == len(DEPOSIT_KIND.schema.names) + 2


@given(st.data())
@settings(max_examples=40)
def test_any_disclosed_subset_checks_and_shows_no_more(data: st.DataObject) -> None:
    content = ev.bulk_content()
    names = data.draw(st.sets(st.sampled_from(BULK_KIND.schema.names)))
    files = data.draw(st.sets(st.just(0)))
    records = data.draw(st.sets(st.integers(0, 4)))
    record_names = data.draw(st.sets(st.sampled_from(content.records[0].names), min_size=1))
    if not names and not files and not records:
        return
    part = disclose(content, names, files, records, record_names)
    assert parse_disclosed_content(part.to_bytes()) == part
    values = check_disclosed(part, content.root, BULK_KIND.schema, BULK_KIND.record_schemas)
    shown = {value.name for value in values if value.record is None and value.attachment is None}
    assert shown == names | ({"records"} if records else set())
    assert {(value.record, value.name) for value in values if value.record is not None} == {
        (index, name) for index in records for name in record_names
    }
    for leaf in content.fields:
        if leaf.name not in shown:
            assert leaf.salt.hex() not in part.to_bytes().decode()


@given(st.integers(0, 10**6), st.integers(1, 255))
@settings(max_examples=150)
def test_any_changed_byte_of_a_disclosure_is_refused(at: int, mask: int) -> None:
    content = ev.bulk_content()
    data = disclose(content, ALL, ALL, [2], ALL).to_bytes()
    changed = ev.flip(data, at % len(data), mask)
    with pytest.raises(TiezhengError):
        check_disclosed(parse_disclosed_content(changed), content.root, BULK_KIND.schema, BULK_KIND.record_schemas)


def test_without_a_schema_leaves_still_have_to_prove_into_the_root() -> None:
    content = ev.bulk_content()
    part = disclose(content, ["title"], ALL, [0], ["title"])
    assert [value.value for value in check_disclosed(part, content.root)][1] == "作品一批"
    with pytest.raises(VerificationFailed, match=r"content\.root_mismatch"):
        check_disclosed(part, bytes(32))


def test_a_record_of_a_schema_that_the_kind_does_not_list_is_refused() -> None:
    content = ev.bulk_content()
    with pytest.raises(VerificationFailed, match=r"content\.records"):
        check_disclosed(disclose(content, (), (), [0]), content.root, BULK_KIND.schema)


@pytest.mark.parametrize("content", [ev.deposit_content(), ev.bulk_content(), ev.office_card()])
def test_the_owners_form_gives_the_same_content_back(content: Any) -> None:
    data = to_private_json(content)
    assert parse_private_json(data) == content
    assert to_private_json(parse_private_json(data)) == data
    with pytest.raises(Malformed):
        parse_private_json(data.replace(b'"format"', b'"formats"'))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (FieldType.TEXT, 1),
        (FieldType.TEXT, "x" * 65_537),
        (FieldType.INTEGER, True),
        (FieldType.INTEGER, "1"),
        (FieldType.INTEGER, 1 << 53),
        (FieldType.DECIMAL, 1),
        (FieldType.DECIMAL, "01"),
        (FieldType.DECIMAL, "-0"),
        (FieldType.DECIMAL, "-0.00"),
        (FieldType.DECIMAL, "1."),
        (FieldType.DECIMAL, "1e3"),
        (FieldType.DATE, "2026-02-29"),
        (FieldType.DATE, "20260228"),
        (FieldType.TIME, "2026-11-01T02:03:04"),
        (FieldType.TIME, "2026-11-01T25:03:04Z"),
        (FieldType.TIME, "2026-11-01T02:03:04+08:00"),
        (FieldType.DIGEST, "AB" * 32),
        (FieldType.DIGEST, "ab" * 31),
        (FieldType.BOOLEAN, 1),
        (FieldType.LIST, "x"),
        (FieldType.OBJECT, []),
    ],
)
def test_a_value_of_the_wrong_form_is_refused_by_the_fields_name_alone(kind: FieldType, value: JsonValue) -> None:
    with pytest.raises(Malformed) as caught:
        one_field(kind, value)
    assert caught.value.code == "content.field_value"
    assert caught.value.detail == "secret_field"
    if isinstance(value, str) and value != "x":
        assert value not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (FieldType.TEXT, ""),
        (FieldType.INTEGER, -5),
        (FieldType.DECIMAL, "-12.50"),
        (FieldType.DECIMAL, "0"),
        (FieldType.DATE, "2024-02-29"),
        (FieldType.TIME, "2026-11-01T02:03:04.123456789Z"),
        (FieldType.DIGEST, "ab" * 32),
        (FieldType.BOOLEAN, False),
        (FieldType.LIST, [1, "x"]),
        (FieldType.OBJECT, {"a": 1}),
        (FieldType.OBJECT, None),
    ],
)
def test_a_value_of_the_right_form_is_taken(kind: FieldType, value: JsonValue) -> None:
    one_field(kind, value)


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"title": None}, "content.missing", "title"),
        ({"given_by": "theft"}, "content.field_value", "given_by"),
        ({"colour": "red"}, "content.unknown_field", "colour"),
        ({"signers": []}, "content.field_value", "signers"),
        ({"signers": [[2, 0], [1, 0]]}, "content.field_value", "signers"),
        ({"basis": []}, "content.field_value", "basis"),
        ({"basis": ["ab"]}, "content.field_value", "basis"),
        ({"records": {"count": 1, "schema": 5}}, "content.records", "records"),
        ({"records": {"count": 1}}, "content.field_value", "records"),
    ],
)
def test_values_that_do_not_fit_the_schema_are_refused(change: Mapping[str, Any], code: str, field: str) -> None:
    values = {**ev.deposit_content().values(), **change}
    with pytest.raises(Malformed) as caught:
        build_content(ContentType.STATEMENT, DEPOSIT_KIND.schema, values, draw_salt=ev.salts("x"))
    assert (caught.value.code, caught.value.detail) == (code, field)


def test_a_refused_value_is_told_what_the_field_takes() -> None:
    def told(change: Mapping[str, Any]) -> object:
        values = {**ev.deposit_content().values(), **change}
        with pytest.raises(Malformed) as caught:
            build_content(ContentType.STATEMENT, DEPOSIT_KIND.schema, values, draw_salt=ev.salts("x"))
        return caught.value.expected

    assert told({"given_by": "theft"}) == ", ".join(DEPOSIT_KIND.schema.spec("given_by").choices)
    assert told({"title": "x" * 100_000}) == "text, at most 65536 characters"


def test_a_salt_of_another_length_is_refused() -> None:
    with pytest.raises(Malformed, match=r"content\.salt_length"):
        build_content(ContentType.CARD, Schema(1, (spec("a", FieldType.TEXT),)), {}, draw_salt=lambda: b"short")


@pytest.mark.parametrize(
    ("name", "media_type"), [("", "a/b"), ("x" * 256, "a/b"), ("a\nb", "a/b"), ("e\u0301", "a/b"), ("x", "PDF")]
)
def test_an_attachment_with_a_malformed_name_or_type_is_refused(name: str, media_type: str) -> None:
    with pytest.raises(Malformed, match=r"content\.attachment"):
        Attachment(name, media_type, FileDigests(1, bytes(32), bytes(32)), bytes(16))


def test_a_bad_record_is_named_by_its_index() -> None:
    schema = ev.BULK.record_schemas[0].schema
    with pytest.raises(Malformed) as caught:
        build_records(schema, [ev.work(0), {**ev.work(1), "created_on": "2026-13-01"}], ev.salts("x"))
    assert (caught.value.got, caught.value.detail) == ("record 1", "created_on")


def test_a_thousand_records_are_built_in_well_under_a_second() -> None:
    schema = ev.BULK.record_schemas[0].schema
    rows = [ev.work(index) for index in range(1000)]
    salt = bytes(16)
    started = time.process_time()
    records = build_records(schema, rows, lambda: salt)
    assert time.process_time() - started < 1
    assert len({record.root for record in records}) == 1000


def test_a_record_holds_two_byte_strings_and_its_root() -> None:
    schema = ev.BULK.record_schemas[0].schema
    record = build_record(schema, ev.work(3), ev.salts("x"))
    assert record.names is schema.names
    again = type(record)(record.schema_id, record.names, record.salts, record.values)
    assert again == record
    assert again.root == record.root


def test_a_submitted_content_has_to_belong_to_its_statement() -> None:
    content, plan = ev.bulk_content(), [[ev.OFFICE, 0]]
    check_content(content, ev.bulk_statement(), BULK_KIND, plan)
    small = Schema(BULK_KIND.schema.id, BULK_KIND.schema.fields[:5])
    values = {name: value for name, value in content.values().items() if name in small.names}
    other = build_content(ContentType.STATEMENT, small, values, (), content.records, draw_salt=ev.salts("x"))
    card = build_content(ContentType.CARD, Schema(1, (spec("a", FieldType.TEXT),)), {"a": "b"}, draw_salt=ev.salts("x"))
    cases = [
        (content, ev.statement(), BULK_KIND, plan, "content.root_mismatch"),
        (card, ev.statement(content=card.root), BULK_KIND, plan, "content.type"),
        (content, ev.statement(content=content.root), DEPOSIT_KIND, plan, "content.schema"),
        (other, ev.statement(content=other.root), BULK_KIND, plan, "content.schema"),
        (content, ev.bulk_statement(), BULK_KIND, [[ev.NOTARY, 0x41]], "content.signers_mismatch"),
        (content, ev.bulk_statement(), replace(BULK_KIND, record_schemas={}), plan, "content.records"),
    ]
    for given_content, statement, kind, given_plan, code in cases:
        with pytest.raises(VerificationFailed) as caught:
            check_content(given_content, statement, kind, given_plan)
        assert caught.value.code == code


@pytest.mark.parametrize("flags", [Flag.LATE, Flag.IRREGULAR, Flag.LATE | Flag.IRREGULAR])
def test_a_late_or_irregular_statement_says_why_and_no_other_does(flags: Flag) -> None:
    reasons = {"flag_reason": "补录 filled in from the paper record"}
    plain, reasoned = (
        build_content(
            ContentType.STATEMENT,
            DEPOSIT_KIND.schema,
            {**ev.deposit_content().values(), **more},
            draw_salt=ev.salts("reason"),
        )
        for more in ({}, reasons)
    )
    plan = [[ev.OFFICE, 0]]
    check_content(reasoned, ev.statement(content=reasoned.root, flags=flags), DEPOSIT_KIND, plan)
    check_content(plain, ev.statement(content=plain.root), DEPOSIT_KIND, plan)
    for content, shown in ((plain, flags), (reasoned, Flag(0))):
        with pytest.raises(VerificationFailed, match=r"content\.flag_reason"):
            check_content(content, ev.statement(content=content.root, flags=shown), DEPOSIT_KIND, plan)
