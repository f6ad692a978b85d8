"""Bundles verified per second on one core.

Method: a simulated ledger (tests/support/world.py; real SM2 keys, tries, header, cosignatures) records N deposits of
one signer in one block. Each bundle differs in case, statement, content, signature and storage proofs; all share block,
account proofs, key proofs and cosignatures. Bundles are given as bytes; parsing, canonical form, contents, SM2 and
every proof are part of the measured time, making the bundles is not. `shared` uses one `Verifier`, `fresh` a new one
for each bundle. The best of three rounds is shown, so that other load on the machine counts less. Every verdict must be
VALID.

Run: `.venv/bin/python -m bench.verify_bundles [N]`
"""

import sys
import time
from collections.abc import Callable

from tests.support.world import AT_MS, OFFICE, SEAL, Filed, World, procedure_of
from tiezheng.signature import provider_name
from tiezheng.verify import Result, Verdict, Verifier, verify

ROUNDS = 3
TARGET = 300


def deposits(world: World, count: int) -> list[Filed]:
    """Recorded deposits without attachments, six fields disclosed."""
    procedure = procedure_of(1)
    filed = []
    for number in range(count):
        values = {"title": f"作品{number}", "given_by": "party", "owner": "甲"}
        filed.append(world.file(procedure.by_step[1], procedure, values, [(OFFICE, SEAL)]))
        world.record(filed[-1])
    return filed


def rate(bundles: list[bytes], make: Callable[[], Callable[[bytes], Verdict]]) -> float:
    """Bundles a second, the best of the rounds."""
    best = 0.0
    for _ in range(ROUNDS):
        check = make()
        start = time.perf_counter()
        results = [check(data).result for data in bundles]
        best = max(best, len(bundles) / (time.perf_counter() - start))
        assert set(results) == {Result.VALID}
    return best


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    world = World()
    bundles = [bundle.to_bytes() for bundle in world.bundles(deposits(world, count))]
    trust = world.trust()

    def shared() -> Callable[[bytes], Verdict]:
        verifier = Verifier(trust)
        return lambda data: verifier.verify(data, AT_MS)

    def fresh() -> Callable[[bytes], Verdict]:
        return lambda data: verify(data, trust, AT_MS)

    together, alone = rate(bundles, shared), rate(bundles, fresh)
    size = sum(map(len, bundles)) // len(bundles)
    print(f"bundles: {count} of {size} bytes; SM2: {provider_name()}")
    print(f"shared verifier: {together:,.0f} bundles/s ({1000 / together:.2f} ms each), target {TARGET}")
    print(f"fresh verifier:  {alone:,.0f} bundles/s ({1000 / alone:.2f} ms each)")
    return 0 if together >= TARGET else 1


if __name__ == "__main__":
    raise SystemExit(main())
