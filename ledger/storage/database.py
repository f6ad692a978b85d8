"""Engines, transactions and locks: SQLite now, PostgreSQL by the same code.

Guaranteed on SQLite: WAL with synchronous=FULL (a commit that returned survives power loss), foreign keys enforced,
writers begin with BEGIN IMMEDIATE, so that what a writer read cannot change before it commits. On PostgreSQL writers
take one advisory lock for the same effect. Not guaranteed: durability on disks that lie about flushing.
"""

import contextlib
import fcntl
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from tiezheng.errors import Unavailable

# A writer holds the database for one commit group or one step of the worker: milliseconds; ten seconds means trouble.
BUSY_TIMEOUT_MS: Final = 10_000
# Web server threads and the committer; each read holds a connection only for its queries.
POOL_SIZE: Final = 16
POOL_OVERFLOW: Final = 48
_WRITER: Final = "tiezheng_writer"
_WRITE_LOCK: Final = 0x7469657A
_BUSY: Final = ("database is locked", "database table is locked", "could not obtain lock")


def open_engine(url: str) -> Engine:
    """The engine for `sqlite:///path` or `postgresql+driver://…`. Closes with `engine.dispose()`."""
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url, pool_size=POOL_SIZE, max_overflow=POOL_OVERFLOW, pool_pre_ping=True)
    engine = create_engine(url, pool_size=POOL_SIZE, max_overflow=POOL_OVERFLOW)
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def _set_up(connection: object, _entry: ConnectionPoolEntry) -> None:
    # The driver's own BEGIN comes too late for a read that a write follows; `_begin` begins transactions.
    connection.isolation_level = None  # type: ignore[attr-defined]
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    writer = connection.get_execution_options().get(_WRITER, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads, on one consistent state."""
    options = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with _unavailable_when_busy(), engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


@contextlib.contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """The one transaction that may write now; commits at the end, rolls back on any exception."""
    with (
        _unavailable_when_busy(),
        engine.connect().execution_options(**{_WRITER: True}) as connection,
        connection.begin(),
    ):
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _WRITE_LOCK})
        yield connection


@contextlib.contextmanager
def _unavailable_when_busy() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if any(sign in str(error.orig) for sign in _BUSY):
            raise Unavailable("service.unavailable", retry_after_seconds=5, detail="database busy") from error
        raise


@contextlib.contextmanager
def exclusive(engine: Engine, name: str) -> Iterator[None]:
    """Hold `name` alone among all processes. Raises Unavailable `service.locked` at once if it is held."""
    if engine.dialect.name == "sqlite":
        with _exclusive_file(Path(f"{engine.url.database}.{name}.lock"), name):
            yield
        return
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}):
            raise Unavailable("service.locked", got=name)
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})


@contextlib.contextmanager
def _exclusive_file(path: Path, name: str) -> Iterator[None]:
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Unavailable("service.locked", got=name) from error
        yield
