"""`tiezheng audit`: a stranger needs only a node and the published files.

Guaranteed: ends with 0 when nothing was found and 1 when something was; without a database no storage code is imported.
Not guaranteed: that an audit without database and master key sees what lies there; its report says so.
"""

import io
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from anchors.audit import Plan, Service, basis_of
from anchors.audit import audit as run_audit
from anchors.audit_html import to_html
from anchors.audit_papers import Papers
from anchors.audit_report import show_progress, show_report
from anchors.audit_state import NAME, Memory
from anchors.chains.rpc import RpcChain
from anchors.commands import HomeOption, RpcOption, ServiceOption, TrustOption, file_in, read_trust_file
from anchors.database_url import database_of, named_database
from anchors.deployment import read_deployment
from anchors.leaves import open_leaves, publish
from anchors.replay import OpenLeaves
from tiezheng.cli.output import AsJson, emit, say
from tiezheng.client import Client
from tiezheng.errors import IntegrityFault, Malformed, NotFound, Unavailable
from tiezheng.procedures import load_procedures
from tiezheng.trust import Trust

DeploymentFile = Annotated[Path | None, typer.Option("--deployment", metavar="FILE", help="部署文件 / deployment file")]
LeavesFolder = Annotated[
    Path | None, typer.Option("--leaves", metavar="DIR", help="公开的批次文件 / published leaves files")
]
Database = Annotated[
    str | None, typer.Option("--db", envvar="TIEZHENG_DATABASE", metavar="FILE|URL", help="数据库 / the database")
]
Objects = Annotated[Path | None, typer.Option("--objects", metavar="DIR", help="证据文件库 / object store")]
MasterKey = Annotated[Path | None, typer.Option("--master-key", metavar="FILE", help="主密钥文件 / master key file")]
Receipts = Annotated[
    Path | None, typer.Option("--receipts", metavar="DIR", help="持有的回执、拒绝书 / receipts and refusals you hold")
]
Bundles = Annotated[Path | None, typer.Option("--bundles", metavar="DIR", help="持有的证据包 / bundles you hold")]
State = Annotated[
    Path | None,
    typer.Option("--state", metavar="DIR|FILE", help="保留状态,下次只查增量 / keep state for the next"),
]
Full = Annotated[bool, typer.Option("--full", help="从头审计,并更新状态 / audit from the start, renew the state")]
NewFiles = Annotated[
    bool, typer.Option("--new-files", help="不重读上次完好的证据文件 / do not read again files that were intact")
]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="网页报告 / write the report as HTML")]
Jobs = Annotated[int, typer.Option("--jobs", metavar="N", min=1, max=64, help="验签进程数 / processes that verify")]


def audit(
    home: HomeOption = None,
    rpc: RpcOption = None,
    deployment: DeploymentFile = None,
    trust: TrustOption = None,
    leaves: LeavesFolder = None,
    service: ServiceOption = None,
    db: Database = None,
    objects: Objects = None,
    master_key: MasterKey = None,
    receipts: Receipts = None,
    bundles: Bundles = None,
    state: State = None,
    full: Full = False,
    new_files: NewFiles = False,
    html: Html = None,
    jobs: Jobs = 1,
    as_json: AsJson = False,
) -> None:
    """由链重放并审计 / rebuild everything from the chain and hold the service against it."""
    del as_json
    place = deployment or file_in(home, "deployment.json")
    if place is None:
        raise Malformed("config.missing", detail="--deployment or --home")
    ledger = read_deployment(place)
    trust_path = trust or file_in(home, "trust.json")
    trusted = None if trust_path is None else read_trust_file(trust_path)
    if trusted is not None and trusted.ledger != ledger.ledger:
        raise IntegrityFault("chain.deployment", detail="trust file of another ledger")
    procedures = load_procedures() if trusted is None else trusted.procedures
    folder = leaves or file_in(home, "leaves")
    with ExitStack() as stack:
        secret = master_key or file_in(home, "secrets", "master.key")
        database = _database(db, home)
        held = _held(stack, trusted, database, objects or file_in(home, "objects"), secret)
        memory = None if state is None else Memory(_state_file(state), basis_of(ledger, trusted, procedures), full)
        plan = Plan(
            jobs=jobs,
            memory=memory,
            reread_leaves=folder is not None or service is None,
            new_files=new_files,
            papers=Papers(receipts, bundles),
            trust=trusted,
        )
        report = run_audit(
            RpcChain(rpc or ledger.rpc),
            ledger,
            procedures,
            _leaves(stack, folder, service),
            time.time_ns() // 1_000_000,
            held,
            show_progress(),
            plan,
        )
    show_report(report)
    if html is not None:
        try:
            publish(html, [to_html(report, _command()).encode()])
        except OSError as error:
            raise Malformed("file.unwritable", got=html.name) from error
        say(f"网页报告：{html}", f"HTML report: {html}")
    emit(report.to_json())
    if not report.clean:
        raise SystemExit(1)


def _state_file(place: Path) -> Path:
    """The file itself, or the one of the usual name in a directory."""
    return place if place.suffix == ".json" else place / NAME


def _command() -> str:
    """How this audit was called, on one line."""
    return " ".join(["tiezheng", *(f"'{word}'" if " " in word else word for word in sys.argv[1:])])


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
