"""Commands of this room: `tiezheng audit` and `tiezheng witness`. A stranger needs only a node and the published files.

Guaranteed: `audit` ends with 0 when nothing was found and 1 when something was; `witness` runs until it is told to stop
or finds a fork. Not guaranteed: that an audit without database and master key sees what lies there; its report says so.
"""

import io
import json
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import typer

from anchors.audit import Service
from anchors.audit import audit as run_audit
from anchors.audit_report import show_progress, show_report
from anchors.chains.rpc import RpcChain
from anchors.database_url import database_of, named_database
from anchors.deployment import read_deployment
from anchors.leaves import open_leaves
from anchors.replay import OpenLeaves
from anchors.witness import Witness
from anchors.witness_state import hold
from tiezheng.cli.output import AsJson, emit
from tiezheng.cli.password import PasswordFd, PasswordFile, read_password
from tiezheng.client import Client
from tiezheng.errors import IntegrityFault, Malformed, NotFound, TiezhengError, Unavailable
from tiezheng.json_members import read_hex, read_integer
from tiezheng.procedures import load_procedures
from tiezheng.signature import KeySigner, Signature
from tiezheng.signature.keyfile import decode_private
from tiezheng.trust import Trust, parse_trust

WITNESS_PAUSE_SECONDS: Final = 1.0
_HOME_HELP: Final = "服务的目录 / home directory of the service"

HomeOption = Annotated[Path | None, typer.Option("--home", metavar="DIR", help=_HOME_HELP)]
RpcOption = Annotated[str | None, typer.Option("--rpc", metavar="URL", help="自己的节点 / a node of your own")]
TrustOption = Annotated[Path | None, typer.Option("--trust", metavar="FILE", help="信任根文件 / trust file")]
ServiceOption = Annotated[str | None, typer.Option("--service", metavar="URL", help="服务地址 / the service")]


def audit(
    home: HomeOption = None,
    rpc: RpcOption = None,
    deployment: Annotated[
        Path | None, typer.Option("--deployment", metavar="FILE", help="部署文件 / deployment file")
    ] = None,
    trust: TrustOption = None,
    leaves: Annotated[
        Path | None, typer.Option("--leaves", metavar="DIR", help="公开的批次文件 / published leaves files")
    ] = None,
    service: ServiceOption = None,
    db: Annotated[
        str | None, typer.Option("--db", envvar="TIEZHENG_DATABASE", metavar="FILE|URL", help="数据库 / the database")
    ] = None,
    objects: Annotated[Path | None, typer.Option("--objects", metavar="DIR", help="证据文件库 / object store")] = None,
    master_key: Annotated[
        Path | None, typer.Option("--master-key", metavar="FILE", help="主密钥文件 / master key file")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """由链重放并审计 / rebuild everything from the chain and hold the service against it."""
    del as_json
    place = deployment or _in(home, "deployment.json")
    if place is None:
        raise Malformed("config.missing", detail="--deployment or --home")
    ledger = read_deployment(place)
    trust_path = trust or _in(home, "trust.json")
    trusted = None if trust_path is None else _read_trust(trust_path)
    if trusted is not None and trusted.ledger != ledger.ledger:
        raise IntegrityFault("chain.deployment", detail="trust file of another ledger")
    with ExitStack() as stack:
        secret = master_key or _in(home, "secrets", "master.key")
        database = _database(db, home)
        held = _held(stack, trusted, database, objects or _in(home, "objects"), secret)
        report = run_audit(
            RpcChain(rpc or ledger.rpc),
            ledger,
            load_procedures() if trusted is None else trusted.procedures,
            _leaves(stack, leaves or _in(home, "leaves"), service),
            time.time_ns() // 1_000_000,
            held,
            show_progress(),
        )
    show_report(report)
    emit(report.to_json())
    if not report.clean:
        raise SystemExit(1)


def witness(
    number: Annotated[int, typer.Option("--number", metavar="N", help="见证方编号 / the witness's number")],
    service: Annotated[str, typer.Option("--service", metavar="URL", help="服务地址 / the service")],
    home: HomeOption = None,
    rpc: RpcOption = None,
    trust: TrustOption = None,
    key: Annotated[Path | None, typer.Option("--key", metavar="FILE", help="见证密钥 / the witness's key")] = None,
    state: Annotated[
        Path | None, typer.Option("--state", metavar="DIR", help="状态目录,须备份 / state directory, to be backed up")
    ] = None,
    password_fd: PasswordFd = None,
    password_file: PasswordFile = None,
) -> None:
    """运行见证方 / follow the chain with a node of your own and cosign checkpoints."""
    trusted = _read_trust(_required(trust or _in(home, "trust.json"), "--trust"))
    key_file = _required(key or _in(home, "keys", f"witness-{number}.pem"), "--key")
    if password_fd is None and password_file is None:
        password_file = _in(home, "secrets", f"witness-{number}.password")
    try:
        private = decode_private(key_file.read_bytes(), read_password(password_fd, password_file, ask=False))
    except FileNotFoundError as error:
        raise NotFound("file.not_found", got=key_file.name) from error
    directory = state or (None if home is None else home / "witness" / str(number))
    if directory is None:
        raise Malformed("config.missing", detail="--state or --home")
    address = rpc
    if address is None:
        address = read_deployment(_required(_in(home, "deployment.json"), "--rpc")).rpc
    stop = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stop.set())
    with hold(directory), Client(service) as client:
        _watch(
            lambda: Witness(
                RpcChain(address),
                trusted,
                number,
                KeySigner(private),
                directory,
                ServiceDesk(client),
                lambda: time.time_ns() // 1_000_000,
            ),
            number,
            stop,
        )


class ServiceDesk:
    """The service over HTTP, as a witness needs it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._told: dict[str, Any] = {}

    def latest(self) -> tuple[int, bytes] | None:
        """See `anchors.witness.Desk`."""
        try:
            checkpoint = self._client.latest_checkpoint()
        except NotFound:
            return None
        self._told = checkpoint
        return read_integer(checkpoint.get("height"), "height"), read_hex(checkpoint.get("hash"), "hash", 32)

    def holds(self, number: int, height: int) -> bool:
        """See `anchors.witness.Desk`: by what `latest` was told."""
        if self._told.get("height") != height:
            return True
        return any(one.get("signer") == number for one in self._told.get("cosignatures", ()))

    def hand_in(self, height: int, block_hash: bytes, seen_ms: int, signature: Signature) -> None:
        """See `anchors.witness.Desk`."""
        self._client.cosign(height, block_hash, seen_ms, signature)


def _watch(create: Callable[[], Witness], number: int, stop: threading.Event) -> None:
    """Step until told to stop. What passes is waited for; a fork or a state that is not its own ends the process."""
    running: Witness | None = None
    last: str | None = None
    while not stop.is_set():
        try:
            if running is None:
                running = create()
                _tell("witness.started", number, height=running.state.position.height)
            height = running.step()
            if height is not None:
                _tell("checkpoint.cosigned", number, height=height)
            last = None
        except IntegrityFault as error:
            _tell("witness.stopped", number, code=error.code)
            raise
        except (Malformed, NotFound) as error:
            if running is None:
                raise
            last = _tell_once(last, error, number)
        except TiezhengError as error:
            last = _tell_once(last, error, number)
        stop.wait(WITNESS_PAUSE_SECONDS)
    _tell("witness.ended", number)


def _tell_once(last: str | None, error: TiezhengError, number: int) -> str:
    if last != error.code:
        _tell("witness.waiting", number, code=error.code)
    return error.code


def _tell(event: str, number: int, **values: object) -> None:
    sys.stdout.write(json.dumps({"event": event, "witness": number, **values}, sort_keys=True) + "\n")
    sys.stdout.flush()


def _database(given: str | None, home: Path | None) -> str | None:
    """The database that was named, else the home's, if it has one."""
    if given is not None:
        return named_database(given, in_arguments=any(given in argument for argument in sys.argv))
    place = None if home is None else database_of(home)
    if isinstance(place, Path):
        return f"sqlite:///{place}" if place.exists() else None
    return place


def _held(
    stack: ExitStack,
    trusted: Trust | None,
    url: str | None,
    objects: Path | None,
    secret: Path | None,
) -> Service | None:
    """Database and files, where given. The storage room is imported only then; the database is not upgraded."""
    if url is None:
        return None
    if trusted is None:
        raise Malformed("config.missing", detail="--trust")
    try:
        from ledger.storage.database import open_engine
        from ledger.storage.keyring import Keyring, load_master_key
        from ledger.storage.objects import EncryptedObjects
        from ledger.storage.sql_store import SqlStore
    except ModuleNotFoundError as error:
        raise Unavailable("config.dependency", got=error.name, detail="pip install 'tiezheng[server]'") from error
    store = SqlStore(open_engine(url))
    stack.callback(store.close)
    if secret is None:
        return Service(store, trusted)
    keyring = Keyring(store.engine, load_master_key(secret))
    kept = None if objects is None or not objects.is_dir() else EncryptedObjects(str(objects), keyring)
    return Service(store, trusted, keyring, kept)


def _leaves(stack: ExitStack, directory: Path | None, service: str | None) -> OpenLeaves:
    """Leaves files from a directory, else from the service."""
    if directory is not None and (directory.is_dir() or service is None):
        return lambda batch: open_leaves(directory, batch)
    if service is None:
        return lambda batch: open_leaves(Path("leaves"), batch)
    client = stack.enter_context(Client(service))

    def fetch(batch: int) -> BinaryIO:
        try:
            return io.BytesIO(client.leaves(batch))
        except NotFound as error:
            raise NotFound("audit.leaves_missing", got=batch) from error

    return fetch


def _read_trust(path: Path) -> Trust:
    try:
        return parse_trust(path.read_bytes().removesuffix(b"\n"))
    except FileNotFoundError as error:
        raise NotFound("file.not_found", got=path.name) from error


def _in(home: Path | None, *parts: str) -> Path | None:
    """A path in the home directory, if it is there."""
    if home is None:
        return None
    path = home.joinpath(*parts)
    return path if path.exists() else None


def _required(path: Path | None, option: str) -> Path:
    if path is None:
        raise Malformed("config.missing", detail=option)
    return path
