"""A token falls into other hands: it ends, can be revoked at once, does no more than its scopes, and counts in one
ledger and in one header only."""

from pathlib import Path

from ledger.services.manage_tokens import revoke_token
from tests.support.populated import Populated
from tests.support.served import DAY_MS, check_problem, serve
from tests.support.world import OFFICE, World
from tiezheng.digest import sm3


def test_a_revoked_token_is_refused_from_the_next_request_on(filled: Populated) -> None:
    service, token = filled.service, filled.service.token()
    headers = {"Authorization": f"Bearer {token}"}
    assert service.http.get("/cases", headers=headers).status_code == 200
    revoke_token(service.rooms.store, service.clock, OFFICE, sm3(token.encode()))
    check_problem(service.http.get("/cases", headers=headers), 401, "auth.invalid")


def test_a_token_ends_and_does_no_more_than_its_scopes(tmp_path: Path) -> None:
    with serve(tmp_path / "home") as service:
        headers = service.as_of(scopes=("read",))
        assert service.http.get("/cases", headers=headers).status_code == 200
        check_problem(service.http.post("/statements", headers=headers, json={}), 403, "auth.forbidden")
        with service.rooms.store.read() as tables:
            service.clock.now = max(row.expires for row in tables.tokens.of_institution(OFFICE)) + DAY_MS
        check_problem(service.http.get("/cases", headers=headers), 401, "auth.invalid")


def test_a_token_of_another_ledger_or_in_another_place_is_none(filled: Populated, tmp_path: Path) -> None:
    with serve(tmp_path / "home", World("other")) as other:
        foreign = other.as_of()
    http, token = filled.service.http, filled.service.token()
    check_problem(http.get("/cases", headers=foreign), 401, "auth.invalid")
    check_problem(http.get(f"/cases?token={token}"), 401, "auth.missing")
    check_problem(http.get("/cases", headers={"Cookie": f"token={token}"}), 401, "auth.missing")


def test_the_database_holds_no_token_that_could_be_used(filled: Populated) -> None:
    token = filled.service.token().encode()
    for path in filled.service.home.root.glob("ledger.db*"):
        assert token not in path.read_bytes()
        assert token[4:] not in path.read_bytes()
