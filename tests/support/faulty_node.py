"""A real HTTP proxy before a real node: it drops, alters and refuses, by method; and it can be two nodes at once.

Requests of a batch reach the node together, as a load balancer hands them on.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

Call = dict[str, Any]


class FaultyNode:
    """`url` is given to the product. Each attribute is a fault; without any, everything passes through."""

    def __init__(self, real: str) -> None:
        self.real = real
        # Raw answer instead of the node's: (status, body); a body of None cuts the connection half-way.
        self.instead: Callable[[list[str]], tuple[int, bytes | None] | None] = lambda _methods: None
        # Result or error of one call instead of the node's.
        self.answer: Callable[[Call], dict[str, Any] | None] = lambda _call: None
        # Alters the node's answers to a request, all of one HTTP request at a time.
        self.alter: Callable[[list[Call], list[dict[str, Any]]], None] = lambda _calls, _answers: None
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer._serve(self)

            def log_message(self, *_args: object) -> None:  # type: ignore[override]
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._http = httpx.Client(trust_env=False, timeout=30)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def well(self) -> None:
        """No more faults."""
        self.instead = lambda _methods: None
        self.answer = lambda _call: None
        self.alter = lambda _calls, _answers: None

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        request = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        calls: list[Call] = request if isinstance(request, list) else [request]
        methods = [call["method"] for call in calls]
        self.asked += methods
        raw = self.instead(methods)
        if raw is None:
            answers = [self._one(call) for call in calls]
            self.alter(calls, answers)
            raw = 200, json.dumps(answers if isinstance(request, list) else answers[0]).encode()
        status, body = raw
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(1000 if body is None else len(body)))
        handler.end_headers()
        handler.wfile.write(b'{"jsonrpc"' if body is None else body)
        handler.close_connection = True

    def _one(self, call: Call) -> dict[str, Any]:
        told = self.answer(call)
        if told is not None:
            return {"jsonrpc": "2.0", "id": call["id"], **told}
        answer: dict[str, Any] = self._http.post(self.real, json=call).json()
        return answer

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._http.close()


@contextmanager
def faulty_node(real: str) -> Iterator[FaultyNode]:
    """A proxy until the end of the `with`."""
    node = FaultyNode(real)
    node.start()
    try:
        yield node
    finally:
        node.stop()


def error(message: str, code: int = -32000) -> dict[str, Any]:
    """A JSON-RPC error."""
    return {"error": {"code": code, "message": message}}
