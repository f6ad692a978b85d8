"""Receipts held against the chain: kept, refused, late, broken, pending, invalid; and proofs that strangers check."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from anchors.published import Nothing, PublishedInFolder, SignedCheckpoint
from anchors.receipt_check import Judged, ReceiptChecker, State
from anchors.receipt_folder import read_folder
from anchors.receipt_proof import prove_breach
from ledger.domain.life import Status
from ledger.domain.limits import DAY_MS
from tests.support.stage import Made, Stage
from tiezheng.bundle import Cosignature
from tiezheng.cli.main import main
from tiezheng.errors import VerificationFailed
from tiezheng.evm.header import parse_header
from tiezheng.signature import Signature
from tiezheng.trust import format_time
from tiezheng.verify.breach import BreachProof, Kind, check_breach, parse_breach

pytestmark = [pytest.mark.chain, pytest.mark.slow]


@dataclass
class Story:
    """What was handed in, how it ended, and the folder of its receipts."""

    folder: Path
    trust: Path
    late_ms: int
    made: dict[str, Made] = field(default_factory=dict)

    def file(self, name: str) -> Path:
        return self.folder / f"{name}.txt"


class KeptCheckpoint(Nothing):
    """A mirror in memory."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def leaves(self, batch: int) -> Any:
        return PublishedInFolder(self._stage.home, self._stage.trust).leaves(batch)

    def latest(self) -> SignedCheckpoint | None:
        with self._stage.store.read() as tables:
            row = tables.proofs.latest()
            assert row is not None
            listed = tables.proofs.cosignatures(row.height)
        cosigned = tuple(Cosignature(one.seen, Signature.parse(one.signature)) for one in listed)
        return SignedCheckpoint(parse_header(row.header), cosigned)


@pytest.fixture(scope="module")
def story(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("receipts")
    story = Story(folder, folder.parent / "trust.json", stage.clock.now_ms() + DAY_MS + 3_600_000)
    story.trust.write_bytes(stage.trust.to_bytes())
    # Another service on the same ledger, which never sends what it took.
    elsewhere = Stage(tmp_path_factory.mktemp("elsewhere"), stage.chain, stage.consortium, stage.relayer)
    elsewhere.open()
    elsewhere.worker.round()
    (kept,), in_batch, late, late_lot = stage.matter([1]), stage.bulk(), stage.matter([1])[0], stage.bulk()
    stage.submit(kept, in_batch)
    stage.run_until(Status.FINAL, kept, in_batch)
    refused = stage.refused()[0]
    broken, broken_lot = stage.matter([1])[0], stage.bulk()
    story.made = {"kept": kept, "in_batch": in_batch, "refused": refused, "late": late, "late_lot": late_lot}
    elsewhere.submit(broken, broken_lot)
    stage.submit(late, late_lot)
    # A day and an hour pass before the worker runs again.
    for method, params in (("evm_increaseTime", [DAY_MS // 1000 + 3_600]), ("evm_mine", [])):
        httpx.post(stage.deployment.rpc, json={"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    stage.clock.ahead_ms += DAY_MS + 3_600_000
    stage.run_until(Status.FINAL, late, late_lot)
    pending = stage.matter([1])[0]
    stage.submit(pending)
    story.made |= {"pending": pending, "broken": broken, "broken_lot": broken_lot}
    for name, made in story.made.items():
        place = elsewhere if name.startswith("broken") else stage
        with place.store.read() as tables:
            data, refusal = tables.statements.receipt(made.digest), tables.refusals.get(made.digest)
        assert data is not None
        story.file(name).write_bytes(data + b"\n")
        if refusal is not None:
            story.file("its refusal").write_bytes(refusal.file)
    elsewhere.close()
    story.file("a photograph").write_bytes(b"\x89PNG")
    return story


def judge(stage: Stage, story: Story) -> dict[str, Judged]:
    checker = ReceiptChecker(stage.chain, stage.trust, KeptCheckpoint(stage), story.late_ms)
    return {one.path.stem: one for one in checker.check(read_folder(story.folder))}


def proof_of(stage: Stage, story: Story, name: str) -> BreachProof:
    return prove_breach(stage.chain, stage.trust, KeptCheckpoint(stage), judge(stage, story)[name], story.late_ms)[0]


def leaves_of(stage: Stage) -> Any:
    return PublishedInFolder(stage.home, stage.trust).leaves


def test_each_receipt_is_told_by_what_became_of_it(stage: Stage, story: Story) -> None:
    assert {name: one.state for name, one in judge(stage, story).items()} == {
        "kept": State.KEPT,
        "in_batch": State.KEPT,
        "refused": State.REFUSED,
        "late": State.LATE,
        "late_lot": State.LATE,
        "broken": State.BROKEN,
        "broken_lot": State.BROKEN,
        "pending": State.PENDING,
    }


def test_before_it_falls_due_nothing_is_broken(stage: Stage, story: Story) -> None:
    checker = ReceiptChecker(stage.chain, stage.trust, KeptCheckpoint(stage), story.late_ms - 2 * DAY_MS)
    (one,) = checker.check(read_folder(story.file("broken")))
    assert one.state is State.PENDING


def test_without_the_leaves_a_receipt_of_the_batch_lane_is_unknown_and_never_kept(stage: Stage, story: Story) -> None:
    checker = ReceiptChecker(stage.chain, stage.trust, Nothing(), story.late_ms)
    for name in ("in_batch", "broken_lot"):
        (one,) = checker.check(read_folder(story.file(name)))
        assert (one.state, one.code) == (State.UNKNOWN, "breach.leaves_missing")


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (lambda data: data.replace(b'"index":0', b'"index":1'), "merkle.index_range"),
        (lambda data: data[:-4] + b'0"}', "json.hex"),
        (lambda data: data.replace(b'"signature":"', b'"signature":"00000009', 1), "json.hex"),
    ],
)
def test_a_damaged_receipt_is_invalid_and_named(
    stage: Stage, story: Story, tmp_path: Path, edit: Any, code: str
) -> None:
    (tmp_path / "one").write_bytes(edit(story.file("kept").read_bytes().removesuffix(b"\n")))
    checker = ReceiptChecker(stage.chain, stage.trust, Nothing(), story.late_ms)
    (one,) = checker.check(read_folder(tmp_path))
    assert one.state is State.INVALID
    assert one.code == code


def test_a_receipt_whose_due_time_was_altered_is_not_the_operators(stage: Stage, story: Story, tmp_path: Path) -> None:
    value = json.loads(story.file("kept").read_bytes())
    value["receipt"] = value["receipt"][:-14] + "000000000000" + value["receipt"][-2:]
    value["receipt"] = value["receipt"][:128] + "000000000000" + value["receipt"][140:]
    (tmp_path / "one").write_bytes(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())
    (one,) = ReceiptChecker(stage.chain, stage.trust, Nothing(), story.late_ms).check(read_folder(tmp_path))
    assert (one.state, one.code) == (State.INVALID, "signature.invalid")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("late", Kind.ANCHORED_LATE),
        ("late_lot", Kind.ANCHORED_LATE),
        ("broken", Kind.NOT_ANCHORED),
        ("broken_lot", Kind.NOT_ANCHORED),
    ],
)
def test_a_breach_is_proven_to_a_stranger_with_the_trust_file_alone(
    stage: Stage, story: Story, name: str, kind: Kind
) -> None:
    data = proof_of(stage, story, name).to_bytes()
    proof = parse_breach(data)
    assert proof.to_bytes() == data
    breach = check_breach(proof, stage.trust, story.late_ms, leaves_of(stage))
    assert (breach.kind, breach.gaps, breach.receipt.statement) == (kind, [], story.made[name].digest)


def test_without_the_leaves_absence_from_the_batches_stays_open(stage: Stage, story: Story) -> None:
    proof = proof_of(stage, story, "broken_lot")
    gaps = check_breach(proof, stage.trust, story.late_ms).gaps
    assert proof.batches is not None
    assert gaps == [("breach.leaves_missing", f"{header.batch:06d}") for header in proof.batches.headers]


def test_a_kept_receipt_gives_no_proof(stage: Stage, story: Story) -> None:
    with pytest.raises(VerificationFailed) as caught:
        proof_of(stage, story, "kept")
    assert caught.value.code == "breach.kept"


def test_the_command_tells_a_person_and_a_program(
    stage: Stage, story: Story, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    at = format_time(datetime.fromtimestamp(story.late_ms // 1000, UTC))
    out = tmp_path / "breach.json"
    told = ["receipts", "check", str(story.folder), "--trust", str(story.trust), "--rpc", stage.deployment.rpc]
    told += ["--mirror", str(stage.home), "--at", at]
    assert main([*told, "--json", "--out", str(out)]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["counts"] == {
        "kept": 2, "refused": 1, "pending": 1, "late": 2, "broken": 2, "unknown": 0, "invalid": 0,
    }  # fmt: skip
    assert answer["others"] == 1
    assert len(answer["proofs"]) == 4
    (refused,) = [one for one in answer["receipts"] if one["state"] == "refused"]
    assert "key" in refused["reason"]["en"]

    # No mirror of checkpoints was given: the exported proofs lack the cosignatures, and say so.
    one = answer["proofs"][0]["file"]
    assert main(["breach", "check", one, "--trust", str(story.trust), "--leaves", str(stage.home), "--json"]) == 3
    verdict = json.loads(capsys.readouterr().out)
    assert [gap["code"] for gap in verdict["missing"]] == ["finality.threshold"]

    assert main(told) == 1
    lines = capsys.readouterr().out
    assert str(story.file("broken")) in lines.replace("\n", "")


def test_a_conclusive_proof_ends_with_0_and_a_foreign_trust_file_with_1(
    stage: Stage, story: Story, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "breach.json"
    file.write_bytes(proof_of(stage, story, "broken").to_bytes())
    assert main(["breach", "check", str(file), "--trust", str(story.trust)]) == 0
    edited = json.loads(file.read_bytes())
    edited["ledger"]["chain_id"] += 1
    file.write_bytes(json.dumps(edited, sort_keys=True, separators=(",", ":")).encode())
    assert main(["breach", "check", str(file), "--trust", str(story.trust)]) == 1
    assert "trust.ledger" in capsys.readouterr().err
