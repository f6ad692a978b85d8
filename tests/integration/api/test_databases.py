"""A home whose database is PostgreSQL: how it is named, what happens when it is away, and several services on one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from anchors.database_url import database_of as home_database
from anchors.database_url import named_database
from api.settings import DATABASE, Home, database_of, keep_database
from tests.support.databases import Database
from tests.support.postgresql import Cluster
from tests.support.served import Served, SetClock, check_problem, serve, served
from tiezheng.errors import Malformed, NotFound, Refused

SECRET = "hunter2-very-secret"
URL = f"postgresql://tiezheng:{SECRET}@127.0.0.1:1/ledger"


@pytest.fixture
def running(tmp_path: Path, postgresql: Database) -> Iterator[Served]:
    with serve(tmp_path / "home", address=postgresql.url) as running:
        yield running


def allow(cluster: Cluster, database: Database, *, connections: bool) -> None:
    """The server is there, and lets nobody in: what a restart looks like from outside."""
    name = database.url.partition("@/")[2].partition("?")[0]
    cluster.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {str(connections).lower()}")
    cluster.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")


def test_a_database_that_is_away_is_answered_503_with_retry_after_and_everything_passes_afterwards(
    running: Served, cluster: Cluster, postgresql: Database
) -> None:
    first, second = running.world.deposit(), running.world.deposit()
    headers = running.as_of()
    assert running.http.post("/statements", json=running.body(first), headers=headers).status_code == 201
    allow(cluster, postgresql, connections=False)
    for request in (
        lambda: running.http.post("/statements", json=running.body(second), headers=headers),
        lambda: running.http.get(f"/statements/{first.statement.digest.hex()}", headers=headers),
    ):
        answer = request()
        check_problem(answer, 503, "database.away")
        assert answer.headers["Retry-After"] == "10"
    allow(cluster, postgresql, connections=True)
    assert running.http.post("/statements", json=running.body(second), headers=headers).status_code == 201
    again = running.http.post("/statements", json=running.body(first), headers=headers)
    assert again.status_code == 200
    assert running.stored()["statements"] == 2


def test_two_services_on_one_database_give_the_same_receipt_for_the_same_statement(running: Served) -> None:
    with served(running.home, running.world, SetClock()) as other:
        filed = running.world.deposit()
        answers = [one.post(filed) for one in (running, other)]
        assert [answer.status_code for answer in answers] == [201, 200]
        assert answers[0].json()["receipt"] == answers[1].json()["receipt"]
        rival = running.world.deposit(case=filed.statement.case)
        check_problem(other.post(rival), 409, "case.position_taken")


def test_a_home_on_postgresql_has_no_sqlite_file(running: Served) -> None:
    assert not running.home.database.exists()


def test_the_environment_goes_before_the_file_and_the_file_before_sqlite(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert database_of(home, {}) == tmp_path / "ledger.db"
    home.database_url.parent.mkdir()
    home.database_url.touch(mode=0o600)
    home.database_url.write_text(URL + "\n")
    assert database_of(home, {}) == home_database(tmp_path) == URL
    assert database_of(home, {DATABASE: "sqlite:///x"}) == "sqlite:///x"


def test_an_address_that_others_may_read_is_refused_without_being_shown(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.database_url.parent.mkdir()
    home.database_url.write_text(URL + "\n")
    home.database_url.chmod(0o640)
    with pytest.raises(Refused) as caught:
        database_of(home, {})
    assert (caught.value.code, caught.value.got) == ("config.permissions", "0640")
    assert SECRET not in str(caught.value)
    home.database_url.chmod(0o600)
    home.database_url.write_text("\n")
    with pytest.raises(Malformed):
        database_of(home, {})


def test_a_stack_keeps_the_address_that_it_was_founded_with(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.database_url.parent.mkdir()
    keep_database(home, founded=False, environment={})
    assert not home.database_url.exists()
    keep_database(home, founded=False, environment={DATABASE: URL})
    assert home.database_url.stat().st_mode & 0o777 == 0o600
    keep_database(home, founded=True, environment={DATABASE: URL})
    for environment in ({DATABASE: "postgresql://other/one"}, {DATABASE: "sqlite:///x"}):
        with pytest.raises(Refused) as caught:
            keep_database(home, founded=True, environment=environment)
        assert caught.value.code == "config.disagree"
    assert database_of(home, {}) == URL


def test_a_password_among_the_arguments_of_the_audit_is_refused(tmp_path: Path) -> None:
    for url in (URL, f"postgresql://127.0.0.1/ledger?user=a&password={SECRET}"):
        with pytest.raises(Malformed) as caught:
            named_database(url, in_arguments=True)
        assert caught.value.code == "config.secret_argument"
        assert SECRET not in str(caught.value)
        assert named_database(url, in_arguments=False) == url
    plain = "postgresql://tiezheng@127.0.0.1/ledger"
    assert named_database(plain, in_arguments=True) == plain
    with pytest.raises(NotFound):
        named_database(str(tmp_path / "none.db"), in_arguments=True)
