"""A load generator: requests at a fixed rate over kept connections, and how long each took from when it was due.

Guaranteed: requests are sent when they are due whether or not earlier ones were answered, as long as a connection is
free; the time of one that had to wait for a connection counts from when it was due, so a stall is seen by all that it
held up. Not guaranteed: anything about the answers' bodies; the caller says which status is right.
"""

import asyncio
import statistics
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

HOST: Final = "127.0.0.1"
_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length: "


@dataclass(slots=True)
class Outcome:
    """What came of a load: milliseconds of each request from when it was due, statuses, seconds in all."""

    latencies_ms: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def per_second(self) -> float:
        """Answers a second, over the whole time."""
        return len(self.latencies_ms) / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds that this share of the requests stayed below."""
        return statistics.quantiles(self.latencies_ms, n=1000, method="inclusive")[round(share * 1000) - 1]


def post(path: str, port: int, token: str, body: bytes) -> bytes:
    """A whole request as it goes over the line."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def run(ports: Sequence[int], requests: Sequence[bytes], rate: float, connections: int) -> Outcome:
    """Send all requests at `rate` a second over so many connections, shared among the ports.

    Raises ConnectionError where one is cut.
    """
    return asyncio.run(_run(ports, requests, rate, connections))


async def _run(ports: Sequence[int], requests: Sequence[bytes], rate: float, connections: int) -> Outcome:
    loop = asyncio.get_running_loop()
    generator = _Generator(requests, rate, loop.create_future())
    opened = [
        await loop.create_connection(lambda: _Connection(generator.free), HOST, ports[at % len(ports)])
        for at in range(connections)
    ]
    generator.begin()
    try:
        await generator.done
    finally:
        for transport, _ in opened:
            transport.close()
    return generator.outcome


class _Generator:
    def __init__(self, requests: Sequence[bytes], rate: float, done: "asyncio.Future[None]") -> None:
        self._requests = requests
        self._step = 1.0 / rate
        self._sent = 0
        self._idle: deque[_Connection] = deque()
        self._begun = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.outcome = Outcome()
        self.done = done

    def begin(self) -> None:
        self._begun = time.perf_counter()
        self._send()

    def free(self, connection: "_Connection", status: int | None) -> None:
        """A connection is ready: at its start (no status) or after an answer."""
        if status is None:
            self._idle.append(connection)
            return
        if status < 0:
            if not self.done.done():
                self.done.set_exception(ConnectionError("the service cut a connection"))
            return
        now = time.perf_counter()
        self.outcome.latencies_ms.append((now - connection.due) * 1000)
        self.outcome.statuses[status] += 1
        if len(self.outcome.latencies_ms) == len(self._requests):
            self.outcome.seconds = now - self._begun
            if not self.done.done():
                self.done.set_result(None)
            return
        self._idle.append(connection)
        self._send()

    def _send(self) -> None:
        now = time.perf_counter()
        while self._idle and self._sent < len(self._requests):
            due = self._begun + self._sent * self._step
            if due > now:
                if self._timer is None:
                    self._timer = asyncio.get_running_loop().call_later(due - now, self._tick)
                return
            self._idle.popleft().send(self._requests[self._sent], due)
            self._sent += 1

    def _tick(self) -> None:
        self._timer = None
        self._send()


class _Connection(asyncio.Protocol):
    """One kept connection with one request on its way at a time."""

    def __init__(self, free: Callable[["_Connection", int | None], None]) -> None:
        self._free = free
        self._transport: asyncio.Transport
        self._got = b""
        self.due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._free(self, None)

    def send(self, request: bytes, due: float) -> None:
        self.due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, end, body = self._got.partition(_END)
        if not end:
            return
        at = head.lower().find(_LENGTH)
        length = int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(body) >= length:
            self._got = b""
            self._free(self, int(head[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  the name is the protocol's
        self._free(self, -1)
