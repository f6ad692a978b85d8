"""Selective disclosure: any subset of leaves with their paths, and nothing about the rest (spec/SPEC.md §4.4, §10).

Guaranteed: what `check_disclosed` returns was committed by the root, at the place that the schema gives it. Not
guaranteed: that what is disclosed is complete; whoever discloses chooses the leaves.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from tiezheng.canonical import dumps, loads_strict
from tiezheng.content.build import Content, Record
from tiezheng.content.leaves import SALT_SIZE, Attachment, ContentType, Field
from tiezheng.content.private import ATTACHMENT_MEMBERS, attachment_json, parse_attachment, parse_type
from tiezheng.digest import DIGEST_SIZE
from tiezheng.errors import Malformed
from tiezheng.json_members import read_hex, read_integer, read_list, read_object, read_text
from tiezheng.merkle import Tree
from tiezheng.procedures.schema import MAX_RECORDS, RECORDS

MAX_DISCLOSED_SIZE: Final = 16 << 20
# 256 fields, 4,096 attachments and a million records at most.
_MAX_COUNT: Final = MAX_RECORDS + 4096 + 256
_MAX_PATH: Final = 32
_CONTENT_MEMBERS: Final = frozenset({"count", "leaves", "schema", "type"})
_FIELD_MEMBERS: Final = frozenset({"index", "name", "path", "salt", "value"})
_ATTACHMENT_MEMBERS: Final = ATTACHMENT_MEMBERS | {"index", "path"}
_RECORD_MEMBERS: Final = frozenset({"index", "path", "record"})


class _All:
    """The type of `ALL`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ALL"


ALL: Final = _All()
Names: TypeAlias = Collection[str] | _All
Indexes: TypeAlias = Collection[int] | _All


@dataclass(frozen=True, slots=True)
class DisclosedLeaf:
    """One leaf: its index in the content, its path, and what its hash covers."""

    index: int
    path: tuple[bytes, ...]
    leaf: "Field | Attachment | DisclosedContent"

    def to_json(self) -> dict[str, Any]:
        """The leaf as in §10."""
        place: dict[str, Any] = {"index": self.index, "path": [node.hex() for node in self.path]}
        if isinstance(self.leaf, Field):
            return {**place, "name": self.leaf.name, "salt": self.leaf.salt.hex(), "value": self.leaf.value}
        if isinstance(self.leaf, Attachment):
            return {**place, **attachment_json(self.leaf)}
        return {**place, "record": self.leaf.to_json()}


@dataclass(frozen=True, slots=True)
class DisclosedContent:
    """The disclosed part of a content: ascending leaves, at least one. For records `index` is that in the content."""

    type: ContentType
    schema_id: int
    count: int
    leaves: tuple[DisclosedLeaf, ...]

    def __post_init__(self) -> None:
        last = -1
        for leaf in self.leaves:
            if not last < leaf.index < self.count:
                raise Malformed("content.leaf_order", expected=f"{last + 1} to {self.count - 1}", got=leaf.index)
            last = leaf.index
            if self.type is not ContentType.STATEMENT and not isinstance(leaf.leaf, Field):
                raise Malformed("content.type", expected="fields only")
            if isinstance(leaf.leaf, DisclosedContent) and leaf.leaf.type is not ContentType.RECORD:
                raise Malformed("content.type", expected=int(ContentType.RECORD), got=int(leaf.leaf.type))
        if not self.leaves:
            raise Malformed("content.leaf_order", expected="1 or more", got=0)

    def to_json(self) -> dict[str, Any]:
        """The member `content`, `card` or `record` of §10."""
        return {
            "count": self.count,
            "leaves": [leaf.to_json() for leaf in self.leaves],
            "schema": self.schema_id,
            "type": int(self.type),
        }

    def to_bytes(self) -> bytes:
        """Canonical JSON of `to_json`."""
        return dumps(self.to_json())

    def get(self, name: str) -> Field | None:
        """The disclosed field of that name, unchecked."""
        return next((x.leaf for x in self.leaves if isinstance(x.leaf, Field) and x.leaf.name == name), None)


def parse_disclosed(value: object) -> DisclosedContent:
    """Strictly from parsed JSON (§10). Raises Malformed `json.*`, `content.*`."""
    content = read_object(value, _CONTENT_MEMBERS, "content")
    return DisclosedContent(
        type=parse_type(content["type"]),
        schema_id=read_integer(content["schema"], "schema", (1 << 32) - 1, 1),
        count=read_integer(content["count"], "count", _MAX_COUNT, 1),
        leaves=tuple(_parse_leaf(leaf) for leaf in read_list(content["leaves"], "leaves", _MAX_COUNT)),
    )


def parse_disclosed_content(data: bytes, max_bytes: int = MAX_DISCLOSED_SIZE) -> DisclosedContent:
    """Strictly from canonical JSON: the inverse of `to_bytes`."""
    return parse_disclosed(loads_strict(data, max_bytes))


def _parse_leaf(value: object) -> DisclosedLeaf:
    leaf: Field | Attachment | DisclosedContent
    if isinstance(value, Mapping) and "record" in value:
        item = read_object(value, _RECORD_MEMBERS, "leaf")
        leaf = parse_disclosed(item["record"])
    elif isinstance(value, Mapping) and "sm3" in value:
        item = read_object(value, _ATTACHMENT_MEMBERS, "leaf")
        leaf = parse_attachment(item)
    else:
        item = read_object(value, _FIELD_MEMBERS, "leaf")
        salt = read_hex(item["salt"], "salt", SALT_SIZE)
        leaf = Field(read_text(item["name"], "name"), salt, dumps(item["value"]))
    return DisclosedLeaf(
        index=read_integer(item["index"], "index", _MAX_COUNT),
        path=tuple(read_hex(node, "path", DIGEST_SIZE) for node in read_list(item["path"], "path", _MAX_PATH)),
        leaf=leaf,
    )


def disclose(
    content: Content,
    fields: Names = (),
    attachments: Indexes = (),
    records: Indexes | None = None,
    record_fields: Names = ALL,
) -> DisclosedContent:
    """Disclose fields by name, attachments and records by index from 0, and of each record the fields named.

    With records the field `records` is disclosed too (§4.4). Raises Malformed `content.unknown_field`,
    `content.leaf_place` (no such index) and `content.leaf_order` (nothing to disclose).
    """
    wanted = set(_names(fields, [leaf.name for leaf in content.fields]))
    chosen = _indexes((), 0) if records is None else _indexes(records, len(content.records))
    if chosen:
        wanted.add(RECORDS)
    leaves: list[DisclosedLeaf] = []
    for index, leaf in enumerate(content.fields):
        if leaf.name in wanted:
            leaves.append(DisclosedLeaf(index, tuple(content.tree.path(index)), leaf))
    for at in _indexes(attachments, len(content.attachments)):
        index = len(content.fields) + at
        leaves.append(DisclosedLeaf(index, tuple(content.tree.path(index)), content.attachments[at]))
    for at in chosen:
        index = len(content) - len(content.records) + at
        part = disclose_record(content.records[at], record_fields)
        leaves.append(DisclosedLeaf(index, tuple(content.tree.path(index)), part))
    return DisclosedContent(content.type, content.schema_id, len(content), tuple(leaves))


def disclose_record(record: Record, fields: Names) -> DisclosedContent:
    """Disclose the named fields of one record."""
    wanted = set(_names(fields, record.names))
    tree = Tree(record.leaf_hashes())
    leaves = tuple(
        DisclosedLeaf(index, tuple(tree.path(index)), leaf)
        for index, leaf in enumerate(record.fields())
        if leaf.name in wanted
    )
    return DisclosedContent(ContentType.RECORD, record.schema_id, len(record.names), leaves)


def _names(wanted: Names, known: Collection[str]) -> Collection[str]:
    if isinstance(wanted, _All):
        return known
    if set(wanted) - set(known):
        raise Malformed("content.unknown_field")
    return wanted


def _indexes(wanted: Indexes, count: int) -> list[int]:
    if isinstance(wanted, _All):
        return list(range(count))
    chosen = sorted(set(wanted))
    if chosen and not 0 <= chosen[0] <= chosen[-1] < count:
        raise Malformed("content.leaf_place", expected=f"0 to {count - 1}")
    return chosen
