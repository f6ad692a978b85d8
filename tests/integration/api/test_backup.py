"""`tiezheng backup`, `restore` and `database`: what is copied while a service takes statements, and what is refused."""

import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory

from api.backup_manifest import NAME
from api.bootstrap import open_rooms, open_unchanged
from api.settings import DATABASE, Home, Settings
from ledger.storage.copying import check_target, copy_out
from ledger.storage.migrate import MIGRATIONS, newest
from ledger.storage.sql_store import open_store
from tests.support.databases import Database
from tests.support.postgresql import Cluster
from tests.support.served import Served, serve
from tests.support.world import OFFICE, OPERATOR
from tiezheng.canonical import dumps
from tiezheng.cli.main import main
from tiezheng.digest import sm3
from tiezheng.errors import Malformed, NotFound
from tiezheng.statement import new_case_id

SECRET = "hunter2-very-secret"
Run = Callable[..., tuple[int, Any]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: object) -> tuple[int, Any]:
        capsys.readouterr()
        code = main([*map(str, arguments), "--json"])
        # The service of this process logs to the same place, line by line.
        told = "\n" + capsys.readouterr().out
        return code, json.JSONDecoder().raw_decode(told, told.index("\n{\n") + 1)[0]

    return command


@pytest.fixture
def running(tmp_path: Path, database: Database) -> Iterator[Served]:
    with serve(tmp_path / "home", address=database.url if database.is_postgresql else None) as running:
        yield running


def put_keys_back(old: Home, new: Home) -> None:
    shutil.copytree(old.root / "keys", new.root / "keys", dirs_exist_ok=True)
    for path in (old.master_key, old.password(OPERATOR)):
        shutil.copy(path, new.master_key.parent)


def upload(running: Served, data: bytes, folder: Path) -> tuple[bytes, bytes]:
    case = new_case_id(OFFICE, os.urandom(28))
    path = folder / f"upload-{threading.get_ident()}"
    path.write_bytes(data)
    with running.client() as client:
        return case, client.upload(case, path, "text/plain").sm3


@contextmanager
def empty_database(database: Database, request: pytest.FixtureRequest) -> Iterator[None]:
    """For PostgreSQL, a fresh one, named by the environment."""
    if not database.is_postgresql:
        yield
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    with cluster.database("template0") as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv(DATABASE, url)
        yield


def code_of(told: Any) -> str:
    return str(told["error"]["code"])


def test_what_is_copied_under_load_has_every_file_that_its_rows_name_and_serves_again(
    running: Served, database: Database, tmp_path: Path, run: Run, request: pytest.FixtureRequest
) -> None:
    kept = [upload(running, b"kept %d" % number, tmp_path) for number in range(3)]
    filed = running.world.deposit()
    assert running.post(filed).status_code == 201
    stop, given, faults = threading.Event(), [0], list[BaseException]()

    def load() -> None:
        try:
            while not stop.is_set():
                upload(running, os.urandom(20_000), tmp_path)
                given[0] += 1
        except BaseException as error:  # noqa: BLE001  told below
            faults.append(error)

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        while given[0] < 4 and not faults:
            pass
        code, told = run("backup", tmp_path / "backup", "--home", running.home.root)
        assert code == 0, told
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert faults == []
    assert told["revision"] == newest()
    assert told["left_out"] == ["keys/", "secrets/"]
    assert not (tmp_path / "backup" / "secrets").exists()
    assert run("backup", "check", tmp_path / "backup")[1]["whole"] is True

    new = Home(tmp_path / "new")
    with empty_database(database, request):
        code, told = run("restore", tmp_path / "backup", "--home", new.root)
        assert code == 0, told
        assert new.database_url.exists() == database.is_postgresql
        for folder in (new.root, new.objects, new.leaves, new.master_key.parent):
            assert folder.stat().st_mode & 0o077 == 0, folder
        put_keys_back(running.home, new)
        with closing(open_rooms(Settings(new))) as rooms:
            with rooms.store.read() as tables:
                assert tables.statements.get(filed.statement.digest) is not None
                rows = list(tables.files.all())
            assert {(row.case, row.sm3) for row in rows} >= set(kept)
            for row in rows:
                assert sm3(*rooms.objects.read(row.case, row.object_name)) == row.sm3
    code, told = run("restore", tmp_path / "backup", "--home", new.root)
    assert (code, code_of(told)) == (1, "backup.occupied")


def test_a_folder_that_holds_something_is_left_alone_and_one_without_a_manifest_is_no_backup(
    running: Served, tmp_path: Path, run: Run
) -> None:
    folder = tmp_path / "backup"
    folder.mkdir()
    (folder / "mine").write_text("mine")
    code, told = run("backup", folder, "--home", running.home.root)
    assert (code, code_of(told)) == (1, "backup.not_empty")
    assert [path.name for path in folder.iterdir()] == ["mine"]
    for command in (("backup", "check", folder), ("restore", folder, "--home", tmp_path / "new")):
        code, told = run(*command)
        assert (code, code_of(told)) == (1, "backup.unfinished")
    assert not (tmp_path / "new").exists()


@pytest.fixture
def made(running: Served, tmp_path: Path, run: Run) -> Path:
    upload(running, b"kept", tmp_path)
    code, told = run("backup", tmp_path / "made", "--home", running.home.root)
    assert code == 0, told
    return tmp_path / "made"


ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@ON_SQLITE
def test_a_check_names_what_is_missing_altered_or_was_put_there_and_a_restore_stops_at_it(
    made: Path, tmp_path: Path, run: Run
) -> None:
    (path,) = [path for path in (made / "objects").rglob("*") if path.is_file()]
    good = path.read_bytes()
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    (made / "trust.json").rename(made / "objects" / "other")
    code, told = run("backup", "check", made)
    assert (code, told["whole"]) == (1, False)
    assert [(one["what"], one["path"]) for one in told["wrong"]] == [
        ("altered", path.relative_to(made).as_posix()),
        ("missing", "trust.json"),
        ("unknown", "objects/other"),
    ]
    code, told = run("restore", made, "--home", tmp_path / "new")
    assert (code, code_of(told)) == (1, "backup.damaged")
    assert not (tmp_path / "new" / "ledger.db").exists()
    assert not (tmp_path / "new" / "deployment.json").exists()


@ON_SQLITE
def test_altered_rows_are_never_restored(made: Path, tmp_path: Path, run: Run) -> None:
    with (made / "ledger.db").open("r+b") as file:
        file.seek(5000)
        file.write(b"\xff")
    code, told = run("restore", made, "--home", tmp_path / "new")
    assert (code, code_of(told)) == (1, "backup.damaged")
    assert not (tmp_path / "new").exists()


@ON_SQLITE
def test_a_path_of_a_manifest_never_leaves_the_home(made: Path, tmp_path: Path, run: Run) -> None:
    value = json.loads((made / NAME).read_bytes())
    for path in ("../out", "objects/../../out", "/etc/out", "objects", "other", "secrets/./x"):
        value["files"][-1]["path"] = path
        (made / NAME).write_bytes(dumps(value))
        code, told = run("restore", made, "--home", tmp_path / "new")
        assert (code, code_of(told)) == (1, "backup.manifest"), path
        assert not (tmp_path / "new").exists()


@ON_SQLITE
def test_keys_come_with_the_option_alone_and_the_address_of_the_database_never(
    running: Served, tmp_path: Path, run: Run
) -> None:
    code, told = run("backup", "--with-keys", tmp_path / "keys", "--home", running.home.root)
    assert (code, told["left_out"]) == (0, [])
    master = tmp_path / "keys" / "secrets" / "master.key"
    assert master.read_bytes() == running.home.master_key.read_bytes()
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "keys").rglob("*") if path.is_file())
    running.home.database_url.touch(mode=0o600)
    running.home.database_url.write_text(f"sqlite:///{running.home.database}\n")
    code, told = run("backup", "--with-keys", tmp_path / "again", "--home", running.home.root)
    assert (code, told["left_out"]) == (0, ["secrets/database.url"])
    assert not (tmp_path / "again" / "secrets" / "database.url").exists()


@ON_SQLITE
def test_an_earlier_backup_lends_its_files_and_both_are_whole(
    running: Served, made: Path, tmp_path: Path, run: Run
) -> None:
    upload(running, b"later", tmp_path)
    code, told = run("backup", tmp_path / "later", "--since", made, "--home", running.home.root)
    assert code == 0, told
    objects = [path for path in (tmp_path / "later" / "objects").rglob("*") if path.is_file()]
    assert sorted(path.stat().st_nlink for path in objects) == [1, 2]
    shutil.rmtree(made)
    assert run("backup", "check", tmp_path / "later")[1]["whole"] is True


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_password_reaches_pg_dump_by_the_environment_alone(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(database.url).close()
    real, seen = shutil.which("pg_dump"), tmp_path / "seen"
    script = tmp_path / "bin" / "pg_dump"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\necho "$@" > {seen}\necho "$PGPASSWORD" >> {seen}\nexec {real} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
    address = database.url.replace("tiezheng@/", f"tiezheng:{SECRET}@/")
    assert SECRET in address
    file, standing = copy_out(address, tmp_path, os.environ)
    arguments, password = seen.read_text().splitlines()
    assert SECRET not in arguments
    assert password == SECRET
    assert standing.revision == newest()
    assert file.read_bytes()[:5] == b"PGDMP"


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_where_pg_dump_is_not_there_the_error_says_what_to_install(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotFound) as caught:
        copy_out(database.url, tmp_path, os.environ)
    assert (caught.value.code, caught.value.got) == ("backup.tool_missing", "pg_dump")
    with pytest.raises(Malformed) as other:
        check_target("ledger.db", database.url)
    assert other.value.code == "backup.database"


@ON_SQLITE
def test_the_way_back_wants_a_backup_of_this_revision_or_a_word(
    running: Served, made: Path, tmp_path: Path, run: Run
) -> None:
    home = running.home.root
    running.rooms.close()
    earlier = list(ScriptDirectory(str(MIGRATIONS)).walk_revisions())[1].revision
    code, told = run("database", "downgrade", earlier, "--home", home)
    assert (code, code_of(told)) == (1, "backup.required")
    code, told = run("database", "show", "--home", home)
    assert (code, told["revision"], told["newest"]) == (0, newest(), newest())
    with open_unchanged(running.home).exclusive("worker"):
        code, told = run("database", "downgrade", earlier, "--home", home, "--yes")
        assert (code, code_of(told)) == (1, "service.locked")
    code, told = run("database", "downgrade", earlier, "--home", home, "--backup", made)
    assert (code, told["revision"]) == (0, earlier)
    assert run("database", "show", "--home", home)[1]["revision"] == earlier
    code, told = run("database", "downgrade", "base", "--home", home, "--backup", made)
    assert (code, code_of(told)) == (1, "backup.behind")
    code, told = run("database", "upgrade", "--home", home)
    assert (code, told["revision"]) == (0, newest())
    code, told = run("database", "downgrade", "nothing", "--home", home, "--yes")
    assert (code, code_of(told)) == (2, "config.database")
