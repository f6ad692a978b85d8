"""SM3 and SM2 (§1.2, §2.1) with plain integers; nothing here is constant-time, and nothing here signs."""

import hashlib
from functools import cache

from gmssl import func
from gmssl import sm3 as gmssl_sm3

from tests.plain.refusal import Refused, need

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
GX = 0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7
GY = 0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0

Jacobian = tuple[int, int, int]  # x = X/Z², y = Y/Z³; infinity where Z is 0
INFINITY: Jacobian = (1, 1, 0)
GENERATOR: Jacobian = (GX, GY, 1)


def sm3(data: bytes) -> bytes:
    """GB/T 32905-2016; some builds of OpenSSL lack it, then gmssl's own (slow) one."""
    if "sm3" in hashlib.algorithms_available:
        return hashlib.new("sm3", data).digest()
    return bytes.fromhex(gmssl_sm3.sm3_hash(func.bytes_to_list(data)))


def double(point: Jacobian) -> Jacobian:
    x, y, z = point
    m = (3 * x * x + A * pow(z, 4, P)) % P
    s = 4 * x * y * y % P
    x3 = (m * m - 2 * s) % P
    return x3, (m * (s - x3) - 8 * pow(y, 4, P)) % P, 2 * y * z % P


def add(first: Jacobian, second: Jacobian) -> Jacobian:
    if first[2] == 0:
        return second
    if second[2] == 0:
        return first
    x1, y1, z1 = first
    x2, y2, z2 = second
    u1, u2 = x1 * z2 * z2 % P, x2 * z1 * z1 % P
    s1, s2 = y1 * z2**3 % P, y2 * z1**3 % P
    if u1 == u2:
        return double(first) if s1 == s2 else INFINITY
    h, r = u2 - u1, s2 - s1
    x3 = (r * r - h**3 - 2 * u1 * h * h) % P
    return x3, (r * (u1 * h * h - x3) - s1 * h**3) % P, h * z1 * z2 % P


def times(scalar: int, point: Jacobian) -> Jacobian:
    total = INFINITY
    for bit in f"{scalar:b}":
        total = double(total)
        if bit == "1":
            total = add(total, point)
    return total


def affine(point: Jacobian) -> tuple[int, int]:
    inverse = pow(point[2], -1, P)
    return point[0] * inverse**2 % P, point[1] * inverse**3 % P


def public_key(data: bytes) -> tuple[int, int]:
    """The point `x ‖ y`, refused as §2.1 says."""
    need(len(data) == 64, "a public key has 64 bytes")
    x, y = int.from_bytes(data[:32]), int.from_bytes(data[32:])
    need(x < P and y < P, "a coordinate is not below p")
    need((y * y - x**3 - A * x - B) % P == 0, "the point is not on the curve")
    need(x != GX, "the key is ±G")
    return x, y


def public_of(private: int) -> bytes:
    """The public key of a private one, 1 to n−2."""
    need(0 < private < N - 1, "the private key is out of range")
    x, y = affine(times(private, GENERATOR))
    data = x.to_bytes(32) + y.to_bytes(32)
    public_key(data)
    return data


def z_of(key: bytes) -> bytes:
    """Z of a key, with the identity 1234567812345678."""
    curve = b"".join(number.to_bytes(32) for number in (A, B, GX, GY))
    return sm3(b"\x00\x80" + b"1234567812345678" + curve + key)


@cache
def verifies_digest(key: bytes, e: bytes, signature: bytes) -> bool:
    """Whether `r ‖ s` is a signature over e (32 bytes)."""
    x, y = public_key(key)
    need(len(signature) == 64, "a signature has 64 bytes")
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    if not (0 < r < N and 0 < s < N) or (r + s) % N == 0:
        return False
    point = add(times(s, GENERATOR), times((r + s) % N, (x, y, 1)))
    return point[2] != 0 and (int.from_bytes(e) + affine(point)[0]) % N == r


def verifies(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `r ‖ s` is a signature over the message."""
    return verifies_digest(key, sm3(z_of(key) + message), signature)


def der_signature(data: bytes) -> bytes:
    """`r ‖ s` of a DER signature (ISO 8825-1), each a positive integer of at most 32 bytes."""
    need(len(data) > 2 and data[0] == 0x30 and data[1] == len(data) - 2 < 0x80, "not one DER sequence")
    rest, numbers = data[2:], []
    while rest:
        need(len(rest) > 2 and rest[0] == 2 and 0 < rest[1] <= len(rest) - 2, "not a DER integer")
        number, rest = rest[2 : 2 + rest[1]], rest[2 + rest[1] :]
        need(number[0] < 0x80, "a negative integer")
        need(len(number) == 1 or number[0] > 0 or number[1] >= 0x80, "an integer with a needless zero")
        numbers.append(int.from_bytes(number))
    if len(numbers) != 2 or max(numbers) >= 2**256:
        raise Refused("not two numbers of 32 bytes")
    return numbers[0].to_bytes(32) + numbers[1].to_bytes(32)
