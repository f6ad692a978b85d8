"""Requests that are wrong in form: each gets a problem document with a stable code, none a 500, none leaves a trace."""

import json
import socket
import time
from collections.abc import Iterator

import pytest

from api.bodies import STATEMENT_BODY_MAX
from api.rates import PUBLIC_BURST
from api.routes.checkpoints import COSIGNATURE_BODY_MAX
from api.routes.collections import SIGNATURE_BODY_MAX
from api.routes.signers import CARD_BODY_MAX
from tests.support.served import DAY_MS, Served, check_problem
from tests.support.world import OFFICE, World

HEX = "ab" * 32


def test_an_unknown_address_and_a_wrong_method_have_codes(steady: Served) -> None:
    check_problem(steady.http.get("/nothing"), 404, "request.not_found")
    check_problem(steady.http.get("/health/"), 404, "request.not_found")
    check_problem(steady.http.get(f"{steady.address}/"), 404, "request.not_found")
    check_problem(steady.http.get(f"{steady.address}/docs"), 404, "request.not_found")
    check_problem(steady.http.get(f"{steady.address}/openapi.json"), 404, "request.not_found")
    answer = steady.http.delete("/health")
    check_problem(answer, 405, "request.method")
    assert answer.headers["allow"] == "GET"
    check_problem(steady.http.put("/statements"), 405, "request.method")
    check_problem(steady.http.request("NONSENSE", "/health"), 405, "request.method")


@pytest.mark.parametrize(
    "path",
    [
        "/statements/{}",
        "/statements/{}/receipt",
        "/statements/{}/refusal",
        "/statements/{}/bundle",
        "/cases/{}",
        f"/cases/{HEX}/files/{{}}",
        f"/cases/{{}}/files/{HEX}",
        "/lookup/{}",
        "/collections/{}",
    ],
)
@pytest.mark.parametrize("text", ["zz" * 32, "AB" * 32, HEX[:-2], HEX + "00", HEX[:-1], "%00" * 32, "１" * 64])
def test_an_id_that_is_not_hexadecimal_of_its_length_is_named(path: str, text: str, steady: Served) -> None:
    check_problem(steady.http.get(path.format(text), headers=steady.as_of()), 400, "request.hex")


@pytest.mark.parametrize("path", ["/batches/{}/leaves", "/checkpoints/{}", "/signers/{}"])
@pytest.mark.parametrize("text", ["-1", "x", "1.5", "9" * 40, "１", "0x1"])
def test_a_number_in_the_address_is_a_plain_decimal(path: str, text: str, steady: Served) -> None:
    check_problem(steady.http.get(path.format(text)), 400, "request.format")


@pytest.mark.parametrize(
    "query",
    [
        "limit=x",
        "limit=-1",
        "limit=201",
        "limit=1&limit=2",
        "before_ms=1e3",
        "kind=65536",
        "unknown=1",
        "limit=" + "9" * 5000,
    ],
)
def test_a_query_that_is_not_understood_is_refused(query: str, steady: Served) -> None:
    check_problem(steady.http.get(f"/cases?{query}", headers=steady.as_of()), 400, "request.format")


@pytest.mark.parametrize("query", ["names=1", "names=yes", "record=-1", "record=1000000", "whole_case=", "x=true"])
def test_a_wish_for_a_bundle_that_is_not_understood_is_refused(query: str, steady: Served) -> None:
    answer = steady.http.get(f"/statements/{HEX}/bundle?{query}", headers=steady.as_of())
    check_problem(answer, 400, "request.format")


BAD_JSON: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "json.syntax"),
    "no JSON": (b"statement=1", "json.syntax"),
    "cut off": (b'{"statement":"00', "json.syntax"),
    "two values": (b"{}{}", "json.syntax"),
    "not UTF-8": (b'{"statement":"\xff\xfe"}', "json.encoding"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "json.syntax"),
    "nested deeply": (b'{"content":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "json.too_deep"),
    "opened and never closed": (b"[" * 1_000_000, "json.too_deep"),
    "nested a little too deeply": (b'{"content":' + b"[" * 32 + b"]" * 32 + b"}", "json.too_deep"),
    "a name twice": (b'{"statement":"00","statement":"00","signatures":[],"content":null}', "json.duplicate_key"),
    "a name twice within": (
        b'{"statement":"00","signatures":[],"content":{"a":1,"a":2}}',
        "json.duplicate_key",
    ),
    "a fraction": (b'{"statement":1.5}', "json.float"),
    "an exponent": (b'{"statement":1e400}', "json.float"),
    "a huge number": (b'{"statement":' + b"9" * 100_000 + b"}", "json.integer_range"),
    "not a number": (b'{"statement":NaN}', "json.syntax"),
    "a lone surrogate": (b'{"statement":"\\ud800"}', "json.surrogate"),
    "a lone surrogate as a name": (b'{"\\udfff":1}', "json.surrogate"),
    "text that is not NFC": ('{"content":"e\u0301"}'.encode(), "json.not_nfc"),
    "a list": (b"[]", "json.member_type"),
    "a text": (b'"x"', "json.member_type"),
    "nothing in it": (b"{}", "json.member_missing"),
    "a member too many": (
        b'{"statement":"00","signatures":["00"],"content":null,"administrator":true}',
        "json.member_unknown",
    ),
    "a number for a statement": (b'{"statement":1,"signatures":["00"],"content":null}', "json.hex"),
    "capital letters": (b'{"statement":"AA","signatures":["00"],"content":null}', "json.hex"),
    "half a byte": (b'{"statement":"aaa","signatures":["00"],"content":null}', "json.hex"),
    "no signatures": (b'{"statement":"00","signatures":[],"content":null}', "json.list_length"),
    "nine signatures": (
        b'{"statement":"00","signatures":["00","00","00","00","00","00","00","00","00"],"content":null}',
        "json.list_length",
    ),
    "signatures in an object": (b'{"statement":"00","signatures":{},"content":null}', "json.member_type"),
    "a statement of one byte": (b'{"statement":"00","signatures":["00"],"content":null}', "statement.length"),
    "held files that are no digests": (
        b'{"statement":"00","signatures":["00"],"content":null,"not_held":["00"]}',
        "json.hex",
    ),
}


@pytest.mark.parametrize("name", BAD_JSON)
def test_a_body_is_refused_with_its_code_when_it_is(name: str, steady: Served) -> None:
    body, code = BAD_JSON[name]
    before = steady.stored()
    check_problem(steady.http.post("/statements", content=body, headers=steady.as_of()), 400, code)
    assert steady.stored() == before


def test_spaces_and_order_of_a_request_do_not_matter(service: Served, world: World) -> None:
    body = service.body(world.deposit())
    text = json.dumps(dict(reversed(body.items())), indent=3)
    assert service.http.post("/statements", content=text, headers=service.as_of()).status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "most"),
    [
        ("POST", "/statements", STATEMENT_BODY_MAX),
        ("POST", "/collections", STATEMENT_BODY_MAX),
        ("POST", f"/collections/{'ab' * 16}/signatures", SIGNATURE_BODY_MAX),
        ("POST", "/cosignatures", COSIGNATURE_BODY_MAX),
        ("PUT", f"/signers/{OFFICE}/card", CARD_BODY_MAX),
    ],
)
def test_a_body_over_its_cap_is_refused_before_it_is_read_and_while_it_comes(
    method: str, path: str, most: int, steady: Served
) -> None:
    headers = steady.as_of()
    announced = (f"{method} /v1{path} HTTP/1.1\r\nHost: x\r\nAuthorization: {headers['Authorization']}\r\n"
                 f"Content-Length: {most + 1}\r\n\r\n")  # fmt: skip
    with socket.create_connection(("127.0.0.1", steady.port), timeout=20) as line:
        line.sendall(announced.encode())
        assert line.recv(64).startswith(b"HTTP/1.1 413 ")
    if most > 1 << 20:
        return

    def endless() -> Iterator[bytes]:
        for _ in range(most // 1024 + 2):
            yield b"x" * 1024

    problem = check_problem(
        steady.http.request(method, path, content=endless(), headers=headers), 413, "request.too_large"
    )
    assert problem["expected"] == most


def test_a_body_that_ends_before_its_announced_length_leaves_nothing(service: Served, world: World) -> None:
    before = service.stored()
    case = world.deposit().statement.case.hex()
    token = service.as_of()["Authorization"]
    for start in (f"PUT /v1/cases/{case}/files", "POST /v1/statements"):
        head = (f"{start} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nContent-Type: text/plain\r\n"
                "Content-Length: 100000\r\n\r\n")  # fmt: skip
        with socket.create_connection(("127.0.0.1", service.port), timeout=20) as line:
            line.sendall(head.encode() + b"{" * 50_000)
    assert service.http.get("/health").status_code == 200
    # The upload's thread may begin, and learn of the cut, a moment after the line is closed: wait for a quiet second.
    deadline, quiet = time.monotonic() + 20, 0
    while quiet < 20 and time.monotonic() < deadline:
        quiet = quiet + 1 if service.stored() == before else 0
        time.sleep(0.05)
    assert service.stored() == before


def test_a_coded_body_is_refused(steady: Served) -> None:
    headers = {**steady.as_of(), "Content-Encoding": "gzip"}
    check_problem(steady.http.post("/statements", content=b"x", headers=headers), 400, "request.format")


PRIVATE = [
    ("POST", "/statements"),
    ("GET", f"/statements/{HEX}"),
    ("GET", f"/statements/{HEX}/receipt"),
    ("GET", f"/statements/{HEX}/refusal"),
    ("GET", f"/statements/{HEX}/bundle"),
    ("GET", "/cases"),
    ("GET", f"/cases/{HEX}"),
    ("PUT", f"/cases/{HEX}/files"),
    ("GET", f"/cases/{HEX}/files/{HEX}"),
    ("POST", "/collections"),
    ("GET", "/collections"),
    ("GET", f"/collections/{HEX[:32]}"),
    ("POST", f"/collections/{HEX[:32]}/signatures"),
    ("DELETE", f"/collections/{HEX[:32]}"),
    ("PUT", f"/signers/{OFFICE}/card"),
]


@pytest.mark.parametrize(("method", "path"), PRIVATE)
def test_a_private_endpoint_asks_for_a_token_that_holds(method: str, path: str, steady: Served) -> None:
    answer = steady.http.request(method, path)
    check_problem(answer, 401, "auth.missing")
    assert answer.headers["www-authenticate"] == "Bearer"
    token = steady.token()
    wrong = [token[:-1], token + "x", "tzt_", "Bearer", "x" * 5000, token.upper(), "\xe9"]
    for given in [f"Bearer {one}" for one in wrong] + [f"Basic {token}", token]:
        answer = steady.http.request(method, path, headers={"Authorization": given.encode("latin-1")})
        check_problem(answer, 401, "auth.invalid")
    none = steady.as_of(scopes=("names",))
    check_problem(steady.http.request(method, path, headers=none), 403, "auth.forbidden")


def test_a_token_that_ended_or_was_revoked_holds_no_more(service: Served) -> None:
    from ledger.services.manage_tokens import revoke_token
    from tiezheng.digest import sm3

    token = service.token()
    headers = {"Authorization": f"Bearer {token}"}
    assert service.http.get("/cases", headers=headers).status_code == 200
    revoke_token(service.rooms.store, service.clock, OFFICE, sm3(token.encode()))
    check_problem(service.http.get("/cases", headers=headers), 401, "auth.invalid")
    headers = service.as_of()
    with service.rooms.store.read() as tables:
        ends = max(row.expires for row in tables.tokens.of_institution(OFFICE))
    service.clock.now = ends - 1
    assert service.http.get("/cases", headers=headers).status_code == 200
    service.clock.now = ends + DAY_MS
    check_problem(service.http.get("/cases", headers=headers), 401, "auth.invalid")


@pytest.mark.parametrize(
    ("scopes", "method", "path"),
    [
        (("read", "names", "admin"), "POST", "/statements"),
        (("read", "names", "admin"), "PUT", f"/cases/{HEX}/files"),
        (("submit", "names", "admin"), "GET", "/cases"),
        (("submit", "read", "names"), "PUT", f"/signers/{OFFICE}/card"),
        (("submit", "read", "admin"), "GET", f"/statements/{HEX}/bundle?names=true"),
    ],
)
def test_a_token_does_no_more_than_its_scopes_say(
    scopes: tuple[str, ...], method: str, path: str, steady: Served
) -> None:
    answer = steady.http.request(method, path, headers=steady.as_of(scopes=scopes))
    check_problem(answer, 403, "auth.forbidden")


def test_a_defect_is_told_without_any_detail_and_logged_by_type_alone(
    service: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("张三 secret")

    monkeypatch.setattr("api.routes.cases.look_up", broken)
    problem = check_problem(service.http.get(f"/lookup/{HEX}"), 500, "internal.fault")
    assert set(problem) == {"type", "title", "title_zh", "status", "code"}
    told = "".join(capsys.readouterr())
    assert "ZeroDivisionError" in told
    assert "request.failed" in told
    assert "secret" not in told
    assert "张三" not in told


def test_an_integrity_fault_names_its_code_alone(service: Served, world: World) -> None:
    filed = world.deposit()
    case = filed.statement.case.hex()
    headers = {**service.as_of(), "Content-Type": "text/plain"}
    sm3 = service.http.put(f"/cases/{case}/files", content=b"evidence", headers=headers).json()["sm3"]
    (path,) = [path for path in service.home.objects.rglob("*") if path.is_file()]
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    problem = check_problem(service.http.get(f"/cases/{case}/files/{sm3}", headers=headers), 500, "object.corrupt")
    assert set(problem) == {"type", "title", "title_zh", "status", "code"}
    path.unlink()
    check_problem(service.http.get(f"/cases/{case}/files/{sm3}", headers=headers), 500, "object.missing")


def test_who_asks_too_often_is_told_when_to_come_back(service: Served) -> None:
    headers = {"X-Forwarded-For": "192.0.2.7"}
    answers = [service.http.get("/live", headers=headers) for _ in range(PUBLIC_BURST + 30)]
    refused = [one for one in answers if one.status_code != 200]
    assert refused
    problem = check_problem(refused[0], 429, "service.too_many")
    assert int(refused[0].headers["retry-after"]) == problem["retry_after_seconds"] == 1
    assert service.http.get("/live", headers={"X-Forwarded-For": "192.0.2.8"}).status_code == 200
    assert service.http.get("/live").status_code == 200
