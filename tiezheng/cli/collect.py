"""`tiezheng collect`: signatures that wait, and signing one's own."""

import typer

from tiezheng.cli.collect_list import collect_list
from tiezheng.cli.collect_sign import collect_sign


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True, help="会签：待签、签署 / collections: what waits, sign")
    group.command("list")(collect_list)
    group.command("sign")(collect_sign)
    app.add_typer(group, name="collect")
