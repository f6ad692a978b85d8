"""The founding of a ledger (spec/SPEC.md §5.1); later acts stand in `tiezheng.governance`.

Guaranteed: the same bytes and digest as the contract `Institutions` computes. Not guaranteed: that the founders'
signatures verify; `check_founding` does that, given all of them. Nor that the contracts of the cryptography are good
ones: founders compare their code hashes with those of the published contracts before they sign.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from typing import Final

from tiezheng.digest import DIGEST_SIZE, sm3
from tiezheng.errors import Malformed, VerificationFailed
from tiezheng.evm.keccak import keccak256
from tiezheng.governance import decision_message
from tiezheng.procedures import Custody, Function, InstitutionRole
from tiezheng.signature import PublicKey, verify
from tiezheng.statement import is_institution

FOUNDING_PREFIX: Final = b"tiezheng/founding/1"
MIN_FOUNDERS: Final = 2
MAX_FOUNDERS: Final = 32
_NO_CODE: Final = (bytes(DIGEST_SIZE), keccak256(b""))

__all__ = [
    "CryptoCode",
    "Custody",
    "Founder",
    "Function",
    "InstitutionRole",
    "check_founding",
    "founding_bytes",
    "founding_digest",
    "founding_message",
]


@dataclass(frozen=True, slots=True)
class CryptoCode:
    """Keccak (32 bytes each) of the deployed code of the contracts `Sm2Verifier` and `Sm2Keys`.

    Raises Malformed `founding.verifier`, `founding.keys`.
    """

    verifier: bytes
    keys: bytes

    def __post_init__(self) -> None:
        for name, code in (("verifier", self.verifier), ("keys", self.keys)):
            if len(code) != DIGEST_SIZE or code in _NO_CODE:
                raise Malformed(f"founding.{name}", expected=DIGEST_SIZE, got=code)

    def to_bytes(self) -> bytes:
        """verifier ‖ keys."""
        return self.verifier + self.keys


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
        if len(self.identity_root) != DIGEST_SIZE or self.identity_root == bytes(DIGEST_SIZE):
            raise Malformed("member.identity_root", expected=DIGEST_SIZE, got=len(self.identity_root))

    def to_bytes(self) -> bytes:
        """number u32 ‖ role u8 ‖ custody u8 ‖ x ‖ y ‖ identity root."""
        numbers = self.number.to_bytes(4, "big") + bytes([self.role, self.custody])
        return numbers + self.key.to_bytes() + self.identity_root


def founding_bytes(threshold: int, code: CryptoCode, founders: Sequence[Founder]) -> bytes:
    """What the founders sign, in its full length. Founders ascend by number, with distinct keys.

    One more founder than the threshold at least, so that no single one can block every decision. Raises Malformed
    `founding.count`, `founding.threshold`, `founding.order`, `key.in_use`.
    """
    if not MIN_FOUNDERS <= len(founders) <= MAX_FOUNDERS:
        raise Malformed("founding.count", expected=f"{MIN_FOUNDERS} to {MAX_FOUNDERS}", got=len(founders))
    if not 1 <= threshold < len(founders):
        raise Malformed("founding.threshold", expected=f"1 to {len(founders) - 1}", got=threshold)
    for before, after in pairwise(founders):
        if after.number <= before.number:
            raise Malformed("founding.order", expected=f"above {before.number}", got=after.number)
    if len({founder.key for founder in founders}) != len(founders):
        raise Malformed("key.in_use")
    head = FOUNDING_PREFIX + bytes([threshold]) + code.to_bytes() + bytes([len(founders)])
    return head + b"".join(founder.to_bytes() for founder in founders)


def founding_digest(threshold: int, code: CryptoCode, founders: Sequence[Founder]) -> bytes:
    """SM3 of the founding bytes; errors as `founding_bytes`."""
    return sm3(founding_bytes(threshold, code, founders))


def founding_message(founder: int, count: int, contract_id: bytes, digest: bytes) -> bytes:
    """The 81 bytes that one founder signs (tag 5); `count` is the number of founders."""
    return decision_message(founder, count, contract_id, digest)


def check_founding(
    threshold: int, code: CryptoCode, founders: Sequence[Founder], signatures: Sequence[bytes], contract_id: bytes
) -> bytes:
    """The founding digest, if each founder signed it; `signatures` are r ‖ s in the founders' order.

    Raises Malformed as `founding_bytes`, `signature.count`; VerificationFailed `signature.invalid`.
    """
    digest = founding_digest(threshold, code, founders)
    if len(signatures) != len(founders):
        raise Malformed("signature.count", expected=len(founders), got=len(signatures))
    for founder, signature in zip(founders, signatures, strict=True):
        message = founding_message(founder.number, len(founders), contract_id, digest)
        if not verify(founder.key, message, signature):
            raise VerificationFailed("signature.invalid", got=founder.number, detail="founder")
    return digest


def _check_member(value: int, kind: type[IntEnum], name: str) -> None:
    if value not in set(kind):
        raise Malformed(f"member.{name}", expected=f"1 to {len(kind)}", got=int(value))
