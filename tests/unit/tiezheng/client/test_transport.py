"""The client's transport: what is repeated, what is bounded, and how failures are told."""

from collections.abc import Callable

import httpx
import pytest

from tiezheng.client import Client
from tiezheng.client import transport as transport_module
from tiezheng.errors import (
    Conflict,
    IntegrityFault,
    Malformed,
    NotFound,
    Refused,
    TiezhengError,
    TooLarge,
    Unauthorised,
    Unavailable,
    VerificationFailed,
)
from tiezheng.statement import ZERO

Answer = httpx.Response | Exception
DIGEST = b"\x01" * 32


class Script:
    """Answers in turn; the last one again and again."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    told: list[float] = []
    monkeypatch.setattr(transport_module.time, "sleep", told.append)
    return told


def client(script: Callable[[httpx.Request], httpx.Response], token: str | None = None) -> Client:
    return Client("http://127.0.0.1:1/", token, transport=httpx.MockTransport(script))


def problem(status: int, code: str, **members: object) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "status": status, **members})


def test_requests_go_below_v1_with_the_token(pauses: list[float]) -> None:
    script = Script(httpx.Response(200, json={"status": "final"}))
    assert client(script, " tzt_x \n").statement(DIGEST) == {"status": "final"}
    request = script.requests[0]
    assert request.url.path == f"/v1/statements/{DIGEST.hex()}"
    assert request.headers["authorization"] == "Bearer tzt_x"
    client(script).statement(DIGEST)
    assert "authorization" not in script.requests[1].headers


def test_a_service_that_is_not_reached_is_tried_a_few_times_and_then_named(pauses: list[float]) -> None:
    script = Script(httpx.ConnectError("secret host"), httpx.ConnectError("x"), httpx.Response(200, json={"a": 1}))
    assert client(script).statement(DIGEST) == {"a": 1}
    assert len(pauses) == 2
    script = Script(httpx.ConnectError("secret host"))
    with pytest.raises(Unavailable) as caught:
        client(script).statement(DIGEST)
    assert (caught.value.code, len(script.requests)) == ("service.unreachable", transport_module.ATTEMPTS)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_request_that_timed_out_is_not_repeated(pauses: list[float]) -> None:
    script = Script(httpx.ReadTimeout("x"))
    with pytest.raises(Unavailable):
        client(script).statement(DIGEST)
    assert len(script.requests) == 1
    assert pauses == []


def test_503_is_repeated_after_the_time_it_names_unless_that_is_long(pauses: list[float]) -> None:
    script = Script(problem(503, "service.unavailable", retry_after_seconds=1), httpx.Response(200, json={}))
    assert client(script).statement(DIGEST) == {}
    assert pauses == [1]
    script = Script(problem(503, "chain.backlog", retry_after_seconds=60))
    with pytest.raises(Unavailable) as caught:
        client(script).statement(DIGEST)
    assert (caught.value.code, caught.value.retry_after_seconds, len(script.requests)) == ("chain.backlog", 60, 1)


def test_health_is_asked_once(pauses: list[float]) -> None:
    script = Script(httpx.ConnectError("x"))
    with pytest.raises(Unavailable):
        client(script).health()
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("status", "code", "family"),
    [
        (400, "statement.length", Malformed),
        (401, "auth.invalid", Unauthorised),
        (403, "auth.forbidden", Refused),
        (404, "case.not_found", NotFound),
        (405, "request.method", Malformed),
        (409, "case.position_taken", Conflict),
        (413, "request.too_large", TooLarge),
        (422, "signature.invalid", VerificationFailed),
        (500, "object.corrupt", IntegrityFault),
        (500, "internal.fault", TiezhengError),
    ],
)
def test_a_problem_is_raised_as_its_family_with_its_members(
    status: int, code: str, family: type[TiezhengError], pauses: list[float]
) -> None:
    script = Script(problem(status, code, expected=7, got="x", detail="d"))
    with pytest.raises(family) as caught:
        client(script).statement(DIGEST)
    error = caught.value
    assert type(error) is family
    assert (error.code, error.expected, error.got, error.detail) == (code, 7, "x", "d")
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(502, text="<html>"),
        httpx.Response(500, json=[]),
        httpx.Response(404, json={"code": "unheard.of"}),
        httpx.Response(404, json={"code": 7}),
        httpx.Response(302, headers={"location": "http://elsewhere.invalid/"}),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[1]),
        httpx.Response(200, text="[" * 100_000),
        httpx.Response(200, content=b"\xff"),
    ],
)
def test_an_answer_that_is_not_understood_is_said_to_be_so(answer: httpx.Response, pauses: list[float]) -> None:
    with pytest.raises(Unavailable) as caught:
        client(Script(answer)).statement(DIGEST)
    assert caught.value.code == "service.answer"


def test_an_answer_without_end_is_cut_off(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "MAX_ANSWER", 1_000)
    with pytest.raises(TooLarge):
        client(Script(httpx.Response(200, content=b"x" * 1_001))).statement(DIGEST)


@pytest.mark.parametrize("members", [{}, {"statements": {}}, {"statements": ["x"]}, {"statements": None}])
def test_a_list_that_is_none_is_refused(members: dict[str, object], pauses: list[float]) -> None:
    with pytest.raises(Unavailable) as caught:
        client(Script(httpx.Response(200, json=members))).lookup(ZERO)
    assert caught.value.code == "service.answer"


@pytest.mark.parametrize("service", ["", "127.0.0.1:1", "ftp://x", "http://", "file:///x"])
def test_an_address_that_is_none_is_refused(service: str) -> None:
    with pytest.raises(Malformed):
        Client(service)


@pytest.mark.parametrize("collection", ["", "../cases", "a" * 65, "ü", "a b"])
def test_an_id_that_cannot_be_one_makes_no_request(collection: str, pauses: list[float]) -> None:
    script = Script(httpx.Response(200, json={}))
    with pytest.raises(NotFound):
        client(script).collection(collection)
    assert script.requests == []
