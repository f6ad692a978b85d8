"""The little DER that key files and signatures need (X.690).

Guaranteed: one encoding for each value; indefinite, padded or overlong lengths and padded integers are refused. Not
guaranteed: any type beyond those below. Refusals are ValueError; callers turn them into errors of their own.
"""

from typing import Final

INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OBJECT_IDENTIFIER: Final = 0x06
SEQUENCE: Final = 0x30
CONTEXT: Final = 0xA0  # constructed, context-specific; the number is added


def element(tag: int, body: bytes) -> bytes:
    """Tag, length and body."""
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + body


def sequence(*items: bytes) -> bytes:
    """SEQUENCE of encoded items."""
    return element(SEQUENCE, b"".join(items))


def integer(number: int) -> bytes:
    """INTEGER, zero or more."""
    # One bit more than the magnitude, so that the value stays positive.
    return element(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def bits(body: bytes) -> bytes:
    """BIT STRING of whole bytes."""
    return element(BIT_STRING, b"\x00" + body)


def identifier(dotted: str) -> bytes:
    """OBJECT IDENTIFIER."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    body = bytearray()
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        body += bytes(reversed(groups))
    return element(OBJECT_IDENTIFIER, bytes(body))


class Reader:
    """Takes one element after another from encoded bytes."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __bool__(self) -> bool:
        return bool(self._data)

    def next_tag(self) -> int | None:
        """The tag of the next element, None at the end."""
        return self._data[0] if self._data else None

    def take(self, tag: int) -> bytes:
        """The body of the next element, which must have this tag."""
        data = self._data
        if len(data) < 2 or data[0] != tag:
            raise ValueError("tag")
        start, size = 2, data[1]
        if size >= 0x80:
            # Two bytes of length cover every key file that is accepted.
            width = size & 0x7F
            length = data[2 : 2 + width]
            start, size = 2 + width, int.from_bytes(length, "big")
            if not 1 <= width <= 2 or len(length) != width or length[0] == 0 or size < 0x80:
                raise ValueError("length")
        body = data[start : start + size]
        if len(body) != size:
            raise ValueError("truncated")
        self._data = data[start + size :]
        return body

    def element(self, tag: int) -> bytes:
        """The next element whole, tag and length included."""
        before = self._data
        self.take(tag)
        return before[: len(before) - len(self._data)]

    def enter(self, tag: int = SEQUENCE) -> "Reader":
        """A reader over the body of the next element."""
        return Reader(self.take(tag))

    def integer(self) -> int:
        """The next element as an INTEGER, zero or more."""
        body = self.take(INTEGER)
        if not body or body[0] >= 0x80 or (len(body) > 1 and body[0] == 0 and body[1] < 0x80):
            raise ValueError("integer")
        return int.from_bytes(body, "big")

    def bits(self) -> bytes:
        """The next element as a BIT STRING of whole bytes."""
        body = self.take(BIT_STRING)
        if not body or body[0] != 0:
            raise ValueError("bits")
        return body[1:]

    def end(self) -> None:
        """Demand that nothing is left."""
        if self._data:
            raise ValueError("trailing bytes")
