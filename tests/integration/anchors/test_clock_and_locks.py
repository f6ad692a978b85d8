"""The worker leaves the database free while it waits, bears a clock set back, and proves no more than it must."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest

from anchors import checkpoint
from anchors.chains.port import Mined
from ledger.domain.life import Status
from tests.support.fake_chain import FakeChain
from tests.support.stage import Made, Stage

pytestmark = pytest.mark.chain


@pytest.fixture
def fake(stage: Stage) -> Iterator[FakeChain]:
    """The worker's chain, replaced for one test."""
    real = stage.worker.chain
    fake = FakeChain(real)
    stage.worker.chain = fake
    try:
        yield fake
    finally:
        stage.worker.chain = real


def proof_height(stage: Stage, made: Made) -> int | None:
    with stage.store.read() as tables:
        row = tables.statements.get(made.digest)
    assert row is not None
    return row.proof_height


def test_the_service_can_write_while_the_worker_waits_for_its_node(stage: Stage, fake: FakeChain) -> None:
    asked = []

    def outcomes(account: bytes, transactions: Sequence[bytes]) -> tuple[int, list[Mined | None]]:
        with closing(sqlite3.connect(stage.home / "ledger.db", timeout=0.2, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
        asked.append(account)
        return fake.real.outcomes(account, transactions)

    fake.outcomes = outcomes  # type: ignore[attr-defined]
    (opened,) = stage.matter([1])
    stage.submit(opened)
    stage.run_until(Status.FINAL, opened)
    assert len(asked) > 1


def test_a_clock_that_is_set_back_holds_no_batch_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage.worker, "seal_wait_ms", 500)
    lot = stage.bulk()
    monkeypatch.setattr(stage.clock, "ahead_ms", 3_600_000)
    stage.submit(lot)
    monkeypatch.setattr(stage.clock, "ahead_ms", 0)
    stage.run_until(Status.ANCHORED, lot, seconds=10)
    stage.run_until(Status.FINAL, lot)


def test_what_no_witness_signs_is_proven_once_and_anew_only_when_they_signed_past_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    witnesses, stage.witnesses = stage.witnesses, []
    monkeypatch.setattr(checkpoint, "PATIENCE_SECONDS", 0)
    interval = stage.deployment.checkpoint_interval
    old, new = stage.matter([1])[0], stage.matter([1])[0]
    try:
        first = prove(stage, old)
        while stage.chain.head().number < first + 2 * interval:
            stage.worker.round()
            stage.wait()
        assert proof_height(stage, old) == first, "nobody is there for another checkpoint either"
        assert prove(stage, new) > first
        assert proof_height(stage, old) == first
    finally:
        stage.witnesses = witnesses
    stage.run_until(Status.FINAL, old, new)
    again = proof_height(stage, old)
    assert again is not None
    assert again > first


def prove(stage: Stage, made: Made) -> int:
    """Submit it and wait for its proofs; the height."""
    stage.submit(made)
    stage.run_until(Status.ANCHORED, made)
    while (height := proof_height(stage, made)) is None:
        stage.worker.round()
        stage.wait()
    return height
