"""`ledger.ports.Store` over SQLAlchemy.

Guaranteed: see `ledger.storage.database` for transactions and durability. Not guaranteed: use after `close`.
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine

from ledger.ports import Store, Tables
from ledger.storage.database import exclusive, open_engine, reading, writing
from ledger.storage.keyring import SqlCaseKeys
from ledger.storage.measure import defects, is_held, probe, size_bytes
from ledger.storage.migrate import newest, revision, upgrade
from ledger.storage.sql_cases import SqlCases
from ledger.storage.sql_chain import SqlBatches, SqlChain, SqlTransactions
from ledger.storage.sql_intake import SqlCollections, SqlFiles, SqlTokens
from ledger.storage.sql_kept import SqlKept
from ledger.storage.sql_members import SqlMembers
from ledger.storage.sql_proofs import SqlProofs
from ledger.storage.sql_registries import SqlRegistries
from ledger.storage.sql_statements import SqlRefusals, SqlStatements
from ledger.storage.sql_uploads import SqlUploads


class SqlTables:
    """All tables on one connection, within its transaction."""

    def __init__(self, connection: Connection) -> None:
        self.statements = SqlStatements(connection)
        self.cases = SqlCases(connection)
        self.refusals = SqlRefusals(connection)
        self.files = SqlFiles(connection)
        self.uploads = SqlUploads(connection)
        self.collections = SqlCollections(connection)
        self.tokens = SqlTokens(connection)
        self.case_keys = SqlCaseKeys(connection)
        self.members = SqlMembers(connection)
        self.registries = SqlRegistries(connection)
        self.transactions = SqlTransactions(connection)
        self.batches = SqlBatches(connection)
        self.chain = SqlChain(connection)
        self.proofs = SqlProofs(connection)
        self.kept = SqlKept(connection)


class SqlStore:
    """The database of a service; share one among all threads of a process.

    `check` is made within each write transaction, before anything else; see `exclusive`.
    """

    def __init__(self, engine: Engine, check: Callable[[Connection], None] | None = None) -> None:
        self.engine = engine
        self._check = check

    @contextlib.contextmanager
    def read(self) -> Iterator[Tables]:
        """See the port."""
        with reading(self.engine) as connection:
            yield SqlTables(connection)

    @contextlib.contextmanager
    def write(self) -> Iterator[Tables]:
        """See the port."""
        with writing(self.engine) as connection:
            if self._check is not None:
                self._check(connection)
            yield SqlTables(connection)

    @contextlib.contextmanager
    def exclusive(self, name: str) -> "Iterator[SqlStore]":
        """See the port."""
        with exclusive(self.engine, name) as check:
            yield SqlStore(self.engine, check)

    def size_bytes(self) -> int:
        """How much room the database takes."""
        return size_bytes(self.engine)

    def probe(self) -> None:
        """A durable write that changes nothing. Raises what keeps the database from taking it."""
        probe(self.engine)

    def defects(self) -> list[str]:
        """What the database's own check finds."""
        return defects(self.engine)

    def revisions(self) -> tuple[str | None, str | None]:
        """The revision that the database is at, and that of this version."""
        return revision(self.engine), newest()

    def is_held(self, name: str) -> bool:
        """Whether a process holds `name` (see `exclusive`)."""
        return is_held(self.engine, name)

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def open_store(place: Path | str) -> SqlStore:
    """The store in this SQLite file, or at this address (`postgresql://…`), created or brought up to date.

    Raises Malformed `config.value`, Refused `config.database`, Unavailable `database.*`.
    """
    engine = open_engine(f"sqlite:///{place}" if isinstance(place, Path) else place)
    try:
        upgrade(engine)
    except BaseException:
        engine.dispose()
        raise
    return SqlStore(engine)


if TYPE_CHECKING:
    _port: type[Store] = SqlStore
