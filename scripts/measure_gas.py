"""Measures gas on a local chain: `bench/gas.json`, `bench/gas.md`, or a check against the committed figures.

`measure_gas.py` measures our own figures and the peers' and writes both files. `--check` measures ours alone, prints
them beside the committed ones, and exits 1 where one grew by more than 2 %, one is missing, or the page is not the one
that the figures give.
"""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(1, str(ROOT))

from bench import gas_ours, gas_peers, gas_report  # noqa: E402
from bench.gas_chain import gas_chain  # noqa: E402

FIGURES = ROOT / "bench" / "gas.json"
PAGE = ROOT / "bench" / "gas.md"


def measure_ours() -> dict[str, Any]:
    with gas_chain() as chain:
        rows, sizes = gas_ours.measure(chain)
    return rows | {"code_bytes": sizes}


def write() -> int:
    figures = measure_ours()
    with gas_chain() as chain:
        figures |= {"peers": gas_peers.measure(chain), "packages": gas_peers.versions()}
    text = json.dumps(figures, indent=1, sort_keys=True)
    FIGURES.write_text(text + "\n", encoding="utf-8")
    PAGE.write_text(gas_report.render(json.loads(text)), encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))
    return 0


def check() -> int:
    committed: dict[str, Any] = json.loads(FIGURES.read_text(encoding="utf-8"))
    measured = measure_ours()
    print(f"{'项目 / row':<30}{'已提交 committed':>18}{'现在 now':>14}{'变化 change':>14}")
    for row in sorted(set(measured) - gas_report.SECTIONS):
        before, now = committed.get(row, 0), measured[row]
        print(f"{row:<32}{before:>16,}{now:>16,}{f'{now / before - 1:+.2%}' if before else '新 new':>16}")
    findings = gas_report.grown(committed, measured)
    if PAGE.read_text(encoding="utf-8") != gas_report.render(committed):
        findings.append(PAGE.name)
    if findings:
        print(
            "结果 / result: gas 超出已提交数字 2 % 以上或缺项 over 2 % above the committed figures, or missing:",
            *findings,
        )
        print("有意为之则运行 make gas 并提交 / if it is meant: run make gas and commit")
        return 1
    print("结果 / result: gas 未增长 gas has not grown")
    return 0


if __name__ == "__main__":
    sys.exit(check() if "--check" in sys.argv else write())
