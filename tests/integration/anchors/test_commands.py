"""`tiezheng audit` and `tiezheng witness` as processes of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from anchors.leaves import leaves_path
from ledger.domain.life import Status
from tests.support.consortium import COURT, PROCURATORATE, REGULATOR
from tests.support.stage import ServiceDesk, Stage
from tiezheng.errors import TiezhengError
from tiezheng.signature import Signature
from tiezheng.signature.keyfile import write_private_key

pytestmark = [pytest.mark.chain, pytest.mark.slow]
PASSWORD = b"a password for tests"


def tiezheng(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "tiezheng.cli.main", *map(str, arguments)]


def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(tiezheng(*arguments), capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def home(stage: Stage) -> Path:
    """A home directory as a running service has it, after some honest work."""
    lots = [stage.bulk() for _ in range(3)]
    deposit = stage.deposit(b"a file")
    stage.submit(*lots, deposit)
    stage.run_until(Status.FINAL, *lots, deposit)
    (stage.home / "trust.json").write_bytes(stage.trust.to_bytes())
    (stage.home / "deployment.json").write_bytes(stage.deployment.to_bytes())
    (stage.home / "secrets").mkdir()
    secret = stage.home / "secrets" / "master.key"
    secret.write_text((b"\7" * 16).hex() + "\n")
    secret.chmod(0o600)
    return stage.home


def test_an_audit_of_a_home_is_clean_and_ends_with_0(home: Path) -> None:
    done = run("audit", "--home", home, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["clean"] is True
    assert report["not_checked"] == []
    assert report["counts"]["files_intact"] == 1


def test_a_stranger_needs_node_deployment_and_leaves_alone(home: Path, stage: Stage) -> None:
    done = run(
        "audit", "--rpc", stage.deployment.rpc, "--deployment", home / "deployment.json", "--leaves", home / "leaves"
    )
    assert done.returncode == 0, done.stderr
    assert "未发现差异" in done.stdout
    assert "no difference" in done.stdout
    assert "Not checked" in done.stdout


def test_database_and_files_can_be_given_one_by_one(home: Path, stage: Stage) -> None:
    done = run(
        "audit", "--deployment", home / "deployment.json", "--trust", home / "trust.json", "--leaves", home / "leaves",
        "--db", f"sqlite:///{home / 'ledger.db'}", "--objects", home / "objects", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["not_checked"]) == 1


def test_findings_are_named_in_both_languages_and_end_with_1(home: Path) -> None:
    path = leaves_path(home / "leaves", 0)
    kept = path.read_bytes()
    path.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    try:
        done = run("audit", "--home", home)
    finally:
        path.write_bytes(kept)
    assert done.returncode == 1
    assert "audit.leaves_mismatch  leaves 000000" in done.stdout
    assert "批次叶子文件" in done.stdout
    assert "A leaves file does not match" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], "config.missing"),
        (["--deployment", "absent.json"], "file.not_found"),
        (["--home", "HOME", "--rpc", "http://127.0.0.1:9"], "chain.unreachable"),
        (["--deployment", "HOME/deployment.json", "--db", "HOME/ledger.db"], "config.missing"),
        (["--home", "HOME", "--db", "HOME/absent.db"], "file.not_found"),
    ],
)
def test_an_audit_that_cannot_run_says_why(home: Path, arguments: list[str], code: str) -> None:
    done = run("audit", *[word.replace("HOME", str(home)) for word in arguments], "--json")
    assert done.returncode in {1, 2}
    assert json.loads(done.stdout)["error"]["code"] == code


@pytest.fixture
def service(stage: Stage) -> Iterator[str]:
    """The two addresses of the service that a witness uses."""
    desk = ServiceDesk(stage)

    class Handler(BaseHTTPRequestHandler):
        def _answer(self, status: int, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            latest = desk.latest()
            if self.path != "/v1/checkpoints/latest" or latest is None:
                self._answer(404, {"code": "checkpoint.not_found"})
                return
            signers = [{"signer": one} for one in (REGULATOR, PROCURATORATE, COURT) if desk.holds(one, latest[0])]
            self._answer(200, {"height": latest[0], "hash": latest[1].hex(), "cosignatures": signers})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                signature = Signature.parse(bytes.fromhex(body["signature"]))
                desk.hand_in(body["height"], bytes.fromhex(body["block_hash"]), body["seen"], signature)
            except TiezhengError as error:
                self._answer(error.http_status, dict(error.to_problem()))
                return
            self._answer(200, {})

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_three_witnesses_as_processes_make_a_statement_final_and_stop_when_told(
    stage: Stage, home: Path, service: str
) -> None:
    (home / "keys").mkdir(exist_ok=True)
    processes = []
    for number in (REGULATOR, COURT, PROCURATORATE):
        write_private_key(home / "keys" / f"witness-{number}.pem", stage.consortium.witness_keys[number], PASSWORD)
        processes.append(
            subprocess.Popen(
                tiezheng("witness", "--home", home, "--number", number, "--service", service),
                env={**os.environ, "TIEZHENG_KEY_PASSWORD": PASSWORD.decode()},
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    stage.witnesses = []
    try:
        (made,) = stage.matter([1])
        stage.submit(made)
        stage.run_until(Status.FINAL, made)
        with stage.store.read() as tables:
            row = tables.statements.get(made.digest)
            assert row is not None
            assert row.proof_height is not None
            deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with stage.store.read() as tables:
                if len(tables.proofs.cosignatures(row.proof_height)) == len(processes):
                    break
            stage.wait()
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        outputs = [process.communicate(timeout=30)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    for output in outputs:
        events = [json.loads(line)["event"] for line in output.splitlines()]
        assert events[0] == "witness.started"
        assert "checkpoint.cosigned" in events
        assert events[-1] == "witness.ended"


def test_a_witness_with_another_key_does_not_start(stage: Stage, home: Path, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    write_private_key(path, stage.consortium.witness_keys[COURT], PASSWORD)
    (tmp_path / "password").write_bytes(PASSWORD)
    done = run(
        "witness", "--number", REGULATOR, "--service", "http://127.0.0.1:9", "--rpc", stage.deployment.rpc,
        "--trust", home / "trust.json", "--key", path, "--state", tmp_path / "state",
        "--password-file", tmp_path / "password",
    )  # fmt: skip
    assert done.returncode == 1
    assert "witness.key" in done.stderr
