"""SM2 signatures between r ‖ s and DER (`SEQUENCE { r INTEGER, s INTEGER }`).

Guaranteed: one encoding for each pair; any other is refused. Not guaranteed: that r and s are in range, which
verification checks. Standard: X.690 DER, GM/T 0009.
"""

from tiezheng.errors import Malformed
from tiezheng.signature import asn1
from tiezheng.signature.sm2 import SCALAR_SIZE, join, split


def encode(signature: bytes) -> bytes:
    """DER of 64 bytes r ‖ s. Raises Malformed `signature.length`."""
    r, s = split(signature)
    return asn1.sequence(asn1.integer(r), asn1.integer(s))


def decode(data: bytes) -> bytes:
    """r ‖ s of strict DER, 64 bytes. Raises Malformed `signature.der`."""
    try:
        outer = asn1.Reader(data)
        pair = outer.enter()
        r, s = pair.integer(), pair.integer()
        pair.end()
        outer.end()
    except ValueError as error:
        raise Malformed("signature.der", detail=str(error)) from error
    if max(r, s).bit_length() > SCALAR_SIZE * 8:
        raise Malformed("signature.der", detail="integer too large")
    return join(r, s)
