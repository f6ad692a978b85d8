"""Turns slither's findings into bench/results/slither.json and slither.md, and exits 1 at one that nothing justifies.

A single finding is justified where it stands, by `slither-disable-next-line` with the reason in the comment above it.
What is meant everywhere stands here once, with the reason, as narrow as it can be said; it is counted all the same.
"""

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"
MEANT = {
    "assembly": "Hashing, curve arithmetic and reading signed bytes: the gas table shows what it buys.",
    "too-many-digits": "Masks, field constants and rotations are clearest in full width.",
    "uninitialized-local": "Solidity sets a local value to zero; writing that out would say nothing more.",
    "timestamp": "Records, keys and decisions are dated by the block: that is their meaning, in steps of seconds.",
    "calls-loop": "Each signer's key is asked of `Institutions` and checked by `Sm2Verifier`, at most 32 times.",
    "incorrect-equality": "No contract holds or reads a balance: what is compared are digests, words and codes.",
    "costly-loop": "Only the founding counts voters in a loop: at most 32, once.",
    "cyclomatic-complexity": "Rules are checked one after another in the order that SPEC gives.",
}
# What is called of the ledger's own contracts before a write or an event.
BOUND_CALLS = {"keys.create", "keys.createWithTable", "institutions.consumeDecision"}
BOUND = "Only the ledger's own contracts are called, and they call nobody back; any other call is a finding."
PARTLY_USED = "Of a call with several answers some are taken; a single answer that is dropped is a finding."
DISABLED = re.compile(r"slither-disable-(?:next-line|start) ([\w,-]+)")


def reason_for(finding: dict[str, Any]) -> str | None:
    """Why a finding is meant, or None."""
    check, text = str(finding["check"]), str(finding["description"])
    if check.startswith("reentrancy-"):
        calls = text.partition("External calls:")[2].partition("after the call(s):")[0]
        called = {call for call in re.findall(r"\b(\w+\.\w+)\(", calls) if not call.startswith("abi.")}
        return BOUND if called and called <= BOUND_CALLS else None
    if check == "unused-return":
        return PARTLY_USED if re.search(r"ignores return value by \([^=]*,[^=]*\) = ", text) else None
    return MEANT.get(check)


def justified() -> list[dict[str, object]]:
    """What the sources justify in place: file, line, detectors and the comment above."""
    found: list[dict[str, object]] = []
    for path in sorted((ROOT / "contracts").rglob("*.sol")):
        lines = path.read_text(encoding="utf-8").splitlines()
        for index, line in enumerate(lines):
            if match := DISABLED.search(line):
                reason: list[str] = []
                above = index - 1
                while above >= 0 and lines[above].strip().startswith("//"):
                    reason.insert(0, lines[above].strip().lstrip("/ "))
                    above -= 1
                place = {"file": path.relative_to(ROOT).as_posix(), "line": index + 1, "detectors": match[1]}
                found.append(place | {"reason": " ".join(reason)})
    return found


def main() -> int:
    findings = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["results"].get("detectors", [])
    meant = Counter((one["check"], reason) for one in findings if (reason := reason_for(one)))
    open_ones = [one for one in findings if reason_for(one) is None]
    places = justified()
    unexplained = [f"{one['file']}:{one['line']}" for one in places if not one["reason"]]
    libraries = sorted((ROOT / "contracts" / "libraries").glob("Sm3*.sol"))
    left_out = [path.stem for path in libraries if re.search(r"function _?compress\(", path.read_text("utf-8"))]
    result = {
        "slither": sys.argv[2],
        "left_out": left_out,
        "unjustified": [f"{one['impact']} {one['check']}: {one['description'].strip()}" for one in open_ones],
        "meant": {check: {"count": count, "reason": reason} for (check, reason), count in sorted(meant.items())},
        "justified_in_place": places,
    }
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
    (RESULTS / "slither.json").write_text(text, encoding="utf-8")
    lines = [
        f"# slither {sys.argv[2]}",
        "",
        f"`make slither`. 未说明理由的发现 / findings without a reason: **{len(open_ones) + len(unexplained)}**",
        "",
        f"未分析 / left out: compression in {', '.join(left_out)} (unrolled assembly; slither does not end on it).",
        "",
        "| 检查项 / detector | 数 / count | 理由 / reason |",
        "| --- | ---: | --- |",
        *(f"| {check} | {count} | {reason} |" for (check, reason), count in sorted(meant.items())),
        *(f"| {one['detectors']} | 1 | {one['file']}: {one['reason']} |" for one in places),
    ]
    (RESULTS / "slither.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for finding in result["unjustified"]:
        print(finding)
    for place in unexplained:
        print(f"{place}: 缺少理由 / no reason given")
    print(f"结果 / result: slither {len(findings)} 项 findings, 未说明 unjustified {len(open_ones) + len(unexplained)}")
    return 1 if open_ones or unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
