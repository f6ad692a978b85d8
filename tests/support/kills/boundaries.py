"""Step boundaries of a real process, found where they happen: the process ends itself there when it is told to.

Guaranteed: production code is untouched; what is wrapped are the seams that it uses (the database driver's commit, the
node's requests, HTTP, file calls), and each boundary is named by what is done, when, and by whom. A name is written
down when it is first reached, so that a recording run lists them all. Not guaranteed: a boundary within one such call.

`arm` is 256 bytes that the test shares with the process: the name of the boundary at which it is to end, or nothing.
"""

import functools
import mmap
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Final

ARM_SIZE: Final = 256
_ROOMS: Final = ("anchors.", "ledger.services.", "api.", "ledger.storage.objects", "ledger.storage.keyring")
_OURS: Final = Path(__file__).name


class Boundaries:
    """Counts nothing and keeps nothing but the names that were written down."""

    def __init__(self, process: str, arm: Path, record: Path) -> None:
        self._process = process
        with arm.open("r+b") as file:
            self._arm = mmap.mmap(file.fileno(), ARM_SIZE)
        self._record = os.open(record, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._seen: set[str] = set()
        self._writing = threading.local()

    def reach(self, what: str, when: str, who: str | None = None) -> None:
        """The process is at a boundary; ends here if it is the one."""
        place = who or _caller()
        if place is None:
            return
        name = f"{self._process}|{what}|{when}|{place}"
        if name not in self._seen:
            self._seen.add(name)
            os.write(self._record, name.encode() + b"\n")
        if self._arm[0] and self._arm[:].rstrip(b"\0") == name.encode():
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner: object, name: str, what: Callable[..., str]) -> None:
        """Wrap a function so that before and after it are boundaries."""
        inner = getattr(owner, name)

        @functools.wraps(inner)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            word = what(*args)
            self.reach(word, "before")
            result = inner(*args, **kwargs)
            self.reach(word, "after")
            return result

        setattr(owner, name, wrapped)

    def install(self) -> None:
        """Wrap all seams of this process."""
        self._database()
        from anchors.chains.rpc import RpcChain

        self.around(RpcChain, "_request", lambda _self, method, _params: f"rpc {method}")
        self.around(RpcChain, "_batch", lambda _self, calls: f"rpc batch {calls[0][0] if calls else None}")
        for call in ("fsync", "replace", "rename", "unlink", "remove"):
            self.around(os, call, lambda *_args, call=call: f"file {call}")
        sys.addaudithook(self._audit)
        self._http()

    def _database(self) -> None:
        from sqlalchemy import Connection, Engine, event
        from sqlalchemy.engine.default import DefaultDialect

        def begun(connection: Connection) -> None:
            if _writes(connection):
                self.reach("db begin", "before")

        def ending(connection: Connection) -> None:
            self._writing.now = _writes(connection)

        event.listen(Engine, "begin", begun)
        event.listen(Engine, "commit", ending)
        inner = DefaultDialect.do_commit

        def do_commit(dialect: DefaultDialect, connection: Any) -> None:
            writes, self._writing.now = getattr(self._writing, "now", False), False
            if writes:
                self.reach("db commit", "before")
            inner(dialect, connection)  # type: ignore[no-untyped-call]
            if writes:
                self.reach("db commit", "after")

        DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]

    def _http(self) -> None:
        import httpx

        from api.guard import _Exchange

        if self._process.startswith("witness"):
            self.around(httpx.Client, "send", lambda _self, request, *_rest: f"http {request.method}")
        inner = _Exchange.send

        async def send(exchange: _Exchange, message: Any) -> None:
            method = str(exchange._scope.get("method"))
            self.reach(f"answer {method}", f"before {message['type'][14:]}", exchange.route)
            await inner(exchange, message)

        _Exchange.send = send  # type: ignore[method-assign,assignment]

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[1], str) and set("wxa") & set(arguments[1]):
            self.reach("file open", "before")


def _writes(connection: Any) -> bool:
    """Whether the transaction may write, in either database."""
    options = connection.get_execution_options()
    return bool(options.get("tiezheng_writer")) or options.get("isolation_level") == "READ COMMITTED"


def _caller() -> str | None:
    """The nearest function of the rooms that is on its way; None for what none of them asked for."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith(_ROOMS) and module != "anchors.chains.rpc":
            return f"{module}.{frame.f_code.co_qualname}"
        frame = frame.f_back
    return None
