"""Walks through cases on a real chain, kernel and contract side by side: fuzz_rules.py [SEEDS] [PROPOSALS].

Guaranteed: exit code 0 says that both gave the same answer, and the same reason, to every proposal, and that every
word that the registry stored is the one that the kernel names. Default: 5 walks of 600 proposals, some fifteen
minutes. Not guaranteed: the time.
"""

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.walk import ACCEPTED, REGISTRY_REASONS  # noqa: E402
from tests.support.walks import opened_arena, walk_all  # noqa: E402


def main(arguments: list[str]) -> int:
    seeds = int(arguments[0]) if arguments else 5
    proposals = int(arguments[1]) if len(arguments) > 1 else 600
    with tempfile.TemporaryDirectory() as directory, opened_arena(Path(directory)) as arena:
        tally = walk_all(arena, seeds, proposals)
    sys.stdout.write(f"{tally}\n")
    missing = REGISTRY_REASONS - set(tally.met)
    for line in (*tally.disagreements, *(f"never met: {code}" for code in sorted(missing))):
        sys.stderr.write(line + "\n")
    total, taken, apart = tally.met.total(), tally.met[ACCEPTED], len(tally.disagreements)
    sys.stdout.write(f"提案 {total} 件，受理 {taken} 件，不一致 {apart} 件 / ")
    sys.stdout.write(f"{total} proposals, {taken} taken, {apart} disagreements\n")
    return 1 if tally.disagreements or missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
