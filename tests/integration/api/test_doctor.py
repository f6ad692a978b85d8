"""`tiezheng doctor` names each fault of a deployment, and changes nothing."""

import fcntl
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from anchors.deployment import read_deployment
from api import doctor_chain, doctor_files
from api.doctor import Outcome, examine, passed
from api.doctor_words import ADVICE
from api.settings import Home
from ledger.domain.chain_records import BlockRef, Fault, ForkEvidence, Head
from ledger.domain.limits import DISK_FREE_LOW_BYTES, DISK_FREE_MIN_BYTES
from ledger.storage.sql_store import open_store
from tests.support.served import found_home
from tests.support.world import OPERATOR, START, World
from tiezheng.cli.main import main
from tiezheng.errors import IntegrityFault, Unavailable


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def home(tmp_path: Path, world: World) -> Home:
    """A deployment whose worker has just looked at the chain; its node is away."""
    home = found_home(tmp_path / "home", world)
    home.relayer_key.write_text("07" * 32 + "\n")
    for path in (home.relayer_key, home.password(OPERATOR)):
        path.chmod(0o600)
    home.key(OPERATOR).parent.chmod(0o700)
    now = time.time_ns() // 1_000_000
    store = open_store(home.database)
    with store.write() as tables:
        tables.chain.put_head(Head(BlockRef(9, b"\7" * 32, now // 1000), now))
    store.close()
    return home


@contextmanager
def worker_runs(home: Home) -> Iterator[None]:
    """Somebody holds the worker's lock."""
    with Path(f"{home.database}.worker.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


Look = Callable[..., dict[str, dict[str, Any]]]


@pytest.fixture
def look(home: Home, capsys: pytest.CaptureFixture[str]) -> Look:
    def call(*options: str, code: int = 1) -> dict[str, dict[str, Any]]:
        capsys.readouterr()
        assert main(["doctor", "--home", str(home.root), "--json", *options]) == code
        answer = json.loads(capsys.readouterr().out)
        assert answer["healthy"] == (code == 0)
        return {check["name"]: check for check in answer["checks"]}

    return call


def test_every_check_is_reported_and_what_is_away_is_skipped(home: Home, look: Look) -> None:
    with worker_runs(home):
        found = look()
    assert set(found) == set(ADVICE)
    wrong = {name: one["detail"] for name, one in found.items() if one["outcome"] == "failed"}
    # The simulated world's trust file has ended by this machine's clock, or ends soon; its node does not exist.
    assert set(wrong) - {"trust.validity"} == {"node.chain"}
    assert found["node.chain"]["detail"] == "chain.unreachable"
    skipped = {name for name, one in found.items() if one["outcome"] == "skipped"}
    assert skipped == {name for name in ADVICE if name.startswith(("node.", "clock.", "relayer."))} - {"node.chain"} | {
        "backup.age"
    }


def test_a_look_changes_nothing(home: Home, look: Look) -> None:
    def state() -> dict[str, bytes]:
        volatile = (".lock", "-wal", "-shm")
        return {
            str(path): path.read_bytes()
            for path in home.root.rglob("*")
            if path.is_file() and not path.name.endswith(volatile)
        }

    before = state()
    look()
    assert state() == before


def open_secret(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.relayer_key.chmod(0o644)


def no_relayer(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.relayer_key.unlink()


def full(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(home.root)._replace(free=DISK_FREE_MIN_BYTES - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)


def nearly_full(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(home.root)._replace(free=DISK_FREE_LOW_BYTES - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)


def lying_disk(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)


def slow_disk(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_files, "FLUSH_SLOW_SECONDS", 0.0)


def other_trust(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.trust.write_bytes(World("other").trust().to_bytes())


def ended_trust(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    past = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    trust = replace(World().trust(), issued_at=past - timedelta(days=1), valid_until=past)
    home.trust.write_bytes(trust.to_bytes())


def wrong_password(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.password(OPERATOR).write_bytes(b"wrong\n")


def in_tables(change: Callable[[Any], None]) -> Callable[[Home, pytest.MonkeyPatch], None]:
    def apply(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        store = open_store(home.database)
        with store.write() as tables:
            change(tables)
        store.close()

    return apply


def old_revision(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(sqlite3.connect(home.database)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
        connection.commit()


def damaged(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(sqlite3.connect(home.database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ix_statements_subject'").fetchone()[
            0
        ]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    with home.database.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)


FAULT = Fault("chain.reorganised", "block 9", 1)
FORK = ForkEvidence(9, b"\1" * 32, b"\2" * 32, 1, 1, b"\3" * 70, 1)
LONG_AGO = Head(BlockRef(9, b"\7" * 32, START), START * 1000)
FAULTS: dict[str, tuple[Callable[[Home, pytest.MonkeyPatch], None], str, str]] = {
    "a secret is readable by others": (open_secret, "home.modes", "failed"),
    "the account's key is missing": (no_relayer, "home.files", "failed"),
    "the disk is full": (full, "disk.free", "failed"),
    "the disk is nearly full": (nearly_full, "disk.free", "warning"),
    "the disk does not flush": (lying_disk, "disk.flush", "warning"),
    "the disk is slow": (slow_disk, "disk.flush", "warning"),
    "the trust file is of another ledger": (other_trust, "ledger.agrees", "failed"),
    "the trust file has ended": (ended_trust, "trust.validity", "failed"),
    "the operator's key does not open": (wrong_password, "operator.key", "failed"),
    "the operator's key has ended": (
        in_tables(lambda tables: tables.members.end_key(OPERATOR, 0, START + 1, 1)), "operator.key", "failed",
    ),
    "the operator's key is suspect": (
        in_tables(lambda tables: tables.members.mark_key(OPERATOR, 0, START)), "operator.key", "warning",
    ),
    "the database is of another revision": (old_revision, "database.revision", "failed"),
    "the database is damaged": (damaged, "database.whole", "failed"),
    "a fault stands": (in_tables(lambda tables: tables.chain.put_fault(FAULT)), "worker.fault", "failed"),
    "the worker looked long ago": (in_tables(lambda tables: tables.chain.put_head(LONG_AGO)), "worker.round", "failed"),
    "a witness signed a fork": (in_tables(lambda tables: tables.proofs.put_fork(FORK)), "witnesses.forks", "failed"),
    "no worker runs": (lambda home, monkeypatch: None, "worker.running", "failed"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_with_what_to_do_when(
    name: str, home: Home, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_it, check, outcome = FAULTS[name]
    break_it(home, monkeypatch)
    found = look()
    assert found[check]["outcome"] == outcome, found[check]
    assert found[check]["todo_zh"].endswith("。")
    assert found[check]["todo_en"].endswith(".")


def test_backups_have_an_age(home: Home, look: Look, tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    backups.mkdir()
    assert look("--backups", str(backups))["backup.age"]["outcome"] == "failed"
    (backups / "one").touch()
    assert look("--backups", str(backups))["backup.age"]["outcome"] == "passed"
    old = time.time() - doctor_files.BACKUP_OLD_SECONDS - 1
    os.utime(backups / "one", (old, old))
    assert look("--backups", str(backups))["backup.age"]["outcome"] == "warning"


def test_a_home_that_is_none_ends_with_1_and_no_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["doctor", "--home", str(tmp_path / "empty")]) == 1
    printed = capsys.readouterr()
    assert "✗ 主目录齐全" in printed.out
    assert "Traceback" not in printed.out + printed.err


class Node:
    """A node as the checks ask it, with one thing wrong at a time."""

    def __init__(self, time_ahead: int = 0, proofs: int = 10_000, position: bytes = b"\7" * 32) -> None:
        self.time, self.proofs, self.position = int(time.time()) + time_ahead, proofs, position

    def head(self) -> Any:
        return BlockRef(20_000, b"\7" * 32, self.time)

    def block(self, number: int) -> Any:
        return BlockRef(number, self.position, self.time)

    def proof(self, address: bytes, positions: object, height: int) -> None:
        if 20_000 - height > self.proofs:
            raise Unavailable("chain.no_history", got=height)

    def next_nonce(self, address: bytes) -> int:
        return 7


@pytest.mark.parametrize(
    ("wrong", "check", "outcome"),
    [
        ({}, "node.lag", "passed"),
        ({"time_ahead": -600}, "node.lag", "warning"),
        ({}, "clock.chain", "passed"),
        ({"time_ahead": 60}, "clock.chain", "failed"),
        ({}, "node.proofs", "passed"),
        ({"proofs": 64}, "node.proofs", "warning"),
        ({"proofs": 1}, "node.proofs", "failed"),
        ({}, "relayer.account", "warning"),
        ({"position": b"\7" * 32}, "node.history", "passed"),
        ({"position": b"\6" * 32}, "node.history", "failed"),
    ],
)
def test_a_node_that_is_not_as_it_should_be_is_named(
    wrong: dict[str, Any], check: str, outcome: str, home: Home
) -> None:
    store = open_store(home.database)
    with store.write() as tables:
        tables.chain.move("chain", BlockRef(9, b"\7" * 32, START))
    now, deployment = time.time_ns() // 1_000_000, read_deployment(home.deployment)
    every = doctor_chain.examinations(home, Node(**wrong), deployment, store, None, now)  # type: ignore[arg-type]
    (found,) = examine([one for one in every if one[0] == check], ADVICE)
    store.close()
    assert found.outcome.value == outcome, found.detail


def test_an_error_within_a_check_is_its_result() -> None:
    def broken() -> Any:
        raise IntegrityFault("vault.corrupt", got=3)

    def defect() -> Any:
        raise ZeroDivisionError

    found = list(examine([("disk.free", broken), ("disk.flush", defect), ("home.files", passed)], ADVICE))
    assert [one.outcome for one in found] == [Outcome.FAILED, Outcome.FAILED, Outcome.PASSED]
    assert found[0].detail.startswith("vault.corrupt")
    assert found[1].detail == "ZeroDivisionError"
    assert found[2].todo is None
