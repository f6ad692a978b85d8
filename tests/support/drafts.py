"""Drafts that an institution might make of a kind: fitting as a rule, but drawn, so that they may break any rule."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from tests.support.arena import COURT, FIRST_PERSON, NEVER_MEMBER, OFFICE, PERSONS, ROLES, SECOND
from tests.support.proposals import Draft, Place
from tiezheng.procedures import Book, CaseState, Effect, Holding, Kind, KindFlag, Procedure, holding_terms
from tiezheng.statement import Flag

MAX_OPEN_CASES = 24
# Occurred from here on, to the middle of 2004, unless a time of the case says better.
_EARLIEST, _LATEST = 1 << 39, 1 << 40


@dataclass
class Drafter:
    """Draws drafts for the cases of one registry; `now` in ms."""

    rng: Random
    book: Book
    procedures: Sequence[Procedure]
    now: int
    by_table: dict[bytes, Procedure] = field(init=False)

    def __post_init__(self) -> None:
        self.by_table = {one.table_digest: one for one in self.procedures}

    def procedure_for(self, case: bytes | None) -> Procedure:
        return self.rng.choice(self.procedures) if case is None else self.by_table[self.book.cases[case].table]

    def some_case(self) -> bytes | None:
        """One to go on with, or None: open another one."""
        cases = self.book.cases
        if len(cases) < 3 or (len(cases) < MAX_OPEN_CASES and self.rng.random() < 0.25):
            return None
        # Closed cases stay to be proposed to, but not for most of the walk.
        going_on = [case for case, state in cases.items() if not state.closed]
        if not going_on:
            return None
        return self.rng.choice(list(cases) if self.rng.random() < 0.15 else going_on)

    def any(self, code: str | None = None) -> Draft:
        """For any case, or one of the procedure whose code ends so."""
        procedure, case = None, self.some_case()
        if code is not None:
            procedure = next(one for one in self.procedures if one.code.endswith(f".{code}"))
            mine = [one for one, state in self.book.cases.items() if state.table == procedure.table_digest]
            case = self.rng.choice(mine) if mine and self.rng.random() < 0.8 else None
        procedure = procedure if procedure is not None else self.procedure_for(case)
        kinds = [one for one in procedure.kinds if one.opens] if case is None and self.rng.random() < 0.7 else []
        return self.draft(procedure, self.rng.choice(kinds or procedure.kinds), case)

    def draft(self, procedure: Procedure, kind: Kind, case: bytes | None) -> Draft:
        """A draft of this kind with signers drawn for its slots; it may break any rule."""
        rng = self.rng
        state = None if case is None else self.book.cases[case]
        opener = rng.choice((OFFICE, OFFICE, OFFICE, SECOND, COURT))
        institution = opener if state is None else rng.choice(state.participants)
        if state is not None and state.holder and rng.random() < 0.6:
            institution = state.holder
        if kind.effect is Effect.CHILD and rng.random() < 0.7:
            holders = [split.holding.holder for split in self.book.splits.values()]
            institution = rng.choice([one for one in holders if one in ROLES] or [institution])
        counterparty = self._counterparty(kind, state, institution)
        flags = self._flags(kind)
        new_case = institution.to_bytes(4, "big") + rng.randbytes(28)
        return Draft(
            kind=kind.number,
            flags=int(flags),
            sequence=0 if state is None else state.sequence + 1,
            institution=institution,
            counterparty=counterparty,
            occurred=self._occurred(kind, state, flags),
            case=new_case if case is None else case,
            previous=procedure.table_digest if state is None else state.head,
            content=rng.randbytes(32),
            plan=self._plan(kind, institution, counterparty, bool(flags & Flag.IRREGULAR)),
            terms=self._terms(kind, state, new_case if case is None else case, institution, counterparty),
        )

    def continuing(self, source: Book) -> Draft:
        """A draft that goes on with a case of another registry."""
        rng = self.rng
        left = [case for case in source.cases if case not in self.book.cases]
        case = rng.choice(left if left and rng.random() < 0.9 else list(source.cases))
        before = source.cases[case]
        institution = rng.choice(before.participants)
        procedure = self.by_table[before.table]
        number = procedure.domain << 12 | procedure.case_type << 8 | 255
        return Draft(
            kind=number,
            sequence=0,
            institution=institution,
            counterparty=0,
            occurred=max(
                0, rng.choice((before.last_occurred + rng.randrange(-5, 6), rng.randrange(_LATEST), self.now))
            ),
            case=case,
            previous=before.table,
            content=rng.randbytes(32),
            plan=[Place(institution, 0)],
            terms=before.head,
        )

    def _counterparty(self, kind: Kind, state: CaseState | None, institution: int) -> int:
        if not kind.names_counterparty or self.rng.random() < 0.1:
            return 0
        here = () if state is None else state.participants
        drawn = self.rng.choice((OFFICE, COURT, *here, *here, *ROLES, NEVER_MEMBER))
        if drawn == institution:
            drawn = COURT if institution == OFFICE else OFFICE
        return drawn

    def _flags(self, kind: Kind) -> Flag:
        flags = Flag(0)
        if self.rng.random() < (0.3 if KindFlag.MAY_BE_LATE in kind.flags else 0.02):
            flags |= Flag.LATE
        if self.rng.random() < (0.3 if KindFlag.MAY_BE_IRREGULAR in kind.flags else 0.02):
            flags |= Flag.IRREGULAR
        return flags

    def _occurred(self, kind: Kind, state: CaseState | None, flags: Flag) -> int:
        rng = self.rng
        limit = kind.limit_hours * 3_600_000
        drawn = [rng.randrange(_EARLIEST, _LATEST), self.now, self.now - limit + rng.choice((-60_000, 60_000))]
        if state is not None:
            drawn += [state.last_occurred + rng.choice((-1, 0, 1)), state.end + rng.choice((-1, 0, 1))]
            if flags & Flag.LATE:
                drawn += [rng.randrange(state.last_occurred + 1), state.last_occurred]
        return max(0, min(rng.choice(drawn), (1 << 48) - 1))

    def _terms(self, kind: Kind, state: CaseState | None, case: bytes, institution: int, counterparty: int) -> bytes:
        rng, effect = self.rng, kind.effect
        if effect in (Effect.NONE, Effect.DISPOSE):
            return bytes(32)
        if effect is Effect.END:
            end = rng.choice((rng.randrange(1, _LATEST), self.now, self.now + 1, 0))
            return end.to_bytes(6, "big") + bytes(26)
        if effect is Effect.CHILD:
            mine = [digest for digest, split in self.book.splits.items() if split.holding.holder == institution]
            unused = [digest for digest in mine if not self.book.splits[digest].used]
            known = [*mine, *unused, *unused, *list(self.book.splits)]
            return rng.choice(known) if known and rng.random() < 0.9 else rng.randbytes(32)
        if effect.has_target or effect is Effect.BASIS:
            return self._digest(kind, case)
        side = counterparty if kind.has_counterparty_slot else institution
        held = Holding(0, 0, 0) if state is None else Holding(state.quantity, state.unit, state.holder)
        quantity = rng.randrange(1, held.quantity + 1) if held.quantity else rng.randrange(1, 1 << 20)
        if effect is Effect.TRANSFER and held.quantity:
            quantity = held.quantity
        if rng.random() < 0.2:
            quantity += rng.choice((1, 1 << 30))
        unit = held.unit if held.unit and rng.random() < 0.9 else rng.randrange(1, 10)
        holder = held.holder if effect is Effect.CONSUME else side
        return holding_terms(Holding(quantity, unit, holder or COURT))

    def _digest(self, kind: Kind, case: bytes) -> bytes:
        """Of a statement that may be meant, as a rule."""
        rng = self.rng
        books = [self.book] if self.book.predecessor is None else [self.book, self.book.predecessor]
        known = {digest: record for book in books for digest, record in book.records.items()}
        state = self.book.cases.get(case)
        mine = [digest for digest, record in known.items() if record.case == case]
        fit: list[bytes] = []
        if state is not None:
            mask = self.by_table[state.table].mask(kind.targets)
            fit = [digest for digest in mine if mask >> known[digest].position & 1]
        pool = rng.choice((fit, fit, fit, mine, list(known))) or mine or list(known)
        return rng.choice(pool) if pool and rng.random() < 0.95 else rng.randbytes(32)

    def _plan(self, kind: Kind, institution: int, counterparty: int, irregular: bool) -> list[Place]:
        plan: list[Place] = []
        for slot in kind.slots:
            side = counterparty if slot.is_counterparty else institution
            if not slot.is_person:
                plan.append(Place(side or COURT, slot.role))
                continue
            taken = {place.signer for place in plan}
            staff = [number for number, (of, _, _) in PERSONS.items() if of == side and number not in taken]
            wanted = [number for number in staff if slot.required in (0, PERSONS[number][1])]
            fit = wanted if self.rng.random() < 0.95 else staff
            plan.append(Place(self.rng.choice(fit or staff or [FIRST_PERSON]), slot.role))
        if irregular and self.rng.random() < 0.95:
            plan = [place for place in plan if place.signer != institution and self.rng.random() < 0.6]
            plan.append(Place(institution, 0xFF))
        return plan
