"""The database by itself: schema, transactions, locks, and the life of rows as the worker moves them."""

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from ledger.domain.chain_records import (
    BatchRow,
    BlockRef,
    Checkpoint,
    Fault,
    Head,
    Purpose,
    SlotProof,
    TransactionRow,
    TransactionState,
)
from ledger.domain.life import Status
from ledger.domain.limits import RECEIPT_DUE_MS
from ledger.services.record_refusal import record_refusal
from ledger.storage.database import open_engine, writing
from ledger.storage.sql_store import SqlStore, open_store
from tests.integration.ledger.house import House
from tests.support.databases import Database
from tests.support.world import BATCH, COURT, OFFICE, REGISTRY, START, Filed, World
from tiezheng.errors import IntegrityFault, NotFound, TiezhengError, Unavailable
from tiezheng.receipt import Lane, check_refusal, parse_refusal_file
from tiezheng.refusals import REASONS

BLOCK = BlockRef(7, b"\x07" * 32, START + 7)


def test_a_sqlite_database_is_durable_and_keeps_its_references(sqlite_house: House) -> None:
    with sqlite_house.store.engine.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_what_a_failed_transaction_wrote_is_gone(house: House, world: World) -> None:
    def write() -> None:
        with house.store.write() as tables:
            tables.chain.put_fault(Fault("integrity.fault", "x", 1))
            tables.batches.mark_anchored(5, BLOCK)

    with pytest.raises(IntegrityFault):
        write()
    with house.store.read() as tables:
        assert tables.chain.fault() is None


def test_a_reader_sees_one_state_while_a_writer_commits(house: House) -> None:
    with house.store.read() as before:
        assert before.chain.head() is None
        with house.store.write() as tables:
            tables.chain.put_head(Head(BLOCK, 5))
        assert before.chain.head() is None
    with house.store.read() as after:
        assert after.chain.head() == Head(BLOCK, 5)


@contextmanager
def held_by_another(database: Database) -> Iterator[None]:
    """Another program's write transaction, which does not end."""
    engine = open_engine(database.url)
    with writing(engine):
        yield
    engine.dispose()


def test_a_database_that_stays_busy_is_unavailable_for_a_while(
    house: House, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.storage.database.BUSY_TIMEOUT_MS", 50)
    house.store.engine.dispose()
    with (
        held_by_another(database),
        pytest.raises(Unavailable) as caught,
        house.store.write(),
    ):
        pass
    assert caught.value.code == "database.busy"
    assert caught.value.retry_after_seconds == 5
    with house.store.write():
        pass


def hold(
    place: Path | str, ready: "multiprocessing.synchronize.Event", done: "multiprocessing.synchronize.Event"
) -> None:
    store = open_store(place)
    with store.exclusive("worker"):
        ready.set()
        done.wait(30)


def test_only_one_process_is_the_worker_and_a_dead_one_holds_nothing(house: House, database: Database) -> None:
    spawn = multiprocessing.get_context("spawn")
    ready, done = spawn.Event(), spawn.Event()
    holder = spawn.Process(target=hold, args=(database.place, ready, done))
    holder.start()
    assert ready.wait(30)
    with pytest.raises(TiezhengError) as caught, house.store.exclusive("worker"):
        pass
    assert caught.value.code == "service.locked"
    with house.store.exclusive("another name"):
        pass
    holder.kill()
    holder.join()
    until = time.monotonic() + 10
    while True:
        # PostgreSQL hears of the end from the socket, a moment later.
        try:
            with house.store.exclusive("worker"):
                break
        except Unavailable:
            assert time.monotonic() < until
            time.sleep(0.05)


def test_the_outbox_gives_statements_in_order_of_acceptance_by_lane(house: House, world: World) -> None:
    deposits = [world.deposit() for _ in range(3)]
    bulk = world.bulk(lots=1, index=0)
    for filed in (*deposits, bulk):
        house.accept(filed)
    with house.store.write() as tables:
        waiting = tables.statements.waiting(Lane.REGISTRY, 10)
        assert [row.digest for row in waiting] == [one.statement.digest for one in deposits]
        assert [row.digest for row in tables.statements.waiting(Lane.BATCH, 10)] == [bulk.statement.digest]
        tables.statements.mark_sent([waiting[0].digest])
        assert [row.digest for row in tables.statements.waiting(Lane.REGISTRY, 1)] == [waiting[1].digest]
        assert [row.digest for row in tables.statements.sent(Lane.REGISTRY, 9)] == [waiting[0].digest]
        tables.statements.mark_unsent([waiting[0].digest])
        assert tables.statements.count_by_status()[Status.ACCEPTED] == 4
        assert [row.position for row in tables.statements.all(1, 2)] == [2, 3]


def test_a_receipt_that_fell_due_is_counted_until_it_is_redeemed(house: House, world: World) -> None:
    filed = world.deposit()
    house.accept(filed)
    after = house.clock.now + RECEIPT_DUE_MS + 1
    with house.store.read() as tables:
        assert (tables.statements.overdue(after - 1), tables.statements.overdue(after)) == (0, 1)
    house.anchor(filed)
    with house.store.read() as tables:
        assert tables.statements.overdue(after) == 0


def test_a_statement_is_anchored_once_and_nowhere_else(house: House, world: World) -> None:
    filed = world.deposit()
    house.accept(filed)
    digest = filed.statement.digest
    with house.store.write() as tables:
        assert not tables.statements.mark_anchored(b"\x01" * 32, BLOCK), "not ours"
        assert tables.statements.mark_anchored(digest, BLOCK), "anybody may relay, so straight from accepted"
        assert not tables.statements.mark_anchored(digest, BLOCK)
        with pytest.raises(IntegrityFault):
            tables.statements.mark_anchored(digest, replace(BLOCK, number=8))
        tables.statements.mark_sent([digest])
        row = tables.statements.get(digest)
        assert row is not None
        assert (row.status, row.block_number, row.block_time) == (Status.ANCHORED, 7, START + 7)
        assert [one.digest for one in tables.statements.unproven(7, 9)] == [digest]
        assert tables.statements.unproven(6, 9) == []
        tables.statements.mark_proven([digest], 8)
        assert tables.statements.pending_heights() == [8]
        assert tables.statements.mark_final(8, 99) == 1
        assert tables.statements.mark_final(8, 99) == 0


def refuse(house: House, filed: Filed, error: str = "CasePrevious") -> list[bytes]:
    return record_refusal(
        house.store, house.clock, house.operator, house.trust, filed.statement.digest, REASONS[error].number, BLOCK
    )


def test_a_refusal_takes_along_what_is_behind_and_frees_the_positions(house: House, world: World) -> None:
    matter = world.matter()
    for filed in matter[:4]:
        house.accept(filed)
    house.anchor(matter[0])
    before = [one.statement.digest for one in matter]
    assert refuse(house, matter[1], "KeyNotValid") == [before[3], before[2], before[1]]
    assert refuse(house, matter[1]) == [], "again is no change"
    with house.store.read() as tables:
        case = tables.cases.get(matter[0].statement.case)
        assert case is not None
        assert (case.after.head, case.after.sequence, case.after.state) == (before[0], 0, 1)
        assert [row.digest for row in tables.statements.of_case(case.case)] == [before[0]]
        assert tables.statements.backlog() == 0
        public = house.operator.key.public
        for digest, error in ((before[1], "KeyNotValid"), (before[2], "CaseSequence"), (before[3], "CaseSequence")):
            row = tables.refusals.get(digest)
            assert row is not None
            assert row.reason == REASONS[error].number
            check_refusal(parse_refusal_file(row.file), public, world.contract(REGISTRY), digest)
        assert tables.statements.receipt(before[1]) is not None, "the receipt stays as it was given"
    second = replace(matter[1].statement, occurred=matter[1].statement.occurred + 1)
    plan = [(one.signer, one.role) for one in matter[1].signed.signatures]
    assert house.accept(replace(matter[1], signed=world.sign(second, plan))).new
    with pytest.raises(IntegrityFault), house.store.write() as tables:
        tables.statements.mark_anchored(before[1], BLOCK)


def test_a_refused_opening_leaves_no_case(house: House, world: World) -> None:
    filed = world.deposit()
    house.accept(filed)
    assert refuse(house, filed) == [filed.statement.digest]
    with house.store.read() as tables:
        assert tables.cases.get(filed.statement.case) is None
        assert not tables.cases.participates(filed.statement.case, OFFICE)
        assert tables.statements.lookup(filed.statement.subject) == []
    with pytest.raises(NotFound):
        record_refusal(house.store, house.clock, house.operator, house.trust, b"\x01" * 32, 1, BLOCK)


def test_an_anchored_statement_is_never_refused(house: House, world: World) -> None:
    filed = world.deposit()
    house.accept(filed)
    house.anchor(filed)
    with pytest.raises(IntegrityFault):
        refuse(house, filed)


def transaction(nonce: int, name: bytes) -> TransactionRow:
    return TransactionRow(name * 32, b"\x05" * 20, nonce, b"raw" + name, Purpose.STATEMENT, b"\x09" * 32, 1)


def test_a_live_transaction_holds_its_nonce(house: House) -> None:
    first, second = transaction(0, b"a"), transaction(1, b"b")
    with house.store.write() as tables:
        tables.transactions.add(first)
        tables.transactions.add(second)
        assert tables.transactions.open(first.sender) == [first, second]
        assert tables.transactions.last_nonce(first.sender) == 1
        assert tables.transactions.last_nonce(b"\x06" * 20) is None
    with pytest.raises(TiezhengError) as caught, house.store.write() as tables:
        tables.transactions.add(transaction(1, b"c"))
    assert caught.value.code == "chain.nonce_taken"
    with house.store.write() as tables:
        tables.transactions.mark_mined(first.hash, 12)
        tables.transactions.mark_abandoned(second.hash)
        assert tables.transactions.last_nonce(first.sender) == 1
        tables.transactions.add(transaction(1, b"c"))
        states = [row.state for row in tables.transactions.of_subject(b"\x09" * 32)]
        assert sorted(states) == [TransactionState.ABANDONED, TransactionState.MINED, TransactionState.PREPARED]


def test_a_batch_takes_each_waiting_statement_once(house: House, world: World) -> None:
    bulk = [world.bulk(lots=1, index=0) for _ in range(2)]
    for filed in bulk:
        house.accept(filed)
    digests = [filed.statement.digest for filed in bulk]
    row = BatchRow(0, b"h" * 88, b"s" * 70, b"d" * 32, 0, 2, 1)
    with house.store.write() as tables:
        tables.batches.add(row, digests)
        assert [one.digest for one in tables.batches.statements(0)] == digests
        assert tables.statements.waiting(Lane.BATCH, 9) == []
        assert (tables.batches.last(), tables.batches.get(0), tables.batches.by_digest(b"d" * 32)) == (row, row, row)
        assert tables.batches.open() == [row]
        assert tables.batches.page(None, 5) == [row]
        assert tables.batches.page(0, 5) == []
    for number, wrong, error in ((0, digests, "batch.contiguous"), (1, digests, "batch.leaf"), (1, [], "batch.count")):
        with pytest.raises(TiezhengError) as caught, house.store.write() as tables:
            tables.batches.add(replace(row, number=number, digest=bytes([number]) * 32), wrong)
        assert caught.value.code == error
    with pytest.raises(IntegrityFault), house.store.write() as tables:
        tables.batches.mark_anchored(5, BLOCK)
    assert world.contract(BATCH) != world.contract(REGISTRY)


def test_what_contradicts_the_chain_as_kept_is_a_fault(house: House, world: World) -> None:
    with house.store.write() as tables:
        key = tables.members.key(OFFICE, 0)
        assert key is not None
        tables.members.put_key(key)
        with pytest.raises(IntegrityFault):
            tables.members.put_key(replace(key, x=b"\x01" * 32))
        with pytest.raises(IntegrityFault):
            tables.members.put_key(replace(key, number=999))
        checkpoint = Checkpoint(4, b"a" * 32, b"header", START)
        tables.proofs.put_checkpoint(checkpoint)
        tables.proofs.put_checkpoint(checkpoint)
        with pytest.raises(IntegrityFault):
            tables.proofs.put_checkpoint(replace(checkpoint, hash=b"b" * 32))
        first = SlotProof(4, b"\x02" * 20, b"\x03" * 32, (b"n1", b"", b"n2" * 300))
        tables.proofs.put_slots([first])
        tables.proofs.put_slots([replace(first, nodes=(b"other",))])
        assert tables.proofs.slot(4, first.address, first.position) == first
        assert tables.proofs.latest() == checkpoint
        tables.chain.move("members", BLOCK)
        assert tables.chain.position("members") == BLOCK
        assert tables.chain.position("batch") is None


def test_a_fault_shows_until_it_is_cleared_and_stays_in_the_record(house: House) -> None:
    with house.store.write() as tables:
        tables.chain.put_fault(Fault("chain.wrong", "genesis", 5))
        assert tables.chain.fault() == Fault("chain.wrong", "genesis", 5)
        tables.chain.put_fault(None)
        assert tables.chain.fault() is None
    with house.store.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM faults")).scalar() == 1


def test_a_store_opened_again_holds_what_was_committed(database: Database) -> None:
    first = open_store(database.place)
    with first.write() as tables:
        tables.chain.put_head(Head(BLOCK, 1))
    first.close()
    second: SqlStore = open_store(database.place)
    with second.read() as tables:
        assert tables.chain.head() == Head(BLOCK, 1)
    second.close()


def test_a_refusal_takes_back_the_invitation_that_it_carried(house: House, world: World) -> None:
    filed = world.deposit(counterparty=COURT)
    house.accept(filed)
    with house.store.read() as tables:
        assert tables.cases.participates(filed.statement.case, COURT)
    refuse(house, filed)
    with house.store.read() as tables:
        assert not tables.cases.participates(filed.statement.case, COURT)
