"""One consistent copy of a database while it is written to, and a database out of such a copy.

Guaranteed: the copy is one state that was committed, with its revision and the chain's head read from that very state;
a password goes to PostgreSQL's own programs by the environment, never by arguments; nothing is put into a database that
has tables. Not guaranteed: copies over versions of PostgreSQL: the programs must not be older than the server.
"""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

from alembic.runtime.migration import MigrationContext
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, Connection, create_engine, inspect, text

from ledger.domain.copied import POSTGRESQL_FILE, SQLITE_FILE, Standing
from ledger.storage.database import BUSY_TIMEOUT_MS, open_engine, parse_url, reading
from ledger.storage.database_errors import sqlite_meaning
from ledger.storage.objects import flush_directory
from ledger.storage.sql_chain import SqlChain
from tiezheng.errors import Conflict, IntegrityFault, Malformed, NotFound, Unavailable

# What these programs say is shown only as far as one line of a terminal.
_TOLD_MAX: Final = 200
_IN_ENVIRONMENT: Final = {"password": "PGPASSWORD"}


def copy_out(place: Path | str, folder: Path, environment: Mapping[str, str]) -> tuple[Path, Standing]:
    """A new file in `folder` with all rows, flushed, and what it stands at; PostgreSQL's programs get `environment`.

    Raises NotFound `backup.tool_missing`, Unavailable `backup.tool_failed`, `database.*`, IntegrityFault
    `database.corrupt`.
    """
    url = _url(place)
    if url.get_backend_name() == "sqlite":
        file = folder / SQLITE_FILE
        _vacuum(Path(url.database or ""), file)
        standing = _standing_of_file(file)
    else:
        file = folder / POSTGRESQL_FILE
        standing = _dump(url, file, environment)
    file.chmod(0o600)
    _flush(file)
    return file, standing


def check_target(source: str, place: Path | str) -> None:
    """Raises Malformed `backup.database` where the copy `source` is of another kind than the database at `place`,
    Conflict `backup.occupied` where that holds something."""
    url = _url(place)
    name = url.get_backend_name()
    if name != {SQLITE_FILE: "sqlite", POSTGRESQL_FILE: "postgresql"}.get(source):
        raise Malformed("backup.database", expected=source, got=name)
    if name == "sqlite":
        if Path(url.database or "").exists():
            raise Conflict("backup.occupied", got=Path(url.database or "").name)
        return
    _program("pg_restore")
    engine = open_engine(url)
    try:
        with reading(engine) as connection:
            found = inspect(connection).get_table_names()
    finally:
        engine.dispose()
    if found:
        raise Conflict("backup.occupied", got=f"{len(found)} tables", detail="PostgreSQL")


def copy_in(source: Path, place: Path | str, environment: Mapping[str, str]) -> None:
    """Fill the empty database at `place`. Raises as `copy_out` and `check_target`."""
    check_target(source.name, place)
    url = _url(place)
    if url.get_backend_name() == "sqlite":
        target = Path(url.database or "")
        draft = target.with_name(target.name + ".part")
        shutil.copyfile(source, draft)
        draft.chmod(0o600)
        _flush(draft)
        draft.replace(target)
        flush_directory(target.parent)
        return
    wanted = ("--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction")
    _run("pg_restore", url, (*wanted, str(source)), environment)


def _url(place: Path | str) -> URL:
    return URL.create("sqlite", database=str(place)) if isinstance(place, Path) else parse_url(place)


def _vacuum(source: Path, target: Path) -> None:
    if not source.is_file():
        raise NotFound("config.missing", got=str(source))
    connection = sqlite3.connect(source, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None)
    try:
        connection.execute("VACUUM INTO ?", (str(target),))
    except sqlite3.Error as error:
        raise sqlite_meaning(error) or IntegrityFault("database.corrupt", detail=type(error).__name__) from error
    finally:
        connection.close()


def _standing_of_file(file: Path) -> Standing:
    # Opened as it lies: not even a header of it changes.
    query = {"mode": "ro", "immutable": "1", "uri": "true"}
    engine = create_engine(URL.create("sqlite", database=f"file:{quote(str(file))}", query=query))
    try:
        with engine.connect() as connection:
            return standing_of(connection)
    finally:
        engine.dispose()


def standing_of(connection: Connection) -> Standing:
    """What the database of this connection stands at."""
    revision = MigrationContext.configure(connection).get_current_revision()
    return Standing(revision, None if revision is None else SqlChain(connection).head())


def _dump(url: URL, file: Path, environment: Mapping[str, str]) -> Standing:
    _program("pg_dump")
    engine = open_engine(url)
    try:
        with reading(engine) as connection:
            snapshot = str(connection.scalar(text("SELECT pg_export_snapshot()")))
            standing = standing_of(connection)
            _run("pg_dump", url, ("--format=custom", f"--snapshot={snapshot}", f"--file={file}"), environment)
    finally:
        engine.dispose()
    return standing


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise NotFound("backup.tool_missing", got=name)
    return found


def _run(name: str, url: URL, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    given = {key: str(value) for key, value in url.translate_connect_args(username="user", database="dbname").items()}
    given |= {key: value if isinstance(value, str) else value[-1] for key, value in url.query.items()}
    secrets = {_IN_ENVIRONMENT[key]: given.pop(key) for key in _IN_ENVIRONMENT if key in given}
    address = make_conninfo("", **{key: value for key, value in given.items() if key != "sslpassword"})
    done = subprocess.run(  # noqa: S603  PostgreSQL's own program; no secret is among its arguments
        [_program(name), "--no-password", f"--dbname={address}", *arguments],
        env={**environment, **secrets},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or [str(done.returncode)]
        raise Unavailable("backup.tool_failed", got=name, detail=lines[-1][:_TOLD_MAX])


def _flush(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
