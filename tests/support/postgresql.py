"""A private PostgreSQL for the tests: its own folder, its own Unix socket, no network, ended with the process.

PostgreSQL refuses to run as root; there it runs as `postgres` or `nobody`. Each test gets a fresh database, copied from
one that is migrated.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from ledger.storage.sql_store import open_store

PLACES = ("/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt", "/usr/local/opt")
SUPERUSER = "tiezheng"
TEMPLATE = "tiezheng_template"
START_SECONDS = 60


def find_binaries() -> Path | None:
    """The folder of the newest PostgreSQL here that is new enough."""
    found = shutil.which("initdb")
    candidates = [] if found is None else [Path(found).resolve().parent]
    for place in PLACES:
        candidates += sorted(Path(place).glob("*/bin"), key=lambda path: path.parent.name, reverse=True)
    return next((path for path in candidates if (path / "initdb").exists() and (path / "postgres").exists()), None)


def server_user() -> "pwd.struct_passwd | None":
    """Whom the server runs as; None for the caller."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise RuntimeError("no user for PostgreSQL")


def as_server() -> dict[str, Any]:
    """How one of its programs is started."""
    user = server_user()
    who = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return {**who, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}}


@dataclass
class Cluster:
    """One server. `settings` are lines of its configuration; `durable` keeps fsync on."""

    folder: Path
    binaries: Path
    durable: bool = False
    settings: Sequence[str] = ()
    process: "subprocess.Popen[bytes] | None" = None
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def socket(self) -> Path:
        return self.folder / "socket"

    def url(self, database: str) -> str:
        return f"postgresql://{SUPERUSER}@/{database}?host={self.socket}"

    def run(self, tool: str, *arguments: object) -> None:
        """One of PostgreSQL's own programs, as the server's user."""
        done = subprocess.run(
            [self.binaries / tool, *map(str, arguments)],
            cwd=self.folder,
            capture_output=True,
            check=False,
            **as_server(),
        )
        assert done.returncode == 0, done.stderr.decode()

    def create(self) -> None:
        """The server's folders and an empty cluster."""
        self.socket.mkdir(mode=0o755)
        user = server_user()
        if user is not None:
            for path in (self.folder, self.socket):
                os.chown(path, user.pw_uid, user.pw_gid)
        durable = () if self.durable else ("--no-sync",)
        self.run("initdb", "-D", self.data, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C", *durable)
        lines = ["listen_addresses = ''", f"unix_socket_directories = '{self.socket}'", "max_connections = 200"]
        if not self.durable:
            lines += ["fsync = off", "full_page_writes = off", "shared_buffers = 32MB", "autovacuum = off"]
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{line}\n" for line in (*lines, *self.settings))

    def start(self) -> None:
        """Start, and wait until it answers."""
        setpriv = shutil.which("setpriv")
        dies_with_parent = [] if setpriv is None else [setpriv, "--pdeathsig", "QUIT"]
        log = (self.folder / "server.log").open("ab")
        self.process = subprocess.Popen(
            [*dies_with_parent, self.binaries / "postgres", "-D", self.data],
            cwd=self.folder,
            stdout=log,
            stderr=log,
            **as_server(),
        )
        log.close()
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with psycopg.connect(self.url("postgres"), connect_timeout=5):
                    return
            except psycopg.OperationalError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def stop(self, *, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT ends sessions and writes a checkpoint, SIGQUIT leaves the server as a crash does."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(60)
            self.process = None

    def execute(self, query: str, database: str = "postgres") -> list[tuple[object, ...]]:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(query)
            return [] if cursor.description is None else cursor.fetchall()

    def prepare(self) -> None:
        """The migrated database that others are copied from."""
        self.execute(f"CREATE DATABASE {TEMPLATE}")
        open_store(self.url(TEMPLATE)).close()

    @contextlib.contextmanager
    def database(self, template: str = TEMPLATE) -> Iterator[str]:
        """The address of a fresh database, which is dropped afterwards, whoever is still connected."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            if self.process is not None:
                self.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.contextmanager
def server_folder() -> Iterator[Path]:
    """A temporary folder that the server may write to."""
    folder = Path(tempfile.mkdtemp(prefix="tz-pg-"))
    user = server_user()
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def private_cluster(*, durable: bool = False, settings: Sequence[str] = ()) -> Iterator[Cluster]:
    """A running server in a temporary folder; both are gone afterwards."""
    binaries = find_binaries()
    assert binaries is not None
    # Not in pytest's own folder, which nobody else may enter, and short enough for the path of a socket.
    folder = Path(tempfile.mkdtemp(prefix="tz-pg-"))
    cluster = Cluster(folder, binaries, durable, settings)
    try:
        cluster.create()
        cluster.start()
        yield cluster
    finally:
        cluster.stop(how=signal.SIGINT)
        shutil.rmtree(folder, ignore_errors=True)
