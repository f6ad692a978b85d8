"""Reading of parsed JSON member by member, with the strictness of spec/SPEC.md §1.3.

Guaranteed: what a function returns has exactly the type, length and range asked for; objects have exactly the members
asked for. Not guaranteed: canonical bytes; `tiezheng.canonical.loads_strict` refuses other forms before this runs.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from tiezheng.errors import Malformed

MAX_INTEGER: Final = (1 << 53) - 1
_HEX: Final = re.compile(r"[0-9a-f]*", re.ASCII)


def read_object(value: object, names: frozenset[str], where: str) -> dict[str, object]:
    """The object with exactly these members. Raises Malformed `json.member_type`, `_missing`, `_unknown`."""
    if not isinstance(value, dict):
        raise Malformed("json.member_type", expected=f"{where}: an object", got=type(value).__name__)
    if value.keys() != names:
        for name in sorted(names):
            if name not in value:
                raise Malformed("json.member_missing", expected=f"{where}.{name}")
        unknown = next(name for name in sorted(value) if name not in names)
        raise Malformed("json.member_unknown", got=f"{where}.{unknown[:64]}")
    return value


def read_list(value: object, where: str, most: int, least: int = 0) -> list[object]:
    """A list of `least` to `most` items. Raises Malformed `json.member_type`, `json.list_length`."""
    if not isinstance(value, list):
        raise Malformed("json.member_type", expected=f"{where}: a list", got=type(value).__name__)
    if not least <= len(value) <= most:
        raise Malformed("json.list_length", expected=f"{where}: {least} to {most} items", got=len(value))
    return value


def read_integer(value: object, where: str, most: int = MAX_INTEGER, least: int = 0) -> int:
    """An integer from `least` to `most`, never a boolean. Raises Malformed `json.member_type`, `json.integer_range`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise Malformed("json.member_type", expected=f"{where}: an integer", got=type(value).__name__)
    if not least <= value <= most:
        raise Malformed("json.integer_range", expected=f"{where}: {least} to {most}", got=value)
    return value


def read_text(value: object, where: str, most: int = 1024, least: int = 1) -> str:
    """Text of `least` to `most` characters. Raises Malformed `json.member_type`."""
    if not isinstance(value, str) or not least <= len(value) <= most:
        raise Malformed("json.member_type", expected=f"{where}: text of {least} to {most} characters")
    return value


def read_hex(value: object, where: str, size: int) -> bytes:
    """Exactly `size` bytes in lower-case hex. Raises Malformed `json.hex`."""
    data = read_hex_up_to(value, where, size)
    if len(data) != size:
        raise Malformed("json.hex", expected=f"{where}: {size} bytes", got=len(data))
    return data


def read_hex_up_to(value: object, where: str, most: int) -> bytes:
    """One to `most` bytes in lower-case hex. Raises Malformed `json.hex`."""
    if not isinstance(value, str) or not 0 < len(value) <= 2 * most or len(value) % 2 or not _HEX.fullmatch(value):
        raise Malformed("json.hex", expected=f"{where}: lower-case hex of 1 to {most} bytes")
    return bytes.fromhex(value)


def read_constant(value: object, constant: str, where: str, code: str) -> None:
    """Refuse anything but this text, with `code`."""
    if value != constant:
        raise Malformed(code, expected=f"{where}: {constant}", got=value[:64] if isinstance(value, str) else None)


def check_ascending(keys: Sequence[object], where: str) -> None:
    """Refuse keys that do not strictly ascend, repeats included. Raises Malformed `json.order`."""
    for before, after in pairwise(keys):
        if not before < after:  # type: ignore[operator]
            raise Malformed("json.order", expected=f"{where}: strictly ascending")
