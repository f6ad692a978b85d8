"""Fields and their values (§8.3), and the fields that contents of every kind begin with (§4.3, §4.5)."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tests.plain import canonical
from tests.plain.formats import PRACTITIONER
from tests.plain.refusal import need

NAME = re.compile(r"[a-z0-9_.]{1,64}")
DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?Z", re.ASCII)
TYPES = ("text", "integer", "decimal", "date", "time", "digest", "boolean", "list", "object")


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: str
    required: bool = True
    choices: tuple[str, ...] | None = None


RESERVED = (
    Field("signers", "list"),
    Field("basis", "list", required=False),
    Field("records", "object", required=False),
    Field("flag_reason", "text", required=False),
)
INSTITUTION_CARD = (
    Field("number", "integer"), Field("code", "text"), Field("name", "text"), Field("role", "integer"),
)  # fmt: skip
PRACTITIONER_CARD = (
    Field("number", "integer"), Field("code", "text"), Field("name", "text"), Field("function", "integer"),
    Field("institution", "integer"),
)  # fmt: skip


def name(value: Any) -> str:
    """A name in a signed or hashed place (§1.3)."""
    need(NAME.fullmatch(canonical.text(value)), "not a name")
    return canonical.text(value)


def day(value: Any) -> None:
    need(re.fullmatch(r"\d{4}-\d\d-\d\d", canonical.text(value), re.ASCII), "not a date")
    try:
        date.fromisoformat(value)
    except ValueError as error:
        need(False, str(error))


def read_field(value: Any) -> Field:
    """One field of a schema."""
    extra = ["choices"] if isinstance(value, dict) and "choices" in value else []
    called, kind, required, secrecy, zh, en, *choices = canonical.members(
        value, "name", "type", "required", "class", "zh", "en", *extra
    )
    need(kind in TYPES and type(required) is bool and secrecy in {"P0", "P1", "P2", "P3"}, "not a field")
    canonical.text(zh, 512), canonical.text(en, 512)
    allowed = None
    if choices:
        need(kind == "text", "choices of a field that is no text")
        allowed = tuple(canonical.text(choice, 512) for choice in canonical.entries(choices[0], 1, 64))
        need(len(set(allowed)) == len(allowed), "a choice twice")
    return Field(name(called), kind, required, allowed)


def read_fields(value: Any) -> tuple[Field, ...]:
    fields = tuple(map(read_field, canonical.entries(value, 1, 250)))
    names = [field.name for field in fields]
    need(len(set(names)) == len(names), "a field's name twice")
    need(not {field.name for field in RESERVED} & set(names), "a reserved name")
    return fields


def check_value(field: Field, value: Any) -> None:
    """Refuse a value that is not of the field's type."""
    if value is None:
        need(not field.required, f"{field.name} is null")
    elif field.type == "integer":
        canonical.whole(value, -canonical.LARGEST)
    elif field.type == "boolean":
        need(type(value) is bool, f"{field.name} is not a boolean")
    elif field.type == "list":
        canonical.entries(value)
    elif field.type == "object":
        need(isinstance(value, dict), f"{field.name} is not an object")
    elif field.type == "text":
        need(len(canonical.text(value)) <= 65536, f"{field.name} is too long")
        need(field.choices is None or value in field.choices, f"{field.name} is none of the choices")
    elif field.type == "digest":
        canonical.octets(value, 32)
    elif field.type == "date":
        day(value)
    elif field.type == "decimal":
        need(DECIMAL.fullmatch(canonical.text(value)), f"{field.name} is not a decimal")
        before, _, after = value.lstrip("-").partition(".")
        need(len(before) <= 38 and len(after) <= 18, f"{field.name} has too many digits")
        need(value[0] != "-" or (before + after).strip("0"), f"{field.name} is minus zero")
    else:
        found = TIME.fullmatch(canonical.text(value))
        try:
            datetime.fromisoformat(found[1] if found else "")
        except ValueError as error:
            need(False, str(error))


def check_reserved(field: Field, value: Any) -> None:
    """Refuse a value of a reserved field that §4.3 does not allow."""
    check_value(field, value)
    if value is None or field.name == "flag_reason":
        return
    if field.name == "signers":
        for signer in canonical.entries(value, 1):
            number, role = canonical.entries(signer, 2, 2)
            need(canonical.whole(number, 1, 2**32 - 1) % PRACTITIONER, "a signer is nobody")
            canonical.whole(role, 0, 255)
    elif field.name == "basis":
        for digest in canonical.entries(value, 1):
            canonical.octets(digest, 32)
    else:
        count, schema = canonical.members(value, "count", "schema")
        canonical.whole(count, 1, 1_000_000)
        canonical.whole(schema, 1, 2**32 - 1)
