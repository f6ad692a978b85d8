"""The operator's key is replaced on a real chain, by the commands that its guide names; all that was signed holds."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.domain.life import Status
from ledger.services.submit_statement import SubmitStatement
from tests.support.consortium import OFFICE, OPERATOR, REGULATOR, key_of
from tests.support.stage import Made, OperatorKey, Stage
from tiezheng.cli.main import main
from tiezheng.receipt import check_receipt, parse_receipt_file
from tiezheng.signature import KeySigner, generate
from tiezheng.signature.keyfile import write_private_key, write_public_key

pytestmark = pytest.mark.chain
VOTERS = (REGULATOR, OPERATOR, OFFICE)
PASSWORD = "only for tests"
Run = Callable[..., Any]


@pytest.fixture
def desk(stage: Stage, tmp_path: Path) -> Path:
    """Everybody's files in one folder."""
    (tmp_path / "trust.json").write_bytes(stage.trust.to_bytes())
    (tmp_path / "deployment.json").write_bytes(stage.deployment.to_bytes())
    for number in VOTERS:
        write_private_key(tmp_path / f"{number}.pem", stage.consortium.keys[number], PASSWORD.encode())
    new = key_of("operator's second key")
    write_private_key(tmp_path / "new.pem", new, PASSWORD.encode())
    write_public_key(tmp_path / "new.pub", new.public)
    return tmp_path


@pytest.fixture
def run(desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(desk)
    monkeypatch.setenv("TIEZHENG_KEY_PASSWORD", PASSWORD)

    def call(*arguments: object, code: int = 0) -> Any:
        capsys.readouterr()
        assert main(["govern", *map(str, arguments), "--json"]) == code, capsys.readouterr()
        return json.loads(capsys.readouterr().out)

    return call


def propose(run: Run) -> None:
    voters = [word for number in VOTERS for word in ("--voter", number)]
    run("propose-key", "new.pub", *voters, "--out", "decision.json", "--deployment", "deployment.json")
    for number in VOTERS:
        run(
            "vote",
            "decision.json",
            "--trust",
            "trust.json",
            "--number",
            number,
            "--key",
            f"{number}.pem",
            "--out",
            f"{number}.vote",
        )
    run("possess", "decision.json", "--trust", "trust.json", "--key", "new.pem", "--out", "possession.json")


def execution() -> list[object]:
    votes = [word for number in VOTERS for word in ("--vote", f"{number}.vote")]
    return ["execute", "decision.json", *votes, "--possession", "possession.json", "--deployment", "deployment.json"]


def receipt_signer(stage: Stage, made: Made, keys: dict[int, Any]) -> int:
    """Which of the operator's keys signed the receipt, which then holds under it."""
    with stage.store.read() as tables:
        data = tables.statements.receipt(made.digest)
    assert data is not None
    file = parse_receipt_file(data)
    contract = stage.deployment.batch if made.signed.statement.flags & 8 else stage.deployment.registry
    check_receipt(file, keys[file.signature.key_index], contract.id, made.signed)
    return file.signature.key_index


def switch(stage: Stage, key_index: int) -> None:
    """As service and worker do when they start with the other key."""
    operator = OperatorKey(KeySigner(key_of("operator's second key")), key_index=key_index)
    stage.submitting.close()
    stage.submitting = SubmitStatement(stage.store, stage.keyring, stage.clock, operator, stage.trust)
    stage.worker.operator = operator


def test_an_operators_key_is_replaced_and_receipts_and_batches_of_both_keys_hold(stage: Stage, run: Run) -> None:
    keys = {0: stage.consortium.keys[OPERATOR].public, 1: key_of("operator's second key").public}
    before = [stage.bulk(), *stage.matter([1])]
    stage.submit(*before)
    propose(run)
    assert run(*execution())["key_index"] == 1
    told = run("keys", OPERATOR, "--deployment", "deployment.json")["keys"]
    assert [(one["key_index"], one["valid_until"]) for one in told] == [(0, None), (1, None)]
    stage.run_until(Status.FINAL, *before)
    switch(stage, 1)
    during = [stage.bulk(), *stage.matter([1])]
    stage.submit(*during)
    stage.run_until(Status.FINAL, *during)
    old = ["revoke", "--key", f"{OPERATOR}.pem", "--number", OPERATOR, "--key-index", 0]
    run(*old, "--deployment", "deployment.json")
    stage.worker.round()
    after = [stage.bulk(), *stage.matter([1])]
    stage.submit(*after)
    stage.run_until(Status.FINAL, *after)
    told = run("keys", OPERATOR, "--deployment", "deployment.json")["keys"]
    assert [(one["valid_until"] is None, one["ended_by"]) for one in told] == [(False, 1), (True, None)]
    assert [receipt_signer(stage, made, keys) for made in (*before, *during, *after)] == [0, 0, 1, 1, 1, 1]
    assert {str(stage.verdict(made).result) for made in (*before, *during, *after)} == {"VALID"}
    error = run(
        "revoke", "--key", "new.pem", "--number", OPERATOR, "--key-index", 1, "--deployment", "deployment.json", code=1
    )
    assert error["error"]["code"] == "key.last_open"


def test_votes_and_keys_that_do_not_fit_are_refused_before_anything_is_sent(stage: Stage, run: Run, desk: Path) -> None:
    other = generate()
    write_private_key(desk / "other.pem", other, PASSWORD.encode())
    write_public_key(desk / "other.pub", other.public)
    trust = ["--trust", "trust.json"]
    place = ["--deployment", "deployment.json"]
    run("propose-key", "other.pub", "--voter", OFFICE, "--voter", REGULATOR, "--out", "decision.json", *place)

    def code(*arguments: object, exit_code: int = 1) -> str:
        return str(run(*arguments, code=exit_code)["error"]["code"])

    stranger = ["vote", "decision.json", *trust, "--number", OPERATOR, "--key", f"{OPERATOR}.pem", "--out", "x"]
    assert code(*stranger) == "decision.voter"
    assert code("possess", "decision.json", *trust, "--key", f"{OFFICE}.pem", "--out", "x") == "key.mismatch"
    assert code("keys", 77, *place) == "member.unknown"
    for number in (OFFICE, REGULATOR):
        run("vote", "decision.json", *trust, "--number", number, "--key", f"{number}.pem", "--out", f"{number}.vote")
    run("possess", "decision.json", *trust, "--key", "other.pem", "--out", "possession.json")
    one = ["execute", "decision.json", "--vote", f"{OFFICE}.vote", "--possession", "possession.json", *place]
    assert code(*one) == "decision.signatures"
    assert code(*one, "--vote", f"{REGULATOR}.vote") == "decision.signatures"
    paper = json.loads((desk / "decision.json").read_text())
    for change, expected in (
        ({"action": "15" + paper["action"][2:]}, "decision.action"),
        ({"action": "1502"}, "decision.action"),
        ({"executor": "ab" * 32}, "trust.contract_unknown"),
        ({"expires": 1}, "decision.expired"),
        ({"number": 999}, "decision.number"),
        ({"voters": []}, "json.member_type"),
    ):
        altered = json.dumps({**paper, **change}, separators=(",", ":"), sort_keys=True)
        (desk / "altered.json").write_text(altered)
        told = code("execute", "altered.json", *one[2:], "--vote", f"{REGULATOR}.vote")
        assert told == expected or (change == {"voters": []} and told.startswith("json.")), (change, told)
    wrong = ["revoke", "--key", "other.pem", "--number", OPERATOR, "--key-index", 0, *place]
    assert code(*wrong) == "key.mismatch"
