"""Strict RLP (Ethereum Yellow Paper, appendix B): one byte string for one value, nothing else accepted.

Guaranteed: whatever `decode` accepts, `encode` turns back into the same bytes; size and nesting are bounded before any
work is done. Not guaranteed: what the items mean; callers check counts, lengths and ranges of the items themselves.
"""

from collections.abc import Sequence
from typing import TypeAlias

from tiezheng.errors import Malformed

Item: TypeAlias = "bytes | list[Item]"
Encodable: TypeAlias = "bytes | Sequence[Encodable]"

DEFAULT_MAX_SIZE = 65_536
DEFAULT_MAX_DEPTH = 8


def decode(data: bytes, *, max_size: int = DEFAULT_MAX_SIZE, max_depth: int = DEFAULT_MAX_DEPTH) -> Item:
    """Decode exactly one item that fills `data`.

    `max_depth` counts nested lists (a flat list is 1). Raises `Malformed` with `rlp.too_large`, `rlp.too_deep`,
    `rlp.truncated`, `rlp.trailing` or `rlp.non_canonical`.
    """
    if len(data) > max_size:
        raise Malformed("rlp.too_large", expected=f"<= {max_size}", got=len(data))
    if not data:
        raise Malformed("rlp.truncated", expected="one item", got=0)
    # bytes() drops subclasses of client libraries, whose slices and hex() differ; it copies nothing else.
    items = _decode_items(bytes(data), 0, len(data), max_depth, 1)
    return items[0]


def decode_list(data: bytes, *, max_size: int = DEFAULT_MAX_SIZE, max_depth: int = DEFAULT_MAX_DEPTH) -> list[Item]:
    """Decode one item that must be a list.

    Otherwise as `decode`. Raises `Malformed` with `rlp.shape` on a byte string.
    """
    item = decode(data, max_size=max_size, max_depth=max_depth)
    if isinstance(item, bytes):
        raise Malformed("rlp.shape", expected="list", got="bytes")
    return item


def decode_int(data: Item, *, max_bytes: int = 32) -> int:
    """Read a scalar: big-endian, no leading zero byte, empty for 0, at most `max_bytes` long.

    Raises `Malformed` with `rlp.shape` for a list and `rlp.integer` for another form of number.
    """
    if not isinstance(data, bytes):
        raise Malformed("rlp.shape", expected="bytes", got="list")
    if len(data) > max_bytes:
        raise Malformed("rlp.integer", expected=f"<= {max_bytes} bytes", got=len(data))
    if data and data[0] == 0:
        raise Malformed("rlp.integer", expected="no leading zero byte", got=data[:1].hex())
    return int.from_bytes(data, "big")


def encode_int(value: int) -> bytes:
    """Return the scalar form of `value` >= 0, to be passed to `encode` as a byte string (0 is empty)."""
    if value < 0:
        raise Malformed("rlp.integer", expected=">= 0", got=value)
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def encode(item: Encodable) -> bytes:
    """Return the one RLP encoding of a byte string or of an arbitrarily nested sequence of byte strings."""
    if isinstance(item, bytes):
        if len(item) == 1 and item[0] < 0x80:
            return item
        return _prefix(len(item), 0x80) + item
    body = b"".join([encode(member) for member in item])
    return _prefix(len(body), 0xC0) + body


def _prefix(length: int, offset: int) -> bytes:
    if length < 56:
        return bytes((offset + length,))
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((offset + 55 + len(size),)) + size


def _decode_items(data: bytes, start: int, end: int, depth_left: int, limit: int = -1) -> list[Item]:
    """Decode the items that fill data[start:end]; with `limit` >= 0, exactly that many."""
    items: list[Item] = []
    at = start
    while at < end:
        if limit == 0:
            raise Malformed("rlp.trailing", expected=at - start, got=end - start)
        limit -= 1
        first = data[at]
        if first == 0xA0:
            # A 32-byte string: nearly every item of a trie node.
            stop = at + 33
            if stop > end:
                raise Malformed("rlp.truncated", expected=33, got=end - at)
            items.append(data[at + 1 : stop])
            at = stop
            continue
        if first < 0x80:
            items.append(data[at : at + 1])
            at += 1
            continue
        is_list = first >= 0xC0
        body = at + 1
        size = first - (0xC0 if is_list else 0x80)
        if size > 55:
            body, size = _long_size(data, body, end, size - 55)
        stop = body + size
        if stop > end:
            raise Malformed("rlp.truncated", expected=stop - at, got=end - at)
        if is_list:
            if depth_left <= 0:
                raise Malformed("rlp.too_deep", expected="fewer nested lists", got="one more")
            items.append(_decode_items(data, body, stop, depth_left - 1))
        else:
            if size == 1 and data[body] < 0x80:
                raise Malformed(
                    "rlp.non_canonical", expected="a byte below 0x80 stands for itself", got=data[at:stop].hex()
                )
            items.append(data[body:stop])
        at = stop
    return items


def _long_size(data: bytes, at: int, end: int, width: int) -> tuple[int, int]:
    """Read a length of `width` bytes at data[at:]; return (start of the payload, its size)."""
    body = at + width
    if body > end:
        raise Malformed("rlp.truncated", expected=width, got=end - at)
    if data[at] == 0:
        raise Malformed("rlp.non_canonical", expected="no leading zero in a length", got=data[at:body].hex())
    size = int.from_bytes(data[at:body], "big")
    if size < 56:
        raise Malformed("rlp.non_canonical", expected="short form for fewer than 56 bytes", got=size)
    return body, size
