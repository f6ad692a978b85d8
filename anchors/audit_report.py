"""The audit's report for people: Chinese and English, progress with rate and rest on standard error.

Guaranteed: a finding is never left out, and what was not checked or was carried over stands beside the result. Not
guaranteed: the wording.
"""

import time
from itertools import groupby
from typing import Final

from rich.text import Text

from anchors.audit_result import Report, software
from anchors.audit_words import CARRIED, COUNTS, STEPS, area_of, verdict_of
from anchors.findings import Finding
from anchors.progress import Progress
from tiezheng.cli.language import is_json, pick
from tiezheng.cli.output import console, say, show
from tiezheng.cli.times import show_time

# The eye follows no faster, and a terminal costs more than a check.
_SHOW_SECONDS: Final = 0.1


def show_progress() -> Progress:
    """A line that moves on a terminal, and nothing elsewhere: how many, how many a second, how long to go."""
    printer = console(error=True)
    began: dict[str, float] = {}
    last = [0.0]

    def tell(what: str, count: int, total: int | None = None) -> None:
        now = time.monotonic()
        start = began.setdefault(what, now)
        if not printer.is_terminal or is_json() or (now - last[0] < _SHOW_SECONDS and count != total):
            return
        last[0] = now
        rate = count / (now - start) if now > start else 0.0
        line = f"{pick(*STEPS[what])} {count}" + ("" if total is None else f"/{total}")
        if rate:
            line += f"  {rate:,.0f}/s"
            if total is not None and total > count:
                line += f"  {pick('剩余', 'rest')} {(total - count) / rate:,.0f} s"
        printer.print(f"\r{line:<76}", end="", soft_wrap=True)

    return tell


def by_area(findings: list[Finding]) -> list[tuple[tuple[str, str], list[Finding]]]:
    """Findings grouped by what they concern."""
    ordered = sorted(findings, key=lambda one: area_of(one.code))
    return [(area, list(group)) for area, group in groupby(ordered, key=lambda one: area_of(one.code))]


def show_report(report: Report) -> None:
    """The whole report; silent with `--json`."""
    if is_json():
        return
    if console(error=True).is_terminal:
        console(error=True).print()
    say(*verdict_of(len(report.findings)), "bold green" if report.clean else "bold red")
    rows: list[tuple[str, str, object]] = [
        ("区块", "block", f"{report.height}  {report.block_hash.hex()}"),
        ("区块时间", "block time", show_time(report.block_time * 1000)),
        ("链号", "chain id", report.chain_id),
        ("审计时间", "audited at", show_time(report.started_ms)),
        ("软件", "software", software()),
    ]
    if report.since is not None:
        rows.append(("增量审计自区块", "incremental since block", f"{report.since}  {report.since_hash.hex()}"))
    show(rows)
    if report.fresh_start is not None:
        say(*report.fresh_start, "yellow")
    _heading("查了什么", "What was checked")
    show([(zh, en, report.counts.get(name)) for name, zh, en in COUNTS])
    if report.carried:
        _heading("沿用上次审计的部分", "Carried over from the audit before")
        show([(zh, en, report.carried.get(name)) for name, zh, en in CARRIED])
    if report.erased:
        _heading("依记录销毁的案件密钥（不是问题）", "Case keys destroyed on record (no findings)")
        for item in report.erased:
            console().print(Text(f"{item['case']}  {show_time(int(str(item['destroyed_ms'])))}"), soft_wrap=True)
    if report.not_checked:
        _heading("没有查什么，为什么", "What was not checked, and why")
        for zh, en in report.not_checked:
            say(f"未核查：{zh}", f"Not checked: {en}", "yellow")
    _findings(report.findings)


def _findings(findings: list[Finding]) -> None:
    number = 0
    for area, group in by_area(findings):
        _heading(*area)
        for finding in group:
            number += 1
            console().print(Text.assemble((f"{number}. {finding.code}", "red"), f"  {finding.subject}"), soft_wrap=True)
            say(finding.zh, finding.en, indent=3)
            if finding.detail:
                console().print(Text(f"   {finding.detail}", "dim"), soft_wrap=True)
            for name, value in finding.evidence:
                console().print(Text(f"     {name}: {value}", "dim"), soft_wrap=True)


def _heading(zh: str, en: str) -> None:
    console().print()
    say(zh, en, "bold")
