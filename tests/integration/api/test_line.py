"""Callers that break or bend HTTP/1.1, and callers that are slow: each is told or cut, and nobody else waits."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO

import pytest

from tests.support.populated import seal_a_batch
from tests.support.served import Served
from tests.support.world import OFFICE
from tiezheng.errors import CATALOGUE

HEALTH = b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n"
CLOSING = b"GET /v1/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@contextmanager
def line(service: Served) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield connection


def everything(connection: socket.socket) -> bytes:
    """What comes until the service ends the connection."""
    told = b""
    try:
        while piece := connection.recv(65_536):
            told += piece
    except ConnectionResetError:
        pass
    return told


def ask(service: Served, *pieces: bytes) -> bytes:
    with line(service) as connection:
        for piece in pieces:
            connection.sendall(piece)
        return everything(connection)


def check_refused(told: bytes, status: int, code: str) -> None:
    """One answer, a problem document, and the end."""
    head, _, body = told.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), told
    assert b"connection: close" in head.lower()
    assert b"content-type: application/problem+json" in head.lower()
    problem = json.loads(body)
    assert (problem["code"], problem["title"]) == (code, CATALOGUE[code][1])


def check_one(answer: BinaryIO) -> None:
    """Read one whole answer, which is 200."""
    assert answer.readline().startswith(b"HTTP/1.1 200 ")
    length = 0
    while (header := answer.readline()) != b"\r\n":
        name, _, value = header.partition(b":")
        length = int(value) if name.lower() == b"content-length" else length
    assert len(answer.read(length)) == length > 0


HIDDEN = b"DELETE /v1/collections/00 HTTP/1.1\r\nHost: x\r\n\r\n"
GET = b"GET /v1/health HTTP/1.1"
POST = b"POST /v1/cosignatures HTTP/1.1\r\nHost: x\r\n"
SMUGGLED = {
    "both framings": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "two different lengths": POST + b"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}" + HIDDEN,
    "a list of lengths": POST + b"Content-Length: 2, 40\r\n\r\n{}" + HIDDEN,
    "a signed length": POST + b"Content-Length: +2\r\n\r\n{}" + HIDDEN,
    "a length with an underscore": POST + b"Content-Length: 1_0\r\n\r\n{}" + HIDDEN,
    "bare line feeds": GET + b"\nHost: x\n\n" + HIDDEN,
    "one bare line feed": GET + b"\r\nHost: x\nX: y\r\n\r\n",
    "an end by bare line feeds": GET + b"\r\nHost: x\r\n\n" + HIDDEN,
    "a bare carriage return": GET + b"\r\nHost: x\rX: y\r\n\r\n",
    "a folded header": POST + b"Content-Length:\r\n 2\r\n\r\n{}",
    "a space before the colon": POST + b"Content-Length : 2\r\n\r\n{}",
    "chunks in HTTP/1.0": POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "two hosts": GET + b"\r\nHost: x\r\nHost: y\r\n\r\n",
    "no host": GET + b"\r\n\r\n",
    "a zero byte in a header": GET + b"\r\nHost: x\r\nX: a\0b\r\n\r\n",
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n" * 3,
    "a space in the address": b"GET /v1/health and more HTTP/1.1\r\nHost: x\r\n\r\n",
    "bytes that are no address": b"GET /v1/\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_a_request_is_refused_and_the_connection_ended_when_it_has(name: str, steady: Served) -> None:
    told = ask(steady, SMUGGLED[name])
    check_refused(told, 400, "request.format")
    assert told.count(b"HTTP/1.1 ") == 1, "what followed was not read as a request"


@pytest.mark.parametrize(
    "coding", [b"gzip", b"chunked, gzip", b"xchunked", b"identity", b"chunked\r\nTransfer-Encoding: x"]
)
def test_a_body_in_another_transfer_coding_is_refused(coding: bytes, steady: Served) -> None:
    told = ask(
        steady, b"POST /v1/cosignatures HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: " + coding + b"\r\n\r\n0\r\n\r\n"
    )
    check_refused(told, 501, "request.format")


@pytest.mark.parametrize(
    "chunks",
    [
        b"zz\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}XX0\r\n\r\n",
        b"-1\r\n{}",
        b"f" * 40 + b"\r\n{}",
        b"2;" + b"x" * 40_000,
    ],
)
def test_broken_chunks_end_the_connection(chunks: bytes, steady: Served) -> None:
    told = ask(steady, POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
    assert told.split(b" ")[1] in {b"400", b"431"}
    assert told.count(b"HTTP/1.1 ") == 1
    assert steady.http.get("/health").status_code == 200


def test_requests_one_after_the_other_in_one_piece_are_each_answered(steady: Served) -> None:
    assert ask(steady, HEALTH + HEALTH + CLOSING).count(b"HTTP/1.1 200 ") == 3


@pytest.mark.parametrize(
    "head",
    [
        b"GET /v1/health HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 40_000,
        b"GET /v1/health HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 8_000,
        b"GET /v1/" + b"y" * 40_000,
        b"y" * 40_000,
    ],
    ids=["one header", "many headers", "the address", "no line at all"],
)
def test_a_head_over_its_bound_is_refused_before_its_end(head: bytes, steady: Served) -> None:
    check_refused(ask(steady, head), 431, "request.too_large")


def test_a_head_that_trickles_is_given_up_and_nobody_else_waits(
    service: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.line.HEAD_SECONDS", 1.0)
    with ExitStack() as stack:
        slow = [stack.enter_context(line(service)) for _ in range(60)]
        begun, ended = time.monotonic(), dict[int, bytes]()
        for at in range(40):
            for number, connection in enumerate(slow):
                if number not in ended:
                    try:
                        connection.sendall(CLOSING[at : at + 1])
                    except OSError:
                        ended[number] = b""
            taken = service.http.get("/health")
            assert taken.status_code == 200
            assert taken.elapsed.total_seconds() < 1
            if time.monotonic() - begun > 1.5:
                break
            time.sleep(0.05)
        told = [everything(connection) for connection in slow]
    assert time.monotonic() - begun < 10
    assert all(one == b"" or one.startswith(b"HTTP/1.1 408 ") for one in told)
    check_refused(next(one for one in told if one), 408, "request.timeout")


def test_a_connection_that_says_nothing_is_ended(service: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.line.HEAD_SECONDS", 0.3)
    check_refused(ask(service), 408, "request.timeout")
    check_refused(ask(service, HEALTH[:-4]), 408, "request.timeout")


def test_a_second_request_on_a_kept_connection_has_to_arrive_too(
    service: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.line.HEAD_SECONDS", 0.3)
    with line(service) as connection:
        answer = connection.makefile("rb")
        connection.sendall(HEALTH)
        check_one(answer)
        time.sleep(0.5)  # a kept connection may be quiet for longer
        connection.sendall(HEALTH)
        check_one(answer)
        connection.sendall(HEALTH[:9])
        check_refused(everything(connection), 408, "request.timeout")


def test_a_body_that_trickles_is_given_up(service: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.bodies.BODY_GRACE_SECONDS", 0.5)
    head = (f"PUT /v1/signers/{OFFICE}/card HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 10000\r\n"
            f"Authorization: {service.as_of()['Authorization']}\r\n\r\n")  # fmt: skip
    begun = time.monotonic()
    with line(service) as connection:
        connection.sendall(head.encode())
        for _ in range(12):
            connection.sendall(b"{")
            time.sleep(0.1)
        connection.shutdown(socket.SHUT_WR)
        told = everything(connection)
    assert told.startswith(b"HTTP/1.1 400 ")
    assert b"request.timeout" in told
    assert time.monotonic() - begun < 5


def test_a_caller_that_takes_nothing_is_cut(service: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.line.TAKE_SECONDS", 0.5)
    seal_a_batch(service)
    (service.home.leaves / "000000.leaves").write_bytes(bytes(64 << 20))
    with line(service) as connection:
        connection.sendall(b"GET /v1/batches/0/leaves HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 200"
        time.sleep(1.5)
        got = len(everything(connection))
    assert got < 32 << 20, "the rest was thrown away, not kept for it"


def test_connections_beyond_the_bound_are_told_so_and_beyond_the_second_bound_cut(
    service: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.http.close()
    monkeypatch.setattr("api.line.CONNECTIONS_MAX", 4)
    monkeypatch.setattr("api.line.CONNECTIONS_HARD_MAX", 6)
    with ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(line(service)).sendall(b"GET")
        time.sleep(0.2)
        told = ask(service, HEALTH)
        check_refused(told, 503, "service.unavailable")
        assert b"retry-after: 2" in told.lower()
        for _ in range(2):
            stack.enter_context(line(service)).sendall(b"GET")
        time.sleep(0.2)
        assert ask(service, HEALTH) == b""
    time.sleep(0.2)
    assert ask(service, CLOSING).startswith(b"HTTP/1.1 200 ")
