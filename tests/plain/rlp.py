"""RLP, canonical only (§10): one item, nothing after it."""

from typing import TypeAlias

from tests.plain.refusal import Refused, need

Item: TypeAlias = "bytes | list[Item]"
DEEPEST = 8


def _head(data: bytes, at: int) -> tuple[bool, int, int]:
    """Whether the item at this place is a list, and where its payload starts and ends."""
    need(at < len(data), "RLP ends too early")
    first = data[at]
    if first < 0x80:
        return False, at, at + 1
    is_list, short = first >= 0xC0, first & 0x3F
    start, length = at + 1, short
    if short > 55:
        start = at + 1 + short - 55
        size = data[at + 1 : start]
        length = int.from_bytes(size)
        need(len(size) == short - 55, "RLP ends too early")
        need(size[0] > 0 and length > 55, "an RLP length is longer than it need be")
    need(start + length <= len(data), "RLP ends too early")
    need(is_list or length != 1 or data[start] >= 0x80, "a single byte below 0x80 stands for itself")
    return is_list, start, start + length


def _item(data: bytes, at: int, depth: int) -> tuple[Item, int]:
    is_list, start, end = _head(data, at)
    if not is_list:
        return data[start:end], end
    need(depth < DEEPEST, "RLP lists nest too deep")
    items = []
    while start < end:
        item, start = _item(data, start, depth + 1)
        items.append(item)
    need(start == end, "an RLP item passes the end of its list")
    return items, end


def decode(data: bytes) -> Item:
    """The one item that the bytes are."""
    item, end = _item(data, 0, 0)
    need(end == len(data), "bytes after the RLP item")
    return item


def decode_list(data: bytes) -> list[Item]:
    """The same, where a list is asked for."""
    item = decode(data)
    if isinstance(item, bytes):
        raise Refused("a list was asked for")
    return item


def encode(item: Item) -> bytes:
    """The canonical bytes of an item."""
    if isinstance(item, bytes):
        return item if len(item) == 1 and item[0] < 0x80 else _prefixed(0x80, item)
    return _prefixed(0xC0, b"".join(map(encode, item)))


def _prefixed(base: int, payload: bytes) -> bytes:
    if len(payload) <= 55:
        return bytes([base + len(payload)]) + payload
    size = len(payload).to_bytes((len(payload).bit_length() + 7) // 8)
    return bytes([base + 55 + len(size)]) + size + payload


def number(item: Item, most: int) -> int:
    """A whole number of at most so many bytes, without leading zeros."""
    if not isinstance(item, bytes) or len(item) > most or item[:1] == b"\x00":
        raise Refused("not a canonical number")
    return int.from_bytes(item)
