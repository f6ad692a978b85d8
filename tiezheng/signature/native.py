"""SM2 through tongsuopy (Tongsuo, a fork of OpenSSL): the provider for daily use.

Guaranteed: key objects are built once and kept, most recently used first; safe to use from several threads. Not
guaranteed: protection against other processes of the same user.
"""

from functools import lru_cache
from typing import Any, Final

from tongsuopy.backends.tongsuo.backend import backend
from tongsuopy.crypto.asymciphers import ec

from tiezheng.errors import IntegrityFault
from tiezheng.signature import der
from tiezheng.signature.sm2 import PrivateKey, PublicKey, join, split

# The public interface signs whole messages only. Files are hashed as a stream, so the digest is signed through the
# binding below it; `NativeProvider` proves on construction that this still works.
_lib: Final[Any] = backend._lib
_ffi: Final[Any] = backend._ffi

MAX_PUBLIC_KEYS: Final = 4096
MAX_PRIVATE_KEYS: Final = 64
_MAX_DER: Final = 72


@lru_cache(maxsize=MAX_PUBLIC_KEYS)
def _public(key: PublicKey) -> Any:
    return ec.EllipticCurvePublicNumbers(key.x, key.y, ec.SM2()).public_key()


@lru_cache(maxsize=MAX_PRIVATE_KEYS)
def _private(key: PrivateKey) -> Any:
    numbers = ec.EllipticCurvePublicNumbers(key.public.x, key.public.y, ec.SM2())
    return ec.EllipticCurvePrivateNumbers(key.scalar, numbers).private_key()


def _context(key: Any) -> Any:
    context = _lib.EVP_PKEY_CTX_new(key._evp_pkey, _ffi.NULL)
    if context == _ffi.NULL:
        raise IntegrityFault("integrity.fault", detail="SM2 context")
    return _ffi.gc(context, _lib.EVP_PKEY_CTX_free)


class NativeProvider:
    """`Provider` over tongsuopy. Raises IntegrityFault `integrity.fault` if the library contradicts itself."""

    __slots__ = ()

    name: Final = "tongsuopy"

    def __init__(self) -> None:
        scalar = self.generate()
        key = PrivateKey(scalar, self.public_of(scalar))
        digest = bytes(32)
        r, s = self.sign_digest(key, digest)
        if not self.verify_digest(key.public, digest, r, s) or self.verify_digest(key.public, b"\x01" * 32, r, s):
            raise IntegrityFault("integrity.fault", detail="SM2 self-test")

    def generate(self) -> int:
        return int(ec.generate_private_key(ec.SM2()).private_numbers().private_value)

    def public_of(self, scalar: int) -> PublicKey:
        numbers = ec.derive_private_key(scalar, ec.SM2()).public_key().public_numbers()
        return PublicKey(int(numbers.x), int(numbers.y))

    def sign_digest(self, key: PrivateKey, digest: bytes) -> tuple[int, int]:
        context = _context(_private(key))
        length = _ffi.new("size_t *", _MAX_DER)
        signature = _ffi.new("unsigned char[]", _MAX_DER)
        if (
            _lib.EVP_PKEY_sign_init(context) != 1
            or _lib.EVP_PKEY_sign(context, signature, length, digest, len(digest)) != 1
        ):
            backend._consume_errors()
            raise IntegrityFault("integrity.fault", detail="SM2 signing")
        return split(der.decode(bytes(_ffi.buffer(signature)[: length[0]])))

    def verify_digest(self, public: PublicKey, digest: bytes, r: int, s: int) -> bool:
        context = _context(_public(public))
        signature = der.encode(join(r, s))
        if _lib.EVP_PKEY_verify_init(context) != 1:
            backend._consume_errors()
            raise IntegrityFault("integrity.fault", detail="SM2 verification")
        valid: bool = _lib.EVP_PKEY_verify(context, signature, len(signature), digest, len(digest)) == 1
        if not valid:
            backend._consume_errors()
        return valid
