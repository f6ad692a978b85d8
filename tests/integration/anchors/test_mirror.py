"""A mirror of an honest service, and of one that later shows something else."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from anchors.leaves import leaves_path
from anchors.mirror import Mirror
from anchors.mirror_folder import MirrorFolder
from api.views import batch_view, checkpoint_view
from ledger.domain.life import Status
from tests.support.consortium import OPERATOR, WITNESSES, Consortium
from tests.support.fake_chain import FakeChain
from tests.support.stage import Stage
from tiezheng.batch import build_batch, parse_batch_header, write_leaves
from tiezheng.bundle import LedgerId
from tiezheng.cli.main import main
from tiezheng.errors import NotFound, Refused
from tiezheng.evm.header import parse_header
from tiezheng.signature import Signature, sign
from tiezheng.verify import witness_digest, witness_message
from tiezheng.verify.fork import Kind, check_fork, parse_fork

pytestmark = [pytest.mark.chain, pytest.mark.slow]


@dataclass
class Shown:
    """What the service of a stage publishes, with what it lies about."""

    stage: Stage
    batch_lies: dict[int, dict[str, Any] | None]
    checkpoint_lies: dict[int, dict[str, Any]]
    leaves_lies: dict[int, bytes]

    def batches(self, *, before: int | None = None, limit: int = 50) -> list[dict[str, Any]]:
        with self.stage.store.read() as tables:
            views = [dict(batch_view(row)) for row in tables.batches.page(before, limit)]
        lied = [self.batch_lies.get(view["number"], view) for view in views]
        return [view for view in lied if view is not None]

    def checkpoints(self, *, before: int | None = None, limit: int = 50) -> list[dict[str, Any]]:
        with self.stage.store.read() as tables:
            rows = tables.proofs.page(before, limit)
            views = [dict(checkpoint_view(row, tables.proofs.cosignatures(row.height))) for row in rows]
        return [self.checkpoint_lies.get(view["height"], view) for view in views]

    def leaves(self, number: int) -> bytes:
        path = leaves_path(self.stage.leaves, number)
        if number not in self.leaves_lies and not path.is_file():
            raise NotFound("batch.not_found", got=number)
        return self.leaves_lies.get(number) or path.read_bytes()

    def forks(self) -> list[dict[str, Any]]:
        return []


@pytest.fixture(scope="module")
def filled(stage: Stage) -> Stage:
    for _ in range(2):
        lots = [stage.bulk() for _ in range(3)]
        stage.submit(*lots)
        stage.run_until(Status.FINAL, *lots)
    return stage


@pytest.fixture
def shown(filled: Stage) -> Shown:
    return Shown(filled, {}, {}, {})


def mirror_of(shown: Shown, place: Path, chain: Any = None, **more: Any) -> Mirror:
    stage = shown.stage
    mirror = Mirror(
        shown,  # type: ignore[arg-type]
        MirrorFolder(place, stage.trust),
        stage.trust,
        stage.clock.now_ms,
        chain or stage.chain,
        **more,
    )
    mirror.open()
    return mirror


def codes(mirror: Mirror) -> list[tuple[str, str]]:
    return [(one.code, one.name) for one in mirror.conflicts]


def test_a_mirror_holds_every_leaves_file_and_checkpoint_and_resumes(shown: Shown, tmp_path: Path) -> None:
    stage = shown.stage
    mirror = mirror_of(shown, tmp_path)
    assert mirror.round() > 0
    assert mirror.round() == 0
    for path in stage.leaves.glob("*.leaves"):
        assert (tmp_path / "leaves" / path.name).read_bytes() == path.read_bytes()
    kept = [mirror.folder.checkpoint(height) for height in mirror.folder.heights()]
    assert [len(one.cosignatures) for one in kept if one is not None] == [len(WITNESSES)] * len(kept)
    assert all(mirror.folder.node_header(one.header.number) == one.header.raw for one in kept if one is not None)

    lot = stage.bulk()
    stage.submit(lot)
    stage.run_until(Status.FINAL, lot)
    resumed = mirror_of(shown, tmp_path)
    assert resumed.round() > 0
    assert resumed.conflicts == []
    assert resumed.counts["batches"] == 1


def test_a_second_header_for_a_number_is_a_conflict_and_a_proof(
    shown: Shown, consortium: Consortium, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = shown.stage
    mirror_of(shown, tmp_path / "mirror").round()
    header, _ = build_batch(OPERATOR, None, [stage.bulk().signed])
    seal = Signature(OPERATOR, 0, 0, sign(consortium.keys[OPERATOR], header.message(stage.deployment.batch.id)))
    lie = {**shown.batches()[-1], "header": header.to_bytes().hex(), "signature": seal.to_bytes().hex()}
    shown.batch_lies[0] = lie
    again = mirror_of(shown, tmp_path / "mirror")
    again.round()
    assert codes(again) == [("mirror.conflict", "batch-000000")]
    path = again.conflicts[0].fork
    assert path is not None
    fork = check_fork(parse_fork(path.read_bytes()), stage.trust, stage.clock.now_ms())
    assert (fork.kind, fork.about, fork.signers, fork.gaps) == (Kind.BATCH, {"batch": 0}, (OPERATOR,), [])
    kept = again.folder.batch(0)
    assert kept is not None
    assert kept[0] != header  # what was kept first stays

    trust = tmp_path / "trust.json"
    trust.write_bytes(stage.trust.to_bytes())
    assert main(["fork", "check", str(path), "--trust", str(trust)]) == 0
    told = json.loads(path.read_bytes())
    told["proof"] = None
    path.write_bytes(json.dumps(told, sort_keys=True, separators=(",", ":")).encode())
    assert main(["fork", "check", str(path), "--trust", str(trust)]) == 3
    told["second"] = {**told["second"], "signature": told["first"]["signature"]}
    path.write_bytes(json.dumps(told, sort_keys=True, separators=(",", ":")).encode())
    assert main(["fork", "check", str(path), "--trust", str(trust)]) in (1, 2)
    capsys.readouterr()


def test_a_batch_that_vanished_and_leaves_that_changed_are_told(shown: Shown, tmp_path: Path) -> None:
    stage = shown.stage
    mirror_of(shown, tmp_path).round()
    with leaves_path(stage.leaves, 0).open("rb") as reader:
        data = reader.read()
    header, seal = parse_batch_header(data[:88]), Signature.parse(data[88:158])
    shown.leaves_lies[0] = b"".join(write_leaves(header, seal, [stage.bulk().signed for _ in range(header.count)]))
    shown.batch_lies[1] = None
    again = mirror_of(shown, tmp_path, recheck=True)
    again.round()
    assert sorted(codes(again)) == [("merkle.root_mismatch", "leaves-000000"), ("mirror.conflict", "batch-000001")]
    told = [one.kept.read_bytes() for one in again.conflicts]
    again.round()
    assert [one.kept.read_bytes() for one in again.conflicts] == told


def test_another_block_at_a_height_is_a_proof_where_a_witness_signed_both(
    shown: Shown, consortium: Consortium, tmp_path: Path
) -> None:
    stage = shown.stage
    mirror_of(shown, tmp_path).round()
    view = shown.checkpoints()[0]
    header = parse_header(bytes.fromhex(view["header"]))
    other = parse_header(header.with_extra_data(b"another"))
    digest = witness_digest(stage.trust.ledger.genesis, other.number, other.hash, 5)
    message = witness_message(WITNESSES[0], stage.deployment.institutions.id, digest)
    cosigned = Signature(WITNESSES[0], 0, 0, sign(consortium.witness_keys[WITNESSES[0]], message))
    told = [{"signer": WITNESSES[0], "seen": 5, "signature": cosigned.to_bytes().hex()}]
    lie = {**view, "header": other.raw.hex(), "hash": other.hash.hex(), "cosignatures": told}
    shown.checkpoint_lies[header.number] = lie
    again = mirror_of(shown, tmp_path)
    again.round()
    assert codes(again) == [("mirror.conflict", f"checkpoint-{header.number}")]
    path = again.conflicts[0].fork
    assert path is not None
    fork = check_fork(parse_fork(path.read_bytes()), stage.trust, stage.clock.now_ms())
    assert (fork.kind, fork.signers, fork.gaps) == (Kind.WITNESS, (WITNESSES[0],), [])


def test_a_node_that_disagrees_is_told(shown: Shown, tmp_path: Path) -> None:
    stage = shown.stage
    mirror_of(shown, tmp_path).round()
    height = shown.checkpoints()[0]["height"]

    class Elsewhere(FakeChain):
        def header(self, number: int) -> bytes:
            raw = self.real.header(number)
            return parse_header(raw).with_extra_data(b"another") if number == height else raw

    again = mirror_of(shown, tmp_path, Elsewhere(stage.chain))
    again.round()
    assert sorted(codes(again)) == [
        ("chain.reorganised", f"node-{height}"),
        ("chain.reorganised", f"node-and-service-{height}"),
    ]


def test_the_folder_of_another_ledger_is_refused(shown: Shown, tmp_path: Path) -> None:
    mirror_of(shown, tmp_path)
    trust = shown.stage.trust
    other = LedgerId(trust.ledger.chain_id, trust.ledger.founding, bytes(31) + b"\1")
    state = json.loads((tmp_path / "mirror.json").read_bytes())
    state["ledger"] = other.to_json()
    (tmp_path / "mirror.json").write_text(json.dumps(state, sort_keys=True, separators=(",", ":")))
    with pytest.raises(Refused) as caught:
        mirror_of(shown, tmp_path)
    assert caught.value.code == "mirror.other_ledger"
    assert replace(other, genesis=trust.ledger.genesis) == trust.ledger
