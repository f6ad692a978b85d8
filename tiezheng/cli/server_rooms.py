"""Commands that the server rooms bring through the entry points `tiezheng.commands`.

Guaranteed: a room is imported only when its command is asked for, and one that is not installed is named with what to
do. Not guaranteed: what such a command does.
"""

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any, Final

import typer

from tiezheng.cli.output import say
from tiezheng.errors import Unavailable

GROUP: Final = "tiezheng.commands"
KNOWN: Final = {
    "dev": "本机演示环境：启动、停止、状态 / a local stack: up, down, status",
    "serve": "运行服务 / run the service",
    "worker": "运行上链进程 / run the worker that anchors",
    "witness": "运行见证方 / run a witness",
    "audit": "由链重放并审计 / replay the chain and audit",
    "receipts": "核对回执是否兑现 / check which receipts were kept",
    "doctor": "检查部署，不作改动 / check a deployment, changing nothing",
    "govern": "机构密钥的更换 / an institution's keys: propose, vote, register, end",
    "relayer": "发送交易的账户 / the account that sends transactions",
    "mirror": "镜像公开数据并监视分叉 / mirror what is public and watch for forks",
    "recover": "由链和镜像恢复落后的数据库 / recover a database that is behind the chain",
    "backup": "备份运行中的服务，或核对备份 / back up a running service, or check a backup",
    "restore": "由备份恢复到新的主目录 / restore a backup into a new home",
    "database": "数据库结构的版本：查看、升级、退回 / the database's revision: show, upgrade, downgrade",
    "token": "签发和撤销接口令牌 / issue and revoke API tokens",
}
_PASS_ON: Final = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}


def register(app: typer.Typer) -> None:
    """Add a command for each known name and for each further entry point."""
    names = {**dict.fromkeys((point.name for point in entry_points(group=GROUP)), ""), **KNOWN}
    for name, text in names.items():
        app.command(name, help=text, context_settings=_PASS_ON)(_passing_on(name))


def _passing_on(name: str) -> Callable[[typer.Context], None]:
    def command(context: typer.Context) -> None:
        _load(name)(args=list(context.args), prog_name=f"tiezheng {name}")

    return command


def _load(name: str) -> Callable[..., Any]:
    found = [point for point in entry_points(group=GROUP) if point.name == name]
    if not found:
        raise Unavailable("config.dependency", got=name, detail="pip install 'tiezheng[server]'")
    try:
        target = found[0].load()
    except ModuleNotFoundError as error:
        say(
            f"命令 {name} 需要服务端组件：pip install 'tiezheng[server]'",
            f"The command {name} needs the server parts: pip install 'tiezheng[server]'",
            "yellow",
            error=True,
        )
        raise Unavailable("config.dependency", got=error.name, detail=name) from error
    if isinstance(target, typer.Typer):
        return target
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(target)
    return app
