"""Statements, the signed unit: 183 public bytes, and their signatures.

Guaranteed: a `Statement` that exists keeps every rule of spec/SPEC.md §3 that its own bytes can show, and
`parse_statement(x.to_bytes()) == x`. Not guaranteed: that its kind is in a procedure, that its signatures verify, or
that it follows the case's last statement; see `tiezheng.procedures.check_step` and the verifier.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Final

from tiezheng.digest import DIGEST_SIZE, sm3
from tiezheng.errors import Malformed, VerificationFailed
from tiezheng.signature import (
    MAX_STATEMENT_SIGNATURES,
    RECORD_SIZE,
    PublicKey,
    Signature,
    Tag,
    check_signers,
    signatures_to_bytes,
    signed_message,
    verify,
)

STATEMENT_SIZE: Final = 183
VERSION: Final = 1
ZERO: Final = bytes(DIGEST_SIZE)
MAX_SIGNATURES: Final = MAX_STATEMENT_SIGNATURES
CASE_RANDOM_SIZE: Final = 28
# Step of the statement that goes on with a case of another registry (§8.6).
CONTINUE_STEP: Final = 255
ADDRESS_SIZE: Final = 20
PRACTITIONER_BIT: Final = 0x8000_0000
CONTRACT_ID_PREFIX: Final = b"tiezheng/1"

_HEAD: Final = struct.Struct(">BHHIII")
_WHOLE: Final = struct.Struct(">BHHIII6s32s32s32s32s32s")
_OCCURRED_SIZE: Final = 6


class Flag(IntFlag):
    """Flags of a statement (§3, offset 3)."""

    LATE = 1
    IRREGULAR = 2
    CONFIDENTIAL = 4
    BATCH = 8


_KNOWN_FLAGS: Final = int(Flag.LATE | Flag.IRREGULAR | Flag.CONFIDENTIAL | Flag.BATCH)
# Arithmetic on enumerations costs more than a hash; an audit parses millions of statements.
_FLAGS: Final = tuple(Flag(bits) for bits in range(_KNOWN_FLAGS + 1))
_CONFIDENTIAL: Final = int(Flag.CONFIDENTIAL)
_BATCH: Final = int(Flag.BATCH)


def is_institution(number: int) -> bool:
    """Whether this is a number that an institution can have (§1.5)."""
    return 0 < number < PRACTITIONER_BIT


def is_practitioner(number: int) -> bool:
    """Whether this is a number that a practitioner can have (§1.5)."""
    return PRACTITIONER_BIT < number < 1 << 32


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement (§3). `occurred` is ms since 1970 UTC; the five byte fields have 32 bytes each.

    `digest` is the evidence id. Raises Malformed `statement.*` where a rule of §3 is broken.
    """

    kind: int
    flags: Flag
    sequence: int
    institution: int
    counterparty: int
    occurred: int
    case: bytes
    previous: bytes
    subject: bytes
    content: bytes
    terms: bytes = ZERO
    digest: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._check_numbers()
        self._check_digests()
        object.__setattr__(self, "flags", _FLAGS[self.flags])
        object.__setattr__(self, "digest", sm3(self.to_bytes()))

    def _check_numbers(self) -> None:
        for name, value, bits in (("kind", self.kind, 16), ("sequence", self.sequence, 32)):
            if not 0 <= value < 1 << bits:
                raise Malformed("statement.number_range", expected=f"{name} of {bits} bits", got=value)
        if not 0 <= self.occurred < 1 << 48:
            raise Malformed("statement.occurred_at", expected="48 bits", got=self.occurred)
        if not self.kind & 0xFF:
            raise Malformed("statement.kind", expected="step 1 to 255", got=self.kind)
        if not 0 <= int(self.flags) <= _KNOWN_FLAGS:
            raise Malformed("statement.flags", expected=f"0 to {_KNOWN_FLAGS}", got=int(self.flags))
        if not is_institution(self.institution):
            raise Malformed("statement.institution", expected="1 to 2147483647", got=self.institution)
        if self.counterparty == self.institution or not (self.counterparty == 0 or is_institution(self.counterparty)):
            raise Malformed("statement.counterparty", expected="zero or another institution", got=self.counterparty)
        if int(self.flags) & _BATCH and self.sequence:
            raise Malformed("statement.sequence", expected=0, got=self.sequence)

    def _check_digests(self) -> None:
        for value in (self.case, self.previous, self.subject, self.content, self.terms):
            if len(value) != DIGEST_SIZE:
                raise Malformed("digest.length", expected=DIGEST_SIZE, got=len(value))
        opener = case_owner(self.case)
        opens = self.sequence == 0 and self.step != CONTINUE_STEP
        if not is_institution(opener) or (opens and opener != self.institution):
            raise Malformed("statement.case", expected=self.institution, got=opener)
        if self.previous == ZERO:
            raise Malformed("statement.previous", expected="a digest", got="zero")
        if self.content == ZERO:
            raise Malformed("statement.content", expected="a content root", got="zero")
        if int(self.flags) & _CONFIDENTIAL and self.subject != ZERO:
            raise Malformed("statement.subject", expected="zero", got=self.subject)

    @property
    def domain(self) -> int:
        """Domain: the top 4 bits of the kind."""
        return self.kind >> 12

    @property
    def case_type(self) -> int:
        """Case type: the next 4 bits of the kind."""
        return self.kind >> 8 & 0xF

    @property
    def step(self) -> int:
        """Step: the low 8 bits of the kind."""
        return self.kind & 0xFF

    def to_bytes(self) -> bytes:
        """The 183 bytes of §3."""
        head = _HEAD.pack(
            VERSION, self.kind, int(self.flags), self.sequence, self.institution, self.counterparty
        ) + self.occurred.to_bytes(_OCCURRED_SIZE, "big")
        return b"".join((head, self.case, self.previous, self.subject, self.content, self.terms))

    def to_json(self) -> dict[str, int | str]:
        """A view for people and interfaces; never hashed or signed."""
        return {
            "version": VERSION,
            "digest": self.digest.hex(),
            "kind": self.kind,
            "flags": int(self.flags),
            "sequence": self.sequence,
            "institution": self.institution,
            "counterparty": self.counterparty,
            "occurred": self.occurred,
            "case": self.case.hex(),
            "previous": self.previous.hex(),
            "subject": self.subject.hex(),
            "content": self.content.hex(),
            "terms": self.terms.hex(),
        }


def parse_statement(data: bytes) -> Statement:
    """The statement in 183 bytes (§3). Raises Malformed `statement.*`."""
    if len(data) != STATEMENT_SIZE:
        raise Malformed("statement.length", expected=STATEMENT_SIZE, got=len(data))
    version, kind, flags, sequence, institution, counterparty, occurred, *digests = _WHOLE.unpack(data)
    if version != VERSION:
        raise Malformed("statement.version", expected=VERSION, got=version)
    if flags & ~_KNOWN_FLAGS:
        raise Malformed("statement.flags", expected=f"0 to {_KNOWN_FLAGS}", got=flags)
    case, previous, subject, content, terms = digests
    return Statement(
        kind=kind,
        flags=_FLAGS[flags],
        sequence=sequence,
        institution=institution,
        counterparty=counterparty,
        occurred=int.from_bytes(occurred, "big"),
        case=case,
        previous=previous,
        subject=subject,
        content=content,
        terms=terms,
    )


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """A statement with its signatures: 1 to 8, in strictly ascending order of signer (§2.3)."""

    statement: Statement
    signatures: tuple[Signature, ...]

    def __post_init__(self) -> None:
        check_signers(self.signatures)

    @property
    def digest(self) -> bytes:
        """The evidence id; signatures are not part of it."""
        return self.statement.digest

    @property
    def signatures_bytes(self) -> bytes:
        """The signatures joined: count × 70 bytes."""
        return b"".join(signature.to_bytes() for signature in self.signatures)

    @property
    def signatures_digest(self) -> bytes:
        """SM3(count u8 ‖ count × signature) (§7.1)."""
        return sm3(signatures_to_bytes(self.signatures))

    def to_bytes(self) -> bytes:
        """`statement (183) ‖ count u8 ‖ count × signature (70)`, as in a batch leaf (§6)."""
        return self.statement.to_bytes() + signatures_to_bytes(self.signatures)


def parse_joined_signatures(data: bytes) -> tuple[Signature, ...]:
    """Signatures of 70 bytes each without a count, as contracts take them.

    Raises Malformed `signature.length`, `signature.count` and what `Signature.parse` raises; order is not checked.
    """
    if len(data) % RECORD_SIZE:
        raise Malformed("signature.length", expected=f"a multiple of {RECORD_SIZE}", got=len(data))
    if len(data) > MAX_SIGNATURES * RECORD_SIZE:
        raise Malformed("signature.count", expected=f"1 to {MAX_SIGNATURES}", got=len(data) // RECORD_SIZE)
    return tuple(Signature.parse(data[at : at + RECORD_SIZE]) for at in range(0, len(data), RECORD_SIZE))


def parse_signed_statement(statement: bytes, signatures: bytes) -> SignedStatement:
    """Statement (183 bytes) and joined signatures (70 bytes each, ascending by signer, 1 to 8)."""
    return SignedStatement(parse_statement(statement), parse_joined_signatures(signatures))


def message_for(statement: Statement, contract_id: bytes, signer: int, role: int, count: int) -> bytes:
    """The 81 bytes that `signer` signs in `role` where the statement carries `count` signatures in all (§2.2)."""
    return signed_message(
        tag=Tag.STATEMENT,
        role=role,
        signatures=count,
        signer=signer,
        contract_id=contract_id,
        digest=statement.digest,
    )


def check_signatures(signed: SignedStatement, contract_id: bytes, key_of: Callable[[Signature], PublicKey]) -> None:
    """Verify every signature; `key_of` gives the public key of a signature's signer and key index.

    Raises VerificationFailed `signature.invalid` with the signer's number in `got`, and whatever `key_of` raises.
    """
    for signature in signed.signatures:
        message = message_for(signed.statement, contract_id, signature.signer, signature.role, len(signed.signatures))
        if not verify(key_of(signature), message, signature.r_s):
            raise VerificationFailed("signature.invalid", got=signature.signer)


def plan_of(signatures: Sequence[Signature]) -> list[list[int]]:
    """What the reserved content field `signers` must hold for these signatures (§4.3)."""
    return [[signature.signer, signature.role] for signature in signatures]


def new_case_id(institution: int, random: bytes) -> bytes:
    """Opener's number ‖ 28 random bytes, which the caller draws (§3). Raises Malformed `statement.case`."""
    if not is_institution(institution):
        raise Malformed("statement.institution", expected="1 to 2147483647", got=institution)
    if len(random) != CASE_RANDOM_SIZE:
        raise Malformed("statement.case", expected=f"{CASE_RANDOM_SIZE} random bytes", got=len(random))
    return institution.to_bytes(4, "big") + random


def case_owner(case: bytes) -> int:
    """The number of the institution that opened the case."""
    return int.from_bytes(case[:4], "big")


def contract_id(chain_id: int, address: bytes, founding_digest: bytes) -> bytes:
    """SM3("tiezheng/1" ‖ chain id u256 ‖ address ‖ founding digest) (§2.5); address 20 bytes, digest 32."""
    if not 0 <= chain_id < 1 << 256:
        raise Malformed("statement.number_range", expected="chain id of 256 bits", got=chain_id)
    if len(address) != ADDRESS_SIZE:
        raise Malformed("account.address", expected=ADDRESS_SIZE, got=len(address))
    if len(founding_digest) != DIGEST_SIZE:
        raise Malformed("digest.length", expected=DIGEST_SIZE, got=len(founding_digest))
    return sm3(CONTRACT_ID_PREFIX, chain_id.to_bytes(32, "big"), address, founding_digest)
