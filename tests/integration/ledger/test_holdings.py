"""The migration that brings uploads and quotas, up and down."""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command

from ledger.storage.database import open_engine, writing
from ledger.storage.migrate import _config
from ledger.storage.sql_store import SqlStore
from tests.support.world import COURT, OFFICE
from tiezheng.statement import new_case_id


def test_the_migration_counts_the_files_that_were_there_before(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    engine = open_engine(f"sqlite:///{path}")
    config = _config()

    def migrate(target: str) -> None:
        with writing(engine) as connection:
            config.attributes["connection"] = connection
            (command.upgrade if target == "0002" else command.downgrade)(config, target)

    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    rows = [(new_case_id(owner, bytes([number]) * 28), 10 + number) for owner in (OFFICE, COURT) for number in (1, 2)]
    with closing(sqlite3.connect(path)) as connection, connection:
        for index, (case, size) in enumerate(rows):
            digest = hashlib.sha256(case).digest()
            values = (case, digest, digest, size, "a/b", str(index), 1)
            connection.execute("INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?)", values)
    for _ in range(2):
        migrate("0002")
        with SqlStore(engine).read() as tables:
            assert [tables.files.holding(one).held for one in (OFFICE, COURT)] == [23, 23]
        migrate("0001")
    engine.dispose()
