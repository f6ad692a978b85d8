"""Pieces of the verification report: sections with a title and rows, labels in two languages."""

import json
from typing import Any

from rich.text import Text

from tiezheng.cli.language import pick
from tiezheng.cli.output import console, table

Facts = dict[str, Any]


def title(zh: str, en: str) -> None:
    """A section's title."""
    printer = console()
    printer.print()
    printer.print(Text(f"▍{pick(zh, en)}", "bold cyan"))


def section(zh: str, en: str, heads: list[tuple[str, str]], rows: list[list[str]]) -> None:
    """A title and a table; nothing where there are no rows."""
    if rows:
        title(zh, en)
        table(heads, rows)


def shown_value(value: object) -> str:
    """A field's value as people read it."""
    if isinstance(value, bool):
        return pick("是", "yes") if value else pick("否", "no")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def label(value: Facts | None) -> str:
    """A label from the facts; a number that has no name stands for itself."""
    if value is None:
        return "-"
    if value.get("zh") is None:
        return str(value.get("number", "?"))
    return pick(value["zh"], value["en"])
