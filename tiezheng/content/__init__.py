"""Contents: named, salted fields, attachments and records behind one root (spec/SPEC.md §4).

Guaranteed: any subset of leaves can be disclosed and checked against the root, and says nothing about the rest. Not
guaranteed: that a disclosed value is true; its owner committed to it, no more.
"""

from tiezheng.content.build import (
    MAX_ATTACHMENTS,
    Content,
    DrawSalt,
    Record,
    build_content,
    build_record,
    build_records,
)
from tiezheng.content.check import DisclosedValue, check_content, check_disclosed, check_flag_reason
from tiezheng.content.disclosure import (
    ALL,
    DisclosedContent,
    DisclosedLeaf,
    disclose,
    parse_disclosed,
    parse_disclosed_content,
)
from tiezheng.content.leaves import SALT_SIZE, Attachment, ContentType, Field
from tiezheng.content.private import parse_private_json, read_private, to_private_json

__all__ = [
    "ALL",
    "MAX_ATTACHMENTS",
    "SALT_SIZE",
    "Attachment",
    "Content",
    "ContentType",
    "DisclosedContent",
    "DisclosedLeaf",
    "DisclosedValue",
    "DrawSalt",
    "Field",
    "Record",
    "build_content",
    "build_record",
    "build_records",
    "check_content",
    "check_disclosed",
    "check_flag_reason",
    "disclose",
    "parse_disclosed",
    "parse_disclosed_content",
    "parse_private_json",
    "read_private",
    "to_private_json",
]
