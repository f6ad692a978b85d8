"""Service and worker after the operator's key or the relayer's account was replaced."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from api.bootstrap import migrate, open_rooms, open_worker
from api.settings import Home, Settings
from ledger.domain.chain_records import Purpose, TransactionRow
from ledger.domain.life import Status
from ledger.storage.sql_store import open_store
from tests.support.served import PASSWORD, found_home
from tests.support.world import OPERATOR, World
from tiezheng.cli.main import main
from tiezheng.errors import TiezhengError
from tiezheng.signature.keyfile import write_private_key


@pytest.fixture
def world() -> World:
    world = World()
    operator = world.members[OPERATOR, 0]
    world.enrol(replace(operator, index=1, key=world.key("operator's second key")))
    return world


@pytest.fixture
def home(tmp_path: Path, world: World) -> Home:
    home = found_home(tmp_path / "home", world)
    home.relayer_key.write_text("07" * 32 + "\n")
    return home


def test_with_the_new_key_in_its_place_service_and_worker_sign_under_its_index(home: Home, world: World) -> None:
    rooms = open_rooms(Settings(home))
    assert rooms.operator.key_index == 0
    rooms.close()
    home.key(OPERATOR).rename(home.key(OPERATOR).with_suffix(".old"))
    write_private_key(home.key(OPERATOR), world.members[OPERATOR, 1].key, PASSWORD)
    rooms = open_rooms(Settings(home))
    assert rooms.operator.key_index == 1
    rooms.close()
    assert open_worker(Settings(home), "http://127.0.0.1:9").operator.key_index == 1


def open_transactions(home: Home, world: World) -> bytes:
    """One statement that the present account sent and that is in no block."""
    filed = world.deposit()
    rooms = open_rooms(Settings(home))
    rooms.submit.submit(filed.statement.to_bytes(), filed.signed.signatures_bytes)
    worker = open_worker(Settings(home), "http://127.0.0.1:9")
    row = TransactionRow(b"\1" * 32, worker.relayer.address, 0, b"raw", Purpose.STATEMENT, filed.statement.digest, 1)
    with rooms.sql.write() as tables:
        tables.transactions.add(row)
        tables.statements.mark_sent([filed.statement.digest])
    rooms.close()
    return filed.statement.digest


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    value: dict[str, object] = json.loads(capsys.readouterr().out)
    return value


def test_an_account_is_replaced_and_its_key_kept(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--home", str(home.root), "--json"]
    assert main(["relayer", "show", *place]) == 0
    before = told(capsys)
    assert main(["relayer", "replace", *place]) == 0
    done = told(capsys)
    assert done["old"] == before["address"] != done["new"]
    assert (home.relayer_key.parent / str(done["kept"])).read_text() == "07" * 32 + "\n"
    assert home.relayer_key.stat().st_mode & 0o777 == 0o600
    assert main(["relayer", "show", *place]) == 0
    assert told(capsys) == {"address": done["new"], "open": 0}


def test_an_account_with_transactions_on_their_way_is_kept_unless_they_are_given_up(
    home: Home, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    digest, place = open_transactions(home, world), ["--home", str(home.root), "--json"]
    assert main(["relayer", "replace", *place]) == 2
    assert told(capsys)["error"]["code"] == "config.relayer_open"  # type: ignore[index]
    assert home.relayer_key.read_text() == "07" * 32 + "\n"
    assert main(["relayer", "replace", *place, "--abandon"]) == 0
    store = open_store(home.database)
    with store.read() as tables:
        row = tables.statements.get(digest)
        assert row is not None
        assert row.status is Status.ACCEPTED, "the new account sends it"
        assert tables.transactions.count_open() == 0
    store.close()


def test_an_account_whose_key_is_lost_is_replaced_once_that_is_said(
    home: Home, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    digest, place = open_transactions(home, world), ["--home", str(home.root), "--json"]
    home.relayer_key.unlink()
    assert main(["relayer", "replace", *place]) == 2
    assert told(capsys)["error"]["code"] == "config.missing"  # type: ignore[index]
    assert main(["relayer", "replace", *place, "--abandon"]) == 0
    assert told(capsys)["old"] == ""
    store = open_store(home.database)
    with store.read() as tables:
        row = tables.statements.get(digest)
        assert row is not None
        assert row.status is Status.ACCEPTED
    store.close()


def test_an_account_is_not_replaced_under_a_running_worker(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    store = open_store(home.database)
    with store.exclusive("worker"):
        assert main(["relayer", "replace", "--home", str(home.root), "--json"]) == 1
    store.close()
    assert told(capsys)["error"]["code"] == "service.locked"  # type: ignore[index]


def test_no_account_at_all_is_named(tmp_path: Path, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    migrate(tmp_path / "home")
    with pytest.raises(TiezhengError):
        open_worker(Settings(Home(tmp_path / "home")))
    assert main(["relayer", "show", "--home", str(tmp_path / "home"), "--json"]) == 2
    assert told(capsys)["error"]["code"] == "config.missing"  # type: ignore[index]
