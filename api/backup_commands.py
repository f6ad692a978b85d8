"""`tiezheng backup`, `tiezheng backup check` and `tiezheng restore`.

Guaranteed: a backup is taken while service and worker run, and stops neither; what is not in it is named. Not
guaranteed: that it can be read without the master key, which goes with it only where that is asked for.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.progress import Progress
from typer.core import TyperGroup

from api.backup import Backup, check_home, check_rows, put_files
from api.backup_manifest import Manifest, read_manifest
from api.backup_manifest import check as check_files
from api.bootstrap import SystemClock, check_empty, copy_database, fill_database, read_ledger
from api.settings import DEFAULT_HOME, keep_database, read_settings
from tiezheng.cli.language import pick
from tiezheng.cli.output import AsJson, emit, progress, say, show, table

_WORDS: Final = {"missing": ("缺失", "missing"), "altered": ("不符", "altered"), "unknown": ("多出", "not in it")}
_SHOWN_MAX: Final = 20
_NEXT: Final = ("recover --receipts DIR", "doctor", "worker", "serve", "audit")
HomeOption = Annotated[
    Path | None, typer.Option("--home", metavar="DIR", help=f"主目录，默认 {DEFAULT_HOME} / home", show_default=False)
]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="备份目录 / the backup's folder")]


class _WithFolder(TyperGroup):
    """`backup DIR` is `backup make DIR`."""

    short = True

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "--help"}:
            args = ["make", *args]
        return super().parse_args(ctx, args)


backup = typer.Typer(
    cls=_WithFolder,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="备份：tiezheng backup DIR；核对：tiezheng backup check DIR / back up; check a backup",
)


@backup.command("make")
def make(
    folder: Folder,
    home: HomeOption = None,
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="连同主密钥、私钥和口令 / with master key, private keys, passwords")
    ] = False,
    since: Annotated[
        Path | None,
        typer.Option("--since", metavar="DIR", help="与上次备份共用未变的文件 / link files of an earlier one"),
    ] = None,
    _json: AsJson = False,
) -> None:
    """备份到空目录，服务照常运行；可省略 make / into an empty folder while the service runs; `make` may be left out"""
    place = read_settings(home).home
    deployment, _, _ = read_ledger(place)
    plan = Backup(place, folder.absolute(), with_keys, None if since is None else since.absolute())
    plan.prepare()
    say("· 复制数据库", "  copying the database")
    rows, standing = copy_database(place, plan.folder)
    with progress() as bar:
        now_ms, tell = SystemClock().now_ms(), _line(bar, "复制文件", "copying files")
        made = plan.copy(deployment.founding.hex(), rows, standing, now_ms, tell)
    say("备份完成。", "The backup is complete.", "bold green")
    _show(made)
    emit(_to_json(made))


@backup.command("check")
def check(folder: Folder, _json: AsJson = False) -> None:
    """按清单核对备份；不符时退出码为 1 / hold a backup against its manifest; 1 if it is not whole"""
    made = read_manifest(folder)
    with progress() as bar:
        wrong = check_files(folder, made, _line(bar, "核对", "checking"))
    table([("情况", "what"), ("文件", "file")], [(pick(*_WORDS[what]), path) for what, path in wrong[:_SHOWN_MAX]])
    if wrong:
        count = len(wrong)
        say(f"备份不完好：{count} 处。请另用一份备份。", f"The backup is not whole: {count}. Use another one.", "red")
    else:
        say("备份完好，与清单一致。", "The backup is whole: everything is as its manifest says.", "green")
        _show(made)
    emit({**_to_json(made), "whole": not wrong, "wrong": [{"path": path, "what": what} for what, path in wrong]})
    raise typer.Exit(1 if wrong else 0)


def restore(
    folder: Folder,
    home: Annotated[Path, typer.Option("--home", metavar="DIR", help="新的主目录 / the new home directory")],
    without_rows: Annotated[
        bool, typer.Option("--files-only", help="数据库另行恢复 / the database is restored by other means")
    ] = False,
    _json: AsJson = False,
) -> None:
    """由备份恢复到没有数据的主目录 / restore a backup into a home that holds no data"""
    place = read_settings(home).home
    made = read_manifest(folder)
    check_home(place)
    if not without_rows:
        check_empty(place, made.rows)
        rows = check_rows(folder, made)
    with progress() as bar:
        put_files(folder, made, place, _line(bar, "恢复文件", "restoring files"), last=False)
    keep_database(place, founded=False)
    if not without_rows:
        say("· 恢复数据库", "  restoring the database")
        fill_database(place, rows)
    with progress() as bar:
        put_files(folder, made, place, _line(bar, "恢复文件", "restoring files"), last=True)
    say("已恢复。下一步，依次：", "Restored. Now, one after another:", "bold green")
    if made.left_out:
        say("放回密钥", "put the keys back", indent=2)
    show([("", "", f"tiezheng {command} --home {place.root}") for command in _NEXT])
    _show(made)
    emit({**_to_json(made), "home": str(place.root)})


def _line(bar: Progress, zh: str, en: str) -> Callable[[int, int], None]:
    task = bar.add_task(pick(zh, en), total=None)
    return lambda count, total: bar.update(task, completed=count, total=total)


def _show(made: Manifest) -> None:
    show(
        [
            ("备份时间", "taken", f"{datetime.fromtimestamp(made.time_ms / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"),
            ("数据库", "database", f"{made.rows}, {made.revision}"),
            ("链上位置", "chain position", made.block),
            ("文件", "files", f"{len(made.files)}, {sum(one.size for one in made.files):,} B"),
            ("未包含，请另行保管", "not in it, keep apart", ", ".join(made.left_out) or None),
        ]
    )


def _to_json(made: Manifest) -> dict[str, object]:
    return {
        "block": made.block,
        "bytes": sum(one.size for one in made.files),
        "database": made.rows,
        "files": len(made.files),
        "ledger": made.ledger,
        "left_out": list(made.left_out),
        "revision": made.revision,
        "time_ms": made.time_ms,
        "version": made.version,
    }
