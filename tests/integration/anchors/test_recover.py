"""A database put back from an older backup, brought up to the chain, the leaves and what holders kept."""

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pytest

from anchors.audit import Service, audit
from anchors.chains.relayer import Relayer
from anchors.leaves import leaves_path, open_leaves
from anchors.mirror_folder import MirrorFolder
from anchors.published import SignedCheckpoint
from anchors.recover import Recovered, Recovery
from anchors.recover_papers import read_papers
from api.settings import Home
from ledger.domain.life import Status
from ledger.services.receive_file import ReceiveFile
from ledger.storage.database import open_engine
from ledger.storage.sql_store import SqlStore
from tests.support.consortium import OPERATOR, SPARE, Consortium
from tests.support.fake_chain import FakeChain, Killed
from tests.support.stage import HANDLER, MATTER, Made, Stage
from tests.support.staging import Node
from tests.support.world import procedure_of
from tiezheng.cli.main import main
from tiezheng.content import to_private_json
from tiezheng.errors import IntegrityFault, TiezhengError, Unavailable
from tiezheng.evm.header import parse_header
from tiezheng.signature.keyfile import write_private_key

pytestmark = [pytest.mark.chain, pytest.mark.slow]


@dataclass
class Story:
    """A service before its loss, and what its holders kept."""

    stage: Stage
    papers: Path
    before: list[Made] = field(default_factory=list)
    after: list[Made] = field(default_factory=list)
    refused: list[Made] = field(default_factory=list)
    promised: list[Made] = field(default_factory=list)


def back_up(stage: Stage, target: Path) -> None:
    with closing(sqlite3.connect(stage.home / "ledger.db")) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)


def put_back(stage: Stage, backup: Path) -> Stage:
    """The same home with the old database, and a service on it."""
    stage.close()
    for path in stage.home.glob("ledger.db*"):
        path.unlink()
    shutil.copy(backup, stage.home / "ledger.db")
    stage.open()
    return stage


def recovery(stage: Stage, *papers: Path, chain: FakeChain | None = None) -> Recovery:
    return Recovery(
        store=stage.store,
        vault=stage.keyring,
        objects=stage.objects,
        chain=chain or stage.chain,
        deployment=stage.deployment,
        relayer=stage.relayer.address,
        operator=stage.worker.operator,
        trust=stage.trust,
        leaves=stage.leaves,
        clock=stage.clock,
        papers=read_papers(*papers),
    )


def findings(stage: Stage) -> list[tuple[str, str]]:
    report = audit(
        stage.chain,
        stage.deployment,
        stage.trust.procedures,
        lambda batch: open_leaves(stage.leaves, batch),
        stage.clock.now_ms(),
        Service(stage.store, stage.trust, stage.keyring, stage.objects),
    )
    return [(one.code, one.subject) for one in report.findings]


def keep_papers(stage: Stage, folder: Path, *made: Made, bundle: bool = True) -> None:
    """What the client wrote for its user, and a bundle that discloses everything."""
    folder.mkdir(exist_ok=True)
    for one in made:
        name = one.digest.hex()
        with stage.store.read() as tables:
            receipt, refusal = tables.statements.receipt(one.digest), tables.refusals.get(one.digest)
        assert receipt is not None
        (folder / f"{name}.receipt.json").write_bytes(receipt)
        (folder / f"{name}.statement").write_bytes(one.signed.to_bytes())
        if refusal is not None:
            (folder / f"{name}.refusal.json").write_bytes(refusal.file)
        elif bundle:
            (folder / f"{name}.bundle.json").write_bytes(stage.bundle(one, names=True, pending=True))


@pytest.fixture(scope="module")
def kept_backup(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("backup") / "ledger.db"


@pytest.fixture(scope="module")
def story(
    node: Node, consortium: Consortium, stage: Stage, kept_backup: Path, tmp_path_factory: pytest.TempPathFactory
) -> Story:
    """Registry lane, batch lane, refusals, files, promises; then the loss."""
    papers = tmp_path_factory.mktemp("papers")
    told = Story(stage, papers)
    relayer, procedure = Relayer(b"\3" * 32), procedure_of(3)
    consortium.admit(node.chain, relayer, SPARE)
    old, old_lot, old_deposit = stage.matter([1, 2]), stage.bulk(), stage.deposit(b"an old file")
    told.before = [*old, old_lot, old_deposit]
    stage.submit(*told.before)
    stage.run_until(Status.FINAL, *told.before)
    # Pending in the backup: one will be anchored, one sealed, one refused, and another statement takes its place.
    (disputed,) = stage.matter([1])
    stage.submit(disputed)
    stage.run_until(Status.FINAL, disputed)
    waiting, waiting_lot = stage.matter([1])[0], stage.bulk()
    doomed = stage.make(procedure.by_step[2], procedure, [(SPARE, HANDLER)], disputed)
    behind = stage.make(procedure.by_step[4], procedure, [(SPARE, HANDLER)], doomed)
    stage.submit(waiting, waiting_lot, doomed, behind)
    back_up(stage, kept_backup)

    consortium.revoke(node.chain, relayer, SPARE)
    stage.run_until(Status.REFUSED, doomed, behind)
    instead = stage.make(procedure.by_step[2], procedure, MATTER[2], disputed)
    rest = [stage.make(procedure.by_step[4], procedure, MATTER[4], old[-1])]
    new, lots, deposit = stage.matter(), [stage.bulk() for _ in range(3)], stage.deposit(b"a new file")
    told.after = [waiting, waiting_lot, instead, *rest, *new, *lots, deposit]
    stage.submit(instead, *rest, *new, *lots, deposit)
    stage.run_until(Status.FINAL, *told.after)
    told.refused = [doomed, behind]
    told.promised = [stage.matter([1])[0], stage.bulk()]
    stage.submit(*told.promised)
    keep_papers(stage, papers, *told.before, disputed, *told.after, *told.refused, *told.promised)
    return told


def place(stage: Stage, made: Made) -> tuple[object, ...]:
    with stage.store.read() as tables:
        row = tables.statements.get(made.digest)
    assert row is not None
    return row.status, row.received, row.due, row.block_number, row.batch, row.batch_index


def test_the_worker_stops_at_a_database_that_is_behind_and_says_what_to_do(story: Story, kept_backup: Path) -> None:
    stage = put_back(story.stage, kept_backup)
    with pytest.raises(IntegrityFault) as caught:
        stage.worker.round()
    assert caught.value.code == "recover.database_behind"
    assert "tiezheng recover" in caught.value.en


def test_with_everything_that_holders_kept_nothing_is_lost_and_the_audit_is_clean(
    story: Story, kept_backup: Path
) -> None:
    stage = put_back(story.stage, kept_backup)
    nonce = stage.chain.next_nonce(stage.relayer.address)
    with stage.store.exclusive("worker"):
        told = recovery(stage, story.papers).run()
    lost = [made for made in story.after if made not in story.after[:2]]
    assert told.counts["statements"] == len(lost)
    assert told.counts["receipts_signed_anew"] == 0
    assert told.counts["refusals"] == 2
    assert told.counts["promises_taken"] == 2
    assert (told.contents_missing, told.not_taken, told.receipts_without_statement) == ([], [], [])
    # The key of the new deposit's case was lost with the database, so its file can be read by nobody.
    assert [case for case, _ in told.files_missing] == [story.after[-1].signed.statement.case]
    assert len(told.objects_unknown) == 1
    assert [stage.status(made) for made in story.promised] == [Status.ACCEPTED, Status.ACCEPTED]
    assert stage.chain.next_nonce(stage.relayer.address) == nonce

    stage.run_until(Status.FINAL, *story.after, *story.promised)
    assert stage.chain.next_nonce(stage.relayer.address) == nonce + 2
    (name,) = told.objects_unknown
    sm3 = told.files_missing[0][1].hex()
    assert findings(stage) == [("audit.file_missing", f"file {sm3}"), ("audit.object_unknown", f"object {name}")]

    # Its institution still has the file.
    stage.objects.remove(name)
    case = story.after[-1].signed.statement.case
    ReceiveFile(stage.store, stage.objects, stage.clock).receive(
        case, story.after[-1].signed.statement.institution, "text/plain", BytesIO(b"a new file")
    )
    assert findings(stage) == []
    assert [stage.status(made) for made in story.refused] == [Status.REFUSED, Status.REFUSED]
    assert stage.verdict(story.after[-1]).result.value == "VALID"


def test_a_second_run_changes_nothing(story: Story) -> None:
    stage = story.stage
    before = [place(stage, made) for made in (*story.before, *story.after)]
    again = recovery(stage, story.papers).run()
    assert {name: count for name, count in again.counts.items() if count} == {}
    assert [place(stage, made) for made in (*story.before, *story.after)] == before


def test_without_any_papers_the_chain_and_the_leaves_give_all_but_the_contents(story: Story, kept_backup: Path) -> None:
    stage = put_back(story.stage, kept_backup)
    told = recovery(stage).run()
    # The promises of before are on the chain by now.
    lost = [*story.after[2:], *story.promised]
    assert told.counts["receipts_signed_anew"] == told.counts["statements"] == len(lost)
    assert sorted(told.contents_missing) == sorted(made.digest for made in lost)
    assert told.counts["refused"] == 2
    stage.run_until(Status.FINAL, *lost)
    assert [code for code, _ in findings(stage)] == ["audit.object_unknown"] * len(told.objects_unknown)

    # An institution submits the same bytes again, now with the content; others do not fit its root.
    one, other = story.after[3], story.after[2]
    signed = one.signed
    foreign = to_private_json(other.content)
    with pytest.raises(TiezhengError) as caught:
        stage.submitting.submit(signed.statement.to_bytes(), signed.signatures_bytes, foreign)
    assert caught.value.code.startswith("content.")
    with stage.store.read() as tables:
        assert tables.statements.content(one.digest) is None
    stage.submitting.submit(signed.statement.to_bytes(), signed.signatures_bytes, to_private_json(one.content))
    with stage.store.read() as tables:
        assert tables.statements.content(one.digest) is not None
    later: Recovered = recovery(stage, story.papers).run()
    assert later.contents_missing == []
    assert later.counts["contents"] == len(lost) - 1
    assert later.counts["receipts_original"] == len(lost)
    assert later.not_taken == []


def test_a_missing_leaves_file_stops_the_recovery_until_a_mirror_brings_it(
    story: Story, kept_backup: Path, tmp_path: Path
) -> None:
    stage = put_back(story.stage, kept_backup)
    file = leaves_path(stage.leaves, 1)
    (tmp_path / "leaves").mkdir()
    moved = file.rename(tmp_path / "leaves" / file.name)
    # A mirror has this checkpoint, which the old database never had.
    height = stage.chain.head().number - 1
    kept = SignedCheckpoint(parse_header(stage.chain.header(height)), ())
    MirrorFolder(tmp_path, stage.trust).put_checkpoint(kept)
    with pytest.raises(IntegrityFault) as caught:
        recovery(stage).run()
    assert caught.value.code == "recover.leaves_missing"
    helped = recovery(stage)
    helped.mirror = tmp_path
    told = helped.run()
    assert told.counts["leaves_files"] == 1
    with stage.store.read() as tables:
        lost = tables.proofs.checkpoint(height)
    assert lost is not None
    assert lost.hash == kept.header.hash
    assert told.counts["checkpoints"] == 1
    assert file.read_bytes() == moved.read_bytes()


def test_a_batch_that_was_sealed_and_not_sent_is_sent_as_it_was_sealed(story: Story, kept_backup: Path) -> None:
    stage = put_back(story.stage, kept_backup)
    recovery(stage).run()
    backup = kept_backup.with_name("later.db")
    back_up(stage, backup)
    lots = [stage.bulk() for _ in range(2)]
    stage.submit(*lots)
    real, fake = stage.worker.chain, FakeChain(stage.chain)
    stage.worker.chain = fake
    fake.kill_at_send = 0
    with pytest.raises(Killed):
        stage.worker.round()
    stage.worker.chain = real
    with stage.store.read() as tables:
        last = tables.batches.last()
    assert last is not None
    assert last.block_number is None
    published = leaves_path(stage.leaves, last.number).read_bytes()

    put_back(stage, backup)
    another = stage.bulk()
    stage.submit(another)
    with pytest.raises(IntegrityFault) as caught:
        stage.worker.round()
    assert caught.value.code == "recover.database_behind"
    told = recovery(stage).run()
    assert (told.counts["batches"], told.counts["statements"]) == (1, 2)
    stage.run_until(Status.FINAL, *lots, another)
    assert leaves_path(stage.leaves, last.number).read_bytes() == published
    with stage.store.read() as tables:
        row = tables.batches.get(last.number)
    assert row is not None
    assert row.digest == last.digest


def test_nothing_is_recovered_while_a_transaction_of_the_lost_time_is_on_its_way(
    story: Story, kept_backup: Path
) -> None:
    stage = put_back(story.stage, kept_backup)

    class OnItsWay(FakeChain):
        def pending_nonce(self, account: bytes) -> int:
            return self.real.next_nonce(account) + 1

    with pytest.raises(Unavailable) as caught:
        recovery(stage, chain=OnItsWay(stage.chain)).run()
    assert caught.value.code == "recover.in_flight"


def test_the_command_recovers_a_home_and_says_what_stays_missing(
    story: Story, kept_backup: Path, consortium: Consortium, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = put_back(story.stage, kept_backup)
    home = Home(stage.home)
    home.trust.write_bytes(stage.trust.to_bytes())
    home.deployment.write_bytes(stage.deployment.to_bytes())
    for folder in (home.master_key.parent, home.key(OPERATOR).parent):
        folder.mkdir(exist_ok=True)
    write_private_key(home.key(OPERATOR), consortium.keys[OPERATOR], b"only for tests")
    for path, secret in (
        (home.master_key, (b"\7" * 16).hex()),
        (home.relayer_key, (b"\2" * 32).hex()),
        (home.password(OPERATOR), "only for tests"),
    ):
        path.write_text(secret + "\n")
        path.chmod(0o600)
    stage.close()
    try:
        command = ["recover", "--home", str(stage.home), "--receipts", str(story.papers), "--json"]
        # A file of a lost case cannot be read any more: said, and exit code 1.
        assert main(command) == 1
        told = json.loads(capsys.readouterr().out)
        assert told["complete"] is False
        assert told["recovered"]["statements"] > 0
        assert told["not_taken"] == []
        assert len(told["contents_missing"]) == 3  # those of the test before, which nobody kept
        assert len(told["files_missing"]) == 1
        assert main(command) == 1
        again = json.loads(capsys.readouterr().out)
        assert {name: count for name, count in again["recovered"].items() if count} == {}
        with SqlStore(open_engine(f"sqlite:///{home.database}")).exclusive("worker"):
            assert main(command) == 1
        assert json.loads(capsys.readouterr().out)["error"]["code"] == "service.locked"
    finally:
        stage.open()
