"""Commands of the server room: `tiezheng serve`, `tiezheng worker`, `tiezheng token`.

Guaranteed: each reads its secrets from the home directory or the environment, never from its arguments; SIGTERM ends
each in order. Not guaranteed: that a home is founded; what is missing is named.
"""

import json
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated, Final

import typer

from api.bootstrap import issue_token_in, open_tokens, open_worker
from api.logs import configure_logs
from api.serving import run_service
from api.settings import DEFAULT_HOME, DEFAULT_PORT, read_password, read_settings
from ledger.services.manage_tokens import list_tokens, revoke_token
from tiezheng.cli.output import say
from tiezheng.errors import Malformed

DAY_MS: Final = 86_400_000
_OPEN: Final = {"add_completion": False, "pretty_exceptions_enable": False}

HomeFolder = Annotated[
    Path | None,
    typer.Option("--home", metavar="DIR", help=f"主目录，默认 {DEFAULT_HOME} / home directory", show_default=False),
]
OperatorPassword = Annotated[
    Path | None,
    typer.Option("--password-file", metavar="FILE", help="运营机构私钥的口令文件 / password of the operator's key"),
]
AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]


def serve(
    home: HomeFolder = None,
    port: Annotated[
        int | None, typer.Option("--port", help=f"端口，默认 {DEFAULT_PORT}，0 为任一空闲端口 / port, 0: any")
    ] = None,
    password_file: OperatorPassword = None,
) -> None:
    """运行服务，只监听本机 / run the service, on this machine's loopback alone"""
    configure_logs()
    password = None if password_file is None else read_password(password_file)
    run_service(read_settings(home, port, password=password))


def worker(
    home: HomeFolder = None,
    rpc: Annotated[str | None, typer.Option("--rpc", metavar="URL", help="区块链节点地址 / the chain's node")] = None,
    password_file: OperatorPassword = None,
) -> None:
    """运行上链进程 / run the worker that anchors"""
    configure_logs()
    password = None if password_file is None else read_password(password_file)
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    open_worker(read_settings(home, password=password), rpc).run(stop)


token = typer.Typer(help="签发、列出、撤销接口令牌 / issue, list, revoke API tokens", no_args_is_help=True, **_OPEN)  # type: ignore[arg-type]

Institution = Annotated[int, typer.Option("--institution", metavar="N", help="机构编号 / institution's number")]


@token.command("issue")
def issue(
    institution: Institution,
    holder: Annotated[str, typer.Option("--holder", help="持有人或系统名称 / holder's label")],
    scope: Annotated[list[str], typer.Option("--scope", help="submit, read, names, admin")],
    days: Annotated[int, typer.Option("--days", help="有效天数 / days of validity")] = 90,
    number: Annotated[int | None, typer.Option("--number", help="执业人员编号 / practitioner's number")] = None,
    home: HomeFolder = None,
    as_json: AsJson = False,
) -> None:
    """签发令牌；全文只显示这一次 / issue a token; its text is shown this once"""
    place = read_settings(home).home.root
    text = issue_token_in(place, institution, holder, scope, days * DAY_MS, number)
    sys.stdout.write((json.dumps({"token": text}) if as_json else text) + "\n")


@token.command("list")
def list_all(institution: Institution, home: HomeFolder = None, as_json: AsJson = False) -> None:
    """列出机构的令牌 / list an institution's tokens"""
    store, vault, _ = open_tokens(read_settings(home).home.root)
    try:
        views = list_tokens(store, vault, institution)
    finally:
        store.close()
    lines = [
        {
            "id": view.id.hex(),
            "holder": view.holder,
            "number": view.row.number,
            "scopes": sorted(scope.value for scope in view.row.scopes),
            "expires": datetime.fromtimestamp(view.row.expires // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "revoked": view.row.revoked is not None,
        }
        for view in views
    ]
    if as_json:
        sys.stdout.write(json.dumps(lines, ensure_ascii=False) + "\n")
    for line in [] if as_json else lines:
        state = "已撤销 revoked" if line["revoked"] else line["expires"]
        sys.stdout.write(f"{line['id']}  {line['holder']}  {' '.join(line['scopes'])}  {state}\n")  # type: ignore[arg-type]


@token.command("revoke")
def revoke(
    institution: Institution,
    identity: Annotated[str, typer.Argument(metavar="ID", help="令牌编号（list 所列）/ id as listed")],
    home: HomeFolder = None,
    as_json: AsJson = False,
) -> None:
    """立即撤销令牌 / end a token now"""
    try:
        digest = bytes.fromhex(identity)
    except ValueError as error:
        raise Malformed("config.value", expected="64 hex", detail="id") from error
    store, _, clock = open_tokens(read_settings(home).home.root)
    try:
        revoke_token(store, clock, institution, digest)
    finally:
        store.close()
    if as_json:
        sys.stdout.write(json.dumps({"id": digest.hex(), "revoked": True}) + "\n")
    else:
        say("令牌已撤销。", "The token was revoked.", "green")
