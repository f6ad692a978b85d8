"""`tiezheng database`: at which revision the tables are, and the way there and back.

Guaranteed: the way back is taken only with a checked backup of this very revision, or with `--yes`, and while no worker
runs; it never drops a table that holds rows. Not guaranteed: that no service process runs; stop it first.
"""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from api.backup_manifest import check, read_manifest
from api.bootstrap import change_revision, open_unchanged, read_ledger
from api.settings import DEFAULT_HOME, Home, database_of, read_settings
from tiezheng.cli.output import AsJson, emit, say, show
from tiezheng.errors import IntegrityFault, Refused

HomeOption = Annotated[
    Path | None, typer.Option("--home", metavar="DIR", help=f"主目录，默认 {DEFAULT_HOME} / home", show_default=False)
]

database = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="数据库结构的版本：查看、升级、退回 / the database's revision: show, upgrade, downgrade",
)


@database.command("show")
def show_database(home: HomeOption = None, _json: AsJson = False) -> None:
    """查看版本、链上位置和大小 / revision, chain position, size; changes nothing"""
    _tell(read_settings(home).home)


@database.command("upgrade")
def upgrade(home: HomeOption = None, _json: AsJson = False) -> None:
    """升级到本程序的版本；服务启动时也会自动进行 / up to this version; a start does the same"""
    place = read_settings(home).home
    change_revision(place, None)
    say("已是本程序的版本。", "It is at this version's revision.", "green")
    _tell(place)


@database.command("downgrade")
def downgrade(
    revision: Annotated[str, typer.Argument(metavar="REVISION", help="退回到的版本 / the revision to go back to")],
    home: HomeOption = None,
    backup: Annotated[
        Path | None, typer.Option("--backup", metavar="DIR", help="刚做的备份 / the backup that was just made")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="不凭备份也退回 / go back without a backup")] = False,
    _json: AsJson = False,
) -> None:
    """退回较旧的版本；先停止服务和上链进程并备份 / go back; stop service and worker and back up first"""
    place = read_settings(home).home
    if backup is not None:
        _check_backup(place, backup)
    elif not yes:
        raise Refused("backup.required")
    change_revision(place, revision)
    say(
        "已退回。请换用旧程序：本程序一启动又会升级。",
        "It went back. Install the older version now: this one brings it up again when it starts.",
        "yellow",
    )
    _tell(place)


def _check_backup(home: Home, folder: Path) -> None:
    made = read_manifest(folder)
    deployment, _, _ = read_ledger(home)
    with closing(open_unchanged(home)) as store:
        now, _ = store.revisions()
    if (made.ledger, made.revision) != (deployment.founding.hex(), now):
        raise Refused("backup.behind", expected=now, got=made.revision)
    wrong = check(folder, made, lambda _count, _total: None)
    if wrong:
        raise IntegrityFault("backup.damaged", got=wrong[0][1])


def _tell(home: Home) -> None:
    kind = "SQLite" if isinstance(database_of(home), Path) else "PostgreSQL"
    with closing(open_unchanged(home)) as store:
        now, newest = store.revisions()
        size, head = store.size_bytes(), None
        if now == newest:
            with store.read() as tables:
                head = tables.chain.head()
    block = None if head is None else head.block.number
    show(
        [
            ("数据库", "database", kind),
            ("现版本", "revision", now or "-"),
            ("本程序的版本", "of this program", newest),
            ("链上位置", "chain position", block),
            ("大小", "size", f"{size:,} B"),
        ]
    )
    emit({"block": block, "bytes": size, "database": kind, "newest": newest, "revision": now})
