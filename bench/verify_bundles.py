"""Bundles verified a second on one core.

Method: a simulated ledger (tests/support/world.py; real SM2 keys, tries, header, cosignatures) records 200 deposits of
one signer in one block. Each bundle differs in case, statement, content, signature and storage proofs; all share block,
account proofs, key proofs and cosignatures. Bundles are given as bytes: parsing, canonical form, contents, SM2 and
every proof are measured, making the bundles is not. "Shared" uses one `Verifier` for all, "fresh" a new one for each.
One warm-up, then the median of three rounds, the two sides taking turns; every verdict must be VALID.

Run alone: `.venv/bin/python -m bench.verify_bundles`
"""

import time
from collections.abc import Callable
from statistics import median
from typing import Final

from tests.support.world import AT_MS, OFFICE, SEAL, Filed, World, procedure_of
from tiezheng.verify import Result, Verdict, Verifier, verify

ROUNDS: Final = 3
COUNT: Final = 200


def deposits(world: World, count: int) -> list[Filed]:
    """Recorded deposits without attachments, every field disclosed."""
    procedure = procedure_of(1)
    filed = []
    for number in range(count):
        values = {"title": f"作品{number}", "given_by": "party", "owner": "甲"}
        filed.append(world.file(procedure.by_step[1], procedure, values, [(OFFICE, SEAL)]))
        world.record(filed[-1])
    return filed


def rate(bundles: list[bytes], check: Callable[[bytes], Verdict]) -> float:
    """Bundles a second."""
    start = time.perf_counter()
    results = {check(data).result for data in bundles}
    seconds = time.perf_counter() - start
    assert results == {Result.VALID}
    return len(bundles) / seconds


def measure() -> dict[str, float]:
    """Bundles a second with shared and with fresh verifiers, and the mean size of a bundle."""
    world = World()
    bundles = [bundle.to_bytes() for bundle in world.bundles(deposits(world, COUNT))]
    trust = world.trust()

    def one_round() -> tuple[float, float]:
        verifier = Verifier(trust)
        return rate(bundles, lambda data: verifier.verify(data, AT_MS)), rate(
            bundles, lambda data: verify(data, trust, AT_MS)
        )

    one_round()
    rounds = [one_round() for _ in range(ROUNDS)]
    return {
        "bundle_bytes": sum(map(len, bundles)) / COUNT,
        "bundles_verified_per_second": median(shared for shared, _ in rounds),
        "bundles_verified_per_second_fresh_verifier": median(fresh for _, fresh in rounds),
    }


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name} = {value:,.1f}")
