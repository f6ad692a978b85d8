"""Plain SM2 signatures over whole files, as other tools make and check them (`openssl dgst -sm3`).

Guaranteed: constant memory; data that starts like a message of the protocol is refused, so that a plain signature can
never pass for one. Not guaranteed: any statement about who signed, when and why.
"""

from typing import Final

from tiezheng.digest import CHUNK_SIZE, Reader
from tiezheng.errors import Refused
from tiezheng.signature.provider import sign_digest, verify_digest
from tiezheng.signature.sm2 import PrivateKey, PublicKey, running_digest

RESERVED_PREFIX: Final = b"tiezheng/"


def sign_plain(key: PrivateKey, reader: Reader) -> bytes:
    """r ‖ s (64 bytes) over everything that `reader` gives. Raises Refused `signature.plain_reserved`."""
    return sign_digest(key, _digest(key.public, reader))


def verify_plain(public: PublicKey, reader: Reader, signature: bytes) -> bool:
    """Whether r ‖ s signs everything that `reader` gives.

    Raises Refused `signature.plain_reserved`, Malformed `signature.length`.
    """
    return verify_digest(public, _digest(public, reader), signature)


def _digest(public: PublicKey, reader: Reader) -> bytes:
    context = running_digest(public)
    start = b""
    # A stream may give less than it is asked for.
    while len(start) < len(RESERVED_PREFIX) and (block := reader.read(CHUNK_SIZE)):
        start += block
    if start.startswith(RESERVED_PREFIX):
        raise Refused("signature.plain_reserved")
    context.update(start)
    while block := reader.read(CHUNK_SIZE):
        context.update(block)
    return context.digest()
