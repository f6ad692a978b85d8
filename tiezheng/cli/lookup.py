"""`tiezheng lookup`: who deposited this file, and when; public, without an account."""

from pathlib import Path
from typing import Annotated, Final

import typer

from tiezheng.cli.case_show import kind_named, status_named
from tiezheng.cli.output import AsJson, emit, say, show, table
from tiezheng.cli.profile import ProfileFile, load_profile, parse_digest
from tiezheng.cli.times import show_time
from tiezheng.client import Client
from tiezheng.digest import digest_file
from tiezheng.errors import NotFound

DIGITS: Final = 64


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("lookup")(lookup)


def lookup(
    file: Annotated[str, typer.Argument(metavar="FILE|SM3", help="文件，或其 SM3 / a file or its SM3")],
    service: Annotated[
        str | None, typer.Option("--service", metavar="URL", help="平台地址，默认依配置 / the service's address")
    ] = None,
    profile: ProfileFile = None,
    _json: AsJson = False,
) -> None:
    """按文件查存证；文件本身不会上传 / look a file up; the file itself is not sent"""
    given = len(file) == DIGITS and not Path(file).exists()
    sm3 = parse_digest(file, "SM3") if given else digest_file(Path(file)).sm3
    address = service if service is not None else load_profile(profile).service
    with Client(address) as client:
        found = client.lookup(sm3)
    if not found:
        raise NotFound("evidence.not_found", got=sm3)
    show([("文件 SM3", "file SM3", sm3.hex())])
    emit({"sm3": sm3.hex(), "statements": found})
    say("已有存证：", "Deposited:", "green")
    heads = [
        ("存证编号", "evidence id"),
        ("机构", "institution"),
        ("种类", "kind"),
        ("状态", "status"),
        ("上链时间", "on chain"),
    ]
    rows = [
        (
            one.get("digest"),
            one.get("institution"),
            kind_named(one.get("kind", 0)),
            status_named(str(one.get("status"))),
            show_time(None if one.get("block_time") is None else one["block_time"] * 1000),
        )
        for one in found
    ]
    table(heads, rows)
