"""Processes of the local stack: started with a pid file, ended by that pid and no other."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.dev import processes
from api.dev.founding import prepare
from api.dev.home import Home
from api.dev.ports import check_port
from tiezheng.errors import TiezhengError


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.make_folders()
    return made


@pytest.fixture
def sleeper() -> "Iterator[subprocess.Popen[bytes]]":
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def test_a_recorded_process_is_found_and_ended(home: Home, sleeper: "subprocess.Popen[bytes]") -> None:
    processes.record(home, "one", sleeper.pid)
    assert [one.pid for one in processes.all_running(home)] == [sleeper.pid]
    assert processes.stop(home, ["one"]) == ["one"]
    assert processes.began(sleeper.pid) is None
    assert not home.pid("one").exists()
    assert processes.stop(home, ["one"]) == []


def test_a_process_that_ignores_the_request_is_killed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.3)
    processes.record(home, "deaf", process.pid)
    assert processes.stop(home, ["deaf"]) == ["deaf"]
    assert processes.began(process.pid) is None
    process.stdout.close()
    process.wait()


def test_a_pid_that_another_program_has_now_is_left_alone(home: Home, sleeper: "subprocess.Popen[bytes]") -> None:
    home.pid("one").write_text(f"{sleeper.pid} 1\n")
    assert processes.running(home, "one") is None
    assert processes.stop(home, ["one"]) == []
    assert sleeper.poll() is None
    assert not home.pid("one").exists()


@pytest.mark.parametrize("text", ["", "x", "12 ", "-1 5", "99999999 1"])
def test_a_stale_or_odd_pid_file_is_removed(home: Home, text: str) -> None:
    home.pid("one").write_text(text)
    assert processes.running(home, "one") is None
    assert not home.pid("one").exists()


def test_an_ended_process_that_nobody_reaped_does_not_count_as_living() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    deadline = time.monotonic() + 10
    while processes.began(process.pid) is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert processes.began(process.pid) is None
    process.wait()


def test_a_process_that_does_not_start_is_reported_with_its_log(home: Home) -> None:
    started = processes.start(home, "broken", ["verify", "absent.json", "--trust", "absent.json"])
    os.waitpid(started.pid, 0)
    with pytest.raises(TiezhengError) as caught:
        processes.check_alive(home, "broken")
    assert caught.value.code == "service.not_started"
    assert "absent.json" in str(caught.value.detail)


def test_a_started_process_gets_none_of_the_persons_secrets(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from tiezheng.cli.environment import for_child

    monkeypatch.setenv("TIEZHENG_KEY_PASSWORD", "secret")
    monkeypatch.setenv("TIEZHENG_PROFILE", "/p")
    assert "secret" not in for_child().values()
    assert not {"TIEZHENG_KEY_PASSWORD", "TIEZHENG_PROFILE"} & for_child().keys()


def test_a_busy_port_is_named() -> None:
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(TiezhengError) as caught:
            check_port(port)
    assert (caught.value.code, caught.value.got) == ("config.port_busy", port)
    check_port(port)


def test_a_founding_that_was_cut_off_is_begun_anew(home: Home) -> None:
    home.started.touch()
    home.key("101").write_bytes(b"left")
    home.deployment.write_bytes(b"left")
    prepare(home)
    assert not home.key("101").exists()
    assert not home.deployment.exists()
    assert home.key("101").parent.is_dir()


def test_a_finished_founding_is_left_as_it_is(home: Home) -> None:
    home.started.touch()
    home.founding.write_bytes(b"{}")
    home.key("101").write_bytes(b"kept")
    prepare(home)
    assert home.key("101").read_bytes() == b"kept"


def test_a_folder_with_other_things_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "mine.pem").write_bytes(b"mine")
    with pytest.raises(TiezhengError) as caught:
        prepare(Home(tmp_path))
    assert caught.value.code == "file.exists"
    assert (tmp_path / "keys" / "mine.pem").read_bytes() == b"mine"
