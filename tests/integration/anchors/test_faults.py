"""The chain goes away, comes back, is another one, is younger, or lies; the worker is killed at the worst moment."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import pytest

from anchors.audit import audit
from anchors.chains.anvil import free_port, start_anvil, stop_anvil
from anchors.chains.port import StateProof
from anchors.chains.relayer import Relayer
from anchors.chains.rpc import RpcChain
from anchors.contracts import REGISTRY, artifact
from anchors.leaves import open_leaves
from anchors.transact import transact
from ledger.domain.life import Status
from tests.support.consortium import Consortium
from tests.support.fake_chain import FakeChain, Killed, other_hash
from tests.support.stage import MATTER, Made, Stage
from tests.support.staging import Node
from tests.support.world import procedure_of
from tiezheng.errors import IntegrityFault, TiezhengError, Unavailable
from tiezheng.verify import Result

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


def recorded(stage: Stage, made: Made) -> int:
    """How many events the chain has for a statement."""
    logs = stage.chain.logs([stage.deployment.registry.address], 0, stage.chain.head().number)
    return sum(log.topics[1] == made.digest for log in logs)


def code_of(caught: pytest.ExceptionInfo[TiezhengError]) -> str:
    return caught.value.code


@pytest.mark.parametrize("sent_before", [0, 1, 3])
def test_a_worker_killed_between_storing_and_sending_loses_and_doubles_nothing(
    stage: Stage, fake: FakeChain, sent_before: int
) -> None:
    steps = stage.matter()
    stage.submit(*steps)
    fake.kill_at_send = sent_before
    with pytest.raises(Killed):
        stage.worker.round()
    with stage.store.read() as tables:
        stored = tables.transactions.open(stage.relayer.address)
    assert len(stored) == len(steps)

    fake.kill_at_send = None
    stage.run_until(Status.FINAL, *steps)
    assert Counter(fake.sent) == Counter(row.raw for row in stored)
    assert [recorded(stage, made) for made in steps] == [1] * len(steps)
    assert stage.verdict(steps[-1], whole_case=True).result is Result.VALID


def test_a_batch_whose_worker_is_killed_before_sending_is_anchored_once(stage: Stage, fake: FakeChain) -> None:
    lots = [stage.bulk() for _ in range(5)]
    stage.submit(*lots)
    fake.kill_at_send = 0
    with pytest.raises(Killed):
        stage.worker.round()
    fake.kill_at_send = None
    stage.run_until(Status.FINAL, *lots)
    with stage.store.read() as tables:
        last = tables.batches.last()
    assert last is not None
    assert last.count == 5
    assert len(fake.sent) == 1


def test_a_transaction_that_the_node_forgot_is_sent_again_as_the_same_bytes(stage: Stage, fake: FakeChain) -> None:
    (made,) = stage.matter([1])
    stage.submit(made)
    real_send, fake.send = fake.send, lambda raw: fake.sent.append(raw)  # type: ignore[method-assign]
    stage.worker.round()
    fake.send = real_send  # type: ignore[method-assign]
    stage.run_until(Status.FINAL, made)
    assert len(set(fake.sent)) == 1
    assert recorded(stage, made) == 1


def test_a_statement_that_somebody_else_relays_first_is_anchored_and_not_refused(stage: Stage) -> None:
    (made,) = stage.matter([1])
    stage.submit(made)
    data = artifact(REGISTRY).call("record", made.signed.statement.to_bytes(), made.signed.signatures_bytes)
    address = stage.deployment.registry.address
    transact(stage.chain, Relayer(b"\5" * 32), stage.deployment.chain_id, address, data)
    stage.run_until(Status.FINAL, made)
    assert recorded(stage, made) == 1


def test_a_statement_of_the_same_case_that_came_by_another_way_has_the_place_and_the_audit_names_it(
    stage: Stage,
) -> None:
    (mine,) = stage.matter([1])
    procedure = procedure_of(3)
    other = stage.make(procedure.by_step[1], procedure, MATTER[1], case=mine.signed.statement.case)
    stage.submit(mine)
    data = artifact(REGISTRY).call("record", other.signed.statement.to_bytes(), other.signed.signatures_bytes)
    address = stage.deployment.registry.address
    transact(stage.chain, Relayer(b"\6" * 32), stage.deployment.chain_id, address, data)
    stage.run_until(Status.REFUSED, mine)


def test_while_the_chain_is_silent_statements_are_accepted_and_anchored_later(stage: Stage, fake: FakeChain) -> None:
    (made,) = stage.matter([1])
    fake.silent = True
    stage.submit(made)
    with pytest.raises(Unavailable) as caught:
        stage.worker.round()
    assert code_of(caught) == "chain.unreachable"
    assert stage.status(made) is Status.ACCEPTED
    fake.silent = False
    stage.run_until(Status.FINAL, made)


def test_a_node_without_history_proves_at_a_later_checkpoint(stage: Stage, fake: FakeChain) -> None:
    (made,) = stage.matter([1])
    stage.submit(made)
    fake.no_history = True
    stage.run_until(Status.ANCHORED, made)
    for _ in range(3):
        stage.worker.round()
    assert stage.status(made) is Status.ANCHORED
    fake.no_history = False
    stage.run_until(Status.FINAL, made)


def test_a_lying_proof_is_not_stored(stage: Stage, fake: FakeChain) -> None:
    (made,) = stage.matter([1])
    stage.submit(made)
    fake.alter_proof = lambda proof: replace(
        proof, slots=tuple(replace(slot, nodes=proof.slots[0].nodes) for slot in proof.slots)
    )
    with pytest.raises(TiezhengError):
        stage.run_until(Status.FINAL, made)
    with stage.store.read() as tables:
        row = tables.statements.get(made.digest)
    assert row is not None
    assert row.proof_height is None
    fake.alter_proof = lambda proof: proof
    stage.run_until(Status.FINAL, made)


def test_a_proof_of_the_block_after_is_asked_for_again(stage: Stage, fake: FakeChain) -> None:
    (made,) = stage.matter([1])
    stage.submit(made)
    wrong = 0

    def once_wrong(proof: StateProof) -> StateProof:
        nonlocal wrong
        wrong += 1
        return proof if wrong > 2 else replace(proof, nodes=proof.nodes[1:])

    fake.alter_proof = once_wrong
    stage.run_until(Status.FINAL, made)
    assert wrong > 2


def test_a_reorganised_chain_stops_the_worker_and_nothing_is_anchored_anew(stage: Stage, fake: FakeChain) -> None:
    (made,) = stage.matter([1])
    stage.submit(made)
    stage.run_until(Status.FINAL, made)
    fake.alter_block = lambda block: other_hash(block) if block.number > 0 else block
    with pytest.raises(IntegrityFault) as caught:
        stage.worker.round()
    assert code_of(caught) == "chain.reorganised"
    assert stage.status(made) is Status.FINAL


def test_a_fault_is_kept_for_the_operators_and_cleared_when_the_worker_runs_well_again(
    stage: Stage, fake: FakeChain
) -> None:
    fake.alter_block = lambda block: other_hash(block) if block.number > 0 else block
    with pytest.raises(IntegrityFault):
        stage.worker.run(Event())
    with stage.store.read() as tables:
        fault = tables.chain.fault()
    assert fault is not None
    assert fault.code == "chain.reorganised"

    fake.alter_block = lambda block: block
    stop = Event()
    thread = Thread(target=stage.worker.run, args=(stop,))
    thread.start()
    stop.wait(2)
    stop.set()
    thread.join()
    with stage.store.read() as tables:
        assert tables.chain.fault() is None


def test_one_worker_at_a_time(stage: Stage) -> None:
    with stage.store.exclusive("worker"), pytest.raises(Unavailable) as caught:
        stage.worker.run(Event())
    assert code_of(caught) == "service.locked"


@pytest.mark.parametrize("hidden", ["last of a case", "revocation"])
def test_an_audit_finds_out_a_node_that_hides_an_event(stage: Stage, hidden: str) -> None:
    (made,) = stage.matter([1])
    stage.submit(made)
    stage.run_until(Status.FINAL, made)
    fake = FakeChain(stage.chain)
    if hidden == "last of a case":
        fake.hide_logs = lambda log: len(log.topics) == 4 and log.topics[1] == made.digest
        later = stage.matter([2], after=made)
        stage.submit(*later)
        stage.run_until(Status.FINAL, *later)
        fake.hide_logs = lambda log: len(log.topics) == 4 and log.topics[1] == later[0].digest
    else:
        first, _ = stage.refused()
        spare = first.signed.signatures[0].signer
        fake.hide_logs = lambda log: (
            len(log.topics) == 3
            and int.from_bytes(log.topics[1], "big") == spare
            and (artifact("Institutions").events[log.topics[0]].name == "KeyEnded")
        )
    report = audit(
        fake,
        stage.deployment,
        stage.trust.procedures,
        lambda batch: open_leaves(stage.leaves, batch),
        stage.clock.now_ms(),
    )
    assert {finding.code for finding in report.findings} == {"audit.chain_invalid"}
    assert all("state holds" in finding.detail for finding in report.findings)


def test_a_chain_with_another_id_or_another_first_block_is_refused(stage: Stage, tmp_path: Path) -> None:
    fake = FakeChain(stage.chain)
    fake.chain_id_told = 1
    stage.worker._checked = False
    real, stage.worker.chain = stage.worker.chain, fake
    with pytest.raises(IntegrityFault) as caught:
        stage.worker.round()
    assert code_of(caught) == "chain.wrong"

    # A fresh chain of the same kind has the same first block, and no contracts: it is a younger one.
    port = free_port()
    other = start_anvil(tmp_path, port, tmp_path / "anvil.log")
    try:
        stage.worker.chain = RpcChain(other.url)
        with pytest.raises(IntegrityFault) as caught:
            stage.worker.round()
        assert code_of(caught) == "chain.younger"
    finally:
        stop_anvil(other.pid)
        stage.worker.chain = real
    stage.worker.round()


def test_a_restarted_chain_keeps_everything(node: Node, stage: Stage, consortium: Consortium) -> None:
    steps = stage.matter([1, 2])
    stage.submit(*steps)
    stage.run_until(Status.FINAL, *steps)
    before = node.chain.head()
    node.stop()
    node.start()
    block = node.chain.block(before.number)
    assert block == before
    later = stage.matter([4], after=steps[-1])
    stage.submit(*later)
    stage.run_until(Status.FINAL, *later)
    assert stage.verdict(later[0], whole_case=True).result is Result.VALID


def test_a_chain_that_lost_its_last_blocks_is_told_and_not_written_to(node: Node, stage: Stage, tmp_path: Path) -> None:
    node.stop()
    saved = (node.directory / "state.json").read_bytes()
    node.start()
    (made,) = stage.matter([1])
    stage.submit(made)
    stage.run_until(Status.FINAL, made)
    node.stop()
    (node.directory / "state.json").write_bytes(saved)
    node.start()

    # As long as it is shorter it may be a node that lags; once it is as long, it has other blocks.
    codes = []
    for _ in range(400):
        with pytest.raises((IntegrityFault, Unavailable)) as caught:
            stage.worker.round()
        codes.append(code_of(caught))
        if codes[-1] != "chain.behind":
            break
        stage.wait()
    assert set(codes[:-1]) <= {"chain.behind"}
    assert codes[-1] == "chain.reorganised"
    for witness in stage.witnesses:
        with pytest.raises((IntegrityFault, Unavailable)):
            witness.step()
    with closing(sqlite3.connect(stage.home / "ledger.db")) as connection:
        (waiting,) = connection.execute("SELECT count(*) FROM transactions WHERE state='prepared'").fetchone()
    assert waiting == 0
