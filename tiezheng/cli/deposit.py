"""`tiezheng deposit`: a file by the registry lane, a folder by the batch lane, a table of works as one record set."""

from pathlib import Path
from typing import Annotated

import typer

from tiezheng.cli.deposit_file import deposit_file
from tiezheng.cli.deposit_folder import deposit_folder
from tiezheng.cli.deposit_table import deposit_table
from tiezheng.cli.output import AsJson
from tiezheng.cli.profile import ProfileFile
from tiezheng.cli.session import open_session
from tiezheng.procedures import JsonValue


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("deposit")(deposit)


def deposit(
    source: Annotated[
        Path | None, typer.Argument(metavar="FILE|FOLDER", help="文件或文件夹 / file or folder", show_default=False)
    ] = None,
    table: Annotated[
        Path | None, typer.Option("--table", metavar="CSV", help="作品表，作为一个记录集 / works.csv")
    ] = None,
    bulk: Annotated[bool, typer.Option("--bulk", help="批量通道：每个文件一份存证 / batch lane, one each")] = False,
    title: Annotated[str | None, typer.Option("--title", help="名称 / title")] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="权利人 / owner")] = None,
    note: Annotated[str | None, typer.Option("--note", help="备注 / note")] = None,
    given_by: Annotated[
        str,
        typer.Option(
            "--given-by", metavar="party|agent", help="提交人（批量可为 institution_capture） / who supplied it"
        ),
    ] = "party",
    confidential: Annotated[
        bool, typer.Option("--confidential", help="不可按文件查询 / cannot be looked up by the file")
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="回执存放处 / where receipts go")] = None,
    profile: ProfileFile = None,
    _json: AsJson = False,
) -> None:
    """存证 / deposit files, folders, tables of works"""
    if (source is None) == (table is None):
        raise typer.BadParameter("给出 FILE、FOLDER 或 --table 之一 / give one of FILE, FOLDER, --table")
    if source is not None and source.is_dir() != bulk:
        raise typer.BadParameter("文件夹要加 --bulk，单个文件不加 / --bulk is for folders, and folders need it")
    common: dict[str, JsonValue] = {"given_by": given_by, "owner": owner, "note": note}
    with open_session(profile) as session:
        if table is not None:
            deposit_table(session, table, {**common, "title": title or table.stem}, out)
        elif bulk and source is not None:
            deposit_folder(session, source, common, title, confidential, out)
        elif source is not None:
            deposit_file(session, source, {**common, "title": title or source.name}, confidential, out)
