"""Running the HTTP service as a process.

Guaranteed: it listens on this machine's loopback alone; a busy port is said before anything starts; at SIGTERM or
SIGINT it sends new requests away with 503, finishes those that it took and the group that is being committed, and ends
with code 0. Not guaranteed: requests that take longer than the grace period; a second signal cuts the first part short.
"""

import errno
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

import structlog
import uvicorn

from api.app import make_app
from api.bootstrap import open_rooms
from api.draining import Drain
from api.line import line_settings
from api.settings import HOST, Settings
from tiezheng.errors import Unavailable

GRACE_SECONDS: Final = 30
# How long new requests are still answered, with 503, before the socket closes: callers that keep their connections, and
# a balancer that asks `/v1/ready` each second, learn of the stop by an answer instead of by a cut.
DRAIN_SECONDS: Final = 1.0
KEEP_ALIVE_SECONDS: Final = 20
BACKLOG: Final = 256
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_log = structlog.get_logger("api.serving")


def listen(port: int) -> socket.socket:
    """A listening socket on the loopback; port 0 takes a free one. Raises Unavailable `config.port_busy`."""
    # Named, because asyncio sends small answers at once (TCP_NODELAY) only where the protocol is TCP by name.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno in {errno.EADDRINUSE, errno.EACCES}:
            raise Unavailable("config.port_busy", got=port, detail=errno.errorcode[error.errno]) from error
        raise
    return listener


def run_service(settings: Settings) -> None:
    """Serve until a signal. Raises `config.*` and what `open_rooms` raises, before any request is taken."""
    with listen(settings.port) as listener:
        rooms = open_rooms(settings)
        port = listener.getsockname()[1]
        app = make_app(rooms)
        config = uvicorn.Config(
            app,
            **line_settings(),
            lifespan="on",
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        _log.info("service.started", port=port, chain_id=rooms.deployment.chain_id)
        with _ignored_afterwards():
            DrainingServer(config, app.state.drain).run(sockets=[listener])
        _log.info("service.stopped")


class DrainingServer(uvicorn.Server):
    """At the first signal the drain begins, and the server stops when it is over; at the second it stops now."""

    def __init__(self, config: uvicorn.Config, drain: Drain) -> None:
        super().__init__(config)
        self._drain = drain

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """See the parent."""
        if self._drain.begun:
            super().handle_exit(sig, frame)
            return
        self._drain.begin()
        stop = threading.Timer(DRAIN_SECONDS, super().handle_exit, (sig, frame))
        stop.daemon = True
        stop.start()


@contextmanager
def _ignored_afterwards() -> Iterator[None]:
    """The server hands the signal that ended it on to whoever held it before; that shall not end the process twice."""

    def done(_number: int, _frame: FrameType | None) -> None:
        return

    before = {number: signal.signal(number, done) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
