"""Bytes that the gas table sends, put together from the specification apart from the kernel: signed messages,
statements, procedure tables.

Guaranteed: the same on every run; keys, nonces and contents follow from their names. Not guaranteed: secrecy of
anything; these keys are no secrets.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sm2_affine import GX, GY, B, N, P, Point, number, public

from anchors.chains.anvil import CHAIN_ID
from tiezheng.digest import sm3

STATEMENT, HEADER, DECISION, POSSESSION = 1, 4, 5, 6
ZERO: Final = bytes(32)
_PREFIX: Final = b"tiezheng/1"
_IDENTITY: Final = b"\x00\x801234567812345678" + b"".join(v.to_bytes(32, "big") for v in (P - 3, B, GX, GY))


def whole(value: int, size: int) -> bytes:
    """An unsigned big-endian integer of `size` bytes."""
    return value.to_bytes(size, "big")


@dataclass(frozen=True, slots=True)
class Key:
    """A member's key; it signs with a nonce drawn from what it signs."""

    member: int
    index: int = 0
    private: int = field(init=False, repr=False)
    point: Point = field(init=False)
    z: bytes = field(init=False)

    def __post_init__(self) -> None:
        private = number(f"gas member {self.member} key {self.index}")
        object.__setattr__(self, "private", private)
        object.__setattr__(self, "point", public(private))
        object.__setattr__(self, "z", sm3(_IDENTITY, *(whole(value, 32) for value in self.point)))

    @property
    def card(self) -> bytes:
        """Root of this member's identity card."""
        return sm3(b"card", whole(self.member, 4))

    def sign(self, tag: int, role: int, count: int, contract: bytes, digest: bytes) -> bytes:
        """r ‖ s over the signed message of 81 bytes (SPEC §2.2)."""
        message = _PREFIX + bytes((tag, role, count)) + whole(self.member, 4) + contract + digest
        e = int.from_bytes(sm3(self.z, message), "big")
        nonce = number(f"gas nonce {self.private} {e}")
        r = (e + public(nonce)[0]) % N
        return whole(r, 32) + whole(pow(1 + self.private, -1, N) * (nonce - r * self.private) % N, 32)

    def wire(self, tag: int, role: int, count: int, contract: bytes, digest: bytes) -> bytes:
        """The signature of 70 bytes (SPEC §2.3)."""
        return whole(self.member, 4) + bytes((role, self.index)) + self.sign(tag, role, count, contract, digest)

    def possession(self, custody: int, contract: bytes) -> bytes:
        """The key's own signature over itself (SPEC §5.2)."""
        parts = (whole(self.member, 4), *(whole(value, 32) for value in self.point), bytes((custody,)))
        return self.wire(POSSESSION, 0, 1, contract, sm3(*parts))


def contract_id(address: str, founding: bytes) -> bytes:
    """SPEC §2.5."""
    return sm3(_PREFIX, whole(CHAIN_ID, 32), bytes.fromhex(address[2:]), founding)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement (SPEC §3) of 183 bytes."""

    kind: int
    sequence: int
    institution: int
    occurred: int
    case: bytes
    previous: bytes
    counterparty: int = 0
    terms: bytes = ZERO

    def to_bytes(self) -> bytes:
        numbers = ((1, 1), (self.kind, 2), (0, 2), (self.sequence, 4), (self.institution, 4), (self.counterparty, 4))
        head = b"".join(whole(value, size) for value, size in (*numbers, (self.occurred, 6)))
        seed = self.case + whole(self.sequence, 4)
        return head + self.case + self.previous + sm3(b"subject", seed) + sm3(b"content", seed) + self.terms

    @property
    def digest(self) -> bytes:
        return sm3(self.to_bytes())

    def after(self, last: "Statement") -> "Statement":
        """This statement, moved behind another one of its case."""
        return replace(self, sequence=last.sequence + 1, previous=last.digest)


@dataclass(frozen=True, slots=True)
class Slot:
    """One signature that a kind asks for: role, and institution role or practitioner function (0: any)."""

    role: int
    wanted: int = 0


def entry(
    step: int, *slots: Slot, flags: int = 0, states: int = 2, to: int = 255, who: int = 1, effect: int = 0
) -> bytes:
    """A kind's 64 bytes in a table (SPEC §8.2), without masks of kinds."""
    head = whole(step, 1) + whole(flags, 2) + whole(states, 4) + whole(to, 1) + bytes(8) + bytes((who, effect, 0, 0))
    filled = b"".join(bytes((slot.role, slot.wanted, 0)) for slot in slots).ljust(24, b"\0")
    return head + filled + bytes(4) + bytes((len(slots),)) + bytes(15)


def table(domain: int, case_type: int, entries: Sequence[bytes]) -> bytes:
    """A procedure table (SPEC §8.2)."""
    return bytes((1, domain, case_type, len(entries))) + sm3(b"document", bytes((case_type,))) + b"".join(entries)
