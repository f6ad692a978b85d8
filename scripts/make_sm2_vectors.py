"""Writes spec/vectors/sm2/{ok,bad}/signatures.json: ordinary signatures, ones built for rare branches, and refusals.

Guaranteed: the same files on every run; `--check` writes nothing and exits 1 if a committed file differs.
Not guaranteed: secrecy; every key here is public.
"""

import hashlib
import sys

from sm2_affine import GX, GY, B, N, P, Point, add, point_from, times
from vector_files import Case, write

G = (GX, GY)
ANNEX_KEY = 0x3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8
ANNEX_SIGNATURE = (
    0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3,
    0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA,
)


def hexed(*numbers: int) -> str:
    return "".join(f"{number:064x}" for number in numbers)


def public(private: int) -> Point:
    return times(private, G) or G


def seed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big") % (N - 3) + 2


def signed(name: str, private: int, message: bytes) -> Case:
    """GB/T 32918.2 §6.1 with the nonce taken from the name."""
    key = public(private)
    z = hashlib.new("sm3", b"\x00\x801234567812345678" + bytes.fromhex(hexed(P - 3, B, *G, *key))).digest()
    e = int.from_bytes(hashlib.new("sm3", z + message).digest(), "big")
    r = (e + public(seed(name))[0]) % N
    s = pow(1 + private, -1, N) * (seed(name) - r * private) % N
    return message_case(name, key, message, r, s, True)


def message_case(name: str, key: Point, message: bytes, r: int, s: int, expect: bool) -> Case:
    given = {"check": "message", "public": hexed(*key), "message": message.hex(), "signature": hexed(r, s)}
    return {"name": name, "input": given, "expect": expect}


def digest_case(name: str, key: Point, e: int, r: int, s: int, expect: bool) -> Case:
    given = {"check": "digest", "public": hexed(*key), "digest": hexed(e), "signature": hexed(r, s)}
    return {"name": name, "input": given, "expect": expect}


def rare() -> list[Case]:
    s, t = seed("s"), seed("t")
    r, large = (t - s) % N, point_from(N)
    owner = times(pow(t, -1, N), add(large, times(-s, G))) or G
    doubled = public(s * pow(t, -1, N))
    e = (r - (times(2 * s, G) or G)[0]) % N
    return [
        digest_case("r is small", *solved(5, seed("s")), 5, seed("s"), True),
        digest_case("s is small", *solved(seed("r"), 5), seed("r"), 5, True),
        digest_case("x1 at or above n", owner, (r - large[0]) % N, r, s, True),
        digest_case("sG equals tP, so that their sum is a doubling", doubled, e, r, s, True),
        digest_case("e is zero", public(ANNEX_KEY), 0, *zero_digest(), True),
    ]


def zero_digest() -> tuple[int, int]:
    r = public(seed("zero"))[0] % N
    return r, pow(1 + ANNEX_KEY, -1, N) * (seed("zero") - r * ANNEX_KEY) % N


def solved(r: int, s: int) -> tuple[Point, int]:
    """A key and the e under which it accepts r and s."""
    total = add(times(s, G), times(r + s, public(ANNEX_KEY))) or G
    return public(ANNEX_KEY), (r - total[0]) % N


def refused() -> list[Case]:
    key, (r, s), message = public(ANNEX_KEY), ANNEX_SIGNATURE, b"message digest"
    pairs = {
        "r = 0": (0, s),
        "s = 0": (r, 0),
        "r = n": (N, s),
        "s = n": (r, N),
        "r = n+1": (N + 1, s),
        "s = 2^256-1": (r, 2**256 - 1),
        "r+s = n": (r, N - r),
        "r, s swapped": (s, r),
        "s negated": (r, N - s),
        "bit of r": (r ^ 1, s),
        "bit of s": (r, s ^ 1 << 255),
    }
    found = [message_case(name, key, message, *pair, False) for name, pair in pairs.items()]
    found.append(message_case("message changed", key, b"Message digest", r, s, False))
    found.append(message_case("message empty", key, b"", r, s, False))
    found.append(message_case("other key", public(seed("other key")), message, r, s, False))
    found.append(message_case("opposite key", (key[0], P - key[1]), message, r, s, False))
    t, half = seed("t"), seed("infinity")
    s = -t * half % N
    found.append(digest_case("sG + tP is infinity", public(half), (t - s) % N, (t - s) % N, s, False))
    found.append(digest_case("r + n for r", *solved(5, seed("s")), 5 + N, seed("s"), False))
    found.append(digest_case("s + n for s", *solved(seed("r"), 5), seed("r"), 5 + N, False))
    for size in (0, 63, 65):
        given = found[0]["input"] | {"signature": "01" * size}
        found.append({"name": f"signature of {size} bytes", "input": given, "error": "signature.length"})
    return found


def main() -> int:
    sizes = (0, 1, 55, 64, 81, 183)
    good = [signed(f"key {k}, {n} bytes", seed(f"key {k}"), b"\x5a" * n) for k in range(3) for n in sizes]
    return write({"sm2/ok/signatures.json": good + rare(), "sm2/bad/signatures.json": refused()})


if __name__ == "__main__":
    sys.exit(main())
