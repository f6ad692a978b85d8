"""The founding of a ledger and the actions on members and keys (spec/SPEC.md §5.1, §5.2).

Guaranteed: the same bytes and digests as the contract `Institutions` computes. Not guaranteed: that the founders'
signatures verify; `check_founding` does that, given all of them. Nor that the verifier contract is a good one: founders
compare its code hash with that of the published contract before they sign.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from typing import Final

from tiezheng.digest import DIGEST_SIZE, sm3
from tiezheng.errors import Malformed, VerificationFailed
from tiezheng.evm.keccak import keccak256
from tiezheng.procedures import Custody, Function, InstitutionRole
from tiezheng.signature import ROLE_INSTITUTION, PublicKey, Tag, signed_message, verify
from tiezheng.statement import is_institution, is_practitioner

FOUNDING_PREFIX: Final = b"tiezheng/founding/1"
MAX_FOUNDERS: Final = 32
_NO_CODE: Final = (bytes(DIGEST_SIZE), keccak256(b""))

__all__ = [
    "Custody",
    "Founder",
    "Function",
    "InstitutionRole",
    "admission_digest",
    "check_founding",
    "decision_message",
    "founding_bytes",
    "founding_digest",
    "founding_message",
    "possession_digest",
    "possession_message",
    "revocation_digest",
    "suspension_digest",
]


@dataclass(frozen=True, slots=True)
class Founder:
    """A founding institution with its key and the root of its identity card. Raises Malformed `member.*`."""

    number: int
    role: InstitutionRole
    custody: Custody
    key: PublicKey
    identity_root: bytes

    def __post_init__(self) -> None:
        if not is_institution(self.number):
            raise Malformed("statement.institution", expected="1 to 2147483647", got=self.number)
        _check_member(self.role, InstitutionRole, "role")
        _check_member(self.custody, Custody, "custody")
        _check_root(self.identity_root)

    def to_bytes(self) -> bytes:
        """number u32 ‖ role u8 ‖ custody u8 ‖ x ‖ y ‖ identity root."""
        return _u32(self.number) + bytes([self.role, self.custody]) + self.key.to_bytes() + self.identity_root


def founding_bytes(threshold: int, verifier: bytes, founders: Sequence[Founder]) -> bytes:
    """What the founders sign, in its full length. Founders ascend by number, with distinct keys.

    `verifier` is keccak of the deployed code of the Sm2Verifier contract (32 bytes). Raises Malformed `founding.count`,
    `founding.threshold`, `founding.verifier`, `founding.order`, `key.in_use`.
    """
    if not 1 <= len(founders) <= MAX_FOUNDERS:
        raise Malformed("founding.count", expected=f"1 to {MAX_FOUNDERS}", got=len(founders))
    if not 1 <= threshold <= len(founders):
        raise Malformed("founding.threshold", expected=f"1 to {len(founders)}", got=threshold)
    if len(verifier) != DIGEST_SIZE or verifier in _NO_CODE:
        raise Malformed("founding.verifier", expected=DIGEST_SIZE, got=verifier)
    for before, after in pairwise(founders):
        if after.number <= before.number:
            raise Malformed("founding.order", expected=f"above {before.number}", got=after.number)
    if len({founder.key for founder in founders}) != len(founders):
        raise Malformed("key.in_use")
    head = FOUNDING_PREFIX + bytes([threshold]) + verifier + bytes([len(founders)])
    return head + b"".join(founder.to_bytes() for founder in founders)


def founding_digest(threshold: int, verifier: bytes, founders: Sequence[Founder]) -> bytes:
    """SM3 of the founding bytes; `verifier` as in `founding_bytes`."""
    return sm3(founding_bytes(threshold, verifier, founders))


def founding_message(founder: int, count: int, contract_id: bytes, digest: bytes) -> bytes:
    """The 81 bytes that one founder signs (tag 5); `count` is the number of founders."""
    return decision_message(founder, count, contract_id, digest)


def check_founding(
    threshold: int, verifier: bytes, founders: Sequence[Founder], signatures: Sequence[bytes], contract_id: bytes
) -> bytes:
    """The founding digest, if each founder signed it; `signatures` are r ‖ s in the founders' order.

    Raises Malformed as `founding_bytes`, `signature.count`; VerificationFailed `signature.invalid`.
    """
    digest = founding_digest(threshold, verifier, founders)
    if len(signatures) != len(founders):
        raise Malformed("signature.count", expected=len(founders), got=len(signatures))
    for founder, signature in zip(founders, signatures, strict=True):
        message = founding_message(founder.number, len(founders), contract_id, digest)
        if not verify(founder.key, message, signature):
            raise VerificationFailed("signature.invalid", got=founder.number, detail="founder")
    return digest


def decision_message(signer: int, count: int, contract_id: bytes, digest: bytes) -> bytes:
    """The 81 bytes of a signature under tag 5, of `count` in all."""
    return signed_message(Tag.DECISION, ROLE_INSTITUTION, count, signer, contract_id, digest)


def admission_digest(
    number: int, institution: int, function: Function, custody: Custody, key: PublicKey, identity_root: bytes
) -> bytes:
    """SM3(0x01 ‖ number ‖ institution ‖ function ‖ custody ‖ x ‖ y ‖ identity root): admit a practitioner (§5.2)."""
    _check_practitioner(number)
    if not is_institution(institution):
        raise Malformed("statement.institution", expected="1 to 2147483647", got=institution)
    _check_member(function, Function, "function")
    _check_member(custody, Custody, "custody")
    _check_root(identity_root)
    numbers = _u32(number) + _u32(institution) + bytes([function, custody])
    return sm3(b"\x01", numbers, key.to_bytes(), identity_root)


def revocation_digest(number: int, key_index: int) -> bytes:
    """SM3(0x02 ‖ number ‖ key index): revoke the own key (§5.2)."""
    if not 0 <= key_index <= 255 or not (is_institution(number) or is_practitioner(number)):
        raise Malformed("signature.number_range", got=number)
    return sm3(b"\x02", _u32(number), bytes([key_index]))


def suspension_digest(number: int) -> bytes:
    """SM3(0x03 ‖ number): suspend a practitioner (§5.2)."""
    _check_practitioner(number)
    return sm3(b"\x03", _u32(number))


def possession_digest(number: int, key: PublicKey, custody: Custody) -> bytes:
    """SM3(number ‖ x ‖ y ‖ custody): the holder shows that the key is theirs (tag 6, §2.2)."""
    if not (is_institution(number) or is_practitioner(number)):
        raise Malformed("signature.number_range", got=number)
    _check_member(custody, Custody, "custody")
    return sm3(_u32(number), key.to_bytes(), bytes([custody]))


def possession_message(number: int, contract_id: bytes, digest: bytes) -> bytes:
    """The 81 bytes that the holder of a new key signs (tag 6)."""
    return signed_message(Tag.POSSESSION, ROLE_INSTITUTION, 1, number, contract_id, digest)


def _u32(number: int) -> bytes:
    return number.to_bytes(4, "big")


def _check_member(value: int, kind: type[IntEnum], name: str) -> None:
    if value not in set(kind):
        raise Malformed(f"member.{name}", expected=f"1 to {len(kind)}", got=int(value))


def _check_practitioner(number: int) -> None:
    if not is_practitioner(number):
        raise Malformed("member.practitioner_number", expected="2147483649 to 4294967295", got=number)


def _check_root(root: bytes) -> None:
    if len(root) != DIGEST_SIZE or root == bytes(DIGEST_SIZE):
        raise Malformed("member.identity_root", expected=DIGEST_SIZE, got=len(root))
