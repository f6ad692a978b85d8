"""Turns an lcov file into bench/results/coverage.md, and exits 1 where a line or branch that counts is never run.

What counts: all contracts and libraries but the SM2 and SM3 assembly, whose branches are held by constructed inputs and
by comparison with other implementations instead. Their figures are shown all the same; but the verifier's code ends in
a table that its constructor appends, so forge does not know it again, and shows what only it runs as never run.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "bench" / "results" / "coverage.md"
ASSEMBLY = (
    "contracts/libraries/Sm2",
    "contracts/libraries/Sm3.sol",
    "contracts/libraries/Sm3Pair.sol",
    "contracts/Sm2Verifier.sol",
)
EXPECTED = {path.relative_to(ROOT).as_posix() for path in (ROOT / "contracts").rglob("*.sol")}


@dataclass
class Covered:
    """Of one file: lines and branches, and those that never ran."""

    lines: int = 0
    branches: int = 0
    missed_lines: list[int] = field(default_factory=list)
    missed_branches: list[int] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return not (self.missed_lines or self.missed_branches)


def read(lcov: str) -> dict[str, Covered]:
    files: dict[str, Covered] = {}
    current = Covered()
    for line in lcov.splitlines():
        name, _, value = line.partition(":")
        if name == "SF":
            current = files.setdefault(Path(value).as_posix(), Covered())
        elif name == "DA":
            number, hits = value.split(",")[:2]
            current.lines += 1
            current.missed_lines += [int(number)] * (hits == "0")
        elif name == "BRDA":
            number, _, _, taken = value.split(",")
            current.branches += 1
            current.missed_branches += [int(number)] * (taken in {"-", "0"})
    return {path: one for path, one in sorted(files.items()) if path.startswith("contracts/")}


def share(whole: int, missed: int) -> str:
    return f"{(whole - missed) / whole:.2%} ({whole - missed}/{whole})" if whole else "–"


def main() -> int:
    files = read(Path(sys.argv[1]).read_text(encoding="utf-8"))
    # Interfaces and sources of types alone are in no report; a contract that is missing was not measured.
    coded = {path for path in EXPECTED if "interfaces/" not in path and "function " in (ROOT / path).read_text("utf-8")}
    unmeasured = sorted(coded - set(files))
    wanting = unmeasured + [path for path, one in files.items() if not one.complete and not path.startswith(ASSEMBLY)]
    lines = [
        "# 合约测试覆盖率 / Coverage of the contracts",
        "",
        "`make coverage`. 除 SM2、SM3 汇编外须全部覆盖 / all but the SM2 and SM3 assembly must be complete.",
        "",
        "SM2 验签合约的代码末尾有构造时附加的表，forge 认不出它，故其各行的数字不说明问题。",
        "The verifier's code ends in a table that its constructor appends; forge does not know it again, so the",
        "figures of its rows say nothing.",
        "",
        "| 文件 / file | 行 / lines | 分支 / branches | 未覆盖行 / never run |",
        "| --- | ---: | ---: | --- |",
    ]
    for path, one in files.items():
        exempt = path.startswith(ASSEMBLY)
        missed = (
            "" if exempt else ", ".join(str(number) for number in sorted({*one.missed_lines, *one.missed_branches}))
        )
        shares = share(one.lines, len(one.missed_lines)), share(one.branches, len(one.missed_branches))
        lines.append(f"| {path} | {shares[0]} | {shares[1]} | {missed or ('(汇编 / assembly)' if exempt else '')} |")
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines[7:]))
    print(f"结果 / result: {'未全部覆盖 not complete: ' + ', '.join(wanting) if wanting else '全部覆盖 complete'}")
    return 1 if wanting or not files else 0


if __name__ == "__main__":
    sys.exit(main())
