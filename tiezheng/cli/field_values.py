"""Values of fields as people type them: `name=value`, read by the types of the kind's schema."""

from collections.abc import Sequence
from typing import Any, Final

from tiezheng.canonical import loads_loose
from tiezheng.errors import Malformed
from tiezheng.procedures import FieldType, JsonValue, Kind
from tiezheng.procedures.schema import RESERVED

_RESERVED: Final = {spec.name for spec in RESERVED}
_YES: Final = frozenset({"true", "yes", "是"})
_NO: Final = frozenset({"false", "no", "否"})


def read_values(kind: Kind, typed: Sequence[str]) -> dict[str, JsonValue]:
    """`name=value` by the types of the kind's schema. Raises Malformed `content.*`."""
    values: dict[str, JsonValue] = {}
    for item in typed:
        name, sign, text = item.partition("=")
        if not sign or name not in kind.schema.names or name in _RESERVED:
            known = ", ".join(one for one in kind.schema.names if one not in _RESERVED)
            raise Malformed("content.unknown_field", expected=known, detail=name[:64])
        values[name] = _typed(kind.schema.spec(name).type, text, name)
    return values


def _typed(kind: FieldType, text: str, name: str) -> JsonValue:
    if kind is FieldType.BOOLEAN:
        if text.lower() not in _YES | _NO:
            raise Malformed("content.field_value", expected="true, false", detail=name)
        return text.lower() in _YES
    if kind not in {FieldType.INTEGER, FieldType.LIST, FieldType.OBJECT}:
        return text
    try:
        value: Any = loads_loose(text)
    except ValueError:
        raise Malformed("content.field_value", expected=kind.value, detail=name) from None
    return value  # type: ignore[no-any-return]
