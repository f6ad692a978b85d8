"""The database goes, comes back, fills up, or takes the lock away: nothing is lost, nothing happens twice."""

import resource
import signal
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from api.app import THREADS
from ledger.domain.chain_records import Fault
from ledger.storage import database as database_module
from ledger.storage.database import POOL_OVERFLOW, POOL_SIZE, open_engine, parse_url, reading, writing
from ledger.storage.database_errors import meaning
from ledger.storage.sql_statements import SqlStatements
from ledger.storage.sql_store import SqlStore, open_store
from tests.integration.ledger.house import House, open_house
from tests.support.databases import Database
from tests.support.postgresql import private_cluster
from tests.support.world import World
from tiezheng.errors import IntegrityFault, Malformed, Refused, Unavailable

SECRET = "hunter2-very-secret"
ALL_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
LOCK_SESSIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database ON pg_database.oid = database "
    "WHERE locktype = 'advisory' AND datname = current_database()"
)
RECORDED = Fault("integrity.fault", "x", 1)


@pytest.fixture
def pg_house(tmp_path: Path, world: World, postgresql: Database) -> Iterator[House]:
    with open_house(tmp_path, world, postgresql.place) as house:
        yield house


def end_sessions(database: Database, query: str) -> int:
    """As an administrator does, from a session of another user's; how many were ended."""
    with psycopg.connect(str(database.place), autocommit=True) as connection:
        return len(connection.execute(f"{query} AND pid <> pg_backend_pid()").fetchall())


def count_of(house: House) -> int:
    with house.store.read() as tables:
        return len(tables.statements.all(0, 100))


def test_sessions_that_an_administrator_ended_are_made_anew_unseen(
    pg_house: House, world: World, postgresql: Database
) -> None:
    assert pg_house.accept(world.deposit()).new
    assert end_sessions(postgresql, ALL_SESSIONS) > 0
    assert pg_house.accept(world.deposit()).new


def test_a_session_ended_before_the_commit_leaves_nothing_and_the_same_bytes_pass(
    pg_house: House, world: World, postgresql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    filed = world.deposit()
    whole = SqlStatements.add

    def add_and_lose(self: SqlStatements, group: object) -> None:
        whole(self, group)  # type: ignore[arg-type]
        end_sessions(postgresql, ALL_SESSIONS)

    with monkeypatch.context() as patch:
        patch.setattr(SqlStatements, "add", add_and_lose)
        with pytest.raises(Unavailable) as caught:
            pg_house.accept(filed)
    assert caught.value.code == "database.away"
    assert count_of(pg_house) == 0
    assert pg_house.accept(filed).new
    assert count_of(pg_house) == 1


def test_a_commit_whose_answer_was_lost_is_found_again_and_not_repeated(
    house: House, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    filed = world.deposit()
    house.vault.seal(filed.statement.case, b"", b"")  # the case's key is made
    commit = house.store.engine.dialect.do_commit
    lost: list[object] = []

    def commit_and_lose(connection: object) -> None:
        commit(connection)  # type: ignore[arg-type]
        if not lost:
            lost.append(connection)
            if house.store.engine.dialect.name == "postgresql":
                raise psycopg.OperationalError("server closed the connection unexpectedly")
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = 10
            raise error

    waiting = SqlStatements.add

    def add_then_lose(self: SqlStatements, group: object) -> None:
        waiting(self, group)  # type: ignore[arg-type]
        monkeypatch.setattr(house.store.engine.dialect, "do_commit", commit_and_lose)

    monkeypatch.setattr(SqlStatements, "add", add_then_lose)
    with pytest.raises(Unavailable) as caught:
        house.accept(filed)
    assert (caught.value.code, len(lost)) == ("database.away", 1)
    again = house.accept(filed)
    assert not again.new
    with house.store.read() as tables:
        assert tables.statements.receipt(filed.statement.digest) == again.receipt
    assert count_of(house) == 1


def test_a_server_that_crashed_and_came_back_has_every_receipt_that_was_given(tmp_path: Path, world: World) -> None:
    with private_cluster(durable=True) as cluster, open_house(tmp_path, world, cluster.url("postgres")) as house:
        given = {one.statement.digest: house.accept(one).receipt for one in (world.deposit(), world.deposit())}
        cluster.stop(how=signal.SIGQUIT)
        waiting = world.deposit()
        for _ in range(2):
            with pytest.raises(Unavailable) as caught:
                house.accept(waiting)
            assert (caught.value.code, caught.value.retry_after_seconds) == ("database.away", 10)
        cluster.start()
        assert house.accept(waiting).new
        with house.store.read() as tables:
            assert {digest: tables.statements.receipt(digest) for digest in given} == given


@pytest.mark.parametrize(
    ("state", "code"),
    [("53100", "database.full"), ("40001", "database.busy"), ("40P01", "database.busy"), ("58030", "database.away")],
)
def test_what_postgresql_raises_becomes_a_stable_code_and_leaves_nothing(
    pg_house: House, world: World, postgresql: Database, state: str, code: str
) -> None:
    postgresql.change(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{state}'; END $$"
    )
    postgresql.change("CREATE TRIGGER fail BEFORE INSERT ON receipts EXECUTE FUNCTION fail()")
    filed = world.deposit()
    with pytest.raises(Unavailable) as caught:
        pg_house.accept(filed)
    assert (caught.value.code, caught.value.detail) == (code, f"SQLSTATE {state}")
    postgresql.change("DROP TRIGGER fail ON receipts")
    assert pg_house.accept(filed).new


def test_a_full_database_says_so_and_goes_on_once_there_is_room(sqlite_house: House, world: World) -> None:
    house, engine = sqlite_house, sqlite_house.store.engine

    def limited(connection: sqlite3.Connection, _entry: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # no more pages than there are

    event.listen(engine, "connect", limited)
    engine.dispose()
    given = 0

    def fill() -> None:
        nonlocal given
        while given < 100:
            assert house.accept(world.deposit()).new
            given += 1

    with pytest.raises(Unavailable) as caught:
        fill()
    assert (caught.value.code, caught.value.retry_after_seconds) == ("database.full", 60)
    assert count_of(house) == given
    event.remove(engine, "connect", limited)
    engine.dispose()
    assert house.accept(world.deposit()).new
    assert count_of(house) == given + 1


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Writes beyond `size` fail with EFBIG, as they do on a disk that breaks."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_fails_says_so_and_leaves_nothing_half_done(
    sqlite_house: House, world: World, tmp_path: Path
) -> None:
    house, filed = sqlite_house, world.deposit()
    assert house.accept(world.deposit()).new
    house.vault.seal(filed.statement.case, b"", b"")
    with file_size_limit((tmp_path / "ledger.db-wal").stat().st_size), pytest.raises(Unavailable) as caught:
        house.accept(filed)
    assert (caught.value.code, caught.value.detail) == ("database.away", "SQLITE_IOERR_WRITE")
    assert count_of(house) == 1
    assert house.accept(filed).new


def test_a_damaged_database_is_a_fault_and_not_something_to_wait_for(tmp_path: Path) -> None:
    store = open_store(tmp_path / "ledger.db")
    store.close()
    with (tmp_path / "ledger.db").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096 * 40)
    with pytest.raises(IntegrityFault) as caught, reading(store.engine) as connection:
        connection.execute(text("SELECT * FROM statements, contents, receipts")).all()
    assert caught.value.code == "database.corrupt"
    with pytest.raises(Refused) as refused:
        open_store(tmp_path / "ledger.db")
    assert refused.value.code == "config.database"


def test_a_query_that_is_wrong_stays_a_defect(house: House) -> None:
    with pytest.raises(DBAPIError) as caught, reading(house.store.engine) as connection:
        connection.execute(text("SELECT nothing FROM nowhere"))
    assert meaning(caught.value) is None


def write_fault(store: SqlStore) -> None:
    with store.write() as tables:
        tables.chain.put_fault(RECORDED)


def fault_of(house: House) -> Fault | None:
    with house.store.read() as tables:
        return tables.chain.fault()


def test_a_lock_that_was_lost_with_its_session_lets_its_holder_write_nothing_more(
    pg_house: House, postgresql: Database
) -> None:
    with pg_house.store.exclusive("worker") as held:
        assert end_sessions(postgresql, LOCK_SESSIONS) == 1
        for _ in range(2):
            with pytest.raises(Unavailable) as caught:
                write_fault(held)
            assert caught.value.code == "service.lock_lost"
        assert fault_of(pg_house) is None
        with held.read() as tables:
            assert tables.chain.fault() is None
    with pg_house.store.exclusive("worker") as held:
        write_fault(held)
    assert fault_of(pg_house) == RECORDED


def test_a_holder_that_was_replaced_can_never_write_again(house: House, database: Database) -> None:
    with ExitStack() as both:
        first = both.enter_context(house.store.exclusive("worker"))
        if database.is_postgresql:
            assert end_sessions(database, LOCK_SESSIONS) == 1
        else:
            # Another file of that name is no hindrance: what a network file system does to locks.
            Path(f"{database.place}.worker.lock").unlink()
        second = both.enter_context(house.store.exclusive("worker"))
        with pytest.raises(Unavailable) as caught:
            write_fault(first)
        assert caught.value.code == "service.lock_lost"
        assert fault_of(house) is None
        write_fault(second)
        with pytest.raises(Unavailable):
            write_fault(first)
    assert fault_of(house) == RECORDED


def test_writers_of_several_processes_take_turns_and_lose_no_update(house: House, database: Database) -> None:
    """Each adds one to what it read; without turns some would read the same."""
    writers, rounds = 4, 15

    def add(_: int) -> None:
        engine = open_engine(database.url)
        for _ in range(rounds):
            with writing(engine) as connection:
                last = connection.execute(text("SELECT max(id) FROM faults")).scalar() or 0
                connection.execute(
                    text("INSERT INTO faults (id, code, detail, since, cleared) VALUES (:id, 'x', '', 1, true)"),
                    {"id": last + 1},
                )
        engine.dispose()

    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(add, range(writers)))
    with reading(house.store.engine) as connection:
        assert connection.execute(text("SELECT count(*), max(id) FROM faults")).one() == (60, 60)


def test_a_reader_on_postgresql_cannot_write(pg_house: House) -> None:
    with pytest.raises(Unavailable) as caught, reading(pg_house.store.engine) as connection:
        connection.execute(text("DELETE FROM faults"))
    assert caught.value.detail == "SQLSTATE 25006"


def test_a_postgresql_whose_commits_are_not_durable_is_told_to_make_ours_so(postgresql: Database) -> None:
    off = "ALTER DATABASE %I SET synchronous_commit = off"
    postgresql.change(f"DO $$ BEGIN EXECUTE format('{off}', current_database()); END $$")
    store = open_store(postgresql.place)
    with reading(store.engine) as connection:
        assert connection.scalar(text("SHOW synchronous_commit")) == "on"
    store.close()


def test_a_pool_serves_every_thread_of_the_server_twice_over_without_waiting_for_itself() -> None:
    assert 2 * THREADS < POOL_SIZE + POOL_OVERFLOW <= 64


def test_connections_beyond_the_bound_are_waited_for_and_then_refused(
    postgresql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("POOL_SIZE", 1), ("POOL_OVERFLOW", 1), ("POOL_TIMEOUT_SECONDS", 0.1)):
        monkeypatch.setattr(database_module, name, value)
    engine = open_engine(postgresql.url)
    with reading(engine), reading(engine), pytest.raises(Unavailable) as caught, reading(engine):
        pass
    assert (caught.value.code, caught.value.detail) == ("database.busy", "connections")
    engine.dispose()


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://tiezheng:{SECRET}@127.0.0.1:1/ledger",
        f"postgresql://127.0.0.1:1/ledger?user=tiezheng&password={SECRET}",
        f"mysql://tiezheng:{SECRET}@127.0.0.1/ledger",
        f"postgresql://tiezheng:{SECRET}@127.0.0.1:99999999/ledger",
        f"postgresql://tiezheng:{SECRET}@[/ledger",
        f"{SECRET}",
    ],
)
def test_an_address_that_does_not_work_never_shows_its_password(url: str) -> None:
    with pytest.raises((Unavailable, Malformed)) as caught:
        open_store(url)
    told: list[str] = [repr(caught.value), str(caught.value.to_problem())]
    cause: BaseException | None = caught.value
    while cause is not None:
        told.append(f"{cause!r} {cause}")
        cause = cause.__cause__
    assert SECRET not in " ".join(told)
    assert SECRET not in repr(parse_url(f"postgresql://u:{SECRET}@h/d"))
