"""SM2 key files: encrypted PKCS#8 and SubjectPublicKeyInfo, as `openssl pkey` reads and writes them.

Guaranteed: private keys are written encrypted only, with mode 0600, and never over an existing file; read files are
bounded in size and in the cost of their password derivation. Not guaranteed: the strength of the password.
Standards: RFC 5958 (PKCS#8), RFC 8018 (PBES2), RFC 5915 (SEC1), RFC 5480, GM/T 0006 (curve identifier).
"""

import base64
import binascii
import os
import re
import textwrap
from pathlib import Path
from typing import Final

from tiezheng.errors import Conflict, Malformed, NotFound, Refused, TiezhengError, VerificationFailed
from tiezheng.signature import asn1, pbes2
from tiezheng.signature.provider import private_key
from tiezheng.signature.sm2 import PUBLIC_SIZE, SCALAR_SIZE, PrivateKey, PublicKey

MAX_FILE_BYTES: Final = 1 << 16

_CURVE: Final = asn1.identifier("1.2.156.10197.1.301")
_ALGORITHM: Final = asn1.sequence(asn1.identifier("1.2.840.10045.2.1"), _CURVE)

_PEM: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----\s+([A-Za-z0-9+/=\s]*)-----END \1-----")
_ENCRYPTED: Final = "ENCRYPTED PRIVATE KEY"
_PLAIN: Final = "PRIVATE KEY"
# OpenSSL names SEC1 files of this curve by the curve from version 3 on.
_SEC1_LABELS: Final = ("EC PRIVATE KEY", "SM2 PRIVATE KEY")
_PUBLIC: Final = "PUBLIC KEY"
_LEGACY_ENCRYPTION: Final = b"Proc-Type:"
_UNCOMPRESSED: Final = b"\x04"


def encode_private(key: PrivateKey, password: bytes) -> bytes:
    """Encrypted PKCS#8 PEM (PBES2: PBKDF2-HMAC-SHA256, AES-256-CBC). Raises Malformed `key.password_empty`."""
    if not password:
        raise Malformed("key.password_empty")
    scalar = asn1.element(asn1.OCTET_STRING, key.scalar.to_bytes(SCALAR_SIZE, "big"))
    public = asn1.element(asn1.CONTEXT + 1, asn1.bits(_UNCOMPRESSED + key.public.to_bytes()))
    sec1 = asn1.sequence(asn1.integer(1), scalar, public)
    plain = asn1.sequence(asn1.integer(0), _ALGORITHM, asn1.element(asn1.OCTET_STRING, sec1))
    return _to_pem(_ENCRYPTED, pbes2.encrypt(plain, password))


def decode_private(data: bytes, password: bytes | None = None) -> PrivateKey:
    """The key of a PEM file: PKCS#8, encrypted or not, or SEC1, not encrypted.

    A password is ignored where the file is not encrypted. Raises Malformed `key.file_format`, `key.algorithm`,
    `key.length`, `key.encryption`, `key.derivation_cost`, `key.password_required`, `key.private_range`,
    `key.pair_mismatch`, and VerificationFailed `key.password`.
    """
    blocks = _from_pem(data)
    if _ENCRYPTED in blocks:
        if not password:
            raise Malformed("key.password_required")
        plain = pbes2.decrypt(blocks[_ENCRYPTED], password)
        try:
            return _decode_pkcs8(plain)
        except TiezhengError as error:
            # A wrong password can leave valid padding; what it leaves is not an encoded key.
            if error.code == "key.file_format":
                raise VerificationFailed("key.password") from error
            raise
    if _PLAIN in blocks:
        return _decode_pkcs8(blocks[_PLAIN])
    for label in _SEC1_LABELS:
        if label in blocks:
            return _decode_sec1(blocks[label], curve_known=False)
    if _LEGACY_ENCRYPTION in data:
        raise Malformed("key.encryption", detail="encrypted SEC1")
    raise Malformed("key.file_format")


def encode_public(key: PublicKey) -> bytes:
    """SubjectPublicKeyInfo PEM."""
    return _to_pem(_PUBLIC, asn1.sequence(_ALGORITHM, asn1.bits(_UNCOMPRESSED + key.to_bytes())))


def decode_public(data: bytes) -> PublicKey:
    """The key of a SubjectPublicKeyInfo PEM file.

    Raises Malformed `key.file_format`, `key.algorithm`, and as `PublicKey`.
    """
    blocks = _from_pem(data)
    if _PUBLIC not in blocks:
        raise Malformed("key.file_format")
    try:
        outer = asn1.Reader(blocks[_PUBLIC])
        info = outer.enter()
        outer.end()
        algorithm, point = info.element(asn1.SEQUENCE), info.bits()
        info.end()
    except ValueError as error:
        raise Malformed("key.file_format", detail=str(error)) from error
    if algorithm != _ALGORITHM:
        raise Malformed("key.algorithm")
    return _point(point)


def write_private_key(path: Path | str, key: PrivateKey, password: bytes) -> None:
    """Write `encode_private` to a new file, mode 0600. Raises Conflict `file.exists`, Refused `file.unwritable`."""
    _write_new(Path(path), encode_private(key, password), 0o600)


def read_private_key(path: Path | str, password: bytes | None = None) -> PrivateKey:
    """`decode_private` of a file. Raises also NotFound `file.not_found`, Malformed `file.unreadable`."""
    return decode_private(_read(Path(path)), password)


def write_public_key(path: Path | str, key: PublicKey) -> None:
    """Write `encode_public` to a new file, mode 0644. Raises Conflict `file.exists`, Refused `file.unwritable`."""
    _write_new(Path(path), encode_public(key), 0o644)


def read_public_key(path: Path | str) -> PublicKey:
    """`decode_public` of a file. Raises also NotFound `file.not_found`, Malformed `file.unreadable`."""
    return decode_public(_read(Path(path)))


def _decode_pkcs8(data: bytes) -> PrivateKey:
    """RFC 5958: version, algorithm, key, and attributes that are not read."""
    try:
        outer = asn1.Reader(data)
        info = outer.enter()
        outer.end()
        version, algorithm, sec1 = info.integer(), info.element(asn1.SEQUENCE), info.take(asn1.OCTET_STRING)
    except ValueError as error:
        raise Malformed("key.file_format", detail=str(error)) from error
    if version not in (0, 1):
        raise Malformed("key.file_format", expected="0 or 1", got=version, detail="version")
    if algorithm != _ALGORITHM:
        raise Malformed("key.algorithm")
    return _decode_sec1(sec1, curve_known=True)


def _decode_sec1(data: bytes, *, curve_known: bool) -> PrivateKey:
    """RFC 5915: version 1, scalar, [0] curve, [1] public key."""
    curve, encoded = (_CURVE if curve_known else None), None
    try:
        outer = asn1.Reader(data)
        fields = outer.enter()
        outer.end()
        version, scalar = fields.integer(), fields.take(asn1.OCTET_STRING)
        if fields.next_tag() == asn1.CONTEXT:
            curve = fields.take(asn1.CONTEXT)
        if fields.next_tag() == asn1.CONTEXT + 1:
            wrapped = fields.enter(asn1.CONTEXT + 1)
            encoded = wrapped.bits()
            wrapped.end()
        fields.end()
    except ValueError as error:
        raise Malformed("key.file_format", detail=str(error)) from error
    if version != 1:
        raise Malformed("key.file_format", expected=1, got=version, detail="version")
    if curve != _CURVE:
        raise Malformed("key.algorithm")
    if len(scalar) != SCALAR_SIZE:
        raise Malformed("key.length", expected=SCALAR_SIZE, got=len(scalar))
    key = private_key(int.from_bytes(scalar, "big"))
    if encoded is not None and _point(encoded) != key.public:
        raise Malformed("key.pair_mismatch")
    return key


def _point(encoded: bytes) -> PublicKey:
    if len(encoded) != 1 + PUBLIC_SIZE or not encoded.startswith(_UNCOMPRESSED):
        raise Malformed("key.length", expected=1 + PUBLIC_SIZE, got=len(encoded))
    return PublicKey.parse(encoded[1:])


def _to_pem(label: str, der: bytes) -> bytes:
    body = "\n".join(textwrap.wrap(base64.b64encode(der).decode("ascii"), 64))
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n".encode("ascii")


def _from_pem(data: bytes) -> dict[str, bytes]:
    """The DER of each block by its label; a label may stand once."""
    blocks: dict[str, bytes] = {}
    for label, body in _PEM.findall(data[: MAX_FILE_BYTES + 1]):
        name = label.decode("ascii")
        if name in blocks:
            raise Malformed("key.file_format", detail="more than one key")
        try:
            blocks[name] = base64.b64decode(b"".join(body.split()), validate=True)
        except binascii.Error as error:
            raise Malformed("key.file_format") from error
    return blocks


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as reader:
            data = reader.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise NotFound("file.not_found", got=path.name) from error
    except OSError as error:
        raise Malformed("file.unreadable", got=path.name) from error
    if len(data) > MAX_FILE_BYTES:
        raise Malformed("key.file_format", expected=MAX_FILE_BYTES, detail="file is too large for a key")
    return data


def _write_new(path: Path, data: bytes, mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        raise Conflict("file.exists", got=path.name) from error
    except OSError as error:
        raise Refused("file.unwritable", got=path.name) from error
    try:
        with os.fdopen(descriptor, "wb") as writer:
            writer.write(data)
            writer.flush()
            os.fsync(writer.fileno())
    except OSError as error:
        path.unlink(missing_ok=True)
        raise Refused("file.unwritable", got=path.name) from error
