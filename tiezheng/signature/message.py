"""What is signed (81 bytes, SPEC §2.2) and how a signature travels (70 bytes, SPEC §2.3).

Guaranteed: one form for all signatures of the protocol, bound to purpose, role, count, signer and contract. Not
guaranteed: that role and count are those that the procedure lists; procedures check that.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from typing import Final

from tiezheng.digest import DIGEST_SIZE
from tiezheng.errors import Malformed
from tiezheng.signature.sm2 import SIGNATURE_SIZE

PREFIX: Final = b"tiezheng/1"
MESSAGE_SIZE: Final = 81
RECORD_SIZE: Final = 70
# Contracts verify every signature of a statement in one transaction (SPEC §2.3).
MAX_STATEMENT_SIGNATURES: Final = 8
ROLE_INSTITUTION: Final = 0
ROLE_RESERVED_INSTITUTION: Final = 255

_U8: Final = 0xFF
_U32: Final = 0xFFFFFFFF


class Tag(IntEnum):
    """What a signature is for."""

    STATEMENT = 1
    RECEIPT = 2
    WITNESS = 3
    BATCH = 4
    DECISION = 5
    POSSESSION = 6
    VOTE = 7
    LOGIN = 8
    REFUSAL = 9


_MANY_SIGNATURES: Final = frozenset({Tag.STATEMENT, Tag.DECISION})


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """The fields of one signed message.

    Raises Malformed `signature.number_range`, `signature.role` (tags 2 to 9 carry role 0), `signature.count`,
    `digest.length`.
    """

    tag: Tag
    role: int
    signatures: int
    signer: int
    contract_id: bytes
    digest: bytes

    def __post_init__(self) -> None:
        _check_number("role", self.role, 0, _U8)
        _check_number("signer", self.signer, 1, _U32)
        _check_number("signatures", self.signatures, 1, _U8)
        if self.tag is not Tag.STATEMENT and self.role != ROLE_INSTITUTION:
            raise Malformed("signature.role", expected=ROLE_INSTITUTION, got=self.role)
        if self.tag not in _MANY_SIGNATURES and self.signatures != 1:
            raise Malformed("signature.count", expected=1, got=self.signatures)
        if self.tag is Tag.STATEMENT and self.signatures > MAX_STATEMENT_SIGNATURES:
            raise Malformed("signature.count", expected=f"1 to {MAX_STATEMENT_SIGNATURES}", got=self.signatures)
        for value in (self.contract_id, self.digest):
            if len(value) != DIGEST_SIZE:
                raise Malformed("digest.length", expected=DIGEST_SIZE, got=len(value))

    def to_bytes(self) -> bytes:
        """81 bytes."""
        numbers = bytes((self.tag, self.role, self.signatures)) + self.signer.to_bytes(4, "big")
        return PREFIX + numbers + self.contract_id + self.digest


def signed_message(tag: Tag, role: int, signatures: int, signer: int, contract_id: bytes, digest: bytes) -> bytes:
    """The 81 bytes that are signed; errors as `SignedMessage`."""
    return SignedMessage(tag, role, signatures, signer, contract_id, digest).to_bytes()


def parse_signed_message(data: bytes) -> SignedMessage:
    """The fields of 81 bytes.

    Raises Malformed `signature.message_length`, `signature.message_prefix`, `signature.tag`, and as `SignedMessage`.
    """
    if len(data) != MESSAGE_SIZE:
        raise Malformed("signature.message_length", expected=MESSAGE_SIZE, got=len(data))
    if not data.startswith(PREFIX):
        raise Malformed("signature.message_prefix")
    try:
        tag = Tag(data[10])
    except ValueError as error:
        raise Malformed("signature.tag", expected="1 to 9", got=data[10]) from error
    return SignedMessage(tag, data[11], data[12], int.from_bytes(data[13:17], "big"), data[17:49], data[49:81])


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature with its signer; r and s are checked when it is verified.

    Raises Malformed `signature.number_range`, `signature.length`.
    """

    signer: int
    role: int
    key_index: int
    r_s: bytes

    def __post_init__(self) -> None:
        _check_number("signer", self.signer, 1, _U32)
        _check_number("role", self.role, 0, _U8)
        _check_number("key index", self.key_index, 0, _U8)
        if len(self.r_s) != SIGNATURE_SIZE:
            raise Malformed("signature.length", expected=SIGNATURE_SIZE, got=len(self.r_s))

    def to_bytes(self) -> bytes:
        """signer u32 ‖ role u8 ‖ key index u8 ‖ r ‖ s: 70 bytes."""
        return self.signer.to_bytes(4, "big") + bytes((self.role, self.key_index)) + self.r_s

    @classmethod
    def parse(cls, data: bytes) -> "Signature":
        """From 70 bytes; errors as the constructor."""
        if len(data) != RECORD_SIZE:
            raise Malformed("signature.length", expected=RECORD_SIZE, got=len(data))
        return cls(int.from_bytes(data[:4], "big"), data[4], data[5], data[6:])


def check_signers(signatures: Iterable[Signature]) -> None:
    """Demand 1 to 8 signatures by strictly ascending signer: Malformed `signature.count`, `signature.order`."""
    signers = [signature.signer for signature in signatures]
    if not 1 <= len(signers) <= MAX_STATEMENT_SIGNATURES:
        raise Malformed("signature.count", expected=f"1 to {MAX_STATEMENT_SIGNATURES}", got=len(signers))
    if any(later <= earlier for earlier, later in pairwise(signers)):
        raise Malformed("signature.order")


def signatures_to_bytes(signatures: Iterable[Signature]) -> bytes:
    """count u8 ‖ count × 70 bytes; errors as `check_signers`."""
    listed = tuple(signatures)
    check_signers(listed)
    return bytes((len(listed),)) + b"".join(signature.to_bytes() for signature in listed)


def parse_signatures(data: bytes) -> tuple[Signature, ...]:
    """From count u8 ‖ count × 70 bytes, the whole of `data`; errors as `Signature` and `check_signers`."""
    count = data[0] if data else 0
    if len(data) != 1 + count * RECORD_SIZE:
        raise Malformed("signature.length", expected=1 + count * RECORD_SIZE, got=len(data))
    listed = tuple(Signature.parse(data[1 + i * RECORD_SIZE : 1 + (i + 1) * RECORD_SIZE]) for i in range(count))
    check_signers(listed)
    return listed


def _check_number(name: str, number: int, low: int, high: int) -> None:
    if not low <= number <= high:
        raise Malformed("signature.number_range", expected=f"{low} to {high}", got=number, detail=name)
