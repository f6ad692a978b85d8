"""The stage of the story: it narrates, runs the command line as a person would, and keeps what was expected.

Guaranteed: every expectation is kept with what happened, and the story's outcome is all of them. Not guaranteed: that a
person reads as fast as it prints.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from api.dev import processes
from api.dev.home import Home
from tiezheng.cli.environment import for_child
from tiezheng.cli.language import Language, pick, set_language
from tiezheng.cli.output import console, say

_LONGEST_SECONDS: Final = 300.0
# Evidence ids and the like are shortened where a command is shown.
_LONG: Final = re.compile(r"\b([0-9a-f]{10})[0-9a-f]{22,}\b")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one command did: exit code, JSON answer (empty without `--json`), output."""

    code: int
    answer: Mapping[str, Any]
    text: str

    @property
    def error(self) -> str:
        """The code of the error that it ended with, or nothing."""
        return str(self.answer.get("error", {}).get("code", ""))


@dataclass(frozen=True, slots=True)
class Expectation:
    """One line of the final table."""

    act: int
    zh: str
    en: str
    expected: str
    got: str

    @property
    def met(self) -> bool:
        """Whether what happened is what was expected."""
        return self.expected == self.got


@dataclass(slots=True)
class Stage:
    """Where the story plays: `home` of the stack, `desk` the folder in which commands run."""

    home: Home
    desk: Path
    language: Language
    number: int = 0
    expectations: list[Expectation] = field(default_factory=list)
    seen: set[processes.Running] = field(default_factory=set)
    _begun: float = field(default_factory=time.monotonic)

    def act(self, number: int, zh: str, en: str) -> None:
        """A new act."""
        self.number = number
        self._board((f"第{'〇一二三四五'[number]}幕", f"Act {number}"), zh, en)

    def curtain(self, zh: str, en: str) -> None:
        """What comes after the last act."""
        self.number = 0
        self._board(("收场", "Curtain"), zh, en)

    def _board(self, heading: tuple[str, str], zh: str, en: str) -> None:
        set_language(self.language)
        spent = int(time.monotonic() - self._begun)
        title = Text(pick(*heading), "bold")
        body = Text("\n").join(
            [Text(line) for line in ((zh, en) if self.language is Language.BOTH else (pick(zh, en),))]
        )
        printer = console()
        printer.print()
        printer.print(Panel(body, title=title, title_align="left", border_style="cyan", subtitle=f"{spent} s"))

    def tell(self, zh: str, en: str) -> None:
        """A sentence of the story."""
        say(f"· {zh}", f"  {en}")

    def note(self, zh: str, en: str) -> None:
        """A remark, indented and without emphasis."""
        say(zh, en, "dim", indent=4)

    def expect(self, zh: str, en: str, expected: object, got: object) -> bool:
        """Keep what was expected and what happened; says whether they agree."""
        kept = Expectation(self.number, zh, en, str(expected), str(got))
        self.expectations.append(kept)
        mark, style = ("✓", "green") if kept.met else ("✗", "bold red")
        line = Text.assemble((f"  {mark} ", style), pick(zh, en), ("  → ", "dim"), (kept.got, style))
        if not kept.met:
            line.append(f"  ({pick('应为', 'expected')} {kept.expected})", "red")
        console().print(line, soft_wrap=True)
        return kept.met

    def run(self, *arguments: str, who: str | None = None, quiet: bool = False) -> Outcome:
        """Run `tiezheng …` at the desk, as the holder of the profile `who`; with `--json` its answer is read."""
        if not quiet:
            shown = " ".join(word if " " not in word else f"'{word}'" for word in arguments if word != "--json")
            shown = _LONG.sub(r"\1…", shown).replace(str(self.home.root), self.home.root.name)
            actor = "" if who is None else f"[{who}] "
            console().print(Text(f"  {actor}$ tiezheng {shown}", "dim"), soft_wrap=True)
        environment = {**for_child(), "TIEZHENG_LANG": self.language.value, "COLUMNS": str(console().width)}
        if console().is_terminal:
            environment["FORCE_COLOR"] = "1"
        if who is not None:
            environment["TIEZHENG_PROFILE"] = str(self.home.profile(who))
        done = subprocess.run(  # noqa: S603  this program itself
            [sys.executable, "-m", "tiezheng.cli.main", *arguments],
            cwd=self.desk,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=_LONGEST_SECONDS,
            check=False,
        )
        text = done.stdout.decode("utf-8", errors="replace")
        return Outcome(done.returncode, _answer(text) if "--json" in arguments else {}, text)

    def show(self, outcome: Outcome) -> None:
        """What a command printed, as it printed it."""
        sys.stdout.write(outcome.text)
        sys.stdout.flush()

    def remember_processes(self) -> int:
        """Keep who runs now, to be looked for at the end; how many."""
        live = processes.all_running(self.home)
        self.seen.update(live)
        return len(live)

    def left_behind(self) -> int:
        """Processes of any start that live still, and the folder if it is there."""
        return sum(processes.began(one.pid) == one.began for one in self.seen) + self.desk.parent.exists()

    @property
    def succeeded(self) -> bool:
        """Whether every expectation was met, and there were some."""
        return bool(self.expectations) and all(one.met for one in self.expectations)

    def conclude(self) -> None:
        """The table at the end."""
        grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="cyan")
        heads = (("", ""), ("幕", "act"), ("情节", "what"), ("应当", "expected"), ("实际", "happened"))
        for zh, en in heads:
            grid.add_column(pick(zh, en), overflow="fold")
        for one in self.expectations:
            mark, style = ("✓", "green") if one.met else ("✗", "bold red")
            row = (one.act or "-", pick(one.zh, one.en), one.expected, one.got)
            grid.add_row(Text(mark, style), *[Text(str(cell)) for cell in row])
        printer = console()
        printer.print()
        printer.print(
            Panel(grid, title=pick("剧终：应当与实际", "The end: expected and happened"), border_style="cyan")
        )
        spent = int(time.monotonic() - self._begun)
        total, missed = len(self.expectations), sum(not one.met for one in self.expectations)
        if self.succeeded:
            say(
                f"全部 {total} 项都如所应当，用时 {spent} 秒。",
                f"All {total} went as they should, in {spent} s.",
                "bold green",
            )
        else:
            say(f"{total} 项中有 {missed} 项不符。", f"{missed} of {total} did not go as they should.", "bold red")


def _answer(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {"value": value}
