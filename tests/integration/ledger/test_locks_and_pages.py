"""What waits while the database is locked, and what many changes within one millisecond look like."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic

import pytest
from sqlalchemy import event, update

from ledger.domain.chain_records import BatchRow, BlockRef
from ledger.domain.life import Status
from ledger.services.check_group import CONTENT_LABEL, Prepared
from ledger.services.list_cases import list_cases
from ledger.storage.database import open_engine, writing
from ledger.storage.keyring import Keyring
from ledger.storage.tables import statements
from tests.integration.ledger.house import MASTER_KEY, House
from tests.support.databases import Database
from tests.support.world import OFFICE, Filed, World, procedure_of
from tiezheng.content import to_private_json
from tiezheng.errors import IntegrityFault, TiezhengError

BUSY_MS = 300
CALLERS = 8


def test_a_locked_database_costs_a_whole_group_one_wait_and_loses_nothing(
    house: House, world: World, database: Database, monkeypatch: pytest.MonkeyPatch
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

    other = open_engine(database.url)
    with writing(other):
        begun = monotonic()
        with ThreadPoolExecutor(CALLERS) as pool:
            answers = list(pool.map(submit, filed))
        took = monotonic() - begun
    other.dispose()
    assert answers == ["database.busy"] * CALLERS
    assert took < BUSY_MS / 1000 * CALLERS
    assert [house.accept(one).new for one in filed] == [True] * CALLERS


def test_a_content_can_be_opened_although_the_neighbour_that_its_case_key_was_made_for_is_refused(
    house: House, world: World
) -> None:
    good, procedure = world.deposit(), procedure_of(1)
    kind, values = procedure.by_step[1], {"title": "作品", "given_by": "party"}
    wrong = world.file(kind, procedure, values, [(OFFICE, 0x80)], case=good.statement.case)

    def prepared(filed: Filed) -> Prepared:
        return Prepared(
            filed.signed,
            filed.statement.to_bytes(),
            filed.signed.signatures_bytes,
            private=to_private_json(filed.content),
            content=filed.content,
            not_held=tuple(one.digests.sm3 for one in filed.content.attachments),
        )

    refused, taken = prepared(wrong), prepared(good)
    house.submit._committer._settle([refused, taken])
    error = refused.outcome.exception()
    assert isinstance(error, TiezhengError)
    assert error.code == "signature.role"
    assert taken.outcome.result().new
    with house.store.read() as tables:
        sealed = tables.statements.content(good.statement.digest)
    assert sealed is not None
    # As another process reads it, which has no key in memory.
    vault = Keyring(house.store.engine, MASTER_KEY)
    assert vault.open(good.statement.case, CONTENT_LABEL + good.statement.digest, sealed) == taken.private


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


BLOCK = BlockRef(7, b"b" * 32, 1_795_000_200)


@contextmanager
def counting(house: House) -> Iterator[list[str]]:
    """What is sent to the database meanwhile."""
    sent: list[str] = []

    def note(_c: object, _k: object, query: str, _p: object, _x: object, _many: bool) -> None:
        sent.append(query)

    event.listen(house.store.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(house.store.engine, "before_cursor_execute", note)


@pytest.fixture
def batch(house: House, world: World) -> list[bytes]:
    """Twelve statements in batch 0."""
    filed = [world.bulk(lots=1, index=0) for _ in range(12)]
    for one in filed:
        house.accept(one)
    return [one.statement.digest for one in filed]


def seal(house: House, digests: list[bytes]) -> None:
    with house.store.write() as tables:
        tables.batches.add(BatchRow(0, b"h" * 88, b"s" * 70, b"d" * 32, 0, len(digests), 1), digests)


def test_a_batch_moves_in_a_few_queries_however_many_leaves_it_has(house: House, batch: list[bytes]) -> None:
    with counting(house) as sent:
        seal(house, batch)
        with house.store.write() as tables:
            assert tables.batches.mark_anchored(0, BLOCK) == len(batch)
    assert len(sent) < len(batch)
    with house.store.write() as tables:
        assert [row.digest for row in tables.batches.statements(0)] == batch
        assert {(row.status, row.block_number) for row in tables.batches.statements(0)} == {(Status.ANCHORED, 7)}
        assert tables.batches.mark_anchored(0, BLOCK) == 0, "again is no change"


def test_a_leaf_that_was_refused_or_is_anchored_elsewhere_or_is_named_twice_is_a_fault(
    house: House, batch: list[bytes]
) -> None:
    with pytest.raises(IntegrityFault):
        seal(house, [*batch[:-1], batch[0]])
    seal(house, batch)
    for change in (
        {"status": Status.REFUSED.value},
        {"status": Status.ANCHORED.value, "block_number": 6, "block_time": BLOCK.time},
        {"status": Status.FINAL.value, "block_number": 7, "block_time": BLOCK.time + 1},
    ):
        with house.store.engine.begin() as connection:
            connection.execute(update(statements).where(statements.c.digest == batch[3]).values(**change))
        with pytest.raises(IntegrityFault), house.store.write() as tables:
            tables.batches.mark_anchored(0, BLOCK)
