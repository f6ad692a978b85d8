"""Canonical JSON (§1.3) and the small readers that every format is read with."""

import json
import unicodedata
from itertools import pairwise
from typing import Any

from tests.plain.refusal import Refused, need

LARGEST = 2**53 - 1
DEEPEST = 32


def _ordered(value: Any, depth: int = 0) -> Any:
    """The same value with names in order, refused where §1.3 has no form for it."""
    if isinstance(value, str):
        need(unicodedata.is_normalized("NFC", value), "text is not in NFC")
        return value
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        need(abs(value) <= LARGEST, "an integer of 2^53 or more")
        return value
    need(isinstance(value, list | dict), "a value that JSON integers and text cannot say")
    need(depth < DEEPEST, "lists and objects nest too deep")
    if isinstance(value, list):
        return [_ordered(one, depth + 1) for one in value]
    names = sorted(value, key=lambda name: name.encode("utf-16-be"))
    return {_ordered(name): _ordered(value[name], depth + 1) for name in names}


def write(value: Any) -> bytes:
    """Canonical bytes of a value."""
    try:
        return json.dumps(_ordered(value), ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError as error:
        raise Refused("half a surrogate pair") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    need(len({name for name, _ in pairs}) == len(pairs), "a name is repeated")
    return dict(pairs)


def _no_number(text: str) -> None:
    raise Refused(f"not an integer: {text}")


def read(data: bytes, most: int) -> Any:
    """The value that canonical bytes say; anything else is refused."""
    need(len(data) <= most, "the file is too long")
    try:
        value = json.loads(data.decode(), object_pairs_hook=_once, parse_float=_no_number, parse_constant=_no_number)
        same = write(value) == data
    except (ValueError, RecursionError) as error:
        raise Refused("not JSON") from error
    need(same, "not the canonical form")
    return value


def members(value: Any, *names: str) -> list[Any]:
    """Values of an object that has exactly these names, in the order asked for."""
    need(isinstance(value, dict) and set(value) == set(names), f"an object of {', '.join(names)} was asked for")
    return [value[name] for name in names]


def whole(value: Any, least: int = 0, most: int = LARGEST) -> int:
    """An integer from least to most."""
    if type(value) is not int or not least <= value <= most:
        raise Refused(f"an integer from {least} to {most} was asked for, not {value!r}")
    return value


def text(value: Any, most: int | None = None) -> str:
    """Text, of 1 to so many characters where it is said."""
    if not isinstance(value, str) or (most is not None and not 1 <= len(value) <= most):
        raise Refused(f"text of 1 to {most} characters was asked for" if most else "text was asked for")
    return value


def octets(value: Any, size: int | None = None) -> bytes:
    """Bytes from lower-case hex, of this many bytes where it is said."""
    hexadecimal = text(value)
    need(
        hexadecimal and len(hexadecimal) % 2 == 0 and not set(hexadecimal) - set("0123456789abcdef"),
        "not lower-case hex",
    )
    data = bytes.fromhex(hexadecimal)
    need(size is None or len(data) == size, f"{size} bytes were asked for, not {len(data)}")
    return data


def entries(value: Any, least: int = 0, most: int = LARGEST) -> list[Any]:
    """A list of so many entries."""
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise Refused(f"a list of {least} to {most} was asked for")
    return value


def ascending(keys: list[Any], what: str) -> None:
    """Refuse keys that do not ascend strictly."""
    need(all(one < following for one, following in pairwise(keys)), f"{what} do not ascend")
