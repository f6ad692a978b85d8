"""`tiezheng case list`: the cases that the own institution takes part in, last changed first."""

from typing import Annotated

import typer

from tiezheng.cli.case_show import kind_named, status_named
from tiezheng.cli.output import AsJson, emit, table
from tiezheng.cli.profile import ProfileFile
from tiezheng.cli.session import open_session
from tiezheng.cli.times import show_time


def case_list(
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="条数 / how many")] = 20,
    profile: ProfileFile = None,
    _json: AsJson = False,
) -> None:
    """列出本机构的案件 / list the institution's cases"""
    with open_session(profile) as session:
        cases = session.client.cases(limit=limit)
    heads = [("案件编号", "case"), ("开立步骤", "opened by"), ("状态", "status"), ("更新", "updated")]
    rows = [
        (
            one.get("case"),
            kind_named(one.get("kind", 0)),
            status_named(str(one.get("status"))),
            show_time(one.get("updated")),
        )
        for one in cases
    ]
    table(heads, rows)
    emit({"cases": cases})
