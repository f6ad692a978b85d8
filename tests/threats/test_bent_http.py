"""A request is written so that a server in front and the service read it differently: it is refused, not guessed at."""

import socket

import pytest

from tests.support.populated import Populated

POST = b"POST /v1/cosignatures HTTP/1.1\r\nHost: x\r\n"
SECOND = b"GET /v1/ledger HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "request_bytes",
    [
        POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SECOND,
        POST + b"Content-Length: 0\r\nContent-Length: 50\r\n\r\n" + SECOND,
        POST + b"Transfer-Encoding: xchunked\r\nContent-Length: 0\r\n\r\n" + SECOND,
        POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + SECOND,
        b"GET /v1/health HTTP/1.1\nHost: x\n\n" + SECOND,
        POST + b"Content-Length : 0\r\n\r\n" + SECOND,
    ],
    ids=["two framings", "two lengths", "an unknown coding", "a folded line", "bare line feeds", "a space"],
)
def test_one_refusal_comes_back_and_the_second_request_is_never_read(request_bytes: bytes, filled: Populated) -> None:
    told = b""
    with socket.create_connection(("127.0.0.1", filled.service.port), timeout=20) as line:
        line.sendall(request_bytes)
        while piece := line.recv(65_536):
            told += piece
    assert told.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 501 "))
    assert told.count(b"HTTP/1.1 ") == 1
    assert b"genesis" not in told
