"""Around every request: one line in the log, counted, no defect without an answer, and refusals that arrive.

Guaranteed: the log has a request's own id (which its answer names), method, route template, status, duration and
institution, never a path with ids, a query, a header or a body; an error that nothing else answered becomes
`internal.fault`; a caller that is still sending when it is refused can read why, up to a bound, after which the
connection ends; once the service stops, a new request is answered 503 and its connection ends, while those that were
taken are finished; a caller over its share is answered 429. Not guaranteed: an answer to a caller that went away.
"""

import asyncio
import secrets
import time
from typing import Final

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.draining import Drain
from api.logs import describe
from api.metrics import Metrics
from api.problems import internal_fault, problem_of
from api.rates import Rates
from tiezheng.errors import TooMany, Unavailable

# A refused body is read to this bound, so that closing the connection does not destroy the answer on its way.
DRAIN_BYTES: Final = 64 << 20
DRAIN_SECONDS: Final = 10.0
# A refused body that may be longer ends its connection: the server would else read it to its end, however long that is.
KEPT_BODY_BYTES: Final = 1 << 20
_HEADERS: Final = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))
# In every answer, and in the lines of the log that belong to it: what a caller names when something went wrong.
_REQUEST: Final = b"tiezheng-request"
_CLOSE: Final = (b"connection", b"close")
# How long a caller waits before it tries the process that takes this one's place.
STOPPING_RETRY_SECONDS: Final = 2
_log = structlog.get_logger("api.requests")


class BrokenAnswer(Exception):
    """An answer failed after it had begun; the connection is cut, so that no one takes it for whole."""


class Guard:
    """The middleware."""

    def __init__(self, app: ASGIApp, metrics: Metrics, drain: Drain) -> None:
        self._app = app
        self._metrics = metrics
        self._drain = drain
        self._rates = Rates()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; other scopes pass."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self._drain)
        with self._metrics.running.track_inprogress():
            begun = time.monotonic()
            try:
                await self._answer(scope, exchange)
            finally:
                self._metrics.answered(exchange.route, scope["method"], exchange.status, time.monotonic() - begun)

    async def _answer(self, scope: Scope, exchange: "_Exchange") -> None:
        if self._drain.begun:
            await exchange.run(problem_of(Unavailable("service.stopping", retry_after_seconds=STOPPING_RETRY_SECONDS)))
            return
        wait = self._rates.enter(scope)
        if wait is not None:
            await exchange.run(problem_of(TooMany("service.too_many", retry_after_seconds=wait)))
            return
        try:
            await exchange.run(self._app)
        finally:
            self._rates.leave(scope, exchange.status)


class _Exchange:
    def __init__(self, scope: Scope, receive: Receive, send: Send, drain: Drain) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._drain_signal = drain
        self._more = True
        # Drawn here and never taken from the caller, who could write a name or another one's id into the log.
        self._id = secrets.token_hex(8)
        self.status = 0

    async def run(self, app: ASGIApp) -> None:
        begun = time.monotonic()
        failure: Exception | None = None
        try:
            await app(self._scope, self.receive, self.send)
        except ClientDisconnect:
            self.status = self.status or 499
        except Exception as error:  # noqa: BLE001  the last resort of the service: logged by type, answered without detail
            failure = error
        if failure is not None:
            _log.error("request.failed", request=self._id, route=self.route, error=describe(failure))
            if self.status:
                raise BrokenAnswer from None
            await internal_fault()(self._scope, self.receive, self.send)
        _log.info(
            "request.answered",
            request=self._id,
            method=self._scope["method"][:16],
            route=self.route,
            status=self.status,
            ms=round((time.monotonic() - begun) * 1000, 1),
            institution=self._scope.get("state", {}).get("institution"),
        )

    async def receive(self) -> Message:
        message = await self._receive()
        self._more = message["type"] == "http.request" and message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            have = {name.lower() for name, _ in message.get("headers", ())}
            more = [header for header in _HEADERS if header[0] not in have]
            more.append((_REQUEST, self._id.encode()))
            if (self.status >= 400 and self._more and self._much_is_to_come()) or self._drain_signal.begun:
                more.append(_CLOSE)
            message = {**message, "headers": [*message.get("headers", ()), *more]}
        last = message["type"] == "http.response.body" and not message.get("more_body", False)
        if not (last and self._more and self.status >= 400):
            await self._send(message)
            return
        # The refusal goes out at once; only its end is held back while the rest of the request is thrown away.
        await self._send({**message, "more_body": True})
        await self._drain()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def _much_is_to_come(self) -> bool:
        headers = dict(self._scope["headers"])
        if b"transfer-encoding" in headers:
            return True
        return int(headers.get(b"content-length", b"0")) > KEPT_BODY_BYTES

    async def _drain(self) -> None:
        left = DRAIN_BYTES
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                while self._more and left > 0:
                    left -= len((await self.receive()).get("body", b""))
        except TimeoutError:
            return

    @property
    def route(self) -> str:
        """The template of the route, never what stood in its place."""
        return str(getattr(self._scope.get("route"), "path", "unmatched"))
