"""One connection: HTTP/1.1 read strictly, and nobody who is slow holds a place.

Guaranteed: a request's head arrives within `HEAD_SECONDS` and what is sent to a caller is taken within `TAKE_SECONDS`,
else the connection ends; beyond `CONNECTIONS_MAX` connections requests are answered 503, beyond `CONNECTIONS_HARD_MAX`
connections are cut; what two readers of HTTP could read in two ways (a bare line feed, a folded header, two framings of
one body) is refused, as a problem document. Not guaranteed: fairness between callers behind one address; a server in
front of the service counts those.
"""

import asyncio
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final, Literal

import h11
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from api.problems import MEDIA_TYPE, problem_of
from tiezheng.errors import Malformed, TiezhengError, TooLarge, Unavailable

# A head is one packet or two; whoever needs longer than this is not a person waiting for an answer.
HEAD_SECONDS: Final = 15.0
# A piece of an answer is 1 MiB at most: some 18 KB a second. A caller that takes nothing holds memory and a place.
TAKE_SECONDS: Final = 60.0
# Connections beyond this are answered 503; beyond the second bound they are cut, so that descriptors (1,024 for a
# process, where nobody raised it) are left for the database and files.
CONNECTIONS_MAX: Final = 512
CONNECTIONS_HARD_MAX: Final = 640
HEADER_BYTES_MAX: Final = 32_768
_BUSY_SECONDS: Final = 2
_LOOSE: Final = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)|\r\n[ \t]")
_END: Final = b"\r\n\r\n"


class StrictConnection(h11.Connection):
    """The parser, without the leniences that RFC 9112 permits a server and that smuggling lives on."""

    def next_event(self) -> Any:
        """See the parent."""
        if self.their_state is h11.IDLE:
            data, _ = self.trailing_data
            end = data.find(_END)
            if _LOOSE.search(data if end < 0 else data[: end + len(_END)]):
                raise h11.RemoteProtocolError("line endings")
        event = super().next_event()
        if isinstance(event, h11.Request):
            names = [name for name, _ in event.headers]
            if b"transfer-encoding" in names and (b"content-length" in names or event.http_version != b"1.1"):
                raise h11.RemoteProtocolError("two framings")
        return event


class Line(H11Protocol):
    """The server's side of one connection."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.conn = StrictConnection(h11.SERVER, HEADER_BYTES_MAX)
        self._loaded = self.app
        self._head: asyncio.TimerHandle | None = None
        self._take: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See the parent."""
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_HARD_MAX:
            transport.abort()
            return
        self._head = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def data_received(self, data: bytes) -> None:
        """See the parent."""
        if self._head is None and self.conn.their_state is h11.IDLE:
            self._head = self.loop.call_later(HEAD_SECONDS, self._too_slow)
        self.app = _busy if len(self.connections) > CONNECTIONS_MAX else self._loaded
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_timer("_head")

    def connection_lost(self, exc: Exception | None) -> None:
        """See the parent."""
        self._stop_timer("_head")
        self._stop_timer("_take")
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """See the parent."""
        super().pause_writing()
        self._take = self._take or self.loop.call_later(TAKE_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """See the parent."""
        self._stop_timer("_take")
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  the parent's words for it
        """What broke HTTP is told as a problem document; the connection ends."""
        error = sys.exc_info()[1]
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        told = TooLarge("request.too_large", expected=HEADER_BYTES_MAX) if status == 431 else None
        self._refuse(told or Malformed("request.format"), status)

    def _too_slow(self) -> None:
        self._refuse(Malformed("request.timeout"), 408)

    def _refuse(self, error: TiezhengError, status: int) -> None:
        self._stop_timer("_head")
        cycle: RequestResponseCycle | None = self.cycle  # the parent declares it too narrowly
        if cycle is not None and not cycle.response_complete:
            # The endpoint is still at work: it reads of the broken body as of a caller that went away.
            cycle.disconnected = True
            cycle.message_event.set()
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            body = bytes(problem_of(error, status).body)
            headers = [
                ("Content-Type", MEDIA_TYPE),
                ("Content-Length", str(len(body))),
                ("Cache-Control", "no-store"),
                ("X-Content-Type-Options", "nosniff"),
                ("Connection", "close"),
            ]
            for event in (h11.Response(status_code=status, headers=headers), h11.Data(body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _stop_timer(self, name: Literal["_head", "_take"]) -> None:
        timer: asyncio.TimerHandle | None = getattr(self, name)
        if timer is not None:
            timer.cancel()
        setattr(self, name, None)


async def _busy(scope: Scope, receive: Receive, send: Send) -> None:
    """What every request is answered while too many are connected."""
    error = Unavailable("service.unavailable", retry_after_seconds=_BUSY_SECONDS, detail="connections")
    await problem_of(error, headers={"Connection": "close"})(scope, receive, send)


def line_settings() -> MutableMapping[str, Any]:
    """How the server (uvicorn) speaks to callers; the same in production and in tests."""
    return {"http": Line, "ws": "none", "log_config": None, "access_log": False, "server_header": False,
            "proxy_headers": False}  # fmt: skip
