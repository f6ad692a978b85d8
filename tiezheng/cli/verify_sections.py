"""Pieces of the verification report: sections with a title and rows, labels in two languages."""

from typing import Any

from rich.table import Table
from rich.text import Text

from tiezheng.cli.language import pick
from tiezheng.cli.output import console

Facts = dict[str, Any]


def title(zh: str, en: str) -> None:
    """A section's title."""
    printer = console()
    printer.print()
    printer.print(Text(f"▍{pick(zh, en)}", "bold cyan"))


def section(zh: str, en: str, heads: list[tuple[str, str]], rows: list[list[str]]) -> None:
    """A title and a table; nothing where there are no rows."""
    if not rows:
        return
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_header=bool(heads))
    for head in heads:
        grid.add_column(pick(*head), overflow="fold")
    for row in rows:
        grid.add_row(*map(Text, row))
    title(zh, en)
    console().print(grid)


def label(value: Facts | None) -> str:
    """A label from the facts; a number that has no name stands for itself."""
    if value is None:
        return "-"
    if value.get("zh") is None:
        return str(value.get("number", "?"))
    return pick(value["zh"], value["en"])
