"""The verification report for a person: verdict, steps, what is missing, what a court wants to read.

Guaranteed: a step that was not carried out is shown as such, with its reason, and the verdict stands in words beside
its colour. Not guaranteed: the layout; programs read `--json`.
"""

from pathlib import Path
from typing import Final

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tiezheng.cli.language import is_json, pick
from tiezheng.cli.output import console, sentence
from tiezheng.cli.times import local_times, show_time
from tiezheng.cli.verify_facts import show_facts
from tiezheng.cli.verify_sections import title
from tiezheng.verify import Result, Status, Step, Verdict

RESULTS: Final = {
    Result.VALID: ("有效", "bold green", "green"),
    Result.INVALID: ("无效", "bold red", "red"),
    Result.INCONCLUSIVE: ("无法判定", "bold yellow", "yellow"),
}
STATUSES: Final = {
    Status.PASSED: ("✓", "通过", "green"),
    Status.FAILED: ("✗", "不通过", "bold red"),
    Status.NOT_CHECKED: ("○", "未核验", "yellow"),
}


def show_line(path: Path, verdict: Verdict) -> None:
    """One line, and one more for each step that failed or is missing."""
    if is_json():
        return
    zh, style, _ = RESULTS[verdict.result]
    printer = console()
    printer.print(Text.assemble((pick(zh, verdict.result.value), style), "  ", str(path)), soft_wrap=True)
    for step in verdict.steps:
        if step.status is Status.FAILED:
            printer.print(Text("    " + _told(step), style), soft_wrap=True)
    for item in verdict.missing:
        printer.print(Text("    " + pick(item.zh, item.en), "yellow"), soft_wrap=True)


def show_report(path: Path, verdict: Verdict) -> None:
    """The whole report."""
    if is_json():
        return
    printer = console()
    zh, style, colour = RESULTS[verdict.result]
    heading = Text(pick(zh, verdict.result.value), style)
    for line in sentence(local_times(verdict.zh), local_times(verdict.en)):
        heading.append("\n").append_text(line)
    name = pick("铁证核验报告", "Tiezheng verification report")
    printer.print(Panel(heading, title=f"{name} · {path.name}", border_style=colour, padding=(0, 2)))
    moment = verdict.facts.get("at")
    if moment is not None:
        printer.print(Text(f"{pick('核验时间', 'Verified at')}: {show_time(moment['ms'])}", "dim"))
    _show_steps(verdict)
    _show_missing(verdict)
    show_facts(verdict)
    _show_findings(verdict)
    _show_limits(verdict)
    printer.print()


def _show_steps(verdict: Verdict) -> None:
    title("核验步骤", "Steps")
    grid = Table.grid(padding=(0, 1))
    for _ in range(3):
        grid.add_column(overflow="fold")
    for at, step in enumerate(verdict.steps, 1):
        sign, zh, style = STATUSES[step.status]
        grid.add_row(Text(f"{at:>2}", "dim"), Text(f"{sign} {pick(zh, step.status.value)}", style), _outcome(step))
    console().print(grid)


def _outcome(step: Step) -> Text:
    style = "" if step.status is Status.PASSED else STATUSES[step.status][2]
    text = Text("\n").join(sentence(step.zh, step.en, style))
    if step.detail is not None:
        text.append(f"\n[{step.reason_code}] {step.detail}", "dim")
    elif step.reason_code is not None:
        text.append(f"\n[{step.reason_code}]", "dim")
    text.append(f"  SPEC {step.section}", "dim")
    return text


def _told(step: Step) -> str:
    detail = "" if step.detail is None else f" ({step.detail})"
    return f"{step.id}: {pick(step.zh, step.en)}{detail}"


def _show_missing(verdict: Verdict) -> None:
    if not verdict.missing:
        return
    title("还缺什么、向谁取得", "What is missing, and where to get it")
    printer = console()
    for item in verdict.missing:
        for line in sentence(f"· {item.zh}", f"· {item.en}", "yellow"):
            printer.print(line)
        if item.detail is not None:
            printer.print(Text(f"  {item.detail}", "dim"))


def _show_findings(verdict: Verdict) -> None:
    if not verdict.findings:
        return
    title("发现事项（不影响结论）", "Findings (they do not change the verdict)")
    for finding in verdict.findings:
        for line in sentence(f"· {finding.zh}", f"· {finding.en}"):
            console().print(line)


def _show_limits(verdict: Verdict) -> None:
    limits = verdict.facts.get("unanswered", ())
    if not limits:
        return
    title("本核验不能回答的问题", "What this verification does not answer")
    for limit in limits:
        for line in sentence(f"· {limit['zh']}", f"· {limit['en']}"):
            console().print(line)
