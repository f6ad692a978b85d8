"""Tries the deployed SM2 verifier with many signatures and corruptions: fuzz_sm2.py [SIGNATURES] [SEED].

Guaranteed: every answer of the contract, with the key's table and without, is held against tongsuopy and gmssl; the
counts go to bench/results/sm2_differential.json if all agree, and exit code 1 says that some do not. Default: 10,000
signatures and as many corruptions, some fifteen minutes. Not guaranteed: the time.
"""

import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from anchors.chains.anvil import free_port, start_anvil, stop_anvil  # noqa: E402
from tests.support.sm2_trials import GOOD, Outcome, Sm2OnChain, compare, trials  # noqa: E402
from tiezheng.signature.provider import native_provider, reference_provider  # noqa: E402

RESULT = ROOT / "bench" / "results" / "sm2_differential.json"
SIGNATURES, SEED, PORTION = 10_000, 712_026, 1_000


def report(total: Outcome, code_hash: str, seed: int, seconds: float) -> dict[str, object]:
    signatures = total.asked[GOOD]
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "seed": seed,
        "verifier_code_hash": code_hash,
        "signatures": signatures,
        "corruptions": total.asked.total() - signatures,
        "ways": ["verifyWithKey with a table", "verify"],
        "libraries": {name: version(name) for name in ("tongsuopy", "gmssl")},
        "asked": dict(sorted(total.asked.items())),
        "accepted": dict(sorted((+total.accepted).items())),
        "disagreements": len(total.disagreements),
        "seconds": round(seconds),
    }


def main() -> int:
    given = [int(text) for text in sys.argv[1:3]]
    signatures, seed = given + [SIGNATURES, SEED][len(given) :]
    native, reference = native_provider(), reference_provider()
    if native is None or reference is None:
        sys.exit("需要 tongsuopy 与 gmssl。/ needs both tongsuopy and gmssl.")
    begun, total = time.monotonic(), Outcome()
    asked = list(trials(seed, signatures, native))
    with tempfile.TemporaryDirectory() as folder:
        anvil = start_anvil(Path(folder), free_port(), Path(folder) / "anvil.log")
        try:
            chain = Sm2OnChain(anvil.url)
            chain.open()
            for start in range(0, len(asked), PORTION):
                part = compare(chain, asked[start : start + PORTION], native, reference, 1)
                total.asked.update(part.asked)
                total.accepted.update(part.accepted)
                total.disagreements.extend(part.disagreements)
                print(f"{total.asked.total()}/{len(asked)}", *part.disagreements, sep="\n", flush=True)
            result = report(total, chain.code_hash, seed, time.monotonic() - begun)
        finally:
            stop_anvil(anvil.pid)
    print(json.dumps(result, indent=1))
    if total.disagreements:
        return 1
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
