"""SM2 keys, the digest that is signed, and the interface of SM2 libraries.

Guaranteed: a `PublicKey` is a point of sm2p256v1 other than infinity and ±G; a `PrivateKey` shows its scalar in no
text form. Not guaranteed: that key material is wiped from memory, which Python cannot promise.
Standard: GB/T 32918 (GM/T 0003), identity 1234567812345678. SPEC §2.1.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Protocol

from tiezheng.digest import Hash, new_sm3, sm3
from tiezheng.errors import Malformed

# GB/T 32918.5: sm2p256v1.
P: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFC
B: Final = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
GX: Final = 0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7
GY: Final = 0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0

IDENTITY: Final = b"1234567812345678"
SCALAR_SIZE: Final = 32
PUBLIC_SIZE: Final = 64
SIGNATURE_SIZE: Final = 64


def _wide(number: int) -> bytes:
    return number.to_bytes(SCALAR_SIZE, "big")


_Z_PREFIX: Final = (len(IDENTITY) * 8).to_bytes(2, "big") + IDENTITY + _wide(A) + _wide(B) + _wide(GX) + _wide(GY)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An affine point (x, y).

    Raises Malformed `key.coordinate_range`, `key.infinity`, `key.off_curve`, `key.generator`.
    """

    x: int
    y: int

    def __post_init__(self) -> None:
        if not (0 <= self.x < P and 0 <= self.y < P):
            raise Malformed("key.coordinate_range")
        # Affine coordinates cannot express infinity; (0, 0), as some formats write it, is not on the curve.
        if self.x == 0 and self.y == 0:
            raise Malformed("key.infinity")
        if (self.y * self.y - self.x * self.x * self.x - A * self.x - B) % P:
            raise Malformed("key.off_curve")
        if self.x == GX:
            raise Malformed("key.generator")

    def to_bytes(self) -> bytes:
        """x ‖ y, 64 bytes."""
        return _wide(self.x) + _wide(self.y)

    @classmethod
    def parse(cls, data: bytes) -> "PublicKey":
        """From x ‖ y. Raises Malformed `key.length` and as the constructor."""
        if len(data) != PUBLIC_SIZE:
            raise Malformed("key.length", expected=PUBLIC_SIZE, got=len(data))
        return cls(int.from_bytes(data[:SCALAR_SIZE], "big"), int.from_bytes(data[SCALAR_SIZE:], "big"))


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A scalar with its public key. Raises Malformed `key.private_range`.

    That the two belong together is the maker's duty: use `generate`, `private_key` or the key files.
    """

    scalar: int = field(repr=False)
    public: PublicKey

    def __post_init__(self) -> None:
        check_scalar(self.scalar)


def check_scalar(scalar: int) -> None:
    """Refuse a private key outside 1 to n-2 (GB/T 32918.1 §6.1): Malformed `key.private_range`."""
    if not 1 <= scalar <= N - 2:
        raise Malformed("key.private_range")


class Provider(Protocol):
    """One SM2 library. Callers have checked keys and ranges; `digest` is e, 32 bytes."""

    @property
    def name(self) -> str:
        """Library and version, for people."""

    def generate(self) -> int:
        """A fresh private scalar from a cryptographic source."""

    def public_of(self, scalar: int) -> PublicKey:
        """scalar·G."""

    def sign_digest(self, key: PrivateKey, digest: bytes) -> tuple[int, int]:
        """A signature (r, s) over e with a fresh random nonce."""

    def verify_digest(self, public: PublicKey, digest: bytes, r: int, s: int) -> bool:
        """Whether (r, s) is a signature over e (GB/T 32918.2 §7)."""


@lru_cache(maxsize=4096)
def z_value(public: PublicKey) -> bytes:
    """Z = SM3(0x0080 ‖ ID ‖ a ‖ b ‖ xG ‖ yG ‖ x ‖ y): 32 bytes (GB/T 32918.2 §5.5)."""
    return sm3(_Z_PREFIX, public.to_bytes())


def digest_to_sign(public: PublicKey, message: bytes) -> bytes:
    """e = SM3(Z ‖ message): 32 bytes."""
    return sm3(z_value(public), message)


def running_digest(public: PublicKey) -> Hash:
    """A running SM3 that has taken Z already; its digest is e for what is fed to it."""
    context = new_sm3()
    context.update(z_value(public))
    return context


def in_range(r: int, s: int) -> bool:
    """1 ≤ r, s ≤ n-1 and r + s ≠ n (GB/T 32918.2 §7.1, steps B1, B2, B5)."""
    return 0 < r < N and 0 < s < N and r + s != N


def join(r: int, s: int) -> bytes:
    """r ‖ s, 64 bytes."""
    return _wide(r) + _wide(s)


def split(signature: bytes) -> tuple[int, int]:
    """(r, s) of 64 bytes, ranges not checked. Raises Malformed `signature.length`."""
    if len(signature) != SIGNATURE_SIZE:
        raise Malformed("signature.length", expected=SIGNATURE_SIZE, got=len(signature))
    return int.from_bytes(signature[:SCALAR_SIZE], "big"), int.from_bytes(signature[SCALAR_SIZE:], "big")
