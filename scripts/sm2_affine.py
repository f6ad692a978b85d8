"""Plain arithmetic on sm2p256v1 (GB/T 32918.1, GB/T 32918.5) in affine coordinates, for making test vectors.

Guaranteed: complete, and on purpose unlike the formulas of the contracts. Not guaranteed: speed or constant time.
"""

import hashlib

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
GX = 0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7
GY = 0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0

Point = tuple[int, int]


def add(p: Point | None, q: Point | None) -> Point | None:
    """The sum; None is infinity."""
    if p is None or q is None:
        return q if p is None else p
    if p[0] == q[0] and (p[1] + q[1]) % P == 0:
        return None
    slope = (3 * p[0] ** 2 - 3) * pow(2 * p[1], -1, P) if p == q else (q[1] - p[1]) * pow(q[0] - p[0], -1, P)
    x = (slope**2 - p[0] - q[0]) % P
    return x, (slope * (p[0] - x) - p[1]) % P


def negative(p: Point | None) -> Point | None:
    return p and (p[0], P - p[1])


def times(k: int, point: Point | None) -> Point | None:
    total: Point | None = None
    for bit in f"{k % N:b}":
        total = add(total, total)
        total = add(total, point) if bit == "1" else total
    return total


def point_from(x: int) -> Point:
    """A point at the first possible abscissa from x on."""
    while pow(square := (x**3 - 3 * x + B) % P, (P - 1) // 2, P) != 1:
        x += 1
    return x, pow(square, (P + 1) // 4, P)


def public(private: int) -> Point:
    """The public key of a private key from 1 to n − 1."""
    return times(private, (GX, GY)) or (GX, GY)


def number(text: str) -> int:
    """A scalar from 1 to n − 2 that follows from a public string."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big") % (N - 2) + 1


def comb_table(point: Point) -> bytes:
    """The 16,384 bytes that the contracts keep for a point, as contracts/libraries/Sm2Tables.sol describes them."""
    teeth = [times(2 ** (16 * m), point) for m in range(16)]
    entries = []
    for entry in range(256):
        total: Point | None = None
        for i, tooth in enumerate(teeth[8 * (entry >> 7) :][:8]):
            total = add(total, tooth if i == 7 or entry >> i & 1 else negative(tooth))
        x, y = total or (0, 0)
        entries.append((P - x).to_bytes(32, "big") + y.to_bytes(32, "big"))
    return b"".join(entries)
