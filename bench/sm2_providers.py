"""SM2 by the native provider against the pure Python reference, in one run.

Method: one key, one message; in each round the native provider and then the reference signs and verifies for the same
time, so that a slow machine slows both. The ratio is taken round by round, the median reported.
"""

import time
from collections.abc import Callable
from statistics import median
from typing import Final

from tiezheng.digest import sm3
from tiezheng.signature import private_key
from tiezheng.signature.native import NativeProvider
from tiezheng.signature.reference import ReferenceProvider

ROUNDS: Final = 3
SECONDS: Final = 1.0
TARGET_RATIO: Final = 12


def rate(work: Callable[[], object]) -> float:
    """Calls a second."""
    work()
    done, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < SECONDS:
        work()
        done += 1
    return done / elapsed


def measure() -> dict[str, float]:
    """Rates a second, and the ratios of the native provider to the reference."""
    native, reference = NativeProvider(), ReferenceProvider()
    key = private_key(native.generate())
    digest = sm3(b"bench")
    r, s = native.sign_digest(key, digest)

    def one_round() -> tuple[float, float, float, float]:
        return (
            rate(lambda: native.sign_digest(key, digest)),
            rate(lambda: reference.sign_digest(key, digest)),
            rate(lambda: native.verify_digest(key.public, digest, r, s)),
            rate(lambda: reference.verify_digest(key.public, digest, r, s)),
        )

    rounds = [one_round() for _ in range(ROUNDS)]
    return {
        "sm2_native_signs_per_second": median(a for a, _, _, _ in rounds),
        "sm2_reference_signs_per_second": median(b for _, b, _, _ in rounds),
        "sm2_native_verifies_per_second": median(c for _, _, c, _ in rounds),
        "sm2_reference_verifies_per_second": median(d for _, _, _, d in rounds),
        "sm2_sign_ratio_native_to_reference": median(a / b for a, b, _, _ in rounds),
        "sm2_verify_ratio_native_to_reference": median(c / d for _, _, c, d in rounds),
    }
