"""Leaves of a content and the root that wraps their tree (spec/SPEC.md §4.1, §4.2).

Guaranteed: two different leaves, or two contents that differ in type, schema, number of leaves or any leaf, have
different hashes, short of a collision of SM3. Not guaranteed: that salts are unpredictable; the caller draws them.
"""

import json
import re
import struct
import unicodedata
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final, cast

from tiezheng.digest import FileDigests, sm3
from tiezheng.errors import Malformed
from tiezheng.procedures.schema import NAME_PATTERN, JsonValue

SALT_SIZE: Final = 16
MAX_NAME_LENGTH: Final = 255
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
_ROOT_HEAD: Final = struct.Struct(">BBII")


class ContentType(IntEnum):
    """What a content is of (§4.2)."""

    STATEMENT = 1
    RECORD = 2
    CARD = 3


@lru_cache(maxsize=4096)
def _name_part(name: str) -> bytes:
    if NAME_PATTERN.fullmatch(name) is None:
        raise Malformed("content.field_name")
    return _len32(name.encode("ascii"))


def _len32(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def field_leaf(salt: bytes, name: str, encoded: bytes) -> bytes:
    """SM3(0x00 ‖ salt ‖ len32 name ‖ len32 value); `encoded` is the value's canonical JSON."""
    if len(salt) != SALT_SIZE:
        raise Malformed("content.salt_length", expected=SALT_SIZE, got=len(salt))
    return sm3(b"".join((b"\x00", salt, _name_part(name), len(encoded).to_bytes(4, "big"), encoded)))


def record_leaf(index: int, root: bytes) -> bytes:
    """SM3(0x03 ‖ index u32 ‖ record root); `index` counts from 0 within the record set."""
    return sm3(b"\x03" + index.to_bytes(4, "big") + root)


def wrap_root(content_type: ContentType, schema_id: int, count: int, tree_root: bytes) -> bytes:
    """SM3(0x04 ‖ type u8 ‖ schema id u32 ‖ leaf count u32 ‖ tree root)."""
    return sm3(_ROOT_HEAD.pack(4, content_type, schema_id, count) + tree_root)


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name, its salt (16 bytes) and the canonical JSON of its value."""

    name: str
    salt: bytes
    encoded: bytes

    @property
    def value(self) -> JsonValue:
        """The value, parsed anew at each call; most are null or plain text, which need no parser."""
        encoded = self.encoded
        if encoded == b"null":
            return None
        if encoded[:1] == b'"' and b"\\" not in encoded:
            return encoded[1:-1].decode("utf-8")
        return cast(JsonValue, json.loads(encoded))

    def leaf_hash(self) -> bytes:
        """The leaf (§4.1)."""
        return field_leaf(self.salt, self.name, self.encoded)


@dataclass(frozen=True, slots=True)
class Attachment:
    """One attached file: what is known of it, and its salt (16 bytes). The file itself is elsewhere."""

    name: str
    media_type: str
    digests: FileDigests
    salt: bytes

    def __post_init__(self) -> None:
        if len(self.salt) != SALT_SIZE:
            raise Malformed("content.salt_length", expected=SALT_SIZE, got=len(self.salt))
        if not 1 <= len(self.name) <= MAX_NAME_LENGTH or not unicodedata.is_normalized("NFC", self.name):
            raise Malformed("content.attachment", expected="name of 1 to 255 characters in NFC")
        if any(unicodedata.category(character) in {"Cc", "Cs"} for character in self.name):
            raise Malformed("content.attachment", expected="name without control characters")
        if _MEDIA_TYPE.fullmatch(self.media_type) is None:
            raise Malformed("content.attachment", expected="media type such as application/pdf")
        if self.digests.size >= 1 << 53:
            raise Malformed("content.attachment", expected="size below 2^53")

    def leaf_hash(self) -> bytes:
        """SM3(0x02 ‖ salt ‖ len32 name ‖ len32 media type ‖ size u64 ‖ SM3 ‖ SHA-256) (§4.1)."""
        return sm3(
            b"\x02",
            self.salt,
            _len32(self.name.encode()),
            _len32(self.media_type.encode()),
            self.digests.size.to_bytes(8, "big"),
            self.digests.sm3,
            self.digests.sha256,
        )
