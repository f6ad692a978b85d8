"""Writes tests/solidity/vectors/sm2_comb.json: what the verification with a key's table must answer where it is rare.

Guaranteed: for every addition of the comb a key, a signature for which both points are the same there and one for which
they are opposite; tables as hashes; the same file on every run; `--check` only exits 1 if the committed file differs.
Keys and nonces are no secrets.
"""

import hashlib
import json
import sys
from collections.abc import Iterator

from make_solidity_vectors import FOLDER, Case, solved
from sm2_affine import GX, GY, N, comb_table, number, public

PATH = FOLDER / "sm2_comb.json"


def digits(k: int) -> list[int]:
    """k as sum of ±2^i: 256 digits of 1 and −1, or the opposites of those of n − k for an even k."""
    odd, sign = (k, 1) if k % 2 else (N - k, -1)
    bits = odd >> 1 | 1 << 255
    return [sign * (2 * (bits >> i & 1) - 1) for i in range(256)]


def walk(s: int, t: int) -> Iterator[tuple[str, int, int, int, int]]:
    """Every addition after the first: its name, the sum so far as multiples of G and T, and what is added to it."""
    scalars = (digits(s), digits(t))
    a = b = 0
    for column in range(15, -1, -1):
        a, b = 2 * a, 2 * b
        for part in (1, 0):
            for of in (0, 1):
                value = sum(
                    scalars[of][128 * part + 16 * tooth + column] << 128 * part + 16 * tooth for tooth in range(8)
                )
                if (a, b) != (0, 0):
                    yield f"column {column} part {part} {'GT'[of]}", a, b, of, value
                a, b = (a, b + value) if of else (a + value, b)
    assert (a - s) % N == (b - t) % N == 0


def meetings() -> list[Case]:
    """The sum so far is a·G + b·T; v·G or v·T follows. T = d·G is chosen so that they are equal or opposite."""
    found = []
    for place in range(63):
        for sign, word in ((1, "same"), (-1, "opposite")):
            s, t = number(f"comb s {place} {sign}"), number(f"comb t {place} {sign}")
            name, a, b, of, v = list(walk(s, t))[place]
            # a + b·d = ±v, or a + b·d = ±v·d; the sum of the first addition has no T in it yet.
            top, bottom = (sign * v - a, b) if of == 0 else (a, sign * v - b)
            d = top * pow(bottom, -1, N) % N
            found.append(solved(f"{word}, {name}", (t - s) % N, s, public(d)))
    return found


def ends() -> list[Case]:
    """Scalars with few or regular digits, and sums that are infinity, for keys that are entries of the table of G."""
    found = []
    keys = [2**16, 2**112, 2**113, 2**128, 2**128 - 2, N - 2**16, sum(2 ** (16 * i) for i in range(8))]
    for d in keys:
        for s in (1, 2, N - 1, N - 2, 2**128, 2**255 - 1, N >> 1):
            found.append(solved(f"key {d:x} s {s:x}", number("ends r"), s, public(d)))
            found.append(solved(f"key {d:x} t {s:x}", (s - number("ends s")) % N, number("ends s"), public(d)))
        s = number(f"infinity {d}")
        found.append(solved(f"infinity, key {d:x}", -s * (pow(d, -1, N) + 1) % N, s, public(d)))
    return found


def tables() -> list[dict[str, str]]:
    points = [(GX, GY), public(2), public(number("table"))]
    return [
        {"digest": "0x" + hashlib.sha256(comb_table((x, y))).hexdigest(), "x": f"0x{x:064x}", "y": f"0x{y:064x}"}
        for x, y in points
    ]


def main() -> int:
    text = json.dumps({"meetings": meetings(), "ends": ends(), "tables": tables()}, indent=1) + "\n"
    if "--check" in sys.argv:
        if PATH.read_text() != text:
            sys.exit(f"过期 / stale: {PATH.name}")
        return 0
    PATH.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
