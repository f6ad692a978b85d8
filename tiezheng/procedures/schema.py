"""Field schemas: which fields a content has, in which order, and what their values may be (spec/SPEC.md §8.3, §4.3).

Guaranteed: a value that passes `check_value` has a canonical JSON form that means one thing only (real dates, plain
decimals, lower-case digests). Not guaranteed: that it is true. Errors name the field and never show the value.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final, TypeAlias

from tiezheng.errors import Malformed

JsonValue: TypeAlias = bool | int | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"] | None

NAME_PATTERN: Final = re.compile(r"[a-z0-9_.]{1,64}")
_DECIMAL: Final = re.compile(r"(?!-0(\.0+)?$)-?(0|[1-9][0-9]{0,37})(\.[0-9]{1,18})?")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z")
# A leaf has to be read whole by every verifier; long texts belong into attachments.
MAX_TEXT_LENGTH: Final = 65_536
MAX_FIELDS: Final = 256
MAX_RECORDS: Final = 1_000_000
# §8.3: 0xE0000000 | domain << 24 | case type << 16 | number << 8 | version.
RECORD_SCHEMA_BASE: Final = 0xE000_0000


class FieldType(StrEnum):
    """What a value is (§8.3)."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"
    TIME = "time"
    DIGEST = "digest"
    BOOLEAN = "boolean"
    LIST = "list"
    OBJECT = "object"


class FieldClass(StrEnum):
    """Who may see a value (§8.3)."""

    PUBLIC = "P0"
    WORK = "P1"
    PERSONAL = "P2"
    SENSITIVE = "P3"


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of a schema. `choices`, where not empty, are the only texts that it may hold."""

    name: str
    type: FieldType
    required: bool
    field_class: FieldClass
    zh: str
    en: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Schema:
    """The fields of one content, in leaf order. `id` is what the content root binds (§4.2)."""

    id: int
    fields: tuple[FieldSpec, ...]
    names: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _known: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = tuple(spec.name for spec in self.fields)
        if not 0 < self.id < 1 << 32 or not 1 <= len(names) <= MAX_FIELDS or len(set(names)) != len(names):
            raise Malformed("procedure.definition", detail=f"schema {self.id:#x}: id, count or repeat")
        for name in names:
            if NAME_PATTERN.fullmatch(name) is None:
                raise Malformed("content.field_name", detail=f"schema {self.id:#x}")
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "_known", frozenset(names))

    def spec(self, name: str) -> FieldSpec:
        """The field of that name. Raises Malformed `content.unknown_field`."""
        try:
            return self.fields[self.names.index(name)]
        except ValueError:
            raise Malformed("content.unknown_field", detail=_safe_name(name)) from None

    def check_values(self, values: Mapping[str, JsonValue]) -> None:
        """All values of one content; a name that is absent counts as null.

        Raises Malformed `content.missing`, `content.unknown_field`, `content.field_value`.
        """
        for spec in self.fields:
            check_value(spec, values.get(spec.name))
        unknown = sorted(values.keys() - self._known)
        if unknown:
            raise Malformed("content.unknown_field", detail=_safe_name(unknown[0]))


SIGNERS: Final = "signers"
BASIS: Final = "basis"
RECORDS: Final = "records"
FLAG_REASON: Final = "flag_reason"
RESERVED: Final = (
    FieldSpec(SIGNERS, FieldType.LIST, True, FieldClass.PUBLIC, "签名人", "Signers"),
    FieldSpec(BASIS, FieldType.LIST, False, FieldClass.WORK, "依据的存证", "Statements it rests on"),
    FieldSpec(RECORDS, FieldType.OBJECT, False, FieldClass.PUBLIC, "记录集", "Record set"),
    FieldSpec(FLAG_REASON, FieldType.TEXT, False, FieldClass.WORK, "补录或违规的原因", "Why it is late or irregular"),
)


_EXPECTED: Final = {
    FieldType.TEXT: f"text, at most {MAX_TEXT_LENGTH} characters",
    FieldType.DECIMAL: "decimal, such as 12.50",
    FieldType.DATE: "date, YYYY-MM-DD",
    FieldType.TIME: "time, YYYY-MM-DDThh:mm:ssZ (UTC)",
    FieldType.DIGEST: "digest, 64 hex digits in lower case",
}


def check_value(spec: FieldSpec, value: JsonValue) -> None:
    """One value against its field. Raises Malformed `content.missing`, `content.field_value`."""
    if value is None:
        if spec.required:
            raise Malformed("content.missing", detail=spec.name)
        return
    check = _RESERVED_CHECKS.get(spec.name, _CHECKS[spec.type])
    if not check(value) or (spec.choices and value not in spec.choices):
        expected = ", ".join(spec.choices) or _EXPECTED.get(spec.type, spec.type.value)
        raise Malformed("content.field_value", expected=expected, detail=spec.name)


def _safe_name(name: str) -> str:
    return name if NAME_PATTERN.fullmatch(name) else "?"


def _is_integer(value: JsonValue) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 53


def _is_text(value: JsonValue) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT_LENGTH


def _is_decimal(value: JsonValue) -> bool:
    return isinstance(value, str) and _DECIMAL.fullmatch(value) is not None


def _is_digest(value: JsonValue) -> bool:
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def _is_date(value: JsonValue) -> bool:
    if not isinstance(value, str) or _DATE.fullmatch(value) is None:
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_time(value: JsonValue) -> bool:
    if not isinstance(value, str) or _TIME.fullmatch(value) is None:
        return False
    try:
        datetime.fromisoformat(value[:19] + "+00:00")
    except ValueError:
        return False
    return True


def _is_list(value: JsonValue) -> bool:
    return isinstance(value, (list, tuple))


def _is_signers(value: JsonValue) -> bool:
    if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= 8:
        return False
    last = 0
    for pair in value:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            return False
        signer, role = pair
        if (
            not isinstance(signer, int)
            or not isinstance(role, int)
            or isinstance(signer, bool)
            or isinstance(role, bool)
        ):
            return False
        if not last < signer < 1 << 32 or not 0 <= role <= 255:
            return False
        last = signer
    return True


def _is_basis(value: JsonValue) -> bool:
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(_is_digest(item) for item in value)


def _is_records(value: JsonValue) -> bool:
    if not isinstance(value, Mapping) or value.keys() != {"count", "schema"}:
        return False
    count, schema = value["count"], value["schema"]
    if not _is_integer(count) or not _is_integer(schema):
        return False
    assert isinstance(count, int)
    assert isinstance(schema, int)
    return 1 <= count <= MAX_RECORDS and 0 < schema < 1 << 32


_CHECKS: Final[Mapping[FieldType, Callable[[JsonValue], bool]]] = {
    FieldType.TEXT: _is_text,
    FieldType.INTEGER: _is_integer,
    FieldType.DECIMAL: _is_decimal,
    FieldType.DATE: _is_date,
    FieldType.TIME: _is_time,
    FieldType.DIGEST: _is_digest,
    FieldType.BOOLEAN: lambda value: isinstance(value, bool),
    FieldType.LIST: _is_list,
    FieldType.OBJECT: lambda value: isinstance(value, Mapping),
}
# No other field may have these names, so the name alone selects the stricter check (§4.3).
_RESERVED_CHECKS: Final[Mapping[str, Callable[[JsonValue], bool]]] = {
    SIGNERS: _is_signers,
    BASIS: _is_basis,
    RECORDS: _is_records,
}
