"""`tiezheng quota`: what an institution's cases hold and may hold.

Guaranteed: it acts at once, also while the service runs; nothing that is held is touched. Not guaranteed: free space on
the disk.
"""

from typing import Annotated

import typer

from api.bootstrap import open_tokens
from api.commands import HomeFolder
from api.settings import read_settings
from ledger.domain.limits import QUOTA_DEFAULT_BYTES
from ledger.services.file_room import bytes_left
from tiezheng.cli.output import AsJson, emit, show

GIB = 1 << 30


def quota(
    institution: Annotated[int, typer.Option("--institution", metavar="N", help="机构编号 / institution's number")],
    gib: Annotated[
        int | None, typer.Option("--gib", min=0, max=1 << 30, help="设定限额（GiB） / set the quota, in GiB")
    ] = None,
    usual: Annotated[bool, typer.Option("--default", help="恢复默认限额 / back to the usual quota")] = False,
    home: HomeFolder = None,
    _json: AsJson = False,
) -> None:
    """查看或设定机构的存储限额 / show or set what an institution may store"""
    if gib is not None and usual:
        raise typer.BadParameter("--gib 与 --default 只能给一个 / give one of --gib, --default")
    store, _, _ = open_tokens(read_settings(home).home.root)
    try:
        if usual or gib is not None:
            with store.write() as tables:
                tables.files.put_quota(institution, None if gib is None else gib * GIB)
        with store.read() as tables:
            holding, left = tables.files.holding(institution), bytes_left(tables, institution)
            reserved = tables.uploads.reserved(institution)
    finally:
        store.close()
    most = QUOTA_DEFAULT_BYTES if holding.quota is None else holding.quota
    show(
        [
            ("机构", "institution", institution),
            ("限额（GiB）", "quota (GiB)", f"{most / GIB:.2f}"),
            ("已存（GiB）", "held (GiB)", f"{holding.held / GIB:.2f}"),
            ("上传中（GiB）", "being uploaded (GiB)", f"{reserved / GIB:.2f}"),
            ("剩余（GiB）", "left (GiB)", f"{max(left, 0) / GIB:.2f}"),
        ]
    )
    emit({"institution": institution, "quota": most, "held": holding.held, "reserved": reserved, "left": max(left, 0)})
