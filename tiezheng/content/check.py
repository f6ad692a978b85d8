"""Checking a disclosed content against its root (spec/SPEC.md §4.2, §4.4, §12 step 4).

Guaranteed: every value returned was committed by the root, and stands where the schema says. Not guaranteed: names and
places where no schema is given. Errors name the leaf and never show a value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from tiezheng.content.build import Content
from tiezheng.content.disclosure import DisclosedContent, DisclosedLeaf
from tiezheng.content.leaves import Attachment, ContentType, Field, record_leaf, wrap_root
from tiezheng.errors import Malformed, VerificationFailed
from tiezheng.merkle import root_from_path
from tiezheng.procedures import Kind
from tiezheng.procedures.schema import FLAG_REASON, RECORDS, SIGNERS, FieldSpec, JsonValue, Schema, check_value
from tiezheng.statement import Flag, Statement

_NO_SCHEMAS: Final[Mapping[int, Schema]] = MappingProxyType({})


def check_content(content: Content, statement: Statement, kind: Kind, plan: Sequence[Sequence[int]]) -> None:
    """A whole content, as its owner submits it, against the statement, the kind's schema and the plan of signers.

    `plan` is [[signer, role], …] in signature order (`tiezheng.statement.plan_of`). Raises VerificationFailed
    `content.root_mismatch`, `content.type`, `content.schema`, `content.signers_mismatch`, `content.flag_reason`,
    `content.records`, and `content.missing`, `content.field_value` with the field's name (and the record's index) in
    `detail`.
    """
    if content.root != statement.content:
        raise VerificationFailed("content.root_mismatch", expected=statement.content, got=content.root)
    if content.type is not ContentType.STATEMENT:
        raise VerificationFailed("content.type", expected=int(ContentType.STATEMENT), got=int(content.type))
    if content.schema_id != kind.schema.id:
        raise VerificationFailed("content.schema", expected=kind.schema.id, got=content.schema_id)
    _check_fields(kind.schema, content.fields, "")
    if content.get(SIGNERS).value != [list(place) for place in plan]:
        raise VerificationFailed("content.signers_mismatch", detail=SIGNERS)
    check_flag_reason(statement, content.get(FLAG_REASON).value)
    for at, record in enumerate(content.records):
        schema = kind.record_schemas.get(record.schema_id)
        if schema is None:
            raise VerificationFailed("content.records", got=record.schema_id, detail=RECORDS)
        if record.names != schema.names:
            raise VerificationFailed(
                "content.schema", expected=len(schema.names), got=len(record.names), detail=f"records[{at}]."
            )
        _check_values(schema, record.values_list(), f"records[{at}].")


def check_flag_reason(statement: Statement, reason: JsonValue) -> None:
    """That a statement says why it is late or irregular, and no other does (§4.3).

    Raises VerificationFailed `content.flag_reason`.
    """
    flagged = bool(statement.flags & (Flag.LATE | Flag.IRREGULAR))
    if flagged == (reason is None):
        raise VerificationFailed("content.flag_reason", expected="text" if flagged else "null", detail=FLAG_REASON)


def _check_fields(schema: Schema, fields: Sequence[Field], where: str) -> None:
    if tuple(leaf.name for leaf in fields) != schema.names:
        raise VerificationFailed("content.schema", expected=len(schema.names), got=len(fields), detail=where or None)
    _check_values(schema, [leaf.value for leaf in fields], where)


def _check_values(schema: Schema, values: Sequence[JsonValue], where: str) -> None:
    for spec, value in zip(schema.fields, values, strict=True):
        try:
            check_value(spec, value)
        except Malformed as error:
            raise VerificationFailed(error.code, expected=error.expected, detail=where + spec.name) from None


@dataclass(frozen=True, slots=True)
class DisclosedValue:
    """One checked field or attachment.

    `place` is for people (`title`, `attachments[0]`, `records[3].title`); `record` is the record's index or None;
    `spec` is the schema's field, None for attachments and without a schema; an attachment's value has its members.
    """

    place: str
    name: str
    value: JsonValue
    record: int | None = None
    spec: FieldSpec | None = None
    attachment: Attachment | None = None


def check_disclosed(
    disclosed: DisclosedContent,
    expected_root: bytes,
    schema: Schema | None = None,
    record_schemas: Mapping[int, Schema] = _NO_SCHEMAS,
) -> list[DisclosedValue]:
    """All disclosed values, in leaf order.

    `schema` is the one that the statement's kind (or card) has; `record_schemas` those that its records may have, by
    id. Raises VerificationFailed `content.*`, `merkle.*` with the leaf's place in `detail`.
    """
    try:
        return _check(disclosed, expected_root, schema, record_schemas)
    except Malformed as error:
        raise VerificationFailed(error.code, expected=error.expected, got=error.got, detail=error.detail) from None


def _check(
    disclosed: DisclosedContent, root: bytes, schema: Schema | None, record_schemas: Mapping[int, Schema]
) -> list[DisclosedValue]:
    # 1. The schema is the one that the root binds (§4.2).
    if schema is not None and (disclosed.schema_id != schema.id or disclosed.count < len(schema.fields)):
        raise VerificationFailed("content.schema", expected=schema.id, got=disclosed.schema_id)
    # 2. The field `records` says where records stand (§4.4).
    first_record, record_schema_id = _record_range(disclosed)
    # 3. Each leaf proves into the root, and stands where it may.
    values: list[DisclosedValue] = []
    for item in disclosed.leaves:
        place = _place(item, schema, first_record)
        if isinstance(item.leaf, DisclosedContent):
            record = item.index - first_record
            parts, record_root = _check_record(item.leaf, record, record_schema_id, schema is not None, record_schemas)
            _prove(disclosed, item, record_leaf(record, record_root), root, place)
            values += parts
            continue
        _prove(disclosed, item, item.leaf.leaf_hash(), root, place)
        if isinstance(item.leaf, Attachment):
            values.append(_attachment_value(item.leaf, place))
        else:
            values.append(_field_value(item.index, item.leaf, place, schema, None))
    return values


def _record_range(disclosed: DisclosedContent) -> tuple[int, int]:
    """Index of the first record leaf and the records' schema id; the count and zero where there are none."""
    declared = disclosed.get(RECORDS)
    has_records = any(isinstance(item.leaf, DisclosedContent) for item in disclosed.leaves)
    if declared is None or declared.value is None:
        if has_records:
            raise VerificationFailed("content.records", detail=RECORDS)
        return disclosed.count, 0
    value = declared.value
    count = value.get("count") if isinstance(value, Mapping) else None
    schema_id = value.get("schema") if isinstance(value, Mapping) else None
    if not isinstance(count, int) or not isinstance(schema_id, int) or not 1 <= count < disclosed.count:
        raise VerificationFailed("content.records", detail=RECORDS)
    return disclosed.count - count, schema_id


def _place(item: DisclosedLeaf, schema: Schema | None, first_record: int) -> str:
    known = 0 if schema is None else len(schema.fields)
    if isinstance(item.leaf, Field):
        if schema is not None and (item.index >= known or schema.names[item.index] != item.leaf.name):
            raise VerificationFailed("content.leaf_place", got=item.index, detail=item.leaf.name)
        return item.leaf.name
    if isinstance(item.leaf, Attachment):
        place = f"attachments[{item.index - known}]" if schema is not None else f"leaves[{item.index}]"
        if not known <= item.index < first_record:
            raise VerificationFailed("content.leaf_place", got=item.index, detail=place)
        return place
    place = f"records[{item.index - first_record}]"
    if item.index < max(first_record, known):
        raise VerificationFailed("content.leaf_place", got=item.index, detail=place)
    return place


def _prove(disclosed: DisclosedContent, item: DisclosedLeaf, leaf: bytes, root: bytes, place: str) -> None:
    try:
        tree_root = root_from_path(leaf, item.index, disclosed.count, item.path)
    except Malformed as error:
        raise VerificationFailed(error.code, expected=error.expected, got=error.got, detail=place) from None
    got = wrap_root(disclosed.type, disclosed.schema_id, disclosed.count, tree_root)
    if got != root:
        raise VerificationFailed("content.root_mismatch", expected=root, got=got, detail=place)


def _check_record(
    record: DisclosedContent,
    index: int,
    schema_id: int,
    strict: bool,
    record_schemas: Mapping[int, Schema],
) -> tuple[list[DisclosedValue], bytes]:
    """The record's values and the root that its leaves lead to; all of them must lead to the same."""
    where = f"records[{index}]"
    schema = record_schemas.get(record.schema_id)
    if record.schema_id != schema_id or (strict and schema is None):
        raise VerificationFailed("content.records", expected=schema_id, got=record.schema_id, detail=where)
    if schema is not None and record.count != len(schema.fields):
        raise VerificationFailed("content.schema", expected=len(schema.fields), got=record.count, detail=where)
    root: bytes | None = None
    values = []
    for item in record.leaves:
        assert isinstance(item.leaf, Field)
        place = f"{where}.{item.leaf.name}"
        if schema is not None and schema.names[item.index] != item.leaf.name:
            raise VerificationFailed("content.leaf_place", got=item.index, detail=place)
        if root is None:
            root = _record_root(record, item, place)
        _prove(record, item, item.leaf.leaf_hash(), root, place)
        values.append(_field_value(item.index, item.leaf, place, schema, index))
    assert root is not None
    return values, root


def _record_root(record: DisclosedContent, item: DisclosedLeaf, place: str) -> bytes:
    assert isinstance(item.leaf, Field)
    try:
        tree_root = root_from_path(item.leaf.leaf_hash(), item.index, record.count, item.path)
    except Malformed as error:
        raise VerificationFailed(error.code, expected=error.expected, got=error.got, detail=place) from None
    return wrap_root(ContentType.RECORD, record.schema_id, record.count, tree_root)


def _field_value(index: int, leaf: Field, place: str, schema: Schema | None, record: int | None) -> DisclosedValue:
    spec = None if schema is None else schema.fields[index]
    value = leaf.value
    if spec is not None:
        try:
            check_value(spec, value)
        except Malformed as error:
            raise VerificationFailed(error.code, expected=error.expected, detail=place) from None
    return DisclosedValue(place, leaf.name, value, record, spec)


def _attachment_value(leaf: Attachment, place: str) -> DisclosedValue:
    value: JsonValue = {
        "media_type": leaf.media_type,
        "sha256": leaf.digests.sha256.hex(),
        "size": leaf.digests.size,
        "sm3": leaf.digests.sm3.hex(),
    }
    return DisclosedValue(place, leaf.name, value, attachment=leaf)
