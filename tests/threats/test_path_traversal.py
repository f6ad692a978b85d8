"""Somebody asks for a way through the folders: each part of an address is a number or a digest, or refused."""

import socket

import pytest

from tests.support.populated import Populated
from tests.support.served import check_problem

WAYS = [
    "../" * 8 + "etc/passwd",
    "..%2f" * 8 + "etc%2fpasswd",
    "%2e%2e%2f" * 3 + "secrets%2fmaster.key",
    "%252e%252e%252fledger.db",
    "..%5c..%5cledger.db",
    "....//....//ledger.db",
    "%2fetc%2fpasswd",
    "000000.leaves",
    "0%00.leaves",
    "..",
    "%c0%ae%c0%ae%c0%afledger.db",
    "０",
    "-0",
    "0x0",
    "file:%2f%2f%2fetc%2fpasswd",
]
PLACES = [
    "/v1/batches/{}/leaves",
    "/v1/checkpoints/{}",
    "/v1/signers/{}",
    "/v1/lookup/{}",
    "/v1/statements/{}",
    "/v1/statements/{}/bundle",
    "/v1/cases/{}",
    "/v1/cases/{}/files/{}",
    "/v1/collections/{}",
]


@pytest.mark.parametrize("place", PLACES)
def test_no_way_leads_out_of_its_place(place: str, filled: Populated) -> None:
    token = filled.service.token()
    for way in WAYS:
        # Over a bare socket: a client of HTTP would tidy the address up first.
        address = place.replace("{}", way).encode()
        request = b"GET %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer %b\r\n\r\n"
        with socket.create_connection(("127.0.0.1", filled.service.port), timeout=20) as line:
            line.sendall(request % (address, token.encode()))
            told = b""
            while piece := line.recv(65_536):
                told += piece
        assert told.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 404 ", b"HTTP/1.1 405 ")), (way, told[:200])
        assert b"application/problem+json" in told
        assert b"root:" not in told


def test_a_stored_file_has_no_name_that_its_sender_chose(filled: Populated) -> None:
    service, case = filled.service, filled.ids["case"]
    before = {path.name for path in service.home.objects.rglob("*") if path.is_file()}
    headers = {**service.as_of(), "Content-Type": "text/plain", "Content-Disposition": 'attachment; filename="../x"'}
    answer = service.http.put(f"/cases/{case}/files", content=b"named ../x", headers=headers)
    assert answer.status_code == 201
    (new,) = {path.name for path in service.home.objects.rglob("*") if path.is_file()} - before
    assert len(bytes.fromhex(new)) == 16
    check_problem(service.http.get(f"/cases/{case}/files/{new}", headers=headers), 400, "request.hex")
