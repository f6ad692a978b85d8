"""What waits while the database is locked, and what many changes within one millisecond look like."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from time import monotonic

import pytest

from ledger.services.list_cases import list_cases
from tests.integration.ledger.house import House
from tests.support.world import OFFICE, Filed, World
from tiezheng.errors import TiezhengError

BUSY_MS = 300
CALLERS = 8


def test_a_locked_database_costs_a_whole_group_one_wait_and_loses_nothing(
    house: House, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = world.deposit()
    house.accept(first)  # the institution's key is made
    filed = [world.deposit(case=world_case(first, index)) for index in range(CALLERS)]
    for one in filed:
        house.vault.seal(one.statement.case, b"", b"")  # the case's key is made
    monkeypatch.setattr("ledger.storage.database.BUSY_TIMEOUT_MS", BUSY_MS)
    monkeypatch.setattr("ledger.services.commit_group.GROUP_WAIT_SECONDS", 0.5)
    house.store.engine.dispose()
    gate = threading.Barrier(CALLERS)

    def submit(one: Filed) -> str:
        gate.wait()
        try:
            house.accept(one)
        except TiezhengError as error:
            return error.code
        return "accepted"

    with closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        begun = monotonic()
        with ThreadPoolExecutor(CALLERS) as pool:
            answers = list(pool.map(submit, filed))
        took = monotonic() - begun
        other.execute("ROLLBACK")
    assert answers == ["service.unavailable"] * CALLERS
    assert took < BUSY_MS / 1000 * CALLERS
    assert [house.accept(one).new for one in filed] == [True] * CALLERS


def world_case(like: Filed, index: int) -> bytes:
    return like.statement.case[:-1] + bytes([index])


def test_cases_that_changed_in_one_millisecond_are_all_listed_page_by_page(house: House, world: World) -> None:
    made = []
    for at in range(7):
        house.clock.now += at in (0, 5)
        filed = world.deposit()
        house.accept(filed)
        made.append(filed.statement.case)
    shown: list[bytes] = []
    before: int | None = None
    for _ in made:
        page = list_cases(house.store, OFFICE, before, 3)
        if not page:
            break
        shown += [one.case for one in page]
        before = page[-1].updated
    assert sorted(shown) == sorted(made)
    assert len(list_cases(house.store, OFFICE, None, 2)) == 2
    assert set(shown[:2]) == set(made[5:])
