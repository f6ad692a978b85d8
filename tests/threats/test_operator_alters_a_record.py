"""The operator changes, drops or hides a record that it anchored: whoever holds a node finds it."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from anchors.audit import Service, audit
from anchors.leaves import leaves_path, open_leaves
from ledger.domain.life import Status
from ledger.storage.keyring import Keyring
from ledger.storage.objects import EncryptedObjects
from ledger.storage.sql_store import open_store
from tests.support.stage import Made, Stage

pytestmark = pytest.mark.chain


@pytest.fixture(scope="module")
def made(stage: Stage) -> tuple[Made, Made]:
    deposit, lot = stage.deposit(b"a photograph"), stage.bulk()
    stage.submit(deposit, lot)
    stage.run_until(Status.FINAL, deposit, lot)
    return deposit, lot


def findings(stage: Stage, place: Path) -> set[str]:
    store = open_store(place / "ledger.db")
    try:
        keyring = Keyring(store.engine, b"\7" * 16)
        service = Service(store, stage.trust, keyring, EncryptedObjects(str(place / "objects"), keyring))
        report = audit(
            stage.chain,
            stage.deployment,
            stage.trust.procedures,
            lambda batch: open_leaves(place / "leaves", batch),
            stage.clock.now_ms(),
            service,
        )
        return {finding.code for finding in report.findings}
    finally:
        store.close()


@pytest.fixture
def copy(stage: Stage, tmp_path: Path) -> Path:
    for name in ("objects", "leaves"):
        shutil.copytree(stage.home / name, tmp_path / name)
    with (
        closing(sqlite3.connect(stage.home / "ledger.db")) as source,
        closing(sqlite3.connect(tmp_path / "ledger.db")) as to,
    ):
        source.backup(to)
    return tmp_path


def change(place: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(place / "ledger.db")) as connection:
        assert connection.execute(sql, values).rowcount == 1
        connection.commit()


def test_a_row_that_was_backdated_is_named(stage: Stage, made: tuple[Made, Made], copy: Path) -> None:
    assert findings(stage, copy) == set()
    change(copy, "UPDATE statements SET block_time = block_time - 86400 WHERE digest = ?", made[0].digest)
    assert "audit.row_altered" in findings(stage, copy)


def test_leaves_that_were_changed_or_withheld_are_named(stage: Stage, made: tuple[Made, Made], copy: Path) -> None:
    path = leaves_path(copy / "leaves", 0)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert "audit.leaves_mismatch" in findings(stage, copy)
    path.unlink()
    assert "audit.leaves_missing" in findings(stage, copy)


def test_an_evidence_file_that_was_changed_is_named(stage: Stage, made: tuple[Made, Made], copy: Path) -> None:
    path = next(path for path in sorted((copy / "objects").rglob("*")) if path.is_file())
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert "audit.file_altered" in findings(stage, copy)
