"""A folder: one bulk deposit for each file, by the batch lane, several at a time."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import typer

from tiezheng.cli.deposit_file import draft_deposit
from tiezheng.cli.output import emit, progress, say, show_error, table
from tiezheng.cli.session import Session
from tiezheng.errors import Malformed, TiezhengError
from tiezheng.procedures import JsonValue

# The service gathers what comes together into one commit; more threads than this only wait for each other.
THREADS: Final = 8
SHOWN: Final = 20


def deposit_folder(
    session: Session,
    folder: Path,
    common: Mapping[str, JsonValue],
    title: str | None,
    confidential: bool,
    out: Path | None,
) -> None:
    """Deposit every file below `folder`. One that fails does not keep back the others; then the exit code is 1."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    if not paths:
        raise Malformed("file.empty", got=str(folder))

    def one(path: Path) -> dict[str, Any] | TiezhengError:
        name = path.relative_to(folder).as_posix()
        values = {**common, "title": f"{title} {name}" if title else name}
        try:
            draft, sm3 = draft_deposit(session, "bulk_deposit", path, values, confidential, None)
            return {**session.hand_in(draft, out), "file": str(path), "sm3": sm3.hex()}
        except TiezhengError as error:
            return error

    done: list[dict[str, Any]] = []
    failed: list[tuple[Path, TiezhengError]] = []
    with progress() as bar, ThreadPoolExecutor(THREADS) as pool:
        for path, told in zip(paths, bar.track(pool.map(one, paths), total=len(paths), description="…"), strict=True):
            if isinstance(told, TiezhengError):
                failed.append((path, told))
            else:
                done.append(told)
    say(
        f"已受理 {len(done)} 份批量存证，失败 {len(failed)} 份。",
        f"{len(done)} bulk deposits were accepted, {len(failed)} failed.",
        "yellow" if failed else "green",
    )
    rows = [(Path(told["file"]).name, told["digest"]) for told in done[:SHOWN]]
    table([("文件", "file"), ("存证编号", "evidence id")], rows)
    if len(done) > SHOWN:
        say(f"……另有 {len(done) - SHOWN} 份，见 --json。", f"… and {len(done) - SHOWN} more, see --json.")
    emit(
        {
            "deposits": done,
            "failed": [{"file": str(path), "error": error.to_problem()} for path, error in failed],
        }
    )
    if failed:
        for path, error in failed:
            say(f"失败：{path}", f"Failed: {path}", "red", error=True)
            show_error(error, beside_answer=True)
        raise typer.Exit(1)
