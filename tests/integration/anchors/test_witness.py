"""A witness signs what it followed from the first block on, once for each height, and stops at a fork."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from anchors.chains.port import Block
from anchors.witness import Witness
from anchors.witness_state import STATE_FILE, hold, load_state
from ledger.domain.life import Status
from tests.support.consortium import COURT, OFFICE, REGULATOR
from tests.support.fake_chain import FakeChain, other_hash
from tests.support.stage import ServiceDesk, Stage
from tiezheng.errors import IntegrityFault, Malformed, NotFound, TiezhengError, Unavailable
from tiezheng.signature import KeySigner, Signature, verify
from tiezheng.verify import Result, witness_digest, witness_message

pytestmark = pytest.mark.chain


class Desk:
    """Asks for one height, and keeps what is handed in."""

    def __init__(self, wanted: tuple[int, bytes] | None = None) -> None:
        self.wanted = wanted
        self.taken: list[tuple[int, bytes, int, Signature]] = []
        self.refuses = False

    def latest(self) -> tuple[int, bytes] | None:
        return self.wanted

    def holds(self, number: int, height: int) -> bool:
        return any((one[0], one[3].signer) == (height, number) for one in self.taken)

    def hand_in(self, height: int, block_hash: bytes, seen_ms: int, signature: Signature) -> None:
        if self.refuses:
            raise NotFound("cosignature.height_unknown", got=height)
        self.taken.append((height, block_hash, seen_ms, signature))


@pytest.fixture(scope="module")
def blocks(stage: Stage) -> list[Block]:
    """The chain so far, at least to block 8."""
    (made,) = stage.matter([1])
    stage.submit(made)
    stage.run_until(Status.FINAL, made)
    return stage.chain.blocks(0, stage.chain.head().number)


def create(stage: Stage, directory: Path, desk: Desk | ServiceDesk, chain: FakeChain | None = None) -> Witness:
    key = KeySigner(stage.consortium.witness_keys[COURT])
    return Witness(chain or stage.chain, stage.trust, COURT, key, directory, desk, stage.clock.now_ms)


@pytest.fixture
def fake(stage: Stage) -> FakeChain:
    return FakeChain(stage.chain)


def test_a_cosignature_verifies_under_the_pinned_key_and_for_nothing_else(
    stage: Stage, blocks: list[Block], tmp_path: Path
) -> None:
    desk = Desk((4, blocks[4].hash))
    assert create(stage, tmp_path, desk).step() == 4

    ((height, block_hash, seen, signature),) = desk.taken
    key = stage.consortium.witness_keys[COURT].public

    def holds(**changes: object) -> bool:
        said = {"height": height, "block_hash": block_hash, "seen": seen, **changes}
        digest = witness_digest(stage.trust.ledger.genesis, *said.values())  # type: ignore[arg-type]
        return verify(key, witness_message(COURT, stage.trust.institutions.id, digest), signature.r_s)

    assert holds()
    assert not holds(height=8)
    assert not holds(block_hash=blocks[5].hash)
    assert not holds(seen=seen + 1)


def test_it_persists_before_it_signs_and_signs_no_other_hash_at_that_height_after_a_restart(
    stage: Stage, blocks: list[Block], tmp_path: Path
) -> None:
    desk = Desk((4, blocks[4].hash))
    desk.refuses = True
    with pytest.raises(NotFound):
        create(stage, tmp_path, desk).step()
    kept = load_state(tmp_path, stage.trust.ledger.genesis, COURT).at(4)
    assert kept is not None
    assert kept.hash == blocks[4].hash

    again = create(stage, tmp_path, desk)
    with pytest.raises(IntegrityFault) as caught:
        again.sign(4, bytes(32))
    assert caught.value.code == "witness.fork"
    desk.refuses = False
    assert again.step() == 4
    assert desk.taken[0][2] == kept.seen
    assert again.step() is None


def test_a_height_that_it_missed_is_signed_only_as_an_ancestor(
    stage: Stage, blocks: list[Block], tmp_path: Path
) -> None:
    desk = Desk()
    witness = create(stage, tmp_path, desk)
    assert witness.step() is None
    assert witness.state.position.height >= blocks[-1].number
    desk.wanted = (4, blocks[4].hash)
    assert witness.step() == 4


def test_a_height_that_its_node_has_not_reached_is_waited_for(stage: Stage, tmp_path: Path) -> None:
    desk = Desk((stage.chain.head().number + 1000, bytes(32)))
    assert create(stage, tmp_path, desk).step() is None
    assert desk.taken == []


def test_a_service_that_shows_another_block_gets_no_signature_and_the_evidence_is_kept(
    stage: Stage, blocks: list[Block], tmp_path: Path
) -> None:
    desk = Desk((4, bytes(32)))
    with pytest.raises(IntegrityFault) as caught:
        create(stage, tmp_path, desk).step()
    assert caught.value.code == "witness.fork"
    assert desk.taken == []
    evidence = json.loads((tmp_path / "fork-4.json").read_bytes())
    assert (evidence["own"], evidence["other"]) == (blocks[4].hash.hex(), bytes(32).hex())


def test_a_node_that_swaps_history_is_found_out_at_once(
    stage: Stage, blocks: list[Block], fake: FakeChain, tmp_path: Path
) -> None:
    desk = Desk((4, blocks[4].hash))
    witness = create(stage, tmp_path, desk, fake)
    witness.step()
    at = witness.state.position.height
    fake.alter_block = lambda block: other_hash(block) if block.number == at else block
    with pytest.raises(IntegrityFault) as caught:
        witness.step()
    assert caught.value.code == "witness.fork"
    assert (tmp_path / f"fork-{at}.json").exists()


def test_a_block_that_does_not_link_to_its_parent_is_found_out(
    stage: Stage, blocks: list[Block], fake: FakeChain, tmp_path: Path
) -> None:
    fake.alter_block = lambda block: replace(block, parent=bytes(32)) if block.number == 3 else block
    with pytest.raises(IntegrityFault) as caught:
        create(stage, tmp_path, Desk((4, blocks[4].hash)), fake).step()
    assert caught.value.code == "witness.fork"


def test_a_node_that_is_behind_is_waited_for(
    stage: Stage, blocks: list[Block], fake: FakeChain, tmp_path: Path
) -> None:
    witness = create(stage, tmp_path, Desk(), fake)
    witness.step()
    fake.head = lambda: blocks[2]  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        witness.step()


@pytest.mark.parametrize("change", ["chain id", "genesis"])
def test_another_chain_is_refused_at_the_start(stage: Stage, fake: FakeChain, tmp_path: Path, change: str) -> None:
    if change == "chain id":
        fake.chain_id_told = 5
    else:
        fake.alter_block = other_hash
    with pytest.raises(IntegrityFault) as caught:
        create(stage, tmp_path, Desk(), fake)
    assert caught.value.code == "chain.wrong"


def test_only_the_pinned_key_of_a_listed_witness_may_sign(stage: Stage, tmp_path: Path) -> None:
    def start(number: int, key: int) -> None:
        signer = KeySigner(stage.consortium.witness_keys[key])
        Witness(stage.chain, stage.trust, number, signer, tmp_path, Desk(), stage.clock.now_ms)

    with pytest.raises(NotFound):
        start(OFFICE, COURT)
    with pytest.raises(Malformed):
        start(COURT, REGULATOR)


def test_two_processes_never_share_one_memory(tmp_path: Path) -> None:
    with hold(tmp_path), pytest.raises(Unavailable), hold(tmp_path):
        pass


@pytest.mark.parametrize("damage", [lambda data: data[:-2], lambda data: data.replace(b"201", b"202"), lambda _: b""])
def test_a_damaged_memory_is_refused_and_not_begun_anew(
    stage: Stage, blocks: list[Block], tmp_path: Path, damage: object
) -> None:
    create(stage, tmp_path, Desk((4, blocks[4].hash))).step()
    path = tmp_path / STATE_FILE
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(TiezhengError) as caught:
        create(stage, tmp_path, Desk())
    assert caught.value.code == "witness.state"


def test_one_witness_of_three_is_not_enough_and_two_are(stage: Stage) -> None:
    (made,) = stage.matter([1])
    stage.submit(made)
    stage.invite_witnesses([REGULATOR])
    stage.run_until(Status.ANCHORED, made)
    for _ in range(30):
        stage.worker.round()
        for witness in stage.witnesses:
            witness.step()
        with stage.store.read() as tables:
            row = tables.statements.get(made.digest)
            assert row is not None
            signers = [] if row.proof_height is None else tables.proofs.cosignatures(row.proof_height)
        if len(signers) == 1:
            break
        stage.wait()
    assert stage.status(made) is Status.ANCHORED

    stage.invite_witnesses([REGULATOR, COURT])
    stage.run_until(Status.FINAL, made)
    assert stage.verdict(made).result is Result.VALID
