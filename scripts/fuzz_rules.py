"""Walks through cases on a real chain, kernel and contract side by side: fuzz_rules.py [SEEDS] [PROPOSALS].

Guaranteed: exit code 0 says that both gave the same answer, and the same reason, to every proposal, and that every
word that the registry stored is the one that the kernel names; the result is then in
`bench/results/rules_differential.json`. Default: 5 walks of 600 proposals, some fifteen minutes. Not guaranteed: the
time.
"""

import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from anchors.contracts import REGISTRY, artifact  # noqa: E402
from tests.support.walk import ACCEPTED, REGISTRY_REASONS  # noqa: E402
from tests.support.walks import Tally, opened_arena, walk_all  # noqa: E402
from tiezheng.evm.keccak import keccak256  # noqa: E402

RESULT = ROOT / "bench" / "results" / "rules_differential.json"


def main(arguments: list[str]) -> int:
    seeds = int(arguments[0]) if arguments else 5
    proposals = int(arguments[1]) if len(arguments) > 1 else 600
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as directory, opened_arena(Path(directory)) as arena:
        tally = walk_all(arena, seeds, proposals)
    sys.stdout.write(f"{tally}\n")
    missing = REGISTRY_REASONS - set(tally.met)
    for line in (*tally.disagreements, *(f"never met: {code}" for code in sorted(missing))):
        sys.stderr.write(line + "\n")
    total, taken, apart = tally.met.total(), tally.met[ACCEPTED], len(tally.disagreements)
    sys.stdout.write(f"提案 {total} 件，受理 {taken} 件，不一致 {apart} 件 / ")
    sys.stdout.write(f"{total} proposals, {taken} taken, {apart} disagreements\n")
    if tally.disagreements or missing:
        return 1
    result = report(tally, seeds, proposals, time.monotonic() - begun)
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


def report(tally: Tally, seeds: int, proposals: int, seconds: float) -> dict[str, object]:
    """What was walked, under which code of the registry, and how often each answer was met."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "registry_creation_code": keccak256(artifact(REGISTRY).bytecode).hex(),
        "walks": seeds,
        "proposals_in_a_walk": proposals,
        "proposals": tally.met.total(),
        "answers": dict(sorted(tally.met.items())),
        "named_sooner_by_the_kernel": sum(tally.sooner.values()),
        "disagreements": len(tally.disagreements),
        "seconds": round(seconds),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
