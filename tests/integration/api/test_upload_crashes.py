"""Uploads through a service process that is killed, and one whose disk is full; by the product's own client."""

import os
import random
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from api.bootstrap import issue_token_in
from api.settings import Home
from tests.support.served import ALL_SCOPES, DAY_MS, found_home
from tests.support.world import OFFICE, World
from tiezheng.client import Client
from tiezheng.client.transport import Transport
from tiezheng.client.uploads import begin_upload, continue_upload
from tiezheng.digest import FileDigests, digest_file
from tiezheng.errors import TiezhengError, Unavailable
from tiezheng.statement import new_case_id

MIB = 1 << 20


@contextmanager
def serving(home: Home, port: int, largest_file: int | None = None) -> "Iterator[subprocess.Popen[bytes]]":
    """`tiezheng serve`; no file grows above `largest_file`, as on a full disk."""
    command = [sys.executable, "-m", "tiezheng.cli.main", "serve", "--home", str(home.root), "--port", str(port)]
    with (home.root / "service.log").open("ab") as out:
        child = subprocess.Popen(command, stdout=out, stderr=out)
    if largest_file is not None:
        resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (largest_file, largest_file))
    try:
        with Client(f"http://127.0.0.1:{port}") as client:
            for _ in range(300):
                try:
                    client.health()
                    break
                except Unavailable:
                    time.sleep(0.1)
        yield child
    finally:
        child.kill()
        child.wait(20)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return found_home(tmp_path / "home", World())


@pytest.fixture
def port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(random.Random(7).randbytes(24 * MIB + 13))
    return path


def joined(home: Home, port: int) -> Transport:
    token = issue_token_in(home.root, OFFICE, "test", ALL_SCOPES, DAY_MS)
    return Transport(f"http://127.0.0.1:{port}", token)


@pytest.mark.slow
def test_a_service_that_is_killed_again_and_again_loses_nothing_that_it_told(
    home: Home, port: int, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests, case, transport = digest_file(source), new_case_id(OFFICE, os.urandom(28)), joined(home, port)
    monkeypatch.setattr("tiezheng.client.uploads.PAUSES_SECONDS", ())
    upload, told, draw = None, 0, random.Random()
    for kill in range(3):
        with serving(home, port) as child:
            upload = upload or begin_upload(transport, case, digests.size, "video/mp4", digests.sm3)
            at = int(transport.json("GET", f"/uploads/{upload}")["offset"])
            assert at >= told, "what was durable is no longer there"
            told, until = at, at + draw.randrange(1, 5 * MIB)

            def die(sent: int, child: "subprocess.Popen[bytes]" = child, until: int = until) -> None:
                if sent >= until and child.poll() is None:
                    if sent % 2:
                        time.sleep(0.1)
                    child.send_signal(signal.SIGKILL)
                    child.wait()

            with pytest.raises(TiezhengError) as caught:
                continue_upload(transport, upload, source, digests, die)
            assert caught.value.code == "service.unreachable", kill
    with serving(home, port):
        assert upload is not None
        assert int(transport.json("GET", f"/uploads/{upload}")["offset"]) >= told
        assert continue_upload(transport, upload, source, digests) == digests
        check_held(home, port, case, digests, source, tmp_path)
    transport.close()


@pytest.mark.slow
def test_a_full_disk_is_said_and_the_upload_goes_on_once_there_is_room(
    home: Home, port: int, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests, case, transport = digest_file(source), new_case_id(OFFICE, os.urandom(28)), joined(home, port)
    monkeypatch.setattr("tiezheng.client.uploads.PAUSES_SECONDS", ())
    with serving(home, port, 9 * MIB):
        upload = begin_upload(transport, case, digests.size, "video/mp4", digests.sm3)
        with source.open("rb") as file:
            first = file.read(4 * MIB)
        headers = {"Content-Type": "application/partial-upload", "Upload-Offset": "0"}
        with transport.answer("PATCH", f"/uploads/{upload}", content=first, headers=headers) as answer:
            assert answer.status_code == 204
        with pytest.raises(TiezhengError) as caught:
            continue_upload(transport, upload, source, digests)
        assert caught.value.code == "object.store"
        assert int(transport.json("GET", f"/uploads/{upload}")["offset"]) >= 4 * MIB
        with pytest.raises(TiezhengError) as caught:
            transport.json("GET", f"/cases/{case.hex()}/files/{digests.sm3.hex()}")
        assert caught.value.code == "file.not_found"
    with serving(home, port):
        assert continue_upload(transport, upload, source, digests) == digests
        check_held(home, port, case, digests, source, tmp_path)
    transport.close()


def check_held(home: Home, port: int, case: bytes, digests: FileDigests, source: Path, folder: Path) -> None:
    token = issue_token_in(home.root, OFFICE, "test", ALL_SCOPES, DAY_MS)
    with Client(f"http://127.0.0.1:{port}", token) as client, (folder / "back").open("wb") as out:
        client.download(case, digests.sm3, out)
    assert (folder / "back").read_bytes() == source.read_bytes()
    kept = [one for one in home.objects.rglob("*") if one.is_file()]
    assert [one.suffix for one in kept] == [""]
