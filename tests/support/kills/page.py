"""The page's account of a campaign, written from its log."""

import json
from pathlib import Path
from typing import Final

BEGIN: Final = "<!-- campaign: begin -->"
END: Final = "<!-- campaign: end -->"


def account(log: Path) -> str:
    """What the last campaign of a log did, as Markdown. The log's last line is its summary."""
    *kills, summary = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    kills = kills[-summary["kills"] :]
    outcome = summary["outcome"]
    seconds = sum(one["seconds"] for one in kills) / max(len(kills), 1)
    rows = [
        ("database, seed", f"{summary['database']}, {summary['seed']}"),
        ("kills", f"{summary['kills']}: {_counts(summary['by_way'])}"),
        ("by process", _counts(summary["by_process"])),
        ("boundaries", f"{summary['boundaries_known']} known, {summary['boundaries_hit']} hit"),
        ("receipts in clients' hands", f"{outcome['receipts']}"),
        ("anchored once, refused, pending", f"{outcome['anchored']}, {outcome['refused']}, {outcome['pending']}"),
        ("audit, bundles of the sample that are VALID", f"{outcome['audit']}, {outcome['bundles_valid']}"),
        ("violations", f"{len(summary['violations'])}"),
        ("time", f"{summary['seconds']:.0f} s, {seconds:.2f} s a kill"),
    ]
    steps = [(step, str(count)) for step, count in sorted(summary["by_step"].items())]
    return _table(("", "real run"), rows) + "\n" + _table(("step", "kills there"), steps)


def write(page: Path, log: Path) -> None:
    """Replace the account between the page's marks."""
    text = page.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    page.write_text(f"{head}{BEGIN}\n{account(log)}{END}{tail}", encoding="utf-8")


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def _table(heads: tuple[str, str], rows: list[tuple[str, str]]) -> str:
    lines = [f"| {' | '.join(heads)} |", "|---|---|", *[f"| {left} | {right} |" for left, right in rows]]
    return "\n".join(lines) + "\n"
