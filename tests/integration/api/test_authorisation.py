"""Each endpoint for each kind of caller, from one table; an endpoint that is not in the table fails."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from sqlalchemy import event

from api.app import make_app
from ledger.domain.records import Scope
from ledger.services.manage_tokens import issue_token, revoke_token
from tests.support.populated import Populated, populated
from tests.support.served import ALL_SCOPES, DAY_MS, SetClock, check_problem, serve
from tests.support.world import COURT, NOTARY, OFFICE, World
from tiezheng.digest import sm3
from tiezheng.statement import parse_statement


@dataclass(frozen=True)
class Rights:
    """The scope that an endpoint asks for (None: anyone may call), what the institution itself gets, and what another
    one gets: a status, or the code of a refusal."""

    scope: str | None
    ours: int | str
    theirs: int | str


MATRIX = {
    "GET /v1/openapi.json": Rights(None, 200, 200),
    "GET /v1/health": Rights(None, 200, 200),
    "GET /v1/live": Rights(None, 200, 200),
    "GET /v1/ready": Rights(None, 200, 200),
    "GET /v1/ledger": Rights(None, 200, 200),
    "GET /v1/trust": Rights(None, 200, 200),
    "GET /v1/lookup/{sm3}": Rights(None, 200, 200),
    "GET /v1/signers/{signer}": Rights(None, 200, 200),
    "GET /v1/batches": Rights(None, 200, 200),
    "GET /v1/batches/{batch}/leaves": Rights(None, 200, 200),
    "GET /v1/checkpoints": Rights(None, 200, 200),
    "GET /v1/forks": Rights(None, 200, 200),
    "GET /v1/checkpoints/latest": Rights(None, 200, 200),
    "GET /v1/checkpoints/{height}": Rights(None, 200, 200),
    "POST /v1/cosignatures": Rights(None, 200, 200),
    "POST /v1/statements": Rights("submit", 200, "case.not_found"),
    "GET /v1/statements/{digest}": Rights("read", 200, "evidence.not_found"),
    "GET /v1/statements/{digest}/receipt": Rights("read", 200, "evidence.not_found"),
    "GET /v1/statements/{digest}/refusal": Rights("read", "receipt.not_found", "evidence.not_found"),
    "GET /v1/statements/{digest}/bundle": Rights("read", 200, "evidence.not_found"),
    "GET /v1/refusals": Rights("read", 200, 200),
    "GET /v1/cases": Rights("read", 200, 200),
    "GET /v1/cases/{case}": Rights("read", 200, "case.not_found"),
    "PUT /v1/cases/{case}/files": Rights("submit", 200, "case.not_found"),
    "GET /v1/cases/{case}/files/{sm3}": Rights("read", 200, "case.not_found"),
    "POST /v1/cases/{case}/uploads": Rights("submit", 201, "case.not_found"),
    "GET /v1/uploads": Rights("submit", 200, 200),
    "HEAD /v1/uploads/{upload}": Rights("submit", 204, 404),
    "GET /v1/uploads/{upload}": Rights("submit", 200, "upload.not_found"),
    "PATCH /v1/uploads/{upload}": Rights("submit", 200, "upload.not_found"),
    "DELETE /v1/uploads/{upload}": Rights("submit", "upload.complete", "upload.not_found"),
    "POST /v1/collections": Rights("submit", 201, "case.not_found"),
    "GET /v1/collections": Rights("read", 200, 200),
    "GET /v1/collections/{collection}": Rights("submit", 200, "collection.not_found"),
    "POST /v1/collections/{collection}/signatures": Rights("submit", 200, "collection.not_found"),
    "DELETE /v1/collections/{collection}": Rights("submit", "collection.closed", "collection.not_found"),
    "PUT /v1/signers/{signer}/card": Rights("admin", 200, "auth.forbidden"),
}
# Beside the interface, which a server in front passes on, for whoever reaches the loopback.
UNPUBLISHED = {"GET /metrics"}
DESCRIBED = Path(__file__).resolve().parents[3] / "spec" / "openapi.json"
STATUS = {"auth.missing": 401, "auth.invalid": 401, "auth.forbidden": 403}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Populated]:
    with populated(tmp_path_factory.mktemp("matrix") / "home") as filled:
        yield filled


@pytest.fixture(scope="module")
def tokens(filled: Populated, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    """A token's text for each role."""
    service = filled.service
    every = frozenset(Scope)

    def issued(institution: int = OFFICE, scopes: frozenset[Scope] = every, ago: int = 0, **more: Any) -> str:
        rooms, clock = service.rooms, SetClock(service.clock.now - ago)
        return issue_token(rooms.store, rooms.vault, clock, institution, "测试", scopes, DAY_MS, **more)

    revoked = issued()
    revoke_token(service.rooms.store, service.clock, OFFICE, sm3(revoked.encode()))
    with serve(tmp_path_factory.mktemp("other") / "home", World("other")) as other:
        foreign = other.token()
    return {
        "no token": None,
        "not a token": "tzt_" + "x" * 43,
        "expired": issued(ago=DAY_MS),
        "revoked": revoked,
        "of another ledger": foreign,
        "another institution": issued(COURT),
        **{scope: issued(scopes=frozenset({Scope(scope)})) for scope in ALL_SCOPES},
        "all scopes": issued(),
        "a practitioner": issued(number=NOTARY),
    }


def expected(rights: Rights, role: str) -> int | str:
    """What the table says that a caller in this role gets."""
    if rights.scope is None:
        return rights.ours
    if role == "no token":
        return "auth.missing"
    if role in {"not a token", "expired", "revoked", "of another ledger"}:
        return "auth.invalid"
    if role in ALL_SCOPES and role != rights.scope:
        return "auth.forbidden"
    return rights.theirs if role == "another institution" else rights.ours


def call(filled: Populated, endpoint: str, token: str | None, **ids: str) -> httpx.Response:
    method, path = endpoint.split(" ")
    shown = {**filled.ids, **({"collection": filled.closed} if method == "DELETE" else {}), **ids}
    body = filled.body(method, path)
    headers = filled.headers(method, path)
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    content = json.dumps(body).encode() if isinstance(body, dict) else body
    address = filled.service.address + path.format(**shown)
    return filled.service.http.request(method, address, content=content, headers=headers)


def test_every_endpoint_stands_in_the_table(filled: Populated) -> None:
    app = make_app(filled.service.rooms)
    there = {f"{method} {one.path}" for one in iter_route_contexts(app.routes) for method in (one.methods or {"MOUNT"})}
    assert there == {*MATRIX, *UNPUBLISHED}


def test_the_description_is_served_as_it_is_committed_and_asks_for_the_same_scopes(filled: Populated) -> None:
    told = filled.service.http.get("/openapi.json").json()
    assert told == json.loads(DESCRIBED.read_text(encoding="utf-8"))
    asked = {
        f"{method.upper()} {path}": next((scope for one in described["security"] for scope in one["token"]), None)
        for path, methods in told["paths"].items()
        for method, described in methods.items()
    }
    assert asked == {endpoint: rights.scope for endpoint, rights in MATRIX.items()}


@pytest.mark.parametrize("endpoint", MATRIX)
def test_every_kind_of_caller_gets_what_the_table_says(
    endpoint: str, filled: Populated, tokens: dict[str, str | None]
) -> None:
    rights = MATRIX[endpoint]
    for role, token in tokens.items():
        wanted, answer = expected(rights, role), call(filled, endpoint, token)
        if isinstance(wanted, int) or endpoint.startswith("HEAD"):
            status = wanted if isinstance(wanted, int) else STATUS[wanted]
            assert answer.status_code == status, (role, answer.text)
        else:
            status = STATUS.get(wanted, 404 if wanted.endswith("not_found") else 409)
            check_problem(answer, status, wanted)


def test_another_institution_is_listed_nothing(filled: Populated, tokens: dict[str, str | None]) -> None:
    listed = [one for one, rights in MATRIX.items() if rights.scope and rights.theirs == 200]
    for endpoint in listed:
        (rows, *_) = call(filled, endpoint, tokens["another institution"]).json().values()
        assert rows == []


@contextmanager
def queries(filled: Populated) -> Iterator[list[str]]:
    """What the database is asked meanwhile."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    engine = filled.service.rooms.sql.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note)


HIDDEN = [one for one, rights in MATRIX.items() if isinstance(rights.theirs, str) and "not_found" in rights.theirs]


@pytest.mark.parametrize("endpoint", HIDDEN)
def test_what_is_anothers_is_answered_byte_for_byte_and_by_the_same_work_as_what_does_not_exist(
    endpoint: str, filled: Populated, tokens: dict[str, str | None]
) -> None:
    stranger = tokens["another institution"]
    name = next((one for one in ("digest", "case", "collection", "upload") if f"{{{one}}}" in endpoint), None)
    if name is None:  # the case is named in the statement itself
        check_named_in_the_body(endpoint, filled, stranger)
        return
    there = filled.closed if "DELETE" in endpoint else filled.ids[name]
    nowhere = there[:8] + os.urandom(len(there) // 2 - 4).hex()
    with queries(filled) as for_theirs:
        theirs = call(filled, endpoint, stranger, **{name: there})
    with queries(filled) as for_nothing:
        nothing = call(filled, endpoint, stranger, **{name: nowhere})
    same_answer(theirs, nothing, there, nowhere)
    # A collection's id is 128 random bits: nobody can ask for one that was not given to them.
    assert for_theirs == for_nothing or name == "collection"


def check_named_in_the_body(endpoint: str, filled: Populated, stranger: str | None) -> None:
    body = filled.body(*endpoint.split(" "))
    assert isinstance(body, dict)
    case = parse_statement(bytes.fromhex(body["statement"])).case.hex()
    nowhere = case[:8] + os.urandom(28).hex()
    answers = []
    for one in (case, nowhere):
        told = {**body, "statement": body["statement"].replace(case, one)}
        address = filled.service.address + endpoint.split(" ")[1]
        with queries(filled) as asked:
            answer = filled.service.http.post(address, json=told, headers={"Authorization": f"Bearer {stranger}"})
        answers.append((answer, asked))
    (theirs, for_theirs), (nothing, for_nothing) = answers
    same_answer(theirs, nothing, case, nowhere)
    assert for_theirs == for_nothing


def same_answer(theirs: httpx.Response, nothing: httpx.Response, there: str, nowhere: str) -> None:
    assert theirs.status_code == nothing.status_code == 404
    assert theirs.content.replace(there.encode(), b"*") == nothing.content.replace(nowhere.encode(), b"*")
    own = {"date", "tiezheng-request"}
    plain = [{name: value for name, value in one.headers.items() if name not in own} for one in (theirs, nothing)]
    assert plain[0] == plain[1]


def test_a_token_in_the_address_is_no_token(filled: Populated, tokens: dict[str, str | None]) -> None:
    text = tokens["all scopes"]
    for name in ("token", "access_token", "authorization", "Authorization"):
        check_problem(filled.service.http.get(f"/cases?{name}={text}"), 401, "auth.missing")
        check_problem(filled.service.http.get("/cases", headers={"Cookie": f"{name}={text}"}), 401, "auth.missing")
    answer = filled.service.http.get("/cases", headers=[("Authorization", f"Bearer {text}")] * 2)
    check_problem(answer, 401, "auth.invalid")


def test_names_in_a_bundle_need_their_own_scope(filled: Populated, tokens: dict[str, str | None]) -> None:
    address = f"/statements/{filled.ids['digest']}/bundle?names=true"
    for role, status in (("read", 403), ("all scopes", 200), ("another institution", 404)):
        answer = filled.service.http.get(address, headers={"Authorization": f"Bearer {tokens[role]}"})
        assert answer.status_code == status, role
