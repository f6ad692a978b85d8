"""Reading of requests: bodies within a cap, JSON, hexadecimal ids, queries.

Guaranteed: nothing larger than its cap is held, a body that stops arriving is given up, unknown and repeated members
and parameters are refused, and each mistake has its code. Not guaranteed: what the values mean; the services check.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import anyio.from_thread
from fastapi import Depends, Request

from ledger.domain.limits import CONTENT_MAX_BYTES
from tiezheng.canonical import Json, dumps, loads, loads_strict
from tiezheng.content import MAX_ATTACHMENTS
from tiezheng.digest import DIGEST_SIZE
from tiezheng.errors import Malformed, TooLarge
from tiezheng.json_members import read_hex, read_hex_up_to, read_integer, read_list
from tiezheng.statement import MAX_SIGNATURES

# No caller needs longer for the next piece; a slower one is given up, so that nobody holds a place for nothing.
PAUSE_SECONDS: Final = 30.0
# And a body as a whole keeps up this pace after its first minute: else a byte every half minute would hold a place.
BODY_GRACE_SECONDS: Final = 60.0
BODY_BYTES_PER_SECOND: Final = 8_192
# Statement (366 characters), eight signatures (1,120) and the names of members; ids of attachments come on top.
FRAME_BYTES: Final = 4_096 + MAX_ATTACHMENTS * (2 * DIGEST_SIZE + 3)
# A statement or collection with its private content: as large as the ledger takes one.
STATEMENT_BODY_MAX: Final = CONTENT_MAX_BYTES + FRAME_BYTES
# Hexadecimal of a wrong length is read this far, so that the kernel names what is wrong with it.
_HEX_MAX: Final = 1_024
# A body of this size is read within a millisecond, so it may be read where all connections are served.
INLINE_BYTES_MAX: Final = 32 << 10
_CONTENT: Final = b'{"content":'
_FLAGS: Final = {"true": True, "false": False}


def body_up_to(most: int) -> Any:
    """A dependency: the whole body; errors as `body_of`."""

    async def read(request: Request) -> bytes:
        return await body_of(request, most)

    return Depends(read)


async def body_of(request: Request, most: int) -> bytes:
    """The whole body. Raises TooLarge `request.too_large` above `most` bytes, Malformed `request.*`."""
    return b"".join([chunk async for chunk in pieces(request, most)])


def is_small(request: Request) -> bool:
    """Whether the body is announced to be of at most `INLINE_BYTES_MAX`."""
    text = request.headers.get("content-length", "")
    return text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= INLINE_BYTES_MAX


async def pieces(request: Request, most: int) -> AsyncIterator[bytes]:
    """The body piece by piece. Raises TooLarge `request.too_large`, Malformed `request.length`, `request.timeout`,
    `request.format` for a coded body."""
    announced = _announced(request, most)
    size, stream, now = 0, request.stream(), asyncio.get_running_loop().time
    begun = now()
    while True:
        until = min(now() + PAUSE_SECONDS, begun + BODY_GRACE_SECONDS + size / BODY_BYTES_PER_SECOND)
        try:
            async with asyncio.timeout_at(until):
                chunk = await anext(stream, None)
        except TimeoutError as error:
            raise Malformed("request.timeout") from error
        if chunk is None:
            break
        size += len(chunk)
        if size > most:
            raise TooLarge("request.too_large", expected=most)
        if chunk:
            yield chunk
    if announced is not None and size != announced:
        raise Malformed("request.length", expected=announced, got=size)


def _announced(request: Request, most: int) -> int | None:
    length = content_length(request)
    if length is not None and length > most:
        raise TooLarge("request.too_large", expected=most, got=length)
    return length


def content_length(request: Request) -> int | None:
    """What the request says of its body; None if nothing. Raises Malformed `request.format`."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Malformed("request.format", detail="content-encoding")
    text = request.headers.get("content-length")
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Malformed("request.format", detail="content-length")
    return int(text)


class ThreadReader:
    """A request's body as a blocking reader for a worker thread; memory is what one `read` asks for and one arrival."""

    def __init__(self, request: Request, most: int) -> None:
        self._pieces = pieces(request, most)
        self._held: list[bytes | memoryview] = []
        self._size = 0
        self._ended = False

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; full but for the last one. To be called in a thread that the event loop started."""
        if self._size < size and not self._ended:
            anyio.from_thread.run(self._fill, size)
        over = self._size - size
        if over <= 0:
            piece, self._held, self._size = b"".join(self._held), [], 0
            return piece
        # Arrivals are joined once, and what is over is kept as a view: every byte is copied one time.
        last = memoryview(self._held.pop())
        piece = b"".join([*self._held, last[:-over]])
        self._held, self._size = [last[-over:]], over
        return piece

    def rest(self) -> bytes:
        """What arrived before the body broke off and was not read."""
        piece, self._held, self._size = b"".join(self._held), [], 0
        return piece

    async def _fill(self, size: int) -> None:
        while self._size < size:
            chunk = await anext(self._pieces, None)
            if chunk is None:
                self._ended = True
                return
            self._held.append(chunk)
            self._size += len(chunk)


def members_of(body: bytes, required: frozenset[str], optional: frozenset[str] = frozenset()) -> dict[str, Json]:
    """The JSON object in a body with these members. Raises Malformed `json.*`."""
    value, _ = _object(body, required, optional)
    return value


@dataclass(frozen=True, slots=True)
class PrivatePart:
    """A private content in a body: its canonical bytes, and what they say."""

    data: bytes
    value: Json


def with_content(
    body: bytes, required: frozenset[str], optional: frozenset[str]
) -> tuple[dict[str, Json], PrivatePart | None]:
    """As `members_of`, and the member `content`, or None where it is null.

    The bytes are those of the body where the body is canonical; else they are written anew, which changes no root:
    roots are computed from canonical values.
    """
    value, canonical = _object(body, required | {"content"}, optional)
    content = value.pop("content")
    if content is None:
        return value, None
    if canonical:
        tail = b"," + dumps(value)[1:]
        if body.startswith(_CONTENT) and body.endswith(tail):
            return value, PrivatePart(body[len(_CONTENT) : -len(tail)], content)
    return value, PrivatePart(dumps(content), content)


def _object(body: bytes, required: frozenset[str], optional: frozenset[str]) -> tuple[dict[str, Json], bool]:
    canonical = True
    try:
        value = loads_strict(body, len(body))
    except Malformed as error:
        if error.code != "json.not_canonical":
            raise
        value, canonical = loads(body, len(body)), False
    if not isinstance(value, dict):
        raise Malformed("json.member_type", expected="an object", got=type(value).__name__)
    for name in sorted(required - value.keys()):
        raise Malformed("json.member_missing", expected=name)
    for name in sorted(value.keys() - required - optional):
        raise Malformed("json.member_unknown", got=name[:64])
    return value, canonical


def bytes_of(value: object, where: str) -> bytes:
    """Hexadecimal whose length the kernel judges. Raises Malformed `json.hex`."""
    return read_hex_up_to(value, where, _HEX_MAX)


def signatures_of(value: object, least: int) -> list[bytes]:
    """A list of signatures. Raises Malformed `json.*`."""
    return [bytes_of(item, "signatures") for item in read_list(value, "signatures", MAX_SIGNATURES, least)]


def digests_of(value: object, where: str) -> tuple[bytes, ...]:
    """A list of digests, null for none. Raises Malformed `json.*`."""
    if value is None:
        return ()
    return tuple(read_hex(item, where, DIGEST_SIZE) for item in read_list(value, where, MAX_ATTACHMENTS))


def plan_of(value: object) -> list[tuple[int, int]]:
    """[[signer, role], …]. Raises Malformed `json.*`."""
    plan = []
    for item in read_list(value, "plan", MAX_SIGNATURES, 1):
        signer, role = read_list(item, "plan", 2, 2)
        plan.append((read_integer(signer, "signer", (1 << 32) - 1, 1), read_integer(role, "role", 255)))
    return plan


def path_bytes(text: str, size: int, where: str = "address") -> bytes:
    """An id in the address. Raises Malformed `request.hex`."""
    try:
        return read_hex(text, where, size)
    except Malformed as error:
        raise Malformed("request.hex", expected=f"{where}: {size} bytes") from error


def path_number(text: str, most: int) -> int:
    """A decimal number in the address or query. Raises Malformed `request.format`."""
    if not text.isascii() or not text.isdigit() or len(text) > 18 or int(text) > most:
        raise Malformed("request.format", expected=f"a number up to {most}")
    return int(text)


def flag(text: str) -> bool:
    """true or false. Raises Malformed `request.format`."""
    if text not in _FLAGS:
        raise Malformed("request.format", expected="true or false")
    return _FLAGS[text]


def number(most: int) -> Callable[[str], int]:
    """A reader of a number up to `most`, for `read_query`."""
    return lambda text: path_number(text, most)


def read_query(request: Request, readers: Mapping[str, Callable[[str], Any]]) -> dict[str, Any]:
    """The query's parameters, each once, read by its reader. Raises Malformed `request.format`."""
    given = request.query_params.multi_items()
    found: dict[str, Any] = {}
    for name, text in given:
        if name not in readers or name in found:
            raise Malformed("request.format", expected=", ".join(sorted(readers)), detail="query")
        found[name] = readers[name](text)
    return found
