"""Statements that institutions might hand in: drafts that fit, and the ways to spoil them, field by field.

A draft is turned into bytes here, not by the kernel, so that bytes which the kernel never makes can be sent as well.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from types import MappingProxyType

from tests.support.arena import NEVER_MEMBER, PERSONS, REVOKED, REVOKED_OFFICE, ROLES, SUSPENDED, SUSPENDED_OFFICE
from tiezheng.digest import sm3
from tiezheng.signature import PrivateKey, Tag, sign, signed_message
from tiezheng.signature.sm2 import N

_HEAD = struct.Struct(">BHHIII")
_MAX_OCCURRED = (1 << 48) - 1


@dataclass(frozen=True)
class Proposal:
    """What is sent: statement and joined signatures. `faults` are the draft's own and those by which it was spoiled."""

    statement: bytes
    signatures: bytes
    faults: tuple[str, ...]

    @property
    def digest(self) -> bytes:
        return sm3(self.statement)


@dataclass
class Place:
    """One signature to be: who signs in which role, and what is done to it when it is made."""

    signer: int
    role: int
    key_index: int = 0
    tamper: str = ""


@dataclass
class Surroundings:
    """What spoiling draws from: block time's limit, other cases and tables, earlier proposals."""

    rng: Random
    keys: Mapping[int, PrivateKey]
    contract_id: bytes
    foreign_id: bytes
    limit: int
    cases: list[bytes]
    tables: list[bytes]
    recorded: list[Proposal]
    digests: list[bytes]

    def bytes(self, size: int = 32) -> bytes:
        return self.rng.randbytes(size)


@dataclass
class Draft:
    """A statement in its fields, with the plan of its signatures."""

    kind: int
    sequence: int
    institution: int
    counterparty: int
    occurred: int
    case: bytes
    previous: bytes
    content: bytes
    plan: list[Place]
    version: int = 1
    flags: int = 0
    subject: bytes = bytes(32)
    terms: bytes = bytes(32)
    cut: int = 0
    signatures_cut: int = 0
    count: int | None = None
    descending: bool = False
    instead: Proposal | None = field(default=None)

    def statement_bytes(self) -> bytes:
        head = _HEAD.pack(self.version, self.kind, self.flags, self.sequence, self.institution, self.counterparty)
        times = self.occurred.to_bytes(6, "big")
        whole = head + times + self.case + self.previous + self.subject + self.content + self.terms
        return (whole + bytes(max(0, self.cut)))[: 183 + self.cut]

    def propose(self, around: Surroundings, faults: tuple[str, ...]) -> Proposal:
        """Bytes with signatures by the keys of the plan."""
        if self.instead is not None:
            return Proposal(self.instead.statement, self.instead.signatures, faults)
        statement = self.statement_bytes()
        digest = sm3(statement)
        count = min(max(len(self.plan) if self.count is None else self.count, 1), 8)
        order = sorted(self.plan, key=lambda place: place.signer, reverse=self.descending)
        joined = b"".join(self._signature(place, digest, count, around) for place in order)
        joined += bytes(max(0, self.signatures_cut))
        return Proposal(statement, joined[: max(0, len(joined) + min(0, self.signatures_cut))], faults)

    def _signature(self, place: Place, digest: bytes, count: int, around: Surroundings) -> bytes:
        contract = around.foreign_id if place.tamper == "contract" else around.contract_id
        role = place.role ^ 1 if place.tamper == "role" else place.role
        signer = max(1, place.signer ^ 1 if place.tamper == "signer" else place.signer)
        tag = Tag.STATEMENT
        message = bytearray(signed_message(tag, role, count, signer, contract, digest))
        if place.tamper == "tag":
            message[10] = Tag.RECEIPT
        holder = place.signer if place.signer in around.keys else around.rng.choice(sorted(around.keys))
        if place.tamper == "key":
            holder = around.rng.choice(sorted(set(around.keys) - {holder}))
        r_s = sign(around.keys[holder], bytes(message))
        head = place.signer.to_bytes(4, "big") + bytes((place.role, place.key_index))
        return head + _tampered(place.tamper, r_s, around.rng)


def _tampered(how: str, r_s: bytes, rng: Random) -> bytes:
    r, s = int.from_bytes(r_s[:32], "big"), int.from_bytes(r_s[32:], "big")
    flip = 1 << rng.randrange(255)
    changed = {
        "r": (r ^ flip, s), "s": (r, s ^ flip), "r zero": (0, s), "s zero": (r, 0), "r is n": (N, s), "s is n": (r, N),
        "s mirrored": (r, N - s), "sum is n": (r, N - r), "swapped": (s, r),
        "all ones": ((1 << 256) - 1, (1 << 256) - 1),
    }.get(how, (r, s))  # fmt: skip
    return b"".join(number.to_bytes(32, "big") for number in changed)


TAMPERS = (
    "contract", "role", "signer", "tag", "key", "r", "s", "r zero", "s zero", "r is n", "s is n", "s mirrored",
    "sum is n", "swapped", "all ones",
)  # fmt: skip
Spoil = Callable[[Draft, Surroundings], None]


def _set(name: str, value: Callable[[Draft, Surroundings], object]) -> Spoil:
    return lambda draft, around: setattr(draft, name, value(draft, around))


def _set_place(name: str, value: Callable[[Place, Surroundings], object]) -> Spoil:
    def spoil(draft: Draft, around: Surroundings) -> None:
        if draft.plan:
            place = around.rng.choice(draft.plan)
            setattr(place, name, value(place, around))

    return spoil


def _confidential_with_subject(draft: Draft, around: Surroundings) -> None:
    draft.flags, draft.subject = 4, around.bytes()


def _drop(draft: Draft, around: Surroundings) -> None:
    if draft.plan:
        draft.plan.remove(around.rng.choice(draft.plan))


def _add(draft: Draft, around: Surroundings) -> None:
    left = sorted({*ROLES, *PERSONS} - {place.signer for place in draft.plan})
    draft.plan.append(Place(around.rng.choice(left), around.rng.choice((0, 0x80, 0x41, 0x42, 0xFF))))


def _repeat_one(draft: Draft, around: Surroundings) -> None:
    """One signer stands twice; the count stays right where two sign."""
    if draft.plan:
        place = around.rng.choice(draft.plan)
        if len(draft.plan) > 1:
            draft.plan.remove(next(other for other in draft.plan if other is not place))
        draft.plan.append(Place(place.signer, place.role))


def _swap_roles(draft: Draft, around: Surroundings) -> None:
    if len(draft.plan) > 1:
        one, other = around.rng.sample(draft.plan, 2)
        one.role, other.role = other.role, one.role


def _persons(numbers: tuple[int, ...]) -> Spoil:
    """Put one of these in a practitioner's place."""

    def spoil(draft: Draft, around: Surroundings) -> None:
        places = [place for place in draft.plan if place.role & 0x40]
        if places:
            around.rng.choice(places).signer = around.rng.choice(numbers)

    return spoil


def _repetition(draft: Draft, around: Surroundings) -> None:
    if around.recorded:
        draft.instead = around.rng.choice(around.recorded)


def _repetition_signed_anew(draft: Draft, around: Surroundings) -> None:
    if around.recorded:
        old = around.rng.choice(around.recorded)
        draft.instead = Proposal(old.statement, around.bytes(len(old.signatures)), ())


def _signatures_of_another(draft: Draft, around: Surroundings) -> None:
    """Good signatures, but of another statement."""
    other = Draft(**{name: getattr(draft, name) for name in draft.__dataclass_fields__})
    other.content = around.bytes()
    draft.instead = Proposal(draft.statement_bytes(), other.propose(around, ()).signatures, ())


def _holding(size: int, at: int, change: Callable[[int, Surroundings], int]) -> Spoil:
    """Change a number in terms that are laid out as a holding."""

    def spoil(draft: Draft, around: Surroundings) -> None:
        number = change(int.from_bytes(draft.terms[at : at + size], "big"), around) % (1 << 8 * size)
        draft.terms = draft.terms[:at] + number.to_bytes(size, "big") + draft.terms[at + size :]

    return spoil


def _answers(draft: Draft, around: Surroundings) -> None:
    draft.plan.append(Place(draft.institution, 0xFF))


def _nobody_answers(draft: Draft, around: Surroundings) -> None:
    draft.plan = [place for place in draft.plan if place.role != 0xFF]


def _continue(draft: Draft, around: Surroundings) -> None:
    draft.kind |= 0xFF
    draft.sequence = around.rng.choice((0, 0, draft.sequence))


def _reopen(draft: Draft, around: Surroundings) -> None:
    draft.sequence, draft.previous = 0, around.rng.choice(around.tables)


HOSTED = tuple(number for number, (_, _, custody) in PERSONS.items() if custody == 3)
OTHERS = tuple(number for number, (institution, _, _) in PERSONS.items() if institution != 101)
EXPERTS = tuple(number for number, (_, function, _) in PERSONS.items() if function != 1)

SPOILS: Mapping[str, Spoil] = MappingProxyType(
    {
        "version": _set("version", lambda d, a: a.rng.choice((0, 2, 255))),
        "length": _set("cut", lambda d, a: a.rng.choice((-183, -1, 1, 32))),
        "step": _set("kind", lambda d, a: d.kind & 0xFF00 | a.rng.randrange(256)),
        "case type": _set("kind", lambda d, a: d.kind ^ a.rng.choice((0x100, 0x200, 0x400, 0x800))),
        "domain": _set("kind", lambda d, a: d.kind ^ a.rng.choice((0x1000, 0x2000, 0x8000))),
        "late": _set("flags", lambda d, a: d.flags | 1),
        "irregular": _set("flags", lambda d, a: d.flags | 2),
        "late and irregular": _set("flags", lambda d, a: d.flags | 3),
        "neither late nor irregular": _set("flags", lambda d, a: d.flags & ~3),
        "confidential": _set("flags", lambda d, a: d.flags | 4),
        "confidential with a subject": _confidential_with_subject,
        "batch lane": _set("flags", lambda d, a: d.flags | 8),
        "all flags": _set("flags", lambda d, a: 15),
        "unknown flag": _set("flags", lambda d, a: 1 << a.rng.randrange(4, 16)),
        "sequence ahead": _set("sequence", lambda d, a: d.sequence + a.rng.choice((1, 2, 1 << 31))),
        "sequence behind": _set("sequence", lambda d, a: max(0, d.sequence - 1)),
        "opens again": _reopen,
        "continues": _continue,
        "institution": _set("institution", lambda d, a: a.rng.choice(sorted(ROLES))),
        "no institution": _set("institution", lambda d, a: a.rng.choice((0, 0x8000_0001, 0xFFFF_FFFF))),
        "counterparty": _set("counterparty", lambda d, a: a.rng.choice(sorted(ROLES))),
        "unknown counterparty": _set("counterparty", lambda d, a: NEVER_MEMBER),
        "own counterparty": _set("counterparty", lambda d, a: d.institution),
        "counterparty is a person": _set("counterparty", lambda d, a: 0x8000_0001),
        "no counterparty": _set("counterparty", lambda d, a: 0),
        "ended counterparty": _set("counterparty", lambda d, a: REVOKED_OFFICE),
        "last moment": _set("occurred", lambda d, a: a.limit),
        "a moment later": _set("occurred", lambda d, a: a.limit + 1),
        "far future": _set("occurred", lambda d, a: _MAX_OCCURRED),
        "long ago": _set("occurred", lambda d, a: 0),
        "other case": _set("case", lambda d, a: a.rng.choice(a.cases)),
        "unknown case": _set("case", lambda d, a: d.case[:4] + a.bytes(28)),
        "case of another": _set("case", lambda d, a: a.rng.choice((102, 201)).to_bytes(4, "big") + d.case[4:]),
        "case of nobody": _set("case", lambda d, a: bytes(4) + d.case[4:]),
        "previous": _set("previous", lambda d, a: a.bytes()),
        "other table": _set("previous", lambda d, a: a.rng.choice(a.tables)),
        "no previous": _set("previous", lambda d, a: bytes(32)),
        "subject": _set("subject", lambda d, a: a.bytes()),
        "no content": _set("content", lambda d, a: bytes(32)),
        "terms": _set("terms", lambda d, a: a.bytes()),
        "no terms": _set("terms", lambda d, a: bytes(32)),
        "terms of a statement": _set("terms", lambda d, a: a.rng.choice(a.digests)),
        "end of terms": _set("terms", lambda d, a: d.terms[:31] + a.bytes(1)),
        "quantity": _holding(8, 0, lambda n, a: n + a.rng.choice((-1, 1, 1 << 40))),
        "no quantity": _holding(8, 0, lambda n, a: 0),
        "unit": _holding(2, 8, lambda n, a: n + a.rng.choice((-1, 1))),
        "no unit": _holding(2, 8, lambda n, a: 0),
        "holder": _holding(4, 10, lambda n, a: a.rng.choice((0, *ROLES, 0x8000_0001))),
        "signature missing": _drop,
        "signature too many": _add,
        "signer twice": _repeat_one,
        "one who answers": _answers,
        "nobody who answers": _nobody_answers,
        "no signatures": _set("plan", lambda d, a: []),
        "descending": _set("descending", lambda d, a: True),
        "signatures cut": _set("signatures_cut", lambda d, a: a.rng.choice((-70, -1, 1, 70))),
        "count": _set("count", lambda d, a: len(d.plan) + a.rng.choice((-1, 1))),
        "role": _set_place("role", lambda p, a: a.rng.choice((0, 0x80, 0x41, 0x42, 0x43, 0xC1, 0xFF))),
        "roles swapped": _swap_roles,
        "person": _persons(tuple(PERSONS)),
        "hosted person": _persons(HOSTED),
        "person of another": _persons(OTHERS),
        "person of another function": _persons(EXPERTS),
        "ended person": _persons((SUSPENDED, REVOKED)),
        "person of a suspended office": _persons((0x8000_000C,)),
        "suspended counterparty": _set("counterparty", lambda d, a: SUSPENDED_OFFICE),
        "unknown person": _persons((0x8000_0077,)),
        "institution as a person": _persons(tuple(ROLES)),
        "any signer": _set_place("signer", lambda p, a: a.rng.choice((*ROLES, *PERSONS, 0, 0x8000_0000))),
        "key index": _set_place("key_index", lambda p, a: a.rng.choice((1, 255))),
        "tampered": _set_place("tamper", lambda p, a: a.rng.choice(TAMPERS)),
        "tampered in r or s": _set_place("tamper", lambda p, a: a.rng.choice(("r", "s"))),
        "repetition": _repetition,
        "repetition with other signatures": _repetition_signed_anew,
        "signatures of another": _signatures_of_another,
    }
)
"""Each way to spoil a draft, by name; a few leave it good (a subject, the last allowed moment)."""
__all__ = ["SPOILS", "Draft", "Place", "Proposal", "Surroundings"]
