"""Processes that are killed in the middle of a commit lose nothing that was receipted and leave nothing half done."""

import multiprocessing
import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from ledger.storage.sql_statements import SqlStatements
from tests.integration.ledger.house import House, open_house
from tests.support.databases import Database
from tests.support.world import World
from tiezheng.receipt import check_receipt, parse_receipt_file

SPAWN = multiprocessing.get_context("spawn")


def submit_until_killed(folder: Path, place: Path | str, receipts: Connection) -> None:
    """Deposit after deposit; each receipt is told before the next one."""
    world = World()
    with open_house(folder, world, place) as house:
        while True:
            filed = world.deposit()
            receipts.send_bytes(house.accept(filed).receipt)


def die_after_the_rows_before_the_commit(folder: Path, place: Path | str) -> None:
    world = World()
    with open_house(folder, world, place) as house:
        whole = SqlStatements.add

        def add_and_die(self: SqlStatements, group: object) -> None:
            whole(self, group)  # type: ignore[arg-type]
            os.kill(os.getpid(), signal.SIGKILL)

        SqlStatements.add = add_and_die  # type: ignore[method-assign,assignment]
        house.accept(world.deposit())


@pytest.mark.slow
def test_every_receipt_that_was_given_survives_a_kill(tmp_path: Path, database: Database) -> None:
    receive, send = SPAWN.Pipe(duplex=False)
    worker = SPAWN.Process(target=submit_until_killed, args=(tmp_path, database.place, send))
    worker.start()
    send.close()
    receipts = [receive.recv_bytes() for _ in range(25)]
    worker.kill()
    worker.join()
    while True:
        try:
            receipts.append(receive.recv_bytes())
        except EOFError:
            break
    receive.close()
    with open_house(tmp_path, place=database.place) as house:
        check_whole(house)
        for raw in receipts:
            digest = parse_receipt_file(raw).receipt.statement
            with house.store.read() as tables:
                assert tables.statements.receipt(digest) == raw


@pytest.mark.slow
def test_a_kill_between_rows_and_commit_leaves_no_trace_and_the_same_bytes_pass_afterwards(
    tmp_path: Path, database: Database
) -> None:
    worker = SPAWN.Process(target=die_after_the_rows_before_the_commit, args=(tmp_path, database.place))
    worker.start()
    worker.join(60)
    assert worker.exitcode == -signal.SIGKILL
    world = World()
    with open_house(tmp_path, world, database.place) as house:
        check_whole(house)
        with house.store.read() as tables:
            assert tables.statements.all(0, 10) == []
        filed = world.deposit()
        assert house.accept(filed).new
        check_whole(house)


def check_whole(house: House) -> None:
    """Every statement has its receipt, which verifies, and its case state."""
    with house.store.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    contract = house.trust.registries(1)[0].id
    with house.store.read() as tables:
        for row in tables.statements.all(0, 10_000):
            receipt = tables.statements.receipt(row.digest)
            assert receipt is not None
            check_receipt(parse_receipt_file(receipt), house.operator.key.public, contract)
            case = tables.cases.get(row.case)
            assert case is not None
            assert case.after.head == row.digest
            assert tables.statements.content(row.digest) is not None
