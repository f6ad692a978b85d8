"""Building contents and record sets (spec/SPEC.md §4).

Guaranteed: leaves stand in schema order with every schema field present, then attachments, then records; values fit the
schema; the root and the tree are computed once. A record is held as two byte strings, so memory stays linear and modest
for a million of them. Not guaranteed: unpredictable salts (the caller's `draw_salt` must come from a secure source).
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from tiezheng.canonical import dumps
from tiezheng.content.leaves import (
    SALT_SIZE,
    Attachment,
    ContentType,
    Field,
    field_leaf,
    record_leaf,
    wrap_root,
)
from tiezheng.errors import Malformed
from tiezheng.merkle import Tree
from tiezheng.merkle import root as tree_root
from tiezheng.procedures.schema import MAX_RECORDS, RECORDS, JsonValue, Schema

# Attachments are read and hashed one by one by every verifier.
MAX_ATTACHMENTS: Final = 4096
DrawSalt = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a record set: names (shared), salts joined, values as one canonical JSON array; and its root."""

    schema_id: int
    names: tuple[str, ...]
    salts: bytes
    values: bytes
    root: bytes = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", _record_root(self.schema_id, self.leaf_hashes()))

    def values_list(self) -> list[JsonValue]:
        """The values in schema order, parsed anew at each call."""
        values = cast(list[JsonValue], json.loads(self.values))
        if len(values) != len(self.names) or len(self.salts) != SALT_SIZE * len(self.names):
            raise Malformed("content.schema", expected=len(self.names), got=len(values))
        return values

    def fields(self) -> list[Field]:
        """The fields, made anew at each call."""
        return [
            Field(name, self.salts[SALT_SIZE * at : SALT_SIZE * (at + 1)], dumps(value))
            for at, (name, value) in enumerate(zip(self.names, self.values_list(), strict=True))
        ]

    def leaf_hashes(self) -> list[bytes]:
        """The leaves of the record's own tree."""
        return _leaf_hashes(self.names, self.salts, [dumps(value) for value in self.values_list()])


def _record_root(schema_id: int, leaves: Sequence[bytes]) -> bytes:
    return wrap_root(ContentType.RECORD, schema_id, len(leaves), tree_root(leaves))


def _leaf_hashes(names: Sequence[str], salts: bytes, encoded: Sequence[bytes]) -> list[bytes]:
    return [
        field_leaf(salts[SALT_SIZE * at : SALT_SIZE * (at + 1)], name, value)
        for at, (name, value) in enumerate(zip(names, encoded, strict=True))
    ]


def make_record(schema_id: int, names: tuple[str, ...], salts: bytes, encoded: Sequence[bytes]) -> Record:
    """A record of values that are canonical JSON each and known to be good; salts (16 bytes each) joined.

    Raises Malformed `content.schema` where the numbers of names, salts and values differ.
    """
    if not len(names) * SALT_SIZE == len(salts) == len(encoded) * SALT_SIZE:
        raise Malformed("content.schema", expected=len(names), got=len(encoded))
    # The values need not be parsed again, so the members are set one by one.
    record = object.__new__(Record)
    put = object.__setattr__
    put(record, "schema_id", schema_id)
    put(record, "names", names)
    put(record, "salts", salts)
    put(record, "values", b"[" + b",".join(encoded) + b"]")
    put(record, "root", _record_root(schema_id, _leaf_hashes(names, salts, encoded)))
    return record


def build_record(schema: Schema, values: Mapping[str, JsonValue], draw_salt: DrawSalt) -> Record:
    """One record; `draw_salt` gives 16 fresh random bytes at each call. Raises Malformed `content.*`."""
    schema.check_values(values)
    salts = b"".join([draw_salt() for _ in schema.names])
    return make_record(schema.id, schema.names, salts, [dumps(values.get(name)) for name in schema.names])


def build_records(schema: Schema, rows: Iterable[Mapping[str, JsonValue]], draw_salt: DrawSalt) -> tuple[Record, ...]:
    """One record a row, in order. Raises Malformed with the row's index in `got`."""
    records = []
    for at, values in enumerate(rows):
        try:
            records.append(build_record(schema, values, draw_salt))
        except Malformed as error:
            raise Malformed(error.code, expected=error.expected, got=f"record {at}", detail=error.detail) from None
    return tuple(records)


@dataclass(frozen=True, slots=True)
class Content:
    """A whole content, salts included: for its owner alone.

    `root` is what a statement names as `content`; `leaf_hashes` and `tree` are in leaf order.
    """

    type: ContentType
    schema_id: int
    fields: tuple[Field, ...]
    attachments: tuple[Attachment, ...] = ()
    records: tuple[Record, ...] = ()
    tree: Tree = field(init=False, repr=False, compare=False)
    leaf_hashes: tuple[bytes, ...] = field(init=False, repr=False, compare=False)
    root: bytes = field(init=False, compare=False)

    def __post_init__(self) -> None:
        self._check()
        leaves = [leaf.leaf_hash() for leaf in self.fields]
        leaves += [leaf.leaf_hash() for leaf in self.attachments]
        leaves += [record_leaf(index, record.root) for index, record in enumerate(self.records)]
        tree = Tree(leaves)
        object.__setattr__(self, "tree", tree)
        object.__setattr__(self, "leaf_hashes", tuple(leaves))
        object.__setattr__(self, "root", wrap_root(self.type, self.schema_id, len(leaves), tree.root))

    def _check(self) -> None:
        if not self.fields:
            raise Malformed("content.schema", expected="1 or more fields", got=0)
        if len({leaf.name for leaf in self.fields}) != len(self.fields):
            raise Malformed("content.schema", expected="each field once")
        if len(self.attachments) > MAX_ATTACHMENTS:
            raise Malformed("content.too_many", expected=f"at most {MAX_ATTACHMENTS}", got=len(self.attachments))
        if len(self.records) > MAX_RECORDS:
            raise Malformed("content.too_many", expected=f"at most {MAX_RECORDS}", got=len(self.records))
        if self.type is not ContentType.STATEMENT and (self.attachments or self.records):
            raise Malformed("content.type", expected="fields only", got=self.type.name.lower())
        declared = next((leaf.value for leaf in self.fields if leaf.name == RECORDS), None)
        if self.type is ContentType.STATEMENT and declared != records_value(self.records):
            raise Malformed("content.records", got=len(self.records), detail=RECORDS)

    def __len__(self) -> int:
        return len(self.leaf_hashes)

    def get(self, name: str) -> Field:
        """The field of that name. Raises Malformed `content.unknown_field`."""
        for leaf in self.fields:
            if leaf.name == name:
                return leaf
        raise Malformed("content.unknown_field")

    def values(self) -> dict[str, JsonValue]:
        """All values by name, in schema order."""
        return {leaf.name: leaf.value for leaf in self.fields}


def records_value(records: Sequence[Record]) -> JsonValue:
    """What the reserved field `records` must hold (§4.3). Raises Malformed `content.records` where schemas differ."""
    if not records:
        return None
    schema_id = records[0].schema_id
    if any(record.schema_id != schema_id for record in records):
        raise Malformed("content.records", expected="one schema for all records", detail=RECORDS)
    return {"count": len(records), "schema": schema_id}


def build_content(
    content_type: ContentType,
    schema: Schema,
    values: Mapping[str, JsonValue],
    attachments: Sequence[Attachment] = (),
    records: Sequence[Record] = (),
    *,
    draw_salt: DrawSalt,
) -> Content:
    """A content of this schema; a schema field without a value is null, and `records` is filled in from `records`.

    Raises Malformed `content.*` with the field's name in `detail`, never its value.
    """
    given = dict(values)
    if RECORDS in schema.names and records and given.get(RECORDS) is None:
        given[RECORDS] = records_value(records)
    schema.check_values(given)
    fields = tuple(Field(name, draw_salt(), dumps(given.get(name))) for name in schema.names)
    return Content(content_type, schema.id, fields, tuple(attachments), tuple(records))
