"""The audit's report for people: Chinese and English, progress on standard error.

Guaranteed: a finding is never left out, and what was not checked stands beside the result. Not guaranteed: the wording.
"""

from typing import Final

from rich.markup import escape

from anchors.audit import Report
from anchors.audit_rows import Progress
from tiezheng.cli.language import is_json, pick
from tiezheng.cli.output import console, say, show

_COUNTS: Final = (
    ("statements_on_chain", "链上声明", "statements on chain"),
    ("cases", "案件", "cases"),
    ("batches", "批次", "batches"),
    ("keys", "密钥", "keys"),
    ("signatures", "验过的签名", "signatures verified"),
    ("words_proven", "按状态根证明的记录", "words proven under the state root"),
    ("statements_in_database", "数据库声明", "statements in the database"),
    ("contents_opened", "打开核对的内容", "contents opened"),
    ("statements_proven", "证明完好的声明", "statements whose proofs hold"),
    ("files_intact", "完好的证据文件", "intact evidence files"),
)
_STEPS: Final = {
    "blocks": ("重放区块", "replaying blocks"),
    "statements": ("核对声明", "comparing statements"),
    "cases": ("核对案件", "comparing cases"),
    "proofs": ("核对证明", "checking proofs"),
    "files": ("核对文件", "checking files"),
}


def show_progress() -> Progress:
    """A line that moves on a terminal, and nothing elsewhere."""
    printer = console(error=True)

    def tell(what: str, count: int) -> None:
        if printer.is_terminal and not is_json():
            printer.print(f"\r{pick(*_STEPS[what])} {count}", end="", soft_wrap=True)

    return tell


def show_report(report: Report) -> None:
    """The whole report; silent with `--json`."""
    if is_json():
        return
    if console(error=True).is_terminal:
        console(error=True).print()
    rows: list[tuple[str, str, object]] = [("区块", "block", f"{report.height}  {report.block_hash.hex()}")]
    rows += [(zh, en, report.counts.get(name)) for name, zh, en in _COUNTS]
    show(rows)
    for zh, en in report.not_checked:
        say(f"未核查：{zh}", f"Not checked: {en}", "yellow")
    for number, finding in enumerate(report.findings, 1):
        console().print(f"[red]{number}. {finding.code}[/red]  {escape(finding.subject)}", soft_wrap=True)
        say(finding.zh, finding.en, indent=3)
        if finding.detail:
            console().print(f"   {escape(finding.detail)}", style="dim", soft_wrap=True)
    if report.clean:
        say("审计结果：未发现差异。", "Audit: no difference was found.", "green")
    else:
        count = len(report.findings)
        say(f"审计结果：发现 {count} 处问题。", f"Audit: {count} finding(s).", "red")
