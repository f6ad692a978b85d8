"""Starting and stopping: what disagrees is named before anything is served, and a stop loses no receipt."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import httpx
import pytest

from api.bootstrap import issue_token_in, migrate, open_rooms, open_worker, put_cards
from api.serving import GRACE_SECONDS
from api.settings import HOME, PASSWORD, PORT, Home, Settings, read_settings
from tests.support.served import ALL_SCOPES, DAY_MS, check_problem, deployment_of, found_home
from tests.support.served import PASSWORD as KEY_PASSWORD
from tests.support.world import COURT, NOTARY, OFFICE, OPERATOR, Filed, World
from tiezheng.cli.main import main
from tiezheng.client import Client
from tiezheng.errors import TiezhengError, Unavailable
from tiezheng.receipt import ReceiptFile
from tiezheng.signature.keyfile import write_private_key

# Long before any clock that a test may run under.
OCCURRED = 1_700_000_000_000


@pytest.fixture
def world() -> World:
    world = World()
    for number, index in list(world.members):
        if index == 0:
            world.change(number, valid_from=0)
    return world


@pytest.fixture
def home(tmp_path: Path, world: World) -> Home:
    return found_home(tmp_path / "home", world)


@dataclass
class Process:
    """`tiezheng serve` as a process of its own."""

    child: "subprocess.Popen[bytes]"
    address: str
    log: Path

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.child.send_signal(number)
        return self.child.wait(40)


@contextmanager
def process(home: Home, *arguments: str) -> Iterator[Process]:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    log = home.root / "service.log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TIEZHENG_")}
    command = [sys.executable, "-m", "tiezheng.cli.main", "serve", "--home", str(home.root), "--port", str(port)]
    with log.open("wb") as out:
        child = subprocess.Popen([*command, *arguments], stdout=out, stderr=out, env=environment)
    running = Process(child, f"http://127.0.0.1:{port}", log)
    try:
        with Client(running.address) as client:
            for _ in range(200):
                if child.poll() is not None:
                    break
                try:
                    client.health()
                except Unavailable:
                    time.sleep(0.1)
                else:
                    break
        yield running
    finally:
        if child.poll() is None:
            child.kill()
        child.wait(20)


def token(home: Home) -> str:
    return issue_token_in(home.root, OFFICE, "test", ALL_SCOPES, DAY_MS)


@pytest.mark.slow
def test_a_stop_in_the_midst_of_work_loses_no_receipt_and_ends_with_zero(home: Home, world: World) -> None:
    filed = [world.deposit(occurred=OCCURRED) for _ in range(120)]
    with process(home) as running:
        with Client(running.address, token(home)) as client, ThreadPoolExecutor(8) as pool:
            gone = threading.Event()

            def submit(one: Filed) -> ReceiptFile | None:
                try:
                    return None if gone.is_set() else client.submit(one.signed, None)
                except Unavailable:
                    gone.set()
                    return None

            answers = [pool.submit(submit, one) for one in filed]
            while not any(one.done() and one.result() for one in answers):
                time.sleep(0.005)
            code = running.stop()
            receipts = [one.result() for one in answers]
        assert code == 0, running.log.read_text()
        with closing(sqlite3.connect(home.database)) as connection:
            stored = dict(connection.execute("SELECT digest, file FROM receipts").fetchall())
    given = {one.receipt.statement: one.to_bytes() for one in receipts if one is not None}
    assert len(given) > 0
    assert given.items() <= stored.items(), "a receipt was given that is not stored"
    events = [json.loads(line)["event"] for line in running.log.read_text().splitlines()]
    assert (events[0], events[-1]) == ("service.started", "service.stopped")
    assert "request.failed" not in events


@pytest.mark.slow
def test_a_stop_under_load_answers_every_request_and_sends_late_ones_away(home: Home, world: World) -> None:
    filed = SimpleQueue[Filed]()
    for _ in range(400):
        filed.put(world.deposit(occurred=OCCURRED))
    headers = {"Authorization": f"Bearer {token(home)}"}
    members = {"content": None, "not_held": None}

    def submit_until_sent_away(address: str) -> tuple[list[str], httpx.Response]:
        """Receipts, and the answer that ended it. A request that gets none raises."""
        receipts: list[str] = []
        while True:
            one = filed.get_nowait()
            signatures = [signature.to_bytes().hex() for signature in one.signed.signatures]
            body = {**members, "signatures": signatures, "statement": one.statement.to_bytes().hex()}
            # Each on a connection of its own, so that no idle one is closed just when it would be used.
            answer = httpx.post(f"{address}/v1/statements", json=body, headers=headers, timeout=30, trust_env=False)
            if answer.status_code != 201:
                return receipts, answer
            receipts.append(answer.json()["digest"])

    with process(home) as running, ThreadPoolExecutor(6) as pool:
        answers = [pool.submit(submit_until_sent_away, running.address) for _ in range(6)]
        time.sleep(0.4)
        begun = time.monotonic()
        assert running.stop() == 0, running.log.read_text()
        assert time.monotonic() - begun < GRACE_SECONDS
        outcomes = [one.result() for one in answers]
    with closing(sqlite3.connect(home.database)) as connection:
        stored = {digest.hex() for (digest,) in connection.execute("SELECT digest FROM receipts")}
    given = [digest for receipts, _ in outcomes for digest in receipts]
    assert given
    assert set(given) == stored
    for _, last in outcomes:
        problem = check_problem(last, 503, "service.stopping")
        assert last.headers["connection"] == "close"
        assert int(last.headers["retry-after"]) == problem["retry_after_seconds"] > 0


@pytest.mark.slow
def test_a_log_line_is_json_and_holds_no_case_no_token_and_no_name(home: Home, world: World) -> None:
    filed, text = world.deposit(occurred=OCCURRED), token(home)
    with process(home) as running:
        with Client(running.address, text) as client:
            client.submit(filed.signed, filed.content, not_held=[filed.content.attachments[0].digests.sm3])
            client.case(filed.statement.case)
            client.cases(limit=3)
        assert running.stop(signal.SIGINT) == 0
        log = running.log.read_text()
    for line in log.splitlines():
        assert set(json.loads(line)) >= {"event", "level", "timestamp"}
    for secret in (filed.statement.case.hex(), text, "作品一", "limit=3", "work.txt"):
        assert secret not in log


def test_a_busy_port_is_said_before_anything_starts(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--home", str(home.root), "--port", str(port)]) == 2
    told = capsys.readouterr().err
    assert "config.port_busy" in told
    assert str(port) in told


def another_ledger(home: Home, world: World) -> None:
    other = World("other")
    home.trust.write_bytes(other.trust().to_bytes())


def another_code(home: Home, world: World) -> None:
    world.code = dict.fromkeys(world.code, b"\x07" * 32)
    home.trust.write_bytes(world.trust().to_bytes())


def another_database(home: Home, world: World) -> None:
    open_rooms(Settings(home)).close()
    other = World("other")
    home.deployment.write_bytes(deployment_of(other).to_bytes())
    home.trust.write_bytes(other.trust().to_bytes())


def another_master_key(home: Home, world: World) -> None:
    open_rooms(Settings(home)).close()
    home.master_key.write_text("ab" * 16 + "\n")


def no_master_key(home: Home, world: World) -> None:
    home.master_key.unlink()


def another_operator_key(home: Home, world: World) -> None:
    home.key(OPERATOR).unlink()
    write_private_key(home.key(OPERATOR), world.key("somebody"), KEY_PASSWORD)


def newer_database(home: Home, world: World) -> None:
    with closing(sqlite3.connect(home.database)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v9999'")
        connection.commit()


def no_database_at_all(home: Home, world: World) -> None:
    for path in home.root.glob("ledger.db*"):
        path.unlink()
    home.database.write_bytes(b"this is no database, and long enough to be looked at " * 100)


def edit(name: str, data: bytes | None) -> Callable[[Home, World], None]:
    def change(home: Home, world: World) -> None:
        path = home.root / name
        path.unlink() if data is None else path.write_bytes(data)

    return change


DISAGREEMENTS: dict[str, tuple[Callable[[Home, World], None], str]] = {
    "the trust file is of another ledger": (another_ledger, "config.disagree"),
    "the trust file pins other code": (another_code, "config.disagree"),
    "the database is of another ledger": (another_database, "config.disagree"),
    "the master key is another one": (another_master_key, "config.disagree"),
    "the master key is missing": (no_master_key, "config.missing"),
    "the operator's key is another one": (another_operator_key, "config.operator_key"),
    "the operator's key is missing": (edit(f"keys/{OPERATOR}.pem", None), "config.missing"),
    "the password is wrong": (edit(f"secrets/{OPERATOR}.password", b"wrong\n"), "key.password"),
    "the password is missing": (edit(f"secrets/{OPERATOR}.password", None), "config.missing"),
    "the password file is empty": (edit(f"secrets/{OPERATOR}.password", b""), "config.value"),
    "the trust file is missing": (edit("trust.json", None), "config.missing"),
    "the trust file is cut off": (edit("trust.json", b'{"contracts":'), "json.syntax"),
    "the deployment file is missing": (edit("deployment.json", None), "config.missing"),
    "the deployment file is nonsense": (edit("deployment.json", b"{}"), "json.member_missing"),
    "the database is of a newer version": (newer_database, "config.database"),
    "the database is no database": (no_database_at_all, "config.database"),
}


@pytest.mark.parametrize("name", DISAGREEMENTS)
def test_nothing_starts_when(name: str, home: Home, world: World) -> None:
    change, code = DISAGREEMENTS[name]
    change(home, world)
    with pytest.raises(TiezhengError) as caught:
        open_rooms(Settings(home))
    assert caught.value.code == code


def test_a_home_that_agrees_starts_again_and_again(home: Home) -> None:
    for _ in range(2):
        rooms = open_rooms(Settings(home))
        assert (rooms.operator.number, rooms.operator.key_index) == (OPERATOR, 0)
        rooms.close()


def test_the_worker_needs_its_account_too(home: Home) -> None:
    with pytest.raises(TiezhengError) as caught:
        open_worker(Settings(home))
    assert (caught.value.code, caught.value.got) == ("config.missing", str(home.relayer_key))
    home.relayer_key.write_text("07" * 32 + "\n")
    worker = open_worker(Settings(home), "http://127.0.0.1:9")
    assert worker.deployment.operator == OPERATOR
    with pytest.raises(TiezhengError) as caught:
        open_worker(Settings(home), "ftp://nowhere")
    assert caught.value.code == "config.value"


def test_migrating_makes_what_is_missing_and_never_a_second_master_key(tmp_path: Path) -> None:
    root = tmp_path / "fresh"
    migrate(root)
    key = Home(root).master_key.read_text()
    migrate(root)
    assert Home(root).master_key.read_text() == key
    assert Home(root).master_key.stat().st_mode & 0o777 == 0o600
    assert Home(root).database.stat().st_mode & 0o777 == 0o600
    Home(root).master_key.unlink()
    with pytest.raises(TiezhengError) as caught:
        migrate(root)
    assert caught.value.code == "config.missing"


def test_cards_can_be_kept_before_the_chain_is_read(tmp_path: Path, world: World) -> None:
    home = found_home(tmp_path / "home", world)
    card = world.members[NOTARY, 0].card
    put_cards(home.root, [(NOTARY, OFFICE, card)])
    with pytest.raises(TiezhengError):
        put_cards(home.root, [(NOTARY + 1, OFFICE, card)])
    with closing(sqlite3.connect(home.database)) as connection:
        assert connection.execute("SELECT number FROM cards").fetchall() == [(NOTARY,)]


def test_tokens_are_issued_listed_and_revoked_on_the_command_line(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--home", str(home.root), "--institution", str(COURT)]
    issue = ["token", "issue", *place, "--holder", "某法院系统", "--scope", "read", "--scope", "submit"]
    assert main([*issue, "--days", "30"]) == 0
    text = capsys.readouterr().out.strip()
    assert text.startswith("tzt_")
    assert main(["token", "list", *place, "--json"]) == 0
    out = capsys.readouterr().out
    (listed,) = json.loads(out)
    assert (listed["holder"], listed["scopes"], listed["revoked"]) == ("某法院系统", ["read", "submit"], False)
    assert text not in out
    assert main(["token", "revoke", *place, listed["id"], "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"id": listed["id"], "revoked": True}
    assert main(["token", "list", *place]) == 0
    assert "revoked" in capsys.readouterr().out
    for arguments, code in (
        ([*issue, "--days", "9999"], "token.life"),
        ([*issue[:-2], "--scope", "everything"], "token.scope"),
        (["token", "revoke", *place, "ab" * 32], "token.not_found"),
    ):
        assert main(arguments) == 1
        assert code in capsys.readouterr().err


def test_settings_come_from_options_then_environment_then_defaults(tmp_path: Path) -> None:
    environment = {HOME: str(tmp_path), PORT: "9000", PASSWORD: "p"}
    settings = read_settings(environment=environment)
    assert (settings.home.root, settings.port, settings.operator_password(2)) == (tmp_path, 9000, b"p")
    settings = read_settings(tmp_path / "other", 1, environment, b"q")
    assert (settings.home.root, settings.port, settings.operator_password(2)) == (tmp_path / "other", 1, b"q")
    settings = read_settings(environment={})
    assert (settings.home.root.name, settings.port, settings.password) == (".tiezheng", 8321, None)
    for port in ("65536", "-1", "x", "８", "1e3"):
        with pytest.raises(TiezhengError) as caught:
            read_settings(environment={PORT: port})
        assert caught.value.code == "config.value"
