"""Writes tests/solidity/vectors/: SM3 digests, and SM2 signatures that are good, corrupted or built for rare branches.

The same files on every run; `--check` only exits 1 if a committed file differs. Keys and nonces are no secrets.
"""

import json
import sys
from pathlib import Path

from sm2_affine import GX, GY, B, N, P, Point, add, number, point_from, public, times

from tiezheng import digest

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "solidity" / "vectors"
G = (GX, GY)
Case = dict[str, object]


def sm3(*parts: bytes | int) -> str:
    data = (part if isinstance(part, bytes) else part.to_bytes(32, "big") for part in parts)
    return "0x" + digest.sm3(*data).hex()


def case(name: str, valid: bool, e: int, r: int, s: int, key: Point) -> Case:
    values = zip("ersxy", (e, r, s, *key), strict=True)
    return {"name": name, "valid": valid} | {letter: f"0x{v:064x}" for letter, v in values}


def solved(name: str, r: int, s: int, key: Point) -> Case:
    """A good signature of chosen r and s by solving for e. Where the sum is infinity there is none; e is then r."""
    total = add(times(s, G), times(r + s, key))
    valid = total is not None and 0 not in (r, s, (r + s) % N)
    return case(name, valid, r if total is None else (r - total[0]) % N, r, s, key)


def signed() -> list[Case]:
    found = []
    for k in range(4):
        private = number(f"key {k}")
        key = public(private)
        z = sm3(b"\x00\x801234567812345678", P - 3, B, *G, *key)
        for m in range(10):
            message = f"message {m} 证据 " + "y" * (13 * m)
            e = int(sm3(int(z, 16), message.encode()), 16)
            nonce = number(f"nonce {k} {m}")
            r = (e + public(nonce)[0]) % N
            s = pow(1 + private, -1, N) * (nonce - r * private) % N
            found.append(case(f"key {k}", True, e, r, s, key) | {"message": message, "z": z})
    return found


def corrupted(good: list[Case]) -> list[Case]:
    found = []
    for i, original in enumerate(good[::6]):
        e, r, s, x, y = (int(str(original[letter]), 16) for letter in "ersxy")
        found.append(case(f"bit of e, {i}", False, e ^ 1 << 37 * i, r, s, (x, y)))
        found.append(case(f"bit of r, {i}", False, e, r ^ 1 << 31 * i, s, (x, y)))
        found.append(case(f"bit of s, {i}", False, e, r, s ^ 1 << 29 * i, (x, y)))
        found.append(case(f"bit of y, {i}", False, e, r, s, (x, y ^ 1 << 23 * i)))
        found.append(case(f"n - s, {i}", False, e, r, N - s, (x, y)))
        found.append(case(f"opposite key, {i}", False, e, r, s, (x, P - y)))
        found.append(case(f"other key, {i}", False, e, r, s, public(number(f"other key {i}"))))
    return found


def ends_of_ranges() -> list[Case]:
    key = public(number("edge"))
    found = [solved(f"r {r} s {s}", r % N, s % N, key) for r in (0, 1, 2, -1) for s in (0, 1, 3, -3)]
    s, t = number("s"), number("t")
    r = (t - s) % N
    found.append(solved("key of small x", r, s, point_from(1)))
    for name, x in (("x1 >= n", N), ("x1 near p", P - 60), ("x1 < p - n", 1), ("x1 near p - n", P - N - 60)):
        total = point_from(x)
        owner = times(pow(t, -1, N), add(total, times(-s, G))) or G
        found.append(solved(name, r, s, owner))
        found.append(case(f"{name}, e + 1", False, (r - total[0] + 1) % N, r, s, owner))
        found.append(case(f"{name}, c + n not below p", False, (r - total[0] + N - P) % N, r, s, owner))
    r = 2**200 + public(number("nonce"))[0]  # e = 2^200 and the nonce k give t·(1 + d) = k + r, with s = t − r
    t = (number("nonce") + r) * pow(1 + number("edge"), -1, N) % N
    found.append(case("e below 2^256 - n", True, 2**200, r % N, (t - r) % N, key))
    return found


def exceptional_sums() -> list[Case]:
    found = []
    # Small multiples and fractions of G as keys: table entries coincide or vanish. s + t·d = 0 sums to infinity.
    for d in (2, 3, 4, 5, 6, 7, 8, 12, 16):
        for private in (d, -d, pow(d, -1, N), -pow(d, -1, N), 3 * pow(d + 3, -1, N)):
            r, s = number(f"r {private}"), number(f"s {private}")
            found.append(solved(f"key {private % N:x}", r, s, public(private)))
            r = -s * (pow(private, -1, N) + 1) % N
            found.append(solved(f"infinity, {r:x}", r, s, public(private)))
    # The sum so far equals a table entry or its opposite, 4·(a + b·d) = ±(i + j·d), and bits may follow.
    for a, b, i, j, sign in ((1, 1, 2, 3, 1), (0, 1, 2, 1, 1), (2, 3, 1, 1, 1), (1, 2, 3, 3, -1), (1, 1, 0, 3, -1)):
        private = (sign * i - 4 * a) * pow(4 * b - sign * j, -1, N) % N
        for shift, tail in ((0, 0), (2, 1), (120, number("tail") >> 140)):
            s, t = (4 * a + i << shift) + tail, (4 * b + j << shift) + (tail >> 1)
            found.append(solved(f"meeting {a} {b} {i} {j} {sign}, {shift} bits on", (t - s) % N, s, public(private)))
    return found


def main() -> int:
    good = signed()
    contents = {
        "sm2.json": {"signed": good, "cases": corrupted(good) + ends_of_ranges() + exceptional_sums()},
        "sm3.json": {"digests": [sm3(bytes((7 * i + size) % 256 for i in range(size))) for size in range(261)]},
    }
    texts = {FOLDER / name: json.dumps(content, indent=1) + "\n" for name, content in contents.items()}
    if "--check" in sys.argv:
        stale = [path.name for path, text in texts.items() if path.read_text() != text]
        sys.exit("过期 / stale: " + ", ".join(stale) if stale else 0)
    for path, text in texts.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
