"""The audit's report as one HTML file: Chinese first, English beside it, no script, nothing loaded, printable.

Guaranteed: everything that the report holds stands in it, escaped; findings are told by words and not by colour alone.
Not guaranteed: the layout; programs read the JSON.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Final

from anchors.audit_report import by_area
from anchors.audit_result import Report, software
from anchors.audit_words import CARRIED, COUNTS, verdict_of
from anchors.findings import Finding
from tiezheng.cli.times import show_time

_STYLE: Final = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { font: 16px/1.6 "Noto Sans CJK SC", "Noto Sans SC", "Microsoft YaHei", "PingFang SC", system-ui, sans-serif;
  color: #1b1b1b; background: #fff; max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.6rem; margin: 0 0 1rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem;
  border-bottom: 1px solid #999; }
h3 { font-size: 1.05rem; margin: 1.25rem 0 .5rem; }
[lang=en] { color: #4a4a4a; font-size: .92em; }
p { margin: .35rem 0; }
.verdict { border: 3px solid; padding: .8rem 1rem; font-size: 1.15rem; }
.clean { border-color: #17692f; background: #eef8f0; } .found { border-color: #a11616; background: #fdf1f1; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; margin: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .3rem .5rem; border-bottom: 1px solid #ccc;
  overflow-wrap: anywhere; }
th { width: 34%; font-weight: 600; } td.number { text-align: right; font-variant-numeric: tabular-nums; }
code, .value { font-family: "Noto Sans Mono CJK SC", Consolas, Menlo, monospace; font-size: .85em;
  overflow-wrap: anywhere; }
.finding { border-left: 4px solid #a11616; padding: .1rem .8rem; margin: 1rem 0; break-inside: avoid; }
.finding th { width: 28%; font-weight: normal; }
pre { background: #f4f4f4; padding: .7rem; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .85em; }
.warn { border-left: 4px solid #8a5a00; padding-left: .8rem; }
@media print { body { max-width: none; padding: 0; font-size: 11pt; } h2 { break-after: avoid; } a { color: inherit; } }
"""
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def to_html(report: Report, command: str) -> str:
    """The whole page; `command` is how the audit was called."""
    zh, en = verdict_of(len(report.findings))
    title = f"铁证审计报告 · 区块 {report.height}"
    parts = [
        "<!DOCTYPE html>",
        '<html lang="zh-CN"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>",
        '<h1>铁证审计报告 <span lang="en">Tiezheng audit report</span></h1>',
        f'<div class="verdict {"clean" if report.clean else "found"}" role="status">{_both(zh, en)}</div>',
        *_basis(report),
        *_counts("查了什么", "What was checked", COUNTS, report.counts),
        *_counts("沿用上次审计的部分", "Carried over from the audit before", CARRIED, report.carried),
        *_findings(report.findings),
        *_erased(report),
        *_skipped(report),
        *_repeat(report, command),
        "</main></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _basis(report: Report) -> Iterator[str]:
    yield _heading("依据", "What it rests on")
    rows: list[tuple[str, str, str]] = [
        ("区块", "block", str(report.height)),
        ("区块哈希", "block hash", report.block_hash.hex()),
        ("区块时间", "block time", _time(report.block_time * 1000)),
        ("链号", "chain id", str(report.chain_id)),
        ("部署文件 SM3", "SM3 of the deployment file", report.deployment.hex()),
        ("信任根文件 SM3", "SM3 of the trust file", report.trust.hex() or "-"),
        ("审计开始", "begun", _time(report.started_ms)),
        ("审计结束", "ended", _time(report.ended_ms)),
        ("软件版本", "software", software()),
    ]
    if report.since is not None:
        rows.append(("增量审计自区块", "incremental since block", f"{report.since} {report.since_hash.hex()}"))
    yield _table([(_label(zh, en), f'<span class="value">{escape(value)}</span>') for zh, en, value in rows])
    if report.fresh_start is not None:
        yield f'<div class="warn">{_both(*report.fresh_start)}</div>'


def _counts(zh: str, en: str, names: Sequence[tuple[str, str, str]], counts: dict[str, int]) -> Iterator[str]:
    rows = [(_label(one, other), f"{counts[name]:,}") for name, one, other in names if name in counts]
    if rows:
        yield _heading(zh, en)
        yield _table(rows, "number")


def _findings(findings: list[Finding]) -> Iterator[str]:
    yield _heading("发现的问题", "Findings")
    if not findings:
        yield _both("无。", "None.")
    number = 0
    for area, group in by_area(findings):
        yield f"<h3>{_label(*area)}</h3>"
        for finding in group:
            number += 1
            evidence = [
                (escape(name), f'<span class="value">{escape(str(value))}</span>') for name, value in finding.evidence
            ]
            detail = f"<p><code>{escape(finding.detail)}</code></p>" if finding.detail else ""
            yield (
                f'<section class="finding"><p><strong>{number}. <code>{escape(finding.code)}</code></strong> '
                f"<code>{escape(finding.subject)}</code></p>{_both(finding.zh, finding.en)}{detail}"
                f"{_table(evidence) if evidence else ''}</section>"
            )


def _erased(report: Report) -> Iterator[str]:
    if not report.erased:
        return
    yield _heading("依记录销毁的内容", "Erased on record")
    yield _both(
        "这些案件的密钥已销毁并有记录，不计为问题。", "Their keys were destroyed, on record; these are no findings."
    )
    rows = [
        (f"<code>{escape(str(item['case']))}</code>", escape(_time(int(str(item["destroyed_ms"])))))
        for item in report.erased
    ]
    yield _table(rows)


def _skipped(report: Report) -> Iterator[str]:
    yield _heading("没有查什么，为什么", "What was not checked, and why")
    if not report.not_checked:
        yield _both("给出的一切都已核查。", "All that was given was checked.")
    for zh, en in report.not_checked:
        yield f'<div class="warn">{_both(zh, en)}</div>'
    yield _both(
        "本报告不证明区块已不可逆（由见证方联署证明），也不证明链上所记之事属实。",
        "This report shows neither that the block is final (cosignatures do), nor that what was recorded is true.",
    )


def _repeat(report: Report, command: str) -> Iterator[str]:
    yield _heading("如何重做", "How to repeat it")
    yield _both(
        f"安装 {software()}，连接任一同链节点，运行下面的命令；在区块 {report.height} 上应见到同一区块哈希。",
        f"Install {software()} and run this with any node of the chain; block {report.height} must have the same hash.",
    )
    yield f"<pre>{escape(command)}</pre>"


def _heading(zh: str, en: str) -> str:
    return f"<h2>{_label(zh, en)}</h2>"


def _label(zh: str, en: str) -> str:
    return f'{escape(zh)} <span lang="en">{escape(en)}</span>'


def _both(zh: str, en: str) -> str:
    return f'<p>{escape(zh)}</p><p lang="en">{escape(en)}</p>'


def _table(rows: Iterable[tuple[str, str]], kind: str = "") -> str:
    mark = f' class="{kind}"' if kind else ""
    lines = (f'<tr><th scope="row">{name}</th><td{mark}>{value}</td></tr>' for name, value in rows)
    return f"<table>{''.join(lines)}</table>"


def _time(at_ms: int) -> str:
    utc = datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"{show_time(at_ms)} = {utc}"
