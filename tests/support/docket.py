"""A case in the hands of the kernel's rules alone: statements of one procedure, one after the other, or refused."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tiezheng.errors import Refused
from tiezheng.procedures import Book, CaseState, Custody, Procedure, Step, check_step
from tiezheng.signature import Signature
from tiezheng.statement import ZERO, Flag, SignedStatement, Statement, new_case_id

NOW = 1_795_000_000
NOW_MS = NOW * 1000
OFFICE, SECOND, COURT, PROCURATORATE, REMOVED = 101, 102, 201, 301, 103
FIRST, OTHER, THIRD, COURTS, IDLE = 0x8000_0001, 0x8000_0002, 0x8000_0003, 0x8000_0009, 0x8000_000A


@dataclass(frozen=True)
class Key:
    """A key in the register: `tiezheng.procedures.MemberKey`."""

    institution: int
    role: int
    custody: int = Custody.SELF
    until: int = 1 << 48
    institution_active: bool = True

    def valid(self, at_seconds: int) -> bool:
        return at_seconds <= self.until


KEYS = {
    OFFICE: Key(OFFICE, 1),
    SECOND: Key(SECOND, 1),
    COURT: Key(COURT, 4),
    PROCURATORATE: Key(PROCURATORATE, 5),
    FIRST: Key(OFFICE, 1),
    OTHER: Key(OFFICE, 1),
    THIRD: Key(OFFICE, 3),
    COURTS: Key(COURT, 1),
    IDLE: Key(OFFICE, 1, institution_active=False),
}


class Register:
    """Institutions and practitioners with one key each; `changes` replace keys."""

    def __init__(self, changes: dict[int, Key] | None = None) -> None:
        self.keys = {**KEYS, **(changes or {})}

    def key(self, number: int, key_index: int) -> Key | None:
        return self.keys.get(number) if key_index == 0 else None

    def is_member(self, number: int) -> bool:
        return number in self.keys or number < 100


def book(*procedures: Procedure) -> Book:
    """An empty registry with these tables."""
    records = Book()
    for one in procedures:
        records.register(one.table_digest)
    return records


@dataclass
class Docket:
    """One case. Signers are (number, role); where none are given, the institution signs in role 0."""

    procedure: Procedure
    book: Book = field(default_factory=Book)
    members: Register = field(default_factory=Register)
    now: int = NOW
    institution: int = OFFICE
    case: bytes = new_case_id(OFFICE, bytes(28))
    last: Step | None = None

    def __post_init__(self) -> None:
        if not self.book.tables:
            self.book.register(self.procedure.table_digest)

    @property
    def state(self) -> CaseState | None:
        return self.book.cases.get(self.case)

    def statement(self, code: str, **changes: Any) -> Statement:
        """The next statement of the case."""
        state = self.state
        number = next((one.number for one in self.procedure.kinds if one.code == code), self._continue)
        fields: dict[str, Any] = {
            "kind": number, "flags": Flag(0), "sequence": 0 if state is None else state.sequence + 1,
            "institution": self.institution, "counterparty": 0, "occurred": self.now * 1000, "case": self.case,
            "previous": self.procedure.table_digest if state is None else state.head, "subject": ZERO,
            "content": b"\x11" * 32, "terms": ZERO,
        }  # fmt: skip
        return Statement(**{**fields, **changes})

    @property
    def _continue(self) -> int:
        return self.procedure.domain << 12 | self.procedure.case_type << 8 | 255

    def signed(self, code: str, *signers: tuple[int, int], **changes: Any) -> SignedStatement:
        """With signatures that the rules do not verify, so any bytes do."""
        statement = self.statement(code, **changes)
        named = signers or ((statement.institution, 0xFF if statement.flags & Flag.IRREGULAR else 0),)
        return SignedStatement(statement, tuple(Signature(number, role, 0, bytes(64)) for number, role in named))

    def judge(self, signed: SignedStatement) -> Step:
        return check_step(
            self.procedure,
            self.book.cases.get(signed.statement.case),
            signed,
            self.members,
            self.book,
            at_seconds=self.now,
        )

    def record(self, code: str, *signers: tuple[int, int], **changes: Any) -> CaseState:
        """Take it; the case after it."""
        self.last = self.judge(self.signed(code, *signers, **changes))
        return self.book.take(self.last)

    def refused(self, reason: str, code: str, *signers: tuple[int, int], **changes: Any) -> None:
        """It is refused for this reason."""
        with pytest.raises(Refused) as caught:
            self.judge(self.signed(code, *signers, **changes))
        assert caught.value.code == reason, caught.value.code
