"""`tiezheng dev`: a whole ledger on this machine, started, stopped, looked at."""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from api.dev import processes, stack
from api.dev.home import Home
from tiezheng.cli.language import is_json, pick
from tiezheng.cli.output import AsJson, console, emit, say, show, table

DEFAULT_HOME: Final = Path(".tiezheng")
HomeOption = Annotated[Path, typer.Option("--home", metavar="DIR", help="数据目录 / where everything lies")]

dev = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="本机演示环境：启动、停止、状态 / a local stack: up, down, status",
)


@dev.command("up")
def up(
    home: HomeOption = DEFAULT_HOME,
    port: Annotated[int, typer.Option("--port", min=1, max=65_535, help="服务端口 / service")] = stack.DEFAULT_PORT,
    chain_port: Annotated[
        int, typer.Option("--chain-port", min=1, max=65_535, help="区块链端口 / chain")
    ] = stack.DEFAULT_CHAIN_PORT,
    _json: AsJson = False,
) -> None:
    """启动；首次启动时创立账本 / start; the ledger is founded at the first start"""
    addresses = stack.up(home, port, chain_port, lambda zh, en: say(f"· {zh}", f"  {en}"))
    say("已启动。", "It is running.", "bold green")
    show(
        [
            ("服务", "service", addresses.service),
            ("区块链", "chain", addresses.chain),
            ("数据目录", "home", home),
            ("信任根文件", "trust file", home / "trust.json"),
            ("日志", "logs", home / "logs"),
        ]
    )
    if not is_json():
        _show_examples(home)
    emit({"service": addresses.service, "chain": addresses.chain, "home": str(home)})


@dev.command("down")
def down(home: HomeOption = DEFAULT_HOME, _json: AsJson = False) -> None:
    """停止全部进程；数据保留 / end all processes; data stay"""
    ended = stack.down(home) if home.is_dir() else []
    if ended:
        say(f"已停止：{', '.join(ended)}", f"Ended: {', '.join(ended)}", "green")
    else:
        say("没有在运行的进程。", "Nothing was running.")
    emit({"ended": ended})


@dev.command("status")
def status(home: HomeOption = DEFAULT_HOME, _json: AsJson = False) -> None:
    """查看进程；全部运行时退出码为 0 / which processes live; exit code 0 if all do"""
    place = Home(home.resolve())
    live = {one.name: one.pid for one in (processes.all_running(place) if home.is_dir() else [])}
    addresses = stack.read_addresses(place)
    names = (stack.CHAIN, *stack.SERVICES)
    words = pick("运行", "running"), pick("未运行", "not running")
    rows = [(name, words[0] if name in live else words[1], live.get(name)) for name in names]
    table([("进程", "process"), ("状态", "state"), ("进程号", "pid")], rows)
    if addresses is not None:
        show([("服务", "service", addresses.service), ("区块链", "chain", addresses.chain)])
    emit({"running": live, "service": None if addresses is None else addresses.service})
    raise typer.Exit(0 if len(live) == len(names) else 1)


def _show_examples(home: Path) -> None:
    program = shlex.quote(_program())
    place = shlex.quote(str(home))
    lines = [
        f"export TIEZHENG_PROFILE={place}/profiles/office.json",
        f"{program} deposit examples/contract.pdf",
        f"{program} bundle examples/contract.pdf --wait 60 --out {place}/contract.bundle.json",
        f"{program} verify {place}/contract.bundle.json examples/contract.pdf --trust {place}/trust.json",
        f"{program} lookup examples/contract.pdf",
        f"{program} case list",
        f"{program} audit --home {place}",
        f"{program} dev down --home {place}",
    ]
    say("可以依次试试：", "Try, one after another:")
    for line in lines:
        console().print(f"  {line}", markup=False, soft_wrap=True)


def _program() -> str:
    """How to call this program from here."""
    path = Path(sys.executable).with_name("tiezheng")
    if not path.exists():
        return "tiezheng"
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
