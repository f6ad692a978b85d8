"""Writes tests/solidity/vectors/sm2_plain.json: what verification under a bare key must answer where it is rare.

Guaranteed: for every addition that can be exceptional, a key and a signature for which both points are the same there
and one for which they are opposite; the signatures of spec/vectors/sm2; the same file on every run; `--check` only
exits 1 if the committed file differs. Keys and nonces are no secrets.
"""

import json
import sys
from collections.abc import Iterator

from make_comb_vectors import digits
from make_solidity_vectors import FOLDER, Case, case, sm3, solved
from sm2_affine import GX, GY, B, N, P, number, public

from tiezheng.signature import der

PATH = FOLDER / "sm2_plain.json"
SPEC = FOLDER.parent.parent.parent / "spec" / "vectors" / "sm2"


def part(signs: list[int], low: int, high: int) -> int:
    """The digits from `low` to `high` − 1 as a number."""
    return sum(sign << i for i, sign in enumerate(signs[low:high]))


def walk(s: int, t: int) -> Iterator[tuple[str, int, int, int, int]]:
    """Every addition: its name, the sum so far as multiples of G and of the key, and the multiple of which is added."""
    of_g, of_key = digits(s), digits(t)
    a, b = 0, part(of_key, 251, 256)
    for low in range(246, 15, -5):
        yield f"digit {low}", a, b << 5, 1, part(of_key, low, low + 5)
        b = (b << 5) + part(of_key, low, low + 5)
    for column in range(15, -1, -1):
        a, b = 2 * a, 2 * b
        for half in (1, 0):
            value = sum(of_g[128 * half + 16 * tooth + column] << 128 * half + 16 * tooth for tooth in range(8))
            yield f"column {column} part {half}", a, b, 0, value
            a += value
        if column % 5 == 0:
            value = part(of_key, column, 16 if column == 15 else column + 5)
            yield f"digit {column}", a, b, 1, value
            b += value
    assert (a - s) % N == (b - t) % N == 0


def meetings() -> list[Case]:
    """a·G + b·T meets v·G or v·T: T = d·G is chosen so that they are equal or opposite.

    Before G takes part, none can be: b is at least 32 and v at most 31, and no sum or difference reaches n.
    """
    found = []
    for place in range(47, 83):
        for sign, word in ((1, "same"), (-1, "opposite")):
            s, t = number(f"plain s {place} {sign}"), number(f"plain t {place} {sign}")
            steps = list(walk(s, t))
            assert len(steps) == 83
            name, a, b, of, v = steps[place]
            # a + b·d = ±v, or a + b·d = ±v·d.
            top, bottom = (sign * v - a, b) if of == 0 else (a, sign * v - b)
            found.append(solved(f"{word}, {name}", (t - s) % N, s, public(top * pow(bottom, -1, N) % N)))
    return found


def ends() -> list[Case]:
    """Digits all alike, few, or about a border of windows, odd and even; keys small or entries of the table of G."""
    key, s, r = public(number("plain key")), number("plain s"), number("plain r")
    found = []
    numbers = [2**i + j for i in (5, 10, 15, 16, 128, 251, 255) for j in (-1, 0, 1)] + [N >> 1, (N >> 1) + 1]
    for k in (*range(1, 18), *range(29, 36), 61, 62, 63, 64, *numbers):
        found.append(solved(f"t {k:x}", (k - s) % N, s, key))
        found.append(solved(f"t n - {k:x}", (-k - s) % N, s, key))
        found.append(solved(f"s {k:x}", r, k, key))
    entries = [sum((1 if u >> i & 1 else -1) << 16 * i for i in range(7)) + 2**112 for u in (0, 85, 127)]
    for d in (2, 3, 31, 32, 33, 2**15, 2**16, 2**17, 2**32, 2**112, 2**128, 2**251, *entries, entries[1] << 128):
        for private in (d, -d):
            owner = public(private)
            found.append(solved(f"key {private % N:x}", r, s, owner))
            found.append(solved(f"key {private % N:x}, t 1", (1 - s) % N, s, owner))
            found.append(solved(f"key {private % N:x}, t -2", (-2 - s) % N, s, owner))
            found.append(solved(f"key {private % N:x}, s 1", r, 1, owner))
            found.append(solved(f"infinity, key {private % N:x}", -s * (pow(private, -1, N) + 1) % N, s, owner))
    return found


def published() -> list[Case]:
    """The signatures, digests and keys of spec/vectors/sm2; a key that is no key with numbers that are in range."""
    found = []
    for path in sorted(SPEC.glob("*/*.json")):
        for vector in json.loads(path.read_text(encoding="utf-8"))["cases"]:
            given, name = vector["input"], f"{path.parent.name}/{path.stem}: {vector['name']}"
            coordinates, text = given.get("public", ""), given.get("signature", "")
            if given["check"] == "digest_der":
                text = der.decode(bytes.fromhex(given["der"])).hex()
            if len(coordinates) != 128 or (len(text) != 128 and given["check"] != "key"):
                continue
            key, e = (int(coordinates[:64], 16), int(coordinates[64:], 16)), given.get("digest", "1")
            if given["check"] == "message":
                z = sm3(b"\x00\x801234567812345678", P - 3, B, GX, GY, *key)
                e = sm3(bytes.fromhex(z[2:]), bytes.fromhex(given["message"]))
            r, s = int(text[:64] or "2", 16), int(text[64:] or "3", 16)
            found.append(case(name, vector.get("expect") is True, int(e, 16), r, s, key))
    return found


def main() -> int | str:
    content = {"meetings": meetings(), "ends": ends(), "published": published()}
    text = json.dumps(content, indent=1) + "\n"
    if "--check" in sys.argv:
        return f"过期 / stale: {PATH.name}" if PATH.read_text() != text else 0
    PATH.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
