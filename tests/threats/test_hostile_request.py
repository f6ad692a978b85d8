"""Requests that are huge, deep, coded, or mean two things: a refusal with its code, and nothing is stored."""

import json

import pytest

from tests.support.populated import Populated
from tests.support.served import check_problem

DEEP = b'{"content":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
BODIES = {
    "deep": (DEEP, "json.too_deep"),
    "never closed": (b'{"content":' * 5_000, "json.too_deep"),
    "a name twice": (b'{"content":null,"content":null}', "json.duplicate_key"),
    "a number without end": (b'{"statement":' + b"7" * 500_000 + b"}", "json.integer_range"),
    "not a number": (b'{"statement":NaN}', "json.syntax"),
    "infinity": (b'{"statement":1e999}', "json.float"),
    "invalid UTF-8": (b'{"statement":"\xc3\x28"}', "json.encoding"),
    "UTF-16": ('{"statement":"00"}'.encode("utf-16"), "json.encoding"),
    "half a character": (b'{"statement":"\\ud800"}', "json.surrogate"),
    "many fields": (json.dumps({str(n): n for n in range(10_000)}).encode(), "json.member_missing"),
    "no JSON": (b"<xml/>", "json.syntax"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_is_refused_when_it_is(name: str, filled: Populated) -> None:
    body, code = BODIES[name]
    before = filled.service.stored()
    for address in ("/statements", "/collections"):
        answer = filled.service.http.post(address, content=body, headers=filled.service.as_of())
        check_problem(answer, 400, code)
    assert filled.service.stored() == before


def test_lists_beyond_their_bound_are_refused(filled: Populated) -> None:
    service, good = filled.service, filled.service.body(filled.last)
    plan = [[number, 0] for number in range(1, 10)]
    for address, change in (
        ("/statements", {"signatures": ["00" * 70] * 9}),
        ("/statements", {"not_held": ["00" * 32] * 4_097}),
        ("/collections", {"signatures": [], "plan": plan}),
    ):
        body = json.dumps({**good, **change})
        check_problem(service.http.post(address, content=body, headers=service.as_of()), 400, "json.list_length")


def test_a_coded_body_is_not_unpacked(filled: Populated) -> None:
    service = filled.service
    for coding in ("gzip", "deflate", "br", "zstd", "identity, gzip"):
        headers = {**service.as_of(), "Content-Encoding": coding, "Content-Type": "text/plain"}
        check_problem(service.http.post("/statements", content=b"\x1f\x8b", headers=headers), 400, "request.format")
        case = f"/cases/{filled.ids['case']}/files"
        check_problem(service.http.put(case, content=b"\x1f\x8b", headers=headers), 400, "request.format")


def test_a_query_beyond_its_form_is_refused(filled: Populated) -> None:
    service = filled.service
    for query in ("limit=" + "9" * 4_000, "&".join(["limit=1"] * 400), "%ff=%fe", "limit=%00", "x" * 8_000):
        check_problem(service.http.get(f"/cases?{query}", headers=service.as_of()), 400, "request.format")
