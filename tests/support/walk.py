"""A random walk through cases: one proposal after the other, judged by the kernel and by the registry.

The kernel's word is all that it says to a submitted statement: parsing, `check_step`, and every SM2 signature.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from tests.support.arena import COURT, FIRST_PERSON, NEVER_MEMBER, OFFICE, PERSONS, ROLES, SECOND, Arena, limit_of
from tests.support.proposals import SPOILS, Draft, Place, Proposal, Surroundings
from tiezheng.errors import TiezhengError
from tiezheng.procedures import CaseState, Kind, Procedure, check_step
from tiezheng.refusals import REASONS, reason_of
from tiezheng.signature import PublicKey, Signature
from tiezheng.statement import (
    SignedStatement,
    Statement,
    check_signatures,
    contract_id,
    parse_joined_signatures,
    parse_statement,
)

MAX_OPEN_CASES = 14
DRAFTS = 25
ACCEPTED = "accepted"
REGISTRY_REASONS = frozenset(reason.code for reason in REASONS.values() if reason.number <= 47) - {"signature.signer"}
"""Every reason that `record` gives; `signature.signer` belongs to the other contracts."""
RULES = (
    "procedure.opening", "procedure.order", "procedure.kinds_missing", "procedure.kinds_forbidden",
    "procedure.recorder", "procedure.counterparty_missing", "procedure.lane", "case.participants_full", "case.closed",
    "signature.affiliation", "signature.institution_role", "signature.practitioner_function", "procedure.distinct",
    "key.hosted_alone", "key.not_valid_then", "case.counterparty_unknown",
)  # fmt: skip
"""Reasons that need a case in the right state, and are drawn for."""
# Codes of the last stage, which looks at the signatures one by one, after all that concerns the statement and its case.
SIGNER_CODES = frozenset(reason.code for reason in REASONS.values() if 33 <= reason.number <= 47) | {
    "procedure.counterparty_missing"
}
# Bytes that cannot be a statement or a list of signatures at all: the kernel refuses them before it knows of cases and
# keys, and names the fault in the bytes where the registry names the first thing that it misses: (kernel, registry).
# Where such bytes have another fault besides, it only matters that both refuse.
NAMED_SOONER = frozenset(
    {
        ("statement.case", "case.not_found"),  # a later step in a case of nobody
        ("statement.previous", "procedure.unknown"),  # no table
        ("statement.sequence", "statement.lane"),  # a later step in the batch lane
        *(("signature.order", code) for code in SIGNER_CODES),  # a fault of a signer before the one out of order
        *(("signature.number_range", code) for code in SIGNER_CODES),  # signer zero
    }
)


@dataclass(frozen=True)
class Word:
    """What the kernel says: a code, or the case's next state; `read` says whether the bytes parsed."""

    code: str
    state: CaseState | None
    read: bool


@dataclass
class Walk:
    """Cases in all states. `steps` proposals are judged; those that both accept are really sent."""

    arena: Arena
    seed: int
    rng: Random = field(init=False)
    cases: dict[bytes, CaseState] = field(default_factory=dict)
    recorded: list[Proposal] = field(default_factory=list)
    digests: set[bytes] = field(default_factory=set)
    met: Counter[str] = field(default_factory=Counter)
    told_sooner: Counter[tuple[str, str]] = field(default_factory=Counter)
    judged: int = 0
    disagreements: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.by_table = {one.table_digest: one for one in self.arena.procedures}

    # The two verdicts -------------------------------------------------------------------------------------------

    def kernel(self, proposal: Proposal, at_seconds: int) -> Word:
        try:
            statement = parse_statement(proposal.statement)
        except TiezhengError as error:
            return Word(error.code, None, False)
        try:
            signed = SignedStatement(statement, parse_joined_signatures(proposal.signatures))
        except TiezhengError as error:
            sooner = self._code_without_signatures(statement, at_seconds)
            return Word(sooner or error.code, None, False)
        try:
            state = self.rules(signed, at_seconds)
            check_signatures(signed, self.arena.registry.id, self._key_of)
        except TiezhengError as error:
            return Word(error.code, None, True)
        return Word(ACCEPTED, state, True)

    def _code_without_signatures(self, statement: Statement, at_seconds: int) -> str | None:
        """What the rules say before they look at the signatures; None where nothing."""
        try:
            self.rules(SignedStatement(statement, (Signature(OFFICE, 0xFF, 0, bytes(64)),)), at_seconds)
        except TiezhengError as error:
            return None if error.code in SIGNER_CODES else error.code
        raise AssertionError("taken without signatures")

    def rules(self, signed: SignedStatement, at_seconds: int) -> CaseState:
        state = self.cases.get(signed.statement.case)
        wanted = signed.statement.previous if state is None else state.table
        procedure = self.by_table.get(wanted, self.arena.procedures[0])
        recorded = signed.digest in self.digests
        return check_step(procedure, state, signed, self.arena, at_seconds=at_seconds, recorded=recorded)

    def registry(self, proposal: Proposal, height: int, at_seconds: int) -> str:
        refusal = self.arena.refusal(proposal.statement, proposal.signatures, height)
        if refusal is None:
            return ACCEPTED
        reason = reason_of(refusal)
        if reason is None:
            return f"no reason: {refusal.hex()}"
        if reason.error == "OccurredInFuture":
            assert limit_of(refusal) == at_seconds * 1000 + 300_000
        return reason.code

    def judge(self, proposal: Proposal) -> None:
        """Compare both verdicts; take the step where both accept it."""
        head = self.arena.head()
        word = self.kernel(proposal, head.time)
        told = self.registry(proposal, head.number, head.time)
        self.judged += 1
        self.met[told] += 1
        if word.code != told:
            sooner = not word.read and told not in (ACCEPTED, word.code)
            if sooner and ((word.code, told) in NAMED_SOONER or len(proposal.faults) > 1):
                self.told_sooner[word.code, told] += 1
                return
            self.disagreements.append(
                f"seed {self.seed}, proposal {self.judged}, {proposal.faults}: rules {word.code}, registry {told}\n"
                f"  {proposal.statement.hex()}\n  {proposal.signatures.hex()}"
            )
        elif word.state is not None:
            self._take(proposal, word.state)

    def _take(self, proposal: Proposal, state: CaseState) -> None:
        self.arena.record(proposal.statement, proposal.signatures)
        case = parse_statement(proposal.statement).case
        assert self.arena.is_recorded(proposal.digest)
        assert self.arena.case(case) == state, proposal.faults
        self.cases[case] = state
        self.recorded.append(proposal)
        self.digests.add(proposal.digest)

    def _key_of(self, signature: Signature) -> PublicKey:
        return self.arena.keys[signature.signer].public

    # Proposals --------------------------------------------------------------------------------------------------

    def go(self, steps: int) -> None:
        """Judge this many: some good, some that break one rule of the procedure, most spoiled, once or twice."""
        names = sorted(SPOILS)
        for _ in range(steps):
            how_many = self.rng.choice((0, 0, 0, 0, 1, 1, 1, 1, 1, 2))
            draft = self.breaking(self.rng.choice(RULES)) if how_many == 0 and self.rng.random() < 0.7 else None
            self.propose(draft or self.any_draft(), self.rng.sample(names, how_many))

    def each_spoil(self) -> None:
        """Judge each way to spoil a draft once, by itself."""
        for name in SPOILS:
            self.propose(self.any_draft(always_fits=True), [name])

    def each_rule(self) -> None:
        """Judge a draft for each rule that needs a case in the right state, as far as one is found."""
        for code in RULES:
            draft = self.breaking(code, DRAFTS * 20)
            if draft is not None:
                self.propose(draft, ())

    def fill(self, procedure: Procedure, step: int) -> None:
        """A case of this procedure that eight take part in, by repeating a kind that invites."""
        self.propose(self.fitting(procedure, procedure.kinds[0], None) or self.any_draft(), ())
        case = parse_statement(self.recorded[-1].statement).case
        for number in ROLES:
            state = self.cases[case]
            if number in state.participants or len(state.participants) == 8:
                continue
            draft = self.fitting(procedure, procedure.by_step[step], case, counterparty=number)
            assert draft is not None
            self.propose(draft, ())
        assert len(self.cases[case].participants) == 8

    def propose(self, draft: Draft, spoils: Sequence[str]) -> None:
        around = self._around()
        before = self._unsigned_code(draft)
        for name in spoils:
            SPOILS[name](draft, around)
        faults = () if before == ACCEPTED else (before,)
        self.judge(draft.propose(around, (*faults, *spoils)))

    def any_draft(self, always_fits: bool = False) -> Draft:
        """For a new case or one that is there; mostly of a kind that fits its state."""
        while True:
            case = self._some_case()
            procedure = self._procedure_for(case)
            kinds = self.rng.sample(procedure.kinds, len(procedure.kinds))
            if always_fits or self.rng.random() < 0.8:
                for kind in kinds:
                    draft = self.fitting(procedure, kind, case)
                    if draft is not None:
                        return draft
            if not always_fits:
                return self.draft(procedure, kinds[0], case)

    def fitting(
        self, procedure: Procedure, kind: Kind, case: bytes | None, counterparty: int | None = None
    ) -> Draft | None:
        """A draft that the rules take, if one is found soon; the registry is asked about it all the same."""
        for _ in range(DRAFTS):
            draft = self.draft(procedure, kind, case)
            if counterparty is not None:
                draft.counterparty = counterparty
            if self._unsigned_code(draft) == ACCEPTED:
                return draft
        return None

    def _unsigned_code(self, draft: Draft) -> str:
        """What the rules say to a draft; they do not look into the signatures themselves."""
        try:
            places = sorted(draft.plan, key=lambda place: place.signer)
            signatures = tuple(Signature(place.signer, place.role, 0, bytes(64)) for place in places)
            self.rules(SignedStatement(parse_statement(draft.statement_bytes()), signatures), self.arena.head().time)
        except TiezhengError as error:
            return error.code
        return ACCEPTED

    def _procedure_for(self, case: bytes | None) -> Procedure:
        return self.rng.choice(self.arena.procedures) if case is None else self.by_table[self.cases[case].table]

    def breaking(self, code: str, attempts: int = DRAFTS * 4) -> Draft | None:
        """A draft that the rules refuse for this reason, if one is found soon."""
        for _ in range(attempts):
            case = self._some_case()
            procedure = self._procedure_for(case)
            draft = self.draft(procedure, self.rng.choice(procedure.kinds), case)
            if self._unsigned_code(draft) == code:
                return draft
        return None

    def draft(self, procedure: Procedure, kind: Kind, case: bytes | None) -> Draft:
        """A draft of this kind with signers drawn for its slots; it may break any rule."""
        rng = self.rng
        state = None if case is None else self.cases[case]
        opener = rng.choice((OFFICE, OFFICE, OFFICE, SECOND, COURT))
        institution = opener if state is None else rng.choice(state.participants)
        counterparty = 0
        if kind.names_counterparty and rng.random() < 0.9:
            here = () if state is None else state.participants
            counterparty = rng.choice((OFFICE, COURT, *here, *ROLES, NEVER_MEMBER))
            if counterparty == institution:
                counterparty = COURT if institution == OFFICE else OFFICE
        return Draft(
            kind=kind.number,
            sequence=0 if state is None else state.sequence + 1,
            institution=institution,
            counterparty=counterparty,
            occurred=rng.randrange(1 << 40),
            case=institution.to_bytes(4, "big") + rng.randbytes(28) if case is None else case,
            previous=procedure.table_digest if state is None else state.head,
            content=rng.randbytes(32),
            plan=self._plan(kind, institution, counterparty),
        )

    def _plan(self, kind: Kind, institution: int, counterparty: int) -> list[Place]:
        plan: list[Place] = []
        for slot in kind.slots:
            side = counterparty if slot.is_counterparty else institution
            if not slot.is_person:
                plan.append(Place(side or COURT, slot.role))
                continue
            taken = {place.signer for place in plan}
            staff = [number for number, (of, _, _) in PERSONS.items() if of == side and number not in taken]
            plan.append(Place(self.rng.choice(staff or [FIRST_PERSON]), slot.role))
        return plan

    def _some_case(self) -> bytes | None:
        if len(self.cases) < 3 or (len(self.cases) < MAX_OPEN_CASES and self.rng.random() < 0.25):
            return None
        # Closed cases stay to be proposed to, but not for most of the walk.
        going_on = [case for case, state in self.cases.items() if not state.closed]
        if not going_on:
            return None
        return self.rng.choice(list(self.cases) if self.rng.random() < 0.15 else going_on)

    def _around(self) -> Surroundings:
        return Surroundings(
            rng=self.rng,
            keys=self.arena.keys,
            contract_id=self.arena.registry.id,
            foreign_id=contract_id(1, self.arena.registry.address, self.arena.deployment.founding),
            limit=self.arena.head().time * 1000 + 300_000,
            cases=list(self.cases) or [bytes(32)],
            tables=list(self.by_table),
            recorded=self.recorded,
        )
