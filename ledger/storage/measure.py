"""Looking at a database from outside its tables: its size, whether it takes writes, whether it is whole, its locks.

Guaranteed: no row changes. Not guaranteed: that a database which was whole a moment ago still is.
"""

import contextlib
import fcntl
import hashlib
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, text, update

from ledger.storage.database import reading, writing
from ledger.storage.tables import positions

_SQLITE_PARTS: Final = ("", "-wal")


def size_bytes(engine: Engine) -> int:
    """Bytes on disk: of SQLite the file and its write-ahead log, of PostgreSQL the database."""
    if engine.dialect.name == "sqlite":
        parts = [Path(f"{engine.url.database}{part}") for part in _SQLITE_PARTS]
        return sum(path.stat().st_size for path in parts if path.exists())
    with reading(engine) as connection:
        return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)


def probe(engine: Engine) -> None:
    """Commit a write durably that leaves every value as it is. Raises what keeps the database from taking it."""
    with writing(engine) as connection:
        connection.execute(update(positions).values(seen=positions.c.seen))


def defects(engine: Engine) -> list[str]:
    """What the database's own check finds; empty if nothing. PostgreSQL offers none to an ordinary user."""
    if engine.dialect.name != "sqlite":
        return []
    with reading(engine) as connection:
        rows = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA quick_check(10)")]
    return [] if rows == ["ok"] else rows


def is_held(engine: Engine, name: str) -> bool:
    """Whether some process holds the lock `name` of `ledger.storage.database.exclusive`. Asking takes nothing for
    longer than a moment; a process that starts in that very moment hears `service.locked` and starts again."""
    if engine.dialect.name == "sqlite":
        path = Path(f"{engine.url.database}.{name}.lock")
        with contextlib.suppress(FileNotFoundError), path.open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big")
    query = text(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
        " AND classid::bigint = :high AND objid::bigint = :low"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    with reading(engine) as connection:
        return bool(connection.scalar(query, {"high": key >> 32, "low": key & 0xFFFFFFFF}))
