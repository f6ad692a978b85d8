"""Disclosed contents (§4): every leaf proves into the root, and stands where its schema has it."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.plain import canonical, merkle
from tests.plain.formats import PRACTITIONER
from tests.plain.procedures import Kind
from tests.plain.refusal import need
from tests.plain.schema import INSTITUTION_CARD, PRACTITIONER_CARD, RESERVED, Field, check_reserved, check_value
from tests.plain.sm import sm3

STATEMENT, RECORD, CARD = 1, 2, 3
RECORDS_INDEX = 2
MOST_LEAVES = 256 + 4096 + 1_000_000
PART = r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}"
MEDIA_TYPE = re.compile(f"{PART}/{PART}")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One disclosed leaf: a field, an attachment or a record, by which member is set."""

    index: int
    path: list[bytes]
    name: str = ""
    salt: bytes = b""
    value: Any = None
    attachment: dict[str, Any] | None = None  # media_type, sha256, size, sm3 as in the bundle
    record: "Content | None" = None

    @property
    def is_field(self) -> bool:
        return self.attachment is None and self.record is None


@dataclass(frozen=True, slots=True)
class Content:
    count: int
    schema: int
    type: int
    leaves: list[Leaf]

    def field(self, name: str) -> Leaf | None:
        return next((leaf for leaf in self.leaves if leaf.is_field and leaf.name == name), None)


def read_content(value: Any) -> Content:
    """A disclosure as it stands in a bundle."""
    count, leaves, schema_id, kind = canonical.members(value, "count", "leaves", "schema", "type")
    read = [_read_leaf(leaf) for leaf in canonical.entries(leaves, 1)]
    need(kind == STATEMENT or all(leaf.is_field for leaf in read), "attachments or records outside a statement")
    need(all(leaf.record is None or leaf.record.type == RECORD for leaf in read), "a record of another type")
    total = canonical.whole(count, 1, MOST_LEAVES)
    canonical.ascending([leaf.index for leaf in read], "leaves")
    need(read[-1].index < total, "a leaf's index is not below the count")
    return Content(total, canonical.whole(schema_id, 1, 2**32 - 1), canonical.whole(kind, 1, 3), read)


def _read_leaf(value: Any) -> Leaf:
    names = set(value) if isinstance(value, dict) else set()
    if "record" in names:
        index, path, record = canonical.members(value, "index", "path", "record")
        return Leaf(canonical.whole(index), _path(path), record=read_content(record))
    common = ("index", "name", "path", "salt")
    if "sm3" not in names:
        index, name, path, salt, said = canonical.members(value, *common, "value")
        return Leaf(canonical.whole(index), _path(path), canonical.text(name, 1024), canonical.octets(salt, 16), said)
    attached = ("media_type", "sha256", "size", "sm3")
    index, name, path, salt, *parts = canonical.members(value, *common, *attached)
    need(MEDIA_TYPE.fullmatch(canonical.text(parts[0])), "not a media type")
    canonical.octets(parts[1], 32), canonical.whole(parts[2]), canonical.octets(parts[3], 32)
    canonical.text(name, 255)
    need(all(unicodedata.category(one) != "Cc" for one in name), "a control character in an attachment's name")
    attachment = dict(zip(attached, parts, strict=True))
    return Leaf(canonical.whole(index), _path(path), name, canonical.octets(salt, 16), attachment=attachment)


def _path(value: Any) -> list[bytes]:
    return [canonical.octets(node, 32) for node in canonical.entries(value, 0, 32)]


def _len32(data: bytes) -> bytes:
    return len(data).to_bytes(4) + data


def field_leaf(salt: bytes, name: str, value: Any) -> bytes:
    return sm3(b"\x00" + salt + _len32(name.encode()) + _len32(canonical.write(value)))


def attachment_leaf(salt: bytes, name: str, attachment: dict[str, Any]) -> bytes:
    head = _len32(name.encode()) + _len32(attachment["media_type"].encode()) + attachment["size"].to_bytes(8)
    return sm3(b"\x02" + salt + head + bytes.fromhex(attachment["sm3"]) + bytes.fromhex(attachment["sha256"]))


def record_leaf(index: int, root: bytes) -> bytes:
    return sm3(b"\x03" + index.to_bytes(4) + root)


def root_over(kind: int, schema_id: int, count: int, tree: bytes) -> bytes:
    """Content root from the root of the leaves (§4.2)."""
    return sm3(b"\x04" + bytes([kind]) + schema_id.to_bytes(4) + count.to_bytes(4) + tree)


def records_of(content: Content) -> dict[str, int] | None:
    """Count and schema of the record set, where the field `records` is disclosed and not null."""
    found = content.field("records")
    if content.type != STATEMENT or found is None or found.value is None:
        return None
    need(found.index == RECORDS_INDEX, "`records` at another place")
    check_reserved(RESERVED[RECORDS_INDEX], found.value)
    need(found.value["count"] <= content.count, "more records than leaves")
    return dict(found.value)


def root_of(content: Content) -> bytes:
    """The root that all disclosed leaves give; refused where they give several."""
    records = records_of(content)
    roots = set()
    for leaf in content.leaves:
        if leaf.record is not None:
            need(records is not None, "a record without the field `records`")
            at = leaf.index - content.count + (records or {})["count"]
            need(at >= 0, "a record before the records")
            digest = record_leaf(at, root_of(leaf.record))
        elif leaf.attachment is not None:
            digest = attachment_leaf(leaf.salt, leaf.name, leaf.attachment)
        else:
            digest = field_leaf(leaf.salt, leaf.name, leaf.value)
        roots.add(merkle.root_from_path(digest, leaf.index, content.count, leaf.path))
    need(len(roots) == 1, "the leaves prove into several roots")
    return root_over(content.type, content.schema, content.count, roots.pop())


def check_kind(content: Content, kind: Kind) -> None:
    """Refuse a statement's content that its kind's schema does not have."""
    need(content.type == STATEMENT, "not the content of a statement")
    need(content.schema == kind.schema_id, "another schema")
    need(content.count >= len(kind.fields), "fewer leaves than fields")
    records = records_of(content)
    in_set = records["count"] if records else 0
    need(content.count - in_set >= len(kind.fields), "fewer leaves than fields and records")
    need(records is None or records["schema"] in kind.records, "records of a schema that the kind does not have")
    for leaf in content.leaves:
        if leaf.index < len(kind.fields):
            _check_field(leaf, kind.fields[leaf.index], check_reserved if leaf.index < len(RESERVED) else check_value)
        elif leaf.record is not None:
            need(records and leaf.index >= content.count - in_set, "a record before the records")
            _check_record(leaf.record, (records or {})["schema"], kind)
        else:
            need(leaf.attachment is not None, "a field after the fields")
            need(leaf.index < content.count - in_set, "an attachment among the records")


def _check_field(leaf: Leaf, field: Field, check: Callable[[Field, Any], None]) -> None:
    need(leaf.is_field and leaf.name == field.name, f"{field.name} was to stand here")
    check(field, leaf.value)


def _check_record(record: Content, schema_id: int, kind: Kind) -> None:
    need(record.type == RECORD and record.schema == schema_id, "a record of another schema")
    check_all(record, kind.records[schema_id])


def check_all(content: Content, fields: tuple[Field, ...]) -> None:
    """Refuse a record or card that is not of these fields alone."""
    need(content.count == len(fields), "not as many leaves as fields")
    for leaf in content.leaves:
        _check_field(leaf, fields[leaf.index], check_value)


def card_values(card: Content, number: int) -> dict[str, Any]:
    """The disclosed values of the identity card of this number (§4.5, §10)."""
    is_person = number >= PRACTITIONER
    need(card.type == CARD and card.schema == (0xFFFF0002 if is_person else 0xFFFF0001), "not such a card")
    check_all(card, PRACTITIONER_CARD if is_person else INSTITUTION_CARD)
    said = {leaf.name: leaf.value for leaf in card.leaves}
    need(said.keys() >= ({"number", "institution"} if is_person else {"number"}), "a card without its number")
    need(number % PRACTITIONER and said["number"] == number, "a card of another number")
    return said
