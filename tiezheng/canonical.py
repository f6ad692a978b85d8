"""Canonical JSON: RFC 8785 for the subset without fractions.

Guaranteed: `loads_strict` accepts exactly the bytes that `dumps` writes, in bounded time, memory and stack depth.
Not guaranteed: any schema; members are checked by whoever owns the format. The subset: objects, arrays, text in
Unicode NFC, integers below 2^53 in magnitude, true, false, null.
"""

import json
import re
import unicodedata
from collections.abc import Callable
from json.encoder import encode_basestring
from typing import Any, Final, NoReturn, TypeAlias

from tiezheng.errors import Malformed, TooLarge

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | bool | None"

# SPEC §1: beyond 32 levels no format of this product has a meaning, and the parser's stack stays small.
MAX_DEPTH: Final = 32
LOOSE_DEPTH: Final = 2 * MAX_DEPTH
# RFC 8785 §3.2.2.3: larger integers are not exact in every reader.
MAX_INTEGER: Final = 2**53 - 1

_SEPARATORS: Final = (",", ":")
# A string token, or one that the end of input cuts off; possessive throughout, so that scanning is linear.
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.?+[^"\\]*+)*+(?:"|\Z)', re.DOTALL)
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_OPENING: Final = frozenset(b"[{")
_INTEGER_DIGITS: Final = len(str(-MAX_INTEGER))


def dumps(value: object) -> bytes:
    """The canonical bytes of a value of dicts, lists, tuples, text, integers, booleans and None.

    Raises Malformed `json.type`, `json.float`, `json.integer_range`, `json.surrogate`, `json.not_nfc`, `json.too_deep`.
    """
    # Single texts and numbers, of which record sets hold millions, need no walk.
    if isinstance(value, str):
        return encode_basestring(_text(value)).encode("utf-8")
    if isinstance(value, int) and not isinstance(value, bool) and -MAX_INTEGER <= value <= MAX_INTEGER:
        return b"%d" % value
    return b"null" if value is None else _write(_ordered(value, 0))


def loads_strict(data: bytes, max_bytes: int, max_depth: int = MAX_DEPTH) -> Json:
    """The value that canonical bytes say.

    `max_bytes` bounds the input. Raises TooLarge `json.too_large`; Malformed `json.encoding`, `json.syntax`,
    `json.too_deep`, `json.float`, `json.integer_range`, `json.duplicate_key`, `json.surrogate`, `json.not_nfc`,
    `json.not_canonical`.
    """
    value = _parse(data, max_bytes, max_depth, _object)
    if _write(value) != data:
        raise Malformed("json.not_canonical")
    # Escapes aside, text that is NFC as a whole is NFC in every string; only a refusal needs the closer look.
    if not data.isascii() and not unicodedata.is_normalized("NFC", str(data, "utf-8")):
        _ordered(value, MAX_DEPTH - max_depth)
    return value


def loads(data: bytes, max_bytes: int, max_depth: int = MAX_DEPTH) -> Json:
    """The value that JSON bytes say, in any order and spacing; `dumps` of it gives the canonical bytes.

    For requests, never for what is signed or hashed. Raises as `loads_strict`, but for `json.not_canonical`.
    """
    value: Json = _ordered(_parse(data, max_bytes, max_depth, _any_object), 0)  # type: ignore[assignment]
    return value


def loads_loose(data: bytes | str) -> Any:
    """The value that any JSON says, floats and repeated names as `json` takes them; only nesting is bounded.

    For settings and answers of others. Libraries raise the interpreter's recursion limit beyond what the stack holds,
    so that deep nesting would end the process. Raises ValueError, whatever is wrong.
    """
    try:
        _check_depth(data.encode() if isinstance(data, str) else data, LOOSE_DEPTH)
    except Malformed as error:
        raise ValueError(error.code) from error
    return json.loads(data if isinstance(data, str) else str(data, "utf-8-sig"))


def _parse(
    data: bytes, max_bytes: int, max_depth: int, to_object: Callable[[list[tuple[str, Json]]], dict[str, Json]]
) -> Json:
    if len(data) > max_bytes:
        raise TooLarge("json.too_large", expected=max_bytes, got=len(data))
    _check_depth(data, max_depth)
    try:
        text = str(data, "utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("json.encoding", got=f"byte {error.start}") from error
    try:
        value: Json = json.loads(
            text,
            object_pairs_hook=to_object,
            parse_int=_integer,
            parse_float=_refuse_float,
            parse_constant=_refuse_constant,
        )
    except json.JSONDecodeError as error:
        raise Malformed("json.syntax", got=f"character {error.pos}") from error
    return value


def _write(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=_SEPARATORS, allow_nan=False, check_circular=False)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Malformed("json.surrogate") from error


def _order(name: str) -> bytes:
    # RFC 8785 §3.2.3: names sort by UTF-16 code units; surrogates sort below U+E000, unlike code points.
    return name.encode("utf-16-be", "surrogatepass")


def _ordered(value: object, depth: int) -> object:
    """A copy with members in canonical order, all of it checked."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise Malformed("json.integer_range", expected=MAX_INTEGER, got=value.bit_length(), detail="bits")
        return int(value)
    if isinstance(value, float):
        raise Malformed("json.float")
    if not isinstance(value, (dict, list, tuple)):
        raise Malformed("json.type", got=type(value).__name__)
    if depth >= MAX_DEPTH:
        raise Malformed("json.too_deep", expected=MAX_DEPTH)
    if not isinstance(value, dict):
        return [_ordered(item, depth + 1) for item in value]
    for name in value:
        if not isinstance(name, str):
            raise Malformed("json.type", got=type(name).__name__, detail="name of a member")
    return {_text(name): _ordered(value[name], depth + 1) for name in sorted(value, key=_order)}


def _text(value: str) -> str:
    if not value.isascii():
        if _SURROGATE.search(value) is not None:
            raise Malformed("json.surrogate")
        if not unicodedata.is_normalized("NFC", value):
            raise Malformed("json.not_nfc")
    return str(value)


def _check_depth(data: bytes, max_depth: int) -> None:
    """Refuse deep nesting before the recursive parser sees it."""
    if data.count(b"[") + data.count(b"{") <= max_depth:
        return
    depth = 0
    for bracket in _STRING.sub(b"", data).translate(None, _NOT_BRACKETS):
        if bracket in _OPENING:
            depth += 1
            if depth > max_depth:
                raise Malformed("json.too_deep", expected=max_depth)
        else:
            depth -= 1


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Malformed("json.duplicate_key")
    names = list(members)
    if names != sorted(names) or not "".join(names).isascii():
        ordered = sorted(names, key=_order)
        if names != ordered:
            raise Malformed("json.not_canonical", detail="order of members")
    return members


def _any_object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Malformed("json.duplicate_key")
    return members


def _integer(digits: str) -> int:
    if len(digits) > _INTEGER_DIGITS or abs(value := int(digits)) > MAX_INTEGER:
        raise Malformed("json.integer_range", expected=MAX_INTEGER)
    return value


def _refuse_float(_digits: str) -> NoReturn:
    raise Malformed("json.float")


def _refuse_constant(_name: str) -> NoReturn:
    raise Malformed("json.syntax", detail="NaN and Infinity are not JSON")
