"""The choice of an SM2 library, and the four operations that the rest of the product uses.

Guaranteed: the native library where it works, else the reference, and `provider_name` says which; ranges are checked
before any library sees a signature. Not guaranteed: throughput under the reference.
"""

from functools import cache
from typing import Final

from tiezheng.errors import Unavailable
from tiezheng.signature.sm2 import (
    PrivateKey,
    Provider,
    PublicKey,
    check_scalar,
    digest_to_sign,
    in_range,
    join,
    split,
)

_SLOW_NOTICE: Final = "pure Python, slow 纯 Python 实现,速度较慢"


@cache
def native_provider() -> Provider | None:
    """The native provider, or None where it is not installed or fails its self-test."""
    try:
        from tiezheng.signature.native import NativeProvider

        return NativeProvider()
    except Exception:  # noqa: BLE001  a foreign binary that does not load or work in any way is one that is absent
        return None


@cache
def reference_provider() -> Provider | None:
    """The reference provider, or None where gmssl is not installed."""
    try:
        from tiezheng.signature.reference import ReferenceProvider

        return ReferenceProvider()
    except ImportError:
        return None


def provider() -> Provider:
    """The provider in use. Raises Unavailable `signature.provider` where no library is installed."""
    chosen = native_provider() or reference_provider()
    if chosen is None:
        raise Unavailable("signature.provider")
    return chosen


def provider_name() -> str:
    """The library in use, with a notice for people where it is the slow one."""
    chosen = provider()
    return chosen.name if chosen is native_provider() else f"{chosen.name} ({_SLOW_NOTICE})"


def generate() -> PrivateKey:
    """A fresh key pair."""
    return private_key(provider().generate())


def private_key(scalar: int) -> PrivateKey:
    """The key pair of a scalar. Raises Malformed `key.private_range`, `key.generator`."""
    check_scalar(scalar)
    return PrivateKey(scalar, provider().public_of(scalar))


def sign(key: PrivateKey, message: bytes) -> bytes:
    """r ‖ s (64 bytes) over e = SM3(Z ‖ message). Randomised: two signatures of one message differ."""
    return sign_digest(key, digest_to_sign(key.public, message))


def verify(public: PublicKey, message: bytes, signature: bytes) -> bool:
    """Whether r ‖ s signs the message; False for r, s out of range. Raises Malformed `signature.length`."""
    r, s = split(signature)
    return in_range(r, s) and provider().verify_digest(public, digest_to_sign(public, message), r, s)


def sign_digest(key: PrivateKey, digest: bytes) -> bytes:
    """r ‖ s over a finished e, for streams; a message goes through `sign`."""
    return join(*provider().sign_digest(key, digest))


def verify_digest(public: PublicKey, digest: bytes, signature: bytes) -> bool:
    """As `verify`, for a finished e."""
    r, s = split(signature)
    return in_range(r, s) and provider().verify_digest(public, digest, r, s)
