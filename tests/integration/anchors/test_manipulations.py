"""Every planted manipulation is named, and nothing else; incremental audits find what full ones do."""

import http.server
import json
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from anchors.audit_html import to_html
from anchors.audit_state import Memory
from anchors.leaves import leaves_path
from ledger.domain.life import Status
from tests.support.audited import History, Place, flipped, make_history, make_place
from tests.support.manipulations import MANIPULATIONS, OF_THE_SERVICE, Plant, strangers
from tests.support.stage import Stage
from tiezheng.errors import IntegrityFault

pytestmark = pytest.mark.chain


@pytest.fixture(scope="module")
def history(stage: Stage) -> History:
    return make_history(stage)


@pytest.fixture(scope="module")
def healthy(history: History, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A healthy place whose audit was clean, with the state that this audit left."""
    place = make_place(history, tmp_path_factory.mktemp("healthy") / "place")
    report = place.audit(memory=True)
    assert report.findings == []
    assert report.not_checked == []
    assert report.counts["receipts"] == report.counts["receipts_kept"] == 12
    assert report.counts["bundles"] == 3
    return place


@pytest.fixture
def place(healthy: Place, tmp_path: Path) -> Place:
    shutil.copytree(healthy.root, tmp_path / "place")
    return Place(healthy.history, tmp_path / "place", type(healthy.fake)(healthy.fake.real))


def told(place: Place, *, full: bool) -> set[tuple[str, str, str]]:
    report = place.audit(memory=True, full=full)
    assert (report.since is None) or not full
    return {(one.code, one.subject, one.detail) for one in report.findings}


@pytest.mark.parametrize(("plant", "code"), MANIPULATIONS, ids=lambda value: getattr(value, "__name__", value))
def test_what_was_planted_is_named_and_nothing_else(place: Place, plant: Plant, code: str) -> None:
    named = plant(place)
    report = place.audit()
    assert code in {one.code for one in report.findings}, report.findings
    assert strangers(report, named) == []
    assert all(one.evidence for one in report.findings)


# A few of each kind; `make manipulations` compares them all. What a node hides of blocks that were audited is known.
@pytest.mark.parametrize(("plant", "code"), OF_THE_SERVICE[::4], ids=lambda value: getattr(value, "__name__", value))
def test_an_incremental_audit_finds_what_a_full_one_finds(place: Place, plant: Plant, code: str) -> None:
    plant(place)
    kept = (place.root / "state.json").read_bytes()
    incremental = told(place, full=False)
    (place.root / "state.json").write_bytes(kept)
    assert incremental == told(place, full=True)
    assert code in {one[0] for one in incremental}


def test_a_chain_without_the_audited_block_is_a_finding_and_the_evidence_is_kept(place: Place) -> None:
    height = place.audit(memory=True).height
    place.fake.alter_block = lambda block: replace(block, hash=bytes(32)) if block.number == height else block
    state = (place.root / "state.json").read_bytes()
    place.history.stage.wait()
    report = place.audit(memory=True)
    (finding,) = [one for one in report.findings if one.code == "chain.reorganised"]
    kept = place.root / str(dict(finding.evidence)["file"])
    assert kept.read_bytes() == state
    assert dict(finding.evidence)["block"] == height
    assert report.since is None
    assert report.fresh_start is not None


def test_a_damaged_or_foreign_state_is_not_used(place: Place) -> None:
    state = place.root / "state.json"
    whole = state.read_bytes()
    state.write_bytes(flipped(whole, len(whole) // 2))
    with pytest.raises(IntegrityFault, match=r"audit\.state_invalid"):
        place.audit(memory=True)
    assert place.audit(memory=True, full=True).findings == []
    other = Memory(state, bytes(32))
    assert other.load() is None


def test_what_was_erased_on_record_is_told_from_what_was_lost(place: Place) -> None:
    case = place.history.deposit.signed.statement.case
    destroyed = 1_770_000_000_000
    place.change("UPDATE wrapped_keys SET wrapped=NULL, destroyed=? WHERE owner=?", destroyed, b"case:" + case)
    for report in (place.audit(), place.audit(memory=True)):
        assert report.findings == []
        assert report.erased == [
            {"case": case.hex(), "contents": [place.history.deposit.digest.hex()], "destroyed_ms": destroyed}
        ]
        assert report.counts["contents_erased"] == report.counts["files_erased"] == 1


def test_several_processes_find_what_one_finds(place: Place) -> None:
    alone = place.audit()
    several = place.audit(jobs=2)
    assert several.findings == alone.findings == []
    assert several.counts["signatures"] == alone.counts["signatures"] > 20


def test_the_report_as_html_holds_every_finding_and_runs_no_script(place: Place) -> None:
    place.change("UPDATE member_keys SET custody=3 WHERE number=?", 101)
    report = place.audit()
    page = to_html(report, "tiezheng audit --home '<DIR>'")
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert "&lt;DIR&gt;" in page
    for text in (
        "audit.member_altered",
        "key 101/0",
        report.block_hash.hex(),
        "未发现差异" if report.clean else "处问题",
    ):
        assert text in page


def test_an_incremental_audit_costs_what_came_since(place: Place) -> None:
    first = place.audit(memory=True, full=True)
    again = place.audit(memory=True)
    assert again.findings == []
    assert again.since == first.height
    assert again.counts["signatures"] == 0
    assert again.counts["contents_opened"] == again.counts["statements_proven"] == 0
    assert again.carried["statements_in_database"] == first.counts["statements_in_database"]
    assert again.counts["words_proven"] + again.carried["words_proven"] == first.counts["words_proven"]

    # A new statement, relayed by somebody else: what is replayed is what came, and the audit says what is missing.
    stage = place.history.stage
    opened = stage.matter([1])[0]
    stage.submit(opened)
    stage.run_until(Status.FINAL, opened)
    later = place.audit(memory=True)
    assert later.counts["signatures"] == 1
    assert later.counts["blocks_replayed"] == later.height - again.height
    assert {one.subject for one in later.findings} == {
        f"statement {opened.digest.hex()}",
        f"case {opened.signed.statement.case.hex()}",
    }
    assert told(place, full=False) == told(place, full=True)


BLOCKED = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in %r or name.startswith(("ledger.storage", "api")):
            raise ImportError(name)
sys.meta_path.insert(0, Blocked())
from tiezheng.cli.main import run
sys.argv[0] = "tiezheng"
run()
"""
SERVER_ONLY = (
    "alembic",
    "fastapi",
    "fsspec",
    "prometheus_client",
    "pydantic_settings",
    "sqlalchemy",
    "structlog",
    "uvicorn",
)


class _Leaves(http.server.BaseHTTPRequestHandler):
    """Gives out leaves files as the service does."""

    folder: Path

    def do_GET(self) -> None:
        data = leaves_path(self.folder, int(self.path.split("/")[-2])).read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


def test_a_stranger_audits_with_a_node_and_the_published_leaves_alone(place: Place) -> None:
    stage = place.history.stage
    (place.root / "deployment.json").write_bytes(stage.deployment.to_bytes())
    (place.root / "trust.json").write_bytes(stage.trust.to_bytes())
    handler = type("Handler", (_Leaves,), {"folder": place.root / "leaves"})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        command = [sys.executable, "-c", BLOCKED % (SERVER_ONLY,), "audit", "--rpc", stage.deployment.rpc, "--json"]
        command += ["--deployment", str(place.root / "deployment.json"), "--trust", str(place.root / "trust.json")]
        command += ["--service", f"http://127.0.0.1:{server.server_port}", "--html", str(place.root / "report.html")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        server.shutdown()
        thread.join()
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["clean"]
    assert report["counts"]["words_proven"] > 20
    assert len(report["not_checked"]) == 1
    assert "未发现差异" in (place.root / "report.html").read_text()
