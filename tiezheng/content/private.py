"""The owner's form of a content: everything, salts included, as canonical JSON.

Guaranteed: `parse_private_json(to_private_json(x)) == x`, root included. Not guaranteed: secrecy; whoever holds these
bytes can disclose everything, so they are stored encrypted.
"""

from collections.abc import Mapping
from typing import Any, Final

from tiezheng.canonical import Json, dumps, loads_strict
from tiezheng.content.build import Content, Record, make_record
from tiezheng.content.leaves import SALT_SIZE, Attachment, ContentType, Field
from tiezheng.digest import DIGEST_SIZE, FileDigests
from tiezheng.errors import Malformed
from tiezheng.json_members import read_hex, read_integer, read_list, read_object, read_text
from tiezheng.procedures.schema import MAX_RECORDS

FORMAT: Final = "tiezheng/content/1"
# A record set of a million records with some 600 bytes each.
MAX_PRIVATE_SIZE: Final = 1 << 30
_MAX_LEAVES: Final = 4096
_MAX_ID: Final = (1 << 32) - 1
_MEMBERS: Final = frozenset({"attachments", "fields", "format", "records", "schema", "type"})
_FIELD_MEMBERS: Final = frozenset({"name", "salt", "value"})
_GROUP_MEMBERS: Final = frozenset({"names", "rows", "schema"})
_ROW_MEMBERS: Final = frozenset({"salts", "values"})


def attachment_json(leaf: Attachment) -> dict[str, Any]:
    """The members that an attachment's leaf covers (§10)."""
    return {
        "media_type": leaf.media_type,
        "name": leaf.name,
        "salt": leaf.salt.hex(),
        "sha256": leaf.digests.sha256.hex(),
        "size": leaf.digests.size,
        "sm3": leaf.digests.sm3.hex(),
    }


ATTACHMENT_MEMBERS: Final = frozenset({"media_type", "name", "salt", "sha256", "size", "sm3"})


def parse_attachment(value: Mapping[str, Any]) -> Attachment:
    """The inverse of `attachment_json`; other members are the caller's to check."""
    return Attachment(
        name=read_text(value["name"], "name"),
        media_type=read_text(value["media_type"], "media_type"),
        digests=FileDigests(
            read_integer(value["size"], "size"),
            read_hex(value["sm3"], "sm3", DIGEST_SIZE),
            read_hex(value["sha256"], "sha256", DIGEST_SIZE),
        ),
        salt=read_hex(value["salt"], "salt", SALT_SIZE),
    )


def to_private_json(content: Content) -> bytes:
    """Canonical JSON of the whole content, joined from parts: no second copy of a record set is made as objects."""
    rows = ",".join(f'{{"salts":"{row.salts.hex()}","values":{row.values.decode()}}}' for row in content.records)
    records = "null"
    if content.records:
        first = content.records[0]
        records = f'{{"names":{dumps(list(first.names)).decode()},"rows":[{rows}],"schema":{first.schema_id}}}'
    attachments = dumps([attachment_json(leaf) for leaf in content.attachments])
    fields = dumps([{"name": leaf.name, "salt": leaf.salt.hex(), "value": leaf.value} for leaf in content.fields])
    return (
        f'{{"attachments":{attachments.decode()},"fields":{fields.decode()},"format":"{FORMAT}","records":{records},'
        f'"schema":{content.schema_id},"type":{int(content.type)}}}'
    ).encode()


def parse_private_json(data: bytes, max_bytes: int = MAX_PRIVATE_SIZE) -> Content:
    """The content in these bytes. Raises Malformed `json.*`, `content.*`."""
    return read_private(loads_strict(data, max_bytes))


def read_private(parsed: Json) -> Content:
    """The content in the value of canonical JSON. Raises Malformed `json.*`, `content.*`."""
    value = read_object(parsed, _MEMBERS, "content")
    if value["format"] != FORMAT:
        raise Malformed("content.type", expected=FORMAT)
    return Content(
        type=parse_type(value["type"]),
        schema_id=read_integer(value["schema"], "schema", _MAX_ID, 1),
        fields=tuple(_field(item) for item in read_list(value["fields"], "fields", _MAX_LEAVES)),
        attachments=tuple(
            parse_attachment(read_object(item, ATTACHMENT_MEMBERS, "attachment"))
            for item in read_list(value["attachments"], "attachments", _MAX_LEAVES)
        ),
        records=_records(value["records"]),
    )


def parse_type(value: object) -> ContentType:
    """A content type (§4.2). Raises Malformed `content.type`."""
    number = read_integer(value, "type", 255)
    if number not in set(ContentType):
        raise Malformed("content.type", expected="1 to 3", got=number)
    return ContentType(number)


def _field(value: object) -> Field:
    item = read_object(value, _FIELD_MEMBERS, "field")
    return Field(read_text(item["name"], "name"), read_hex(item["salt"], "salt", SALT_SIZE), dumps(item["value"]))


def _records(value: object) -> tuple[Record, ...]:
    if value is None:
        return ()
    group = read_object(value, _GROUP_MEMBERS, "records")
    names = tuple(read_text(name, "names") for name in read_list(group["names"], "names", _MAX_LEAVES, 1))
    schema_id = read_integer(group["schema"], "schema", _MAX_ID, 1)
    rows = []
    for item in read_list(group["rows"], "rows", MAX_RECORDS, 1):
        row = read_object(item, _ROW_MEMBERS, "row")
        salts = read_hex(row["salts"], "salts", SALT_SIZE * len(names))
        values = read_list(row["values"], "values", len(names), len(names))
        rows.append(make_record(schema_id, names, salts, [dumps(value) for value in values]))
    return tuple(rows)
