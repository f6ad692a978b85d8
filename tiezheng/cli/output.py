"""What commands print: two languages, JSON for programs, colours only on a terminal.

Guaranteed: with `--json` standard output holds one JSON value and nothing else; progress and remarks go to standard
error. Not guaranteed: the wording of what people read.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from tiezheng.cli.language import is_json, lines, pick, set_json
from tiezheng.errors import TiezhengError

# Digests have 64 characters; tables with one of them and a few words fit, on whatever a program reads from.
PLAIN_WIDTH: Final = 160
# Below this width a table of more columns than this is unreadable.
NARROW_WIDTH: Final = 120
NARROW_COLUMNS: Final = 4


def _remember_json(value: bool) -> bool:
    if value:
        set_json()
    return value


AsJson = Annotated[
    bool, typer.Option("--json", is_eager=True, callback=_remember_json, help="输出 JSON / print JSON for programs")
]


def console(*, error: bool = False) -> Console:
    """A console on standard output or standard error, as it stands now."""
    stream = sys.stderr if error else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else PLAIN_WIDTH
    return Console(file=stream, highlight=False, soft_wrap=False, width=width)


def sentence(zh: str, en: str, style: str = "", indent: int = 0) -> list[Text]:
    """One line for each language in use; the second one is dim."""
    return [Text(" " * indent + text, f"dim {style}".strip() if dim else style) for text, dim in lines(zh, en)]


def say(zh: str, en: str, style: str = "", *, error: bool = False, indent: int = 0) -> None:
    """A sentence for people; silent with `--json`, unless it goes to standard error."""
    if is_json() and not error:
        return
    printer = console(error=error)
    for line in sentence(zh, en, style, indent):
        printer.print(line, soft_wrap=True)


def show(rows: Sequence[tuple[str, str, object]]) -> None:
    """Aligned lines of (zh label, en label, value); None is left out."""
    if is_json():
        return
    table = Table.grid(padding=(0, 2))
    for zh, en, value in rows:
        if value is not None:
            table.add_row(Text(pick(zh, en), "cyan"), Text(str(value), overflow="fold"))
    console().print(table)


def table(heads: Sequence[tuple[str, str]], rows: Sequence[Sequence[object]]) -> None:
    """A table with bilingual heads, `-` for None; on a narrow terminal, each row as lines with labels."""
    if is_json() or not rows:
        return
    printer = console()
    if len(heads) > NARROW_COLUMNS and printer.width < NARROW_WIDTH:
        for row in rows:
            printer.print(_stacked(heads, row), soft_wrap=True)
        return
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_header=bool(heads))
    for zh, en in heads or [("", "")] * len(rows[0]):
        grid.add_column(pick(zh, en), overflow="fold")
    for row in rows:
        grid.add_row(*[Text(_cell(value)) for value in row])
    printer.print(grid)


def _cell(value: object) -> str:
    return "-" if value is None else str(value)


def _stacked(heads: Sequence[tuple[str, str]], row: Sequence[object]) -> Text:
    first = " ".join(map(_cell, row[:2]))
    rest = [f"   {pick(*head)}: {_cell(value)}" for head, value in zip(heads[2:], row[2:], strict=True)]
    return Text("\n").join([Text(first, "bold"), *map(Text, (line.replace("\n", "; ") for line in rest))])


def emit(value: Mapping[str, Any] | Sequence[Any]) -> None:
    """The JSON answer; nothing without `--json`."""
    if is_json():
        sys.stdout.write(json.dumps(value, ensure_ascii=False, sort_keys=True, indent=2) + "\n")


def progress() -> Progress:
    """A progress bar on standard error, there only on a terminal and without `--json`."""
    printer = console(error=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=printer, transient=True, disable=is_json() or not printer.is_terminal)


def show_error(error: TiezhengError, *, beside_answer: bool = False) -> None:
    """Code, sentence, expected and got; with `--json` the problem members on standard output, once."""
    if is_json() and not beside_answer:
        emit({"error": error.to_problem()})
        return
    say(f"错误 {error.code}：{error.zh}", f"Error {error.code}: {error.en}", "red", error=True)
    parts = (("应为", "expected", error.expected), ("实际", "got", error.got), ("详情", "detail", error.detail))
    for zh, en, value in parts:
        if value is not None:
            console(error=True).print(Text(f"  {pick(zh, en)}: {value}"), soft_wrap=True)
