"""`tiezheng dev`: a stack that is started, used, crashed, started again and ended, by the command line alone."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from api.dev import processes
from api.dev.home import Home

pytestmark = [pytest.mark.chain, pytest.mark.slow]
EXAMPLES = Path(__file__).parents[2] / "examples"


def _free_ports() -> list[int]:
    with closing(socket.socket()) as first, closing(socket.socket()) as second:
        for probe in (first, second):
            probe.bind(("127.0.0.1", 0))
        return [first.getsockname()[1], second.getsockname()[1]]


class Desk:
    """A home, its ports, and the command line at work in a folder."""

    def __init__(self, root: Path) -> None:
        self.root, self.folder = root / "home", root / "desk"
        self.folder.mkdir()
        self.port, self.chain_port = _free_ports()
        self.home = Home(self.root)

    def run(self, *arguments: object) -> tuple[int, Any]:
        environment = {**os.environ, "TIEZHENG_PROFILE": str(self.home.profile("office"))}
        done = subprocess.run(
            [sys.executable, "-m", "tiezheng.cli.main", *map(str, arguments), "--json"],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            timeout=120,
            check=False,
        )
        return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr.decode()

    def dev(self, command: str) -> tuple[int, Any]:
        ports = ("--port", self.port, "--chain-port", self.chain_port) if command == "up" else ()
        return self.run("dev", command, "--home", self.root, *ports)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("stack"))
    try:
        yield made
    finally:
        code, _ = made.dev("down")
        assert code == 0
        assert processes.all_running(made.home) == []


def test_1_a_busy_port_is_named_and_nothing_is_left_running(desk: Desk) -> None:
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", desk.port))
        other.listen()
        code, answer = desk.dev("up")
    assert (code, answer["error"]["code"]) == (2, "config.port_busy")
    assert processes.all_running(desk.home) == []


def test_1b_a_home_that_is_a_file_is_named(desk: Desk) -> None:
    in_the_way = desk.folder / "file"
    in_the_way.write_text("not a folder")
    code, answer = desk.run("dev", "up", "--home", in_the_way)
    assert (code, answer["error"]["code"]) == (1, "file.unwritable")
    assert in_the_way.read_text() == "not a folder"


def test_2_the_stack_comes_up_and_a_deposit_is_proved(desk: Desk) -> None:
    code, answer = desk.dev("up")
    assert code == 0, answer
    code, status = desk.dev("status")
    assert (code, len(status["running"])) == (0, 6)
    code, told = desk.run("deposit", EXAMPLES / "contract.pdf", "--out", "receipts")
    assert (code, told["status"]) == (0, "accepted")
    assert Path(desk.folder, told["receipt"]).is_file()
    code, answer = desk.run("bundle", EXAMPLES / "contract.pdf", "--out", "c.bundle.json", "--wait", 60)
    assert code == 0, answer
    code, verdict = desk.run("verify", "c.bundle.json", EXAMPLES / "contract.pdf", "--trust", desk.home.trust)
    assert (code, verdict["result"]) == (0, "VALID")


def test_2b_a_correction_names_what_it_corrects(desk: Desk) -> None:
    code, deposited = desk.run("deposit", EXAMPLES / "photograph.jpg")
    assert (code, deposited["status"]) == (0, "accepted")
    words = ["--field", "reason=名称有误", "--field", "changes=更正名称"]
    code, answer = desk.run("case", "step", deposited["case"], "correct", *words)
    assert (code, answer["error"]["code"], answer["error"]["expected"]) == (1, "statement.terms_layout", "--target")
    code, answer = desk.run("case", "step", deposited["case"], "correct", *words, "--end", "2027-01-01T00:00:00Z")
    assert (code, answer["error"]["code"], answer["error"]["got"]) == (1, "statement.terms_layout", "--end")
    code, told = desk.run("case", "step", deposited["case"], "correct", *words, "--target", deposited["digest"])
    assert (code, told["status"]) == (0, "accepted")
    code, shown = desk.run("case", "show", deposited["case"])
    assert [one["standing"]["status"] for one in shown["statements"]] == ["corrected", "in_force"]
    code, answer = desk.run("case", "step", deposited["case"], "correct", *words, "--target", deposited["digest"])
    assert (code, answer["error"]["code"]) == (1, "target.status")


def test_2c_an_act_against_the_procedure_is_taken_with_its_reason_and_marked(desk: Desk) -> None:
    opening = ["--field", "matter_type=委托", "--field", "applicant=甲"]
    code, opened = desk.run("case", "new", "matter", *opening)
    assert code == 0, opened
    words = ["--field", "reason=当事人撤回", "--field", "decided_on=2026-11-20"]
    ending = ["case", "step", opened["case"], "terminate", *words]
    code, answer = desk.run(*ending)
    assert (code, answer["error"]["code"]) == (1, "signature.count")
    code, told = desk.run(*ending, "--irregular", "承办人已离职，由机构负责")
    assert (code, told["status"]) == (0, "accepted"), told
    code, shown = desk.run("case", "show", opened["case"])
    assert (shown["state_code"], shown["irregular"]) == ("terminated", True)
    assert [one["standing"]["marks"] for one in shown["statements"]] == [[], ["irregular"]]


def test_3_starting_what_runs_changes_nothing(desk: Desk) -> None:
    before = {one.pid for one in processes.all_running(desk.home)}
    assert desk.dev("up")[0] == 0
    assert {one.pid for one in processes.all_running(desk.home)} == before


def test_4_a_service_that_cannot_be_reached_is_named(desk: Desk) -> None:
    code, answer = desk.run("lookup", EXAMPLES / "contract.pdf", "--service", "http://127.0.0.1:1")
    assert (code, answer["error"]["code"]) == (1, "service.unreachable")


def test_5_after_a_crash_of_the_service_it_comes_up_with_its_data(desk: Desk) -> None:
    for name in ("service", "worker"):
        running = processes.running(desk.home, name)
        assert running is not None
        os.kill(running.pid, signal.SIGKILL)
    assert desk.dev("status")[0] == 1
    code, answer = desk.dev("up")
    assert code == 0, answer
    code, found = desk.run("lookup", EXAMPLES / "contract.pdf")
    assert (code, len(found["statements"])) == (0, 1)
    code, report = desk.run("audit", "--home", desk.root)
    assert (code, report["clean"]) == (0, True), report


def test_6_down_ends_everything_and_frees_the_ports(desk: Desk) -> None:
    code, answer = desk.dev("down")
    assert (code, len(answer["ended"])) == (0, 6)
    assert processes.all_running(desk.home) == []
    for port in (desk.port, desk.chain_port):
        with closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
    assert desk.dev("down") == (0, {"ended": []})
