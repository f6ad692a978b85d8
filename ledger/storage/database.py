"""Engines, transactions and locks: SQLite and PostgreSQL by the same code.

Guaranteed: a commit that returned survives power loss (SQLite: WAL with synchronous=FULL; PostgreSQL: synchronous
commit is turned on where the server has it off); writers run one after another, so that what a writer reads cannot
change before it commits (SQLite: BEGIN IMMEDIATE; PostgreSQL: an advisory lock that ends with the transaction); a lock
that was lost with its connection lets its holder write nothing more. Not guaranteed: durability on disks that lie about
flushing, or on a server that runs with fsync off; and PostgreSQL behind a pooler that shares sessions, which would
share locks too.
"""

import contextlib
import fcntl
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from ledger.storage.database_errors import known_errors
from ledger.storage.rows import put
from ledger.storage.tables import positions
from tiezheng.errors import Malformed, Unavailable

# A writer holds the database for one commit group or one step of the worker: milliseconds; ten seconds means trouble.
BUSY_TIMEOUT_MS: Final = 10_000
# A writer that falls silent this long within its transaction (a stopped machine) is ended by PostgreSQL.
SILENT_TIMEOUT_MS: Final = 60_000
# The web server has 24 threads (`api.app`), each of which may need a second connection to unwrap a key while it holds
# its first: too few, and they would wait for one another. Connections beyond the first 16 are closed after use.
POOL_SIZE: Final = 16
POOL_OVERFLOW: Final = 48
POOL_TIMEOUT_SECONDS: Final = 10
# How long PostgreSQL may take to answer a new connection, and how long a dead peer stays unnoticed; the server is told
# the same below, so that it frees the locks of a machine that went away.
_NETWORK: Final = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
    "application_name": "tiezheng",
}
_WRITER: Final = "tiezheng_writer"
_WRITE_LOCK: Final = 0x7469657A


def parse_url(value: str) -> URL:
    """`sqlite:///path` or `postgresql://user@host/name`. Raises Malformed `config.value`, without the value, which
    may hold a password."""
    try:
        url = make_url(value.strip())
    except (ArgumentError, ValueError):
        url = None
    name = None if url is None else url.drivername
    if url is not None and name in {"postgresql", "postgres", "postgresql+psycopg"} and url.database:
        return url.set(drivername="postgresql+psycopg")
    if url is not None and name == "sqlite" and url.database:
        return url
    raise Malformed("config.value", expected="postgresql://… or sqlite:///…", detail="database")


def open_engine(url: str | URL) -> Engine:
    """The engine for a database's address; connects at first use. Closes with `engine.dispose()`."""
    place = parse_url(url) if isinstance(url, str) else url
    pool: dict[str, Any] = {
        "pool_size": POOL_SIZE,
        "max_overflow": POOL_OVERFLOW,
        "pool_timeout": POOL_TIMEOUT_SECONDS,
        # What rows hold never stands in the text of an error.
        "hide_parameters": True,
    }
    if place.get_backend_name() == "sqlite":
        engine = create_engine(place, **pool)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin)
        return engine
    given = {name: value for name, value in _NETWORK.items() if name not in place.query}
    engine = create_engine(place, pool_pre_ping=True, connect_args=given, **pool)
    event.listen(engine, "connect", _set_up_postgresql)
    return engine


def _set_up_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    # The driver's own BEGIN comes too late for a read that a write follows; `_begin` begins transactions.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _set_up_postgresql(connection: Any, _entry: ConnectionPoolEntry) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit') "
            "WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false), "
            "set_config('lock_timeout', %s, false), set_config('tcp_keepalives_idle', '10', false), "
            "set_config('tcp_keepalives_interval', '5', false), set_config('tcp_keepalives_count', '3', false)",
            (str(BUSY_TIMEOUT_MS),),
        )
    connection.commit()


def _begin(connection: Connection) -> None:
    writer = connection.get_execution_options().get(_WRITER, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads, on one consistent state. Raises Unavailable `database.*`."""
    options = (
        {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    )
    with known_errors(), engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


@contextlib.contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """The one transaction that may write now; commits at the end, rolls back on any exception.

    Raises Unavailable `database.*`. After one, the transaction may have been committed all the same, if the connection
    ended before the answer came: whoever writes again looks first.
    """
    # Each query must see what was committed while the lock was waited for: never a snapshot from before.
    options: dict[str, Any] = (
        {_WRITER: True} if engine.dialect.name == "sqlite" else {"isolation_level": "READ COMMITTED"}
    )
    with known_errors(), engine.connect().execution_options(**options) as connection, connection.begin():
        if engine.dialect.name != "sqlite":
            connection.execute(
                text(
                    "SELECT set_config('idle_in_transaction_session_timeout', :silent, true), "
                    "pg_advisory_xact_lock(:key)"
                ),
                {"silent": str(SILENT_TIMEOUT_MS), "key": _WRITE_LOCK},
            )
        yield connection


@contextlib.contextmanager
def exclusive(engine: Engine, name: str) -> Iterator[Callable[[Connection], None]]:
    """Hold `name` alone among all processes. Raises Unavailable `service.locked` at once if it is held.

    Gives a check to be made within each write transaction of the holder. It raises Unavailable `service.lock_lost` if
    the lock's connection is gone, or if somebody has held the lock since: each holder takes the next number, in a write
    transaction, and writers run one after another, so a holder that was replaced can never commit again.
    """
    held = _held_by_file if engine.dialect.name == "sqlite" else _held_by_session
    with held(engine, name) as alive:
        with writing(engine) as connection:
            mine = _last_number(connection, name) + 1
            put(
                connection,
                positions,
                {"stream": _stream(name), "number": mine, "hash": b"", "time": 0, "seen": 0},
            )

        def check(connection: Connection) -> None:
            if _last_number(connection, name) != mine or not alive():
                raise Unavailable("service.lock_lost", retry_after_seconds=1, got=name)

        yield check


def _stream(name: str) -> str:
    return f"lock.{name}"


def _last_number(connection: Connection, name: str) -> int:
    query = positions.select().with_only_columns(positions.c.number).where(positions.c.stream == _stream(name))
    return int(connection.scalar(query) or 0)


@contextlib.contextmanager
def _held_by_session(engine: Engine, name: str) -> Iterator[Callable[[], bool]]:
    """An advisory lock of a session of its own, which is closed at the end: PostgreSQL frees it with the session,
    however that ends."""
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big")
    with known_errors():
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        # Asked past SQLAlchemy, which would answer from a new session, without the lock, once this one is gone.
        session: Any = connection.connection.driver_connection
        connection.detach()
    try:
        with known_errors():
            taken = connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": key})
        if not taken:
            raise Unavailable("service.locked", got=name)

        def alive() -> bool:
            try:
                return bool(session.execute("SELECT 1").fetchone())
            except engine.dialect.loaded_dbapi.Error:
                return False

        yield alive
    finally:
        with contextlib.suppress(DBAPIError):
            connection.close()


@contextlib.contextmanager
def _held_by_file(engine: Engine, name: str) -> Iterator[Callable[[], bool]]:
    with Path(f"{engine.url.database}.{name}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Unavailable("service.locked", got=name) from error
        yield lambda: True
