"""Many callers hold their connections and send next to nothing: they are given up, and nobody else waits for them."""

import socket
import time
from contextlib import ExitStack

import pytest

from tests.support.populated import Populated


def test_a_hundred_silent_callers_are_ended_and_delay_nobody(
    filled: Populated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.line.HEAD_SECONDS", 1.0)
    with ExitStack() as stack:
        slow = []
        for _ in range(100):
            line = stack.enter_context(socket.create_connection(("127.0.0.1", filled.service.port), timeout=20))
            line.sendall(b"GET /v1/he")
            slow.append(line)
        begun = time.monotonic()
        for _ in range(5):
            answer = filled.service.http.get("/health")
            assert answer.status_code == 200
            assert answer.elapsed.total_seconds() < 1
        for line in slow:
            assert line.recv(64).startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - begun < 10
