"""What commands print: two languages, JSON for programs, colours only on a terminal.

Guaranteed: with `--json` standard output holds one JSON value and nothing else; progress and remarks go to standard
error. Not guaranteed: the wording of what people read.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from tiezheng.errors import TiezhengError

# Digests have 64 characters; tables with one of them and a few words fit, on whatever a program reads from.
PLAIN_WIDTH: Final = 160


class Language(StrEnum):
    """Language of what people read."""

    ZH = "zh"
    EN = "en"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class _Mode:
    language: Language = Language.BOTH
    as_json: bool = False


_mode: ContextVar[_Mode] = ContextVar("mode", default=_Mode())  # noqa: B039  frozen


def language_of_environment() -> Language:
    """As the locale says; both where it says neither Chinese nor English."""
    for name in ("TIEZHENG_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "").lower()
        if value in set(Language):
            return Language(value)
        if value.startswith(("zh", "en")):
            return Language(value[:2])
        if value:
            break
    return Language.BOTH


def set_language(language: Language) -> None:
    """The language from here on; JSON off."""
    _mode.set(_Mode(language))


def is_json() -> bool:
    """Whether `--json` was given."""
    return _mode.get().as_json


def _remember_json(value: bool) -> bool:
    if value:
        _mode.set(replace(_mode.get(), as_json=True))
    return value


AsJson = Annotated[
    bool, typer.Option("--json", is_eager=True, callback=_remember_json, help="输出 JSON / print JSON for programs")
]


def pick(zh: str, en: str) -> str:
    """A label: one language, or both side by side."""
    language = _mode.get().language
    if language is Language.BOTH:
        return f"{zh} {en}" if zh != en else zh
    return zh if language is Language.ZH else en


def console(*, error: bool = False) -> Console:
    """A console on standard output or standard error, as it stands now."""
    stream = sys.stderr if error else sys.stdout
    return Console(file=stream, highlight=False, soft_wrap=False, width=None if stream.isatty() else PLAIN_WIDTH)


def sentence(zh: str, en: str, style: str = "", indent: int = 0) -> list[Text]:
    """One line for each language in use; the second one is dim."""
    language, space = _mode.get().language, " " * indent
    lines = [] if language is Language.EN else [Text(space + zh, style)]
    if language is not Language.ZH:
        lines.append(Text(space + en, style if language is Language.EN else f"dim {style}".strip()))
    return lines


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
    """A table with bilingual heads; None is shown as a dash."""
    if is_json():
        return
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="cyan")
    for zh, en in heads:
        grid.add_column(pick(zh, en), overflow="fold")
    for row in rows:
        grid.add_row(*[Text("-" if value is None else str(value)) for value in row])
    console().print(grid)


def emit(value: Mapping[str, Any] | Sequence[Any]) -> None:
    """The JSON answer; nothing without `--json`."""
    if is_json():
        sys.stdout.write(json.dumps(value, ensure_ascii=False, sort_keys=True, indent=2) + "\n")


def progress() -> Progress:
    """A progress bar on standard error, there only on a terminal and without `--json`."""
    printer = console(error=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=printer, transient=True, disable=is_json() or not printer.is_terminal)


def show_error(error: TiezhengError) -> None:
    """Code, sentence, expected and got; with `--json` the problem members on standard output."""
    if is_json():
        emit({"error": error.to_problem()})
        return
    say(f"错误 {error.code}：{error.zh}", f"Error {error.code}: {error.en}", "red", error=True)
    parts = (("应为", "expected", error.expected), ("实际", "got", error.got), ("详情", "detail", error.detail))
    for zh, en, value in parts:
        if value is not None:
            console(error=True).print(Text(f"  {pick(zh, en)}: {value}"), soft_wrap=True)
