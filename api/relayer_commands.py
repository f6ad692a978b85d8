"""`tiezheng relayer`: the account whose transactions bring everything onto the chain.

Guaranteed: an account is replaced only while no worker runs and none of its transactions is on its way, unless its key
is lost and that is said; the old key file is kept beside the new one. Not guaranteed: that a chain which admits only
listed accounts admits the new one.
"""

import time
from pathlib import Path
from typing import Annotated

import typer

from api.bootstrap import open_relayer, replace_relayer
from api.settings import read_settings
from tiezheng.cli.output import AsJson, emit, say, show

Home = Annotated[Path | None, typer.Option("--home", metavar="DIR", help="主目录 / home directory")]

relayer = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="发送交易的账户：查看、更换 / the account that sends transactions: show, replace",
)


@relayer.command("show")
def show_relayer(home: Home = None, _json: AsJson = False) -> None:
    """查看账户地址和在途交易 / the account's address and its transactions on their way"""
    address, on_their_way = open_relayer(read_settings(home).home)
    show([("地址", "address", f"0x{address.hex()}"), ("在途交易", "on their way", on_their_way)])
    emit({"address": address.hex(), "open": on_their_way})


@relayer.command("replace")
def replace(
    home: Home = None,
    abandon: Annotated[
        bool,
        typer.Option("--abandon", help="放弃在途交易并重发 / give up what is open, and send anew"),
    ] = False,
    _json: AsJson = False,
) -> None:
    """换用新账户；先停止上链进程 / take a new account; stop the worker first"""
    kept = f"relayer.{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.key"
    old, new = replace_relayer(read_settings(home).home, kept, abandon)
    say(
        "已换用新账户。请启动上链进程；准入制的链须先登记新地址。",
        "A new account is in place. Start the worker; a chain that lists its accounts has to list it first.",
        "green",
    )
    show([("新地址", "new", f"0x{new.hex()}"), ("原密钥文件", "old key file", kept if old else None)])
    emit({"old": old.hex(), "new": new.hex(), "kept": kept if old else None})
