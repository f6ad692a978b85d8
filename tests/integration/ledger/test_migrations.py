"""The way to this version's schema and back again, on both databases."""

import json
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from ledger.domain.chain_records import BlockRef
from ledger.storage.database import open_engine, reading
from ledger.storage.migrate import MIGRATIONS, downgrade, revision, upgrade
from ledger.storage.sql_store import SqlStore
from ledger.storage.tables import metadata
from tests.support.databases import Database
from tiezheng.errors import Refused

REVISIONS = [script.revision for script in reversed(list(ScriptDirectory(str(MIGRATIONS)).walk_revisions()))]


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    engine = open_engine(database.url)
    upgrade(engine)
    yield engine
    engine.dispose()


def shape(engine: Engine) -> str:
    """Tables, columns, keys and indexes as the database itself tells them."""
    found = inspect(engine)
    told = {
        name: [
            [[column["name"], str(column["type"]), column["nullable"]] for column in found.get_columns(name)],
            found.get_pk_constraint(name),
            sorted(found.get_foreign_keys(name), key=str),
            sorted(found.get_unique_constraints(name), key=str),
            sorted(found.get_indexes(name), key=str),
        ]
        for name in sorted(found.get_table_names())
        if name != "alembic_version"
    }
    return json.dumps(told, default=str, sort_keys=True)


def test_migrations_lead_to_the_declared_tables(engine: Engine) -> None:
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    assert revision(engine) == REVISIONS[-1]
    upgrade(engine)
    assert revision(engine) == REVISIONS[-1]


def test_indexes_are_those_that_the_tables_declare_conditions_included(engine: Engine, database: Database) -> None:
    query = (
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        if database.is_postgresql
        else "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    )

    def indexes() -> set[tuple[str, str]]:
        with engine.connect() as connection:
            found = {(row[0], " ".join(row[1].split())) for row in connection.execute(text(query))}
        return {one for one in found if not one[0].startswith("alembic")}

    migrated = indexes()
    downgrade(engine, "base")
    with engine.begin() as connection:
        metadata.create_all(connection)
    assert migrated == indexes()
    assert any("WHERE" in definition for _, definition in migrated)


def test_every_revision_can_be_taken_back_and_applied_again(engine: Engine) -> None:
    newest = shape(engine)
    for earlier in [*reversed(REVISIONS[:-1]), "base"]:
        downgrade(engine, earlier)
        assert revision(engine) == (None if earlier == "base" else earlier)
        before = shape(engine)
        upgrade(engine)
        assert shape(engine) == newest
        downgrade(engine, earlier)
        assert shape(engine) == before
    assert json.loads(before) == {}
    upgrade(engine)
    assert shape(engine) == newest


def test_the_way_back_never_drops_a_table_that_holds_rows(engine: Engine) -> None:
    store = SqlStore(engine)
    with store.write() as tables:
        tables.chain.move("registry", BlockRef(7, b"h" * 32, 1))
    with pytest.raises(Refused) as caught:
        downgrade(engine, "base")
    assert (caught.value.code, caught.value.detail) == ("config.database", "positions: rows would be lost")
    assert revision(engine) == REVISIONS[-1], "all of it was rolled back"
    with store.read() as tables:
        assert tables.chain.position("registry") == BlockRef(7, b"h" * 32, 1)
