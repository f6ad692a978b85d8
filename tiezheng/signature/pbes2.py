"""Password encryption of key files: PBES2 of RFC 8018 (PKCS#5).

Guaranteed: the cost that a file asks for is bounded before any of it is spent. Not guaranteed: that a wrong password is
told from a damaged file; the scheme has no integrity check, so callers must recognise what comes out.
Written: PBKDF2-HMAC-SHA256 and AES-256-CBC. Read: also HMAC-SHA1, SHA384, SHA512, SM3; scrypt; AES-128, AES-192, SM4.
"""

import hashlib
import os
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, CipherAlgorithm, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from tiezheng.errors import Malformed, VerificationFailed
from tiezheng.signature import asn1

# About a tenth of a second a guess on one core.
WRITE_ITERATIONS: Final = 210_000
# A hostile file must not cost its reader minutes or gigabytes.
MAX_ITERATIONS: Final = 10_000_000
MAX_SCRYPT_MEMORY: Final = 1 << 28
MAX_SCRYPT_PARALLEL: Final = 16

_SALT_SIZE: Final = 16
_BLOCK_SIZE: Final = 16
_BLOCK_BITS: Final = _BLOCK_SIZE * 8
_PBES2: Final = asn1.identifier("1.2.840.113549.1.5.13")
_PBKDF2: Final = asn1.identifier("1.2.840.113549.1.5.12")
_SCRYPT: Final = asn1.identifier("1.3.6.1.4.1.11591.4.11")
_HMAC_SHA256: Final = asn1.identifier("1.2.840.113549.2.9")
_AES_256_CBC: Final = asn1.identifier("2.16.840.1.101.3.4.1.42")
_NULL: Final = asn1.element(asn1.NULL, b"")

_HASHES: Final = {
    asn1.identifier("1.2.840.113549.2.7"): "sha1",
    _HMAC_SHA256: "sha256",
    asn1.identifier("1.2.840.113549.2.10"): "sha384",
    asn1.identifier("1.2.840.113549.2.11"): "sha512",
    asn1.identifier("1.2.156.10197.1.401.2"): "sm3",
}
_CIPHERS: Final[dict[bytes, tuple[type[algorithms.AES] | type[algorithms.SM4], int]]] = {
    asn1.identifier("2.16.840.1.101.3.4.1.2"): (algorithms.AES, 16),
    asn1.identifier("2.16.840.1.101.3.4.1.22"): (algorithms.AES, 24),
    _AES_256_CBC: (algorithms.AES, 32),
    asn1.identifier("1.2.156.10197.1.104.2"): (algorithms.SM4, 16),
}


def encrypt(plain: bytes, password: bytes) -> bytes:
    """EncryptedPrivateKeyInfo (RFC 5958 §3), DER."""
    salt, start = os.urandom(_SALT_SIZE), os.urandom(_BLOCK_SIZE)
    key = hashlib.pbkdf2_hmac("sha256", password, salt, WRITE_ITERATIONS, 32)
    derivation = asn1.sequence(
        _PBKDF2,
        asn1.sequence(
            asn1.element(asn1.OCTET_STRING, salt),
            asn1.integer(WRITE_ITERATIONS),
            asn1.sequence(_HMAC_SHA256, _NULL),
        ),
    )
    cipher = asn1.sequence(_AES_256_CBC, asn1.element(asn1.OCTET_STRING, start))
    padder = PKCS7(_BLOCK_BITS).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(start)).encryptor()
    body = encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
    algorithm = asn1.sequence(_PBES2, asn1.sequence(derivation, cipher))
    return asn1.sequence(algorithm, asn1.element(asn1.OCTET_STRING, body))


def decrypt(data: bytes, password: bytes) -> bytes:
    """The plain bytes of an EncryptedPrivateKeyInfo.

    Raises Malformed `key.file_format`, `key.encryption`, `key.derivation_cost`; VerificationFailed `key.password` where
    the padding is wrong, and with one wrong password in 256 or so it is not.
    """
    try:
        outer = asn1.Reader(data)
        info = outer.enter()
        outer.end()
        algorithm, body = info.enter(), info.take(asn1.OCTET_STRING)
        info.end()
        if algorithm.element(asn1.OBJECT_IDENTIFIER) != _PBES2:
            raise Malformed("key.encryption", expected="PBES2")
        parameters = algorithm.enter()
        derivation, scheme = parameters.enter(), parameters.enter()
        parameters.end()
        cipher, size = _CIPHERS.get(scheme.element(asn1.OBJECT_IDENTIFIER), (None, 0))
        if cipher is None:
            raise Malformed("key.encryption", expected="AES-CBC or SM4-CBC")
        start = scheme.take(asn1.OCTET_STRING)
        scheme.end()
        if len(start) != _BLOCK_SIZE or not body or len(body) % _BLOCK_SIZE:
            raise Malformed("key.file_format", detail="cipher blocks")
        key = _derive(derivation, password, size)
    except ValueError as error:
        raise Malformed("key.file_format", detail=str(error)) from error
    return _decrypt(cipher(key), start, body)


def _decrypt(cipher: CipherAlgorithm, start: bytes, body: bytes) -> bytes:
    decryptor = Cipher(cipher, modes.CBC(start)).decryptor()
    unpadder = PKCS7(_BLOCK_BITS).unpadder()
    padded = decryptor.update(body) + decryptor.finalize()
    try:
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError as error:
        raise VerificationFailed("key.password") from error


def _derive(derivation: asn1.Reader, password: bytes, size: int) -> bytes:
    kind, parameters = derivation.element(asn1.OBJECT_IDENTIFIER), derivation.enter()
    derivation.end()
    if kind == _PBKDF2:
        return _pbkdf2(parameters, password, size)
    if kind == _SCRYPT:
        return _scrypt(parameters, password, size)
    raise Malformed("key.encryption", expected="PBKDF2 or scrypt")


def _pbkdf2(parameters: asn1.Reader, password: bytes, size: int) -> bytes:
    """RFC 8018 §A.2."""
    salt, iterations, name = parameters.take(asn1.OCTET_STRING), parameters.integer(), "sha1"
    if parameters.next_tag() == asn1.INTEGER and parameters.integer() != size:
        raise Malformed("key.file_format", detail="key length")
    if parameters:
        known = _HASHES.get(parameters.enter().element(asn1.OBJECT_IDENTIFIER))
        parameters.end()
        if known is None or known not in hashlib.algorithms_available:
            raise Malformed("key.encryption", expected="HMAC of a known hash")
        name = known
    if not 1 <= iterations <= MAX_ITERATIONS:
        raise Malformed("key.derivation_cost", expected=MAX_ITERATIONS)
    return hashlib.pbkdf2_hmac(name, password, salt, iterations, size)


def _scrypt(parameters: asn1.Reader, password: bytes, size: int) -> bytes:
    """RFC 7914 §7.1."""
    salt = parameters.take(asn1.OCTET_STRING)
    cost, block, parallel = parameters.integer(), parameters.integer(), parameters.integer()
    if parameters and parameters.integer() != size:
        raise Malformed("key.file_format", detail="key length")
    parameters.end()
    memory = 128 * cost * block
    if not (cost > 1 and block >= 1 and 1 <= parallel <= MAX_SCRYPT_PARALLEL and memory <= MAX_SCRYPT_MEMORY):
        raise Malformed("key.derivation_cost", expected=MAX_SCRYPT_MEMORY)
    limit = memory + 128 * block * (parallel + 2) + (1 << 20)
    return hashlib.scrypt(password, salt=salt, n=cost, r=block, p=parallel, maxmem=limit, dklen=size)
