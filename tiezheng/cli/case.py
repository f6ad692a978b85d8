"""`tiezheng case`: open a matter, carry it step by step, look at it."""

import typer

from tiezheng.cli.case_list import case_list
from tiezheng.cli.case_new import case_new
from tiezheng.cli.case_show import case_show
from tiezheng.cli.case_step import case_step


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True, help="案件：开立、推进、查看 / cases: open, step, show, list")
    group.command("new")(case_new)
    group.command("step")(case_step)
    group.command("show")(case_show)
    group.command("list")(case_list)
    app.add_typer(group, name="case")
