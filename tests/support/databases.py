"""The databases that a test runs on: SQLite always, PostgreSQL where its programs are installed.

Where they are not, those tests are skipped, and the end of the run says so; with TIEZHENG_TEST_POSTGRESQL=required they
fail instead.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from ledger.storage.database import open_engine
from tests.support.postgresql import Cluster, find_binaries, private_cluster

REQUIRED = os.environ.get("TIEZHENG_TEST_POSTGRESQL") == "required"
MISSING = "没有 PostgreSQL，相关测试未运行 / no PostgreSQL here: its tests did not run"


@dataclass(frozen=True)
class Database:
    """A fresh database; `place` is what `open_store` takes."""

    name: str
    place: Path | str

    @property
    def is_postgresql(self) -> bool:
        return self.name == "postgresql"

    @property
    def url(self) -> str:
        return f"sqlite:///{self.place}" if isinstance(self.place, Path) else self.place

    def change(self, query: str, **values: object) -> None:
        """As somebody with the database's own tools would; foreign keys are not asked."""
        engine = open_engine(self.url)
        try:
            with engine.begin() as connection:
                if self.is_postgresql:
                    connection.execute(text("SET LOCAL session_replication_role = replica"))
                else:
                    connection.execute(text("PRAGMA defer_foreign_keys = ON"))
                connection.execute(text(query), values)
        finally:
            engine.dispose()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One PostgreSQL for all tests of a process, started when the first one needs it."""
    if find_binaries() is None:
        if REQUIRED:
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    with private_cluster() as cluster:
        cluster.prepare()
        yield cluster


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """The same test on both."""
    if request.param == "sqlite":
        yield Database("sqlite", tmp_path / "ledger.db")
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    with cluster.database() as url:
        yield Database("postgresql", url)


@pytest.fixture
def postgresql(cluster: Cluster) -> Iterator[Database]:
    """A test of PostgreSQL alone."""
    with cluster.database() as url:
        yield Database("postgresql", url)
