"""A random walk through cases: one proposal after the other, judged by the kernel and by the registry.

The kernel's word is all that it says to a submitted statement: parsing, `check_step`, and every SM2 signature.
"""

from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from random import Random
from types import MappingProxyType
from typing import Final

from tests.support.arena import COURT, OFFICE, ROLES, SUSPENDED_OFFICE, Arena, Registry, limit_of
from tests.support.drafts import Drafter
from tests.support.proposals import SPOILS, Draft, Proposal, Surroundings
from tiezheng.errors import TiezhengError
from tiezheng.procedures import Book, Kind, Procedure, Step, check_step
from tiezheng.refusals import REASONS, reason_of
from tiezheng.signature import PublicKey, Signature
from tiezheng.statement import (
    CONTINUE_STEP,
    SignedStatement,
    Statement,
    check_signatures,
    contract_id,
    parse_joined_signatures,
    parse_statement,
)

ATTEMPTS: Final = 25
ACCEPTED: Final = "accepted"
_RECORD_NUMBERS: Final = frozenset({*range(1, 48), *range(90, 115), 117} - {37})
REGISTRY_REASONS: Final = frozenset(reason.code for reason in REASONS.values() if reason.number in _RECORD_NUMBERS)
"""Every reason that `record` gives; 37 belongs to the other contracts."""
SUCCESSION_REASONS: Final = frozenset(
    {"contract.closed", "continue.predecessor", "continue.open", "continue.mismatch", "continue.head"}
)
"""Those of them that need more than one registry."""
RULES: Final = tuple(
    sorted(
        {reason.code for reason in REASONS.values() if 22 <= reason.number <= 46 or 90 <= reason.number <= 111}
        - {"signature.signer", "signature.length", "signature.order", *SUCCESSION_REASONS}
    )
)
"""Reasons that need a case in the right state, and are drawn for."""
# Where random drafts would rarely come by a reason, the made procedure in which to look for it.
WHERE: Final = MappingProxyType(
    {
        **dict.fromkeys(
            (
                "case.frozen", "sample.holder", "sample.quantity", "sample.exceeded", "sample.unit",
                "sample.split_unknown", "sample.split_used",
            ),
            "made_6",
        ),
        **dict.fromkeys(
            ("target.unknown", "target.kind", "target.status", "basis.unknown", "procedure.not_in_force"), "made_5"
        ),
        **dict.fromkeys(
            (
                "procedure.late_order", "procedure.end", "case.paused", "case.not_paused", "member.not_active",
                "signature.irregular_seal", "key.hosted_alone",
            ),
            "made_4",
        ),
        **dict.fromkeys(("case.invitation", "case.participants_full"), "made_8"),
    }
)  # fmt: skip
# Cases without which some reasons have nowhere to show: procedure, and steps with whom they name.
PATHS: Final = (
    ("made_6", (("seal", 0), ("invite", COURT))),
    ("made_6", (("seal", 0), ("freeze", 0))),
    ("made_6", (("seal", 0), ("split", 0))),
    ("made_6", (("child", 0),)),
    ("made_4", (("open", SUSPENDED_OFFICE), ("publish", 0))),
    ("made_4", (("open", COURT), ("stop", 0))),
    ("made_4", (("open", 0), ("end", 0), ("archive", 0))),
    ("made_8", (("open", COURT), ("answer", 0), ("rule", 0), ("afterwards", 0))),
)
# Codes of the last stage, which looks at the signatures one by one, after all that concerns the statement and its case.
SIGNER_CODES: Final = frozenset(
    reason.code for reason in REASONS.values() if 33 <= reason.number <= 47 or reason.number in {30, 110, 111}
)
# Bytes that cannot be a statement or a list of signatures at all: the kernel refuses them before it knows of cases and
# keys, and names the fault in the bytes where the registry names the first thing that it misses: (kernel, registry).
# Where such bytes have another fault besides, it only matters that both refuse.
NAMED_SOONER: Final = frozenset(
    {
        ("statement.case", "case.not_found"),  # a later step, or a continuing one, in a case of nobody
        ("statement.previous", "procedure.unknown"),  # no table
        ("statement.sequence", "statement.lane"),  # a later step in the batch lane
        *((code, met) for code in ("statement.case", "statement.previous") for met in SUCCESSION_REASONS),
        *(("signature.order", code) for code in SIGNER_CODES),  # a fault of a signer before the one out of order
        *(("signature.number_range", code) for code in SIGNER_CODES),  # signer zero
    }
)


@dataclass(frozen=True)
class Word:
    """What the kernel says: a code, or what the statement changes; `read` says whether the bytes parsed."""

    code: str
    step: Step | None
    read: bool


@dataclass
class Walk:
    """One registry with cases in all states. Proposals are judged; those that both accept are really sent."""

    arena: Arena
    place: Registry
    seed: int
    book: Book = field(default_factory=Book)
    rng: Random = field(init=False)
    drafter: Drafter = field(init=False)
    recorded: list[Proposal] = field(default_factory=list)
    met: Counter[str] = field(default_factory=Counter)
    told_sooner: Counter[tuple[str, str]] = field(default_factory=Counter)
    judged: int = 0
    disagreements: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.by_table = {one.table_digest: one for one in self.arena.procedures}
        for table in self.by_table:
            self.book.register(table, *self.arena.windows.get(table, ()))
        self.drafter = Drafter(self.rng, self.book, self.arena.procedures, self.arena.head().time * 1000)

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
            step = self.rules(signed, at_seconds)
            check_signatures(signed, self.place.contract.id, self._key_of)
        except TiezhengError as error:
            return Word(error.code, None, True)
        return Word(ACCEPTED, step, True)

    def _code_without_signatures(self, statement: Statement, at_seconds: int) -> str | None:
        """What the rules say before they look at the signatures; None where nothing."""
        try:
            self.rules(SignedStatement(statement, (Signature(OFFICE, 0x7F, 0, bytes(64)),)), at_seconds)
        except TiezhengError as error:
            return None if error.code in SIGNER_CODES else error.code
        raise AssertionError("taken without signatures")

    def rules(self, signed: SignedStatement, at_seconds: int) -> Step:
        statement = signed.statement
        state = self.book.cases.get(statement.case)
        opens = state is None or statement.step == CONTINUE_STEP
        procedure = self.by_table.get(statement.previous if opens or state is None else state.table)
        return check_step(
            procedure or self.arena.procedures[0], state, signed, self.arena, self.book, at_seconds=at_seconds
        )

    def registry(self, proposal: Proposal, height: int, at_seconds: int) -> str:
        refusal = self.arena.refusal(self.place, proposal.statement, proposal.signatures, height)
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
        elif word.step is not None:
            self._take(proposal)

    def _take(self, proposal: Proposal) -> None:
        """Send it, and compare every word that the registry changed with what the kernel says for that block."""
        self.arena.record(self.place, proposal.statement, proposal.signatures)
        block = self.arena.head()
        signed = SignedStatement(parse_statement(proposal.statement), parse_joined_signatures(proposal.signatures))
        step = self.rules(signed, block.time)
        case, table = signed.statement.case, step.state.table
        self.arena.check_case(self.place, case, step.state)
        self.arena.check_record(self.place, step.digest, step.record, table, block)
        if step.target is not None:
            self.arena.check_record(self.place, *step.target, table, None)
        if step.split is not None:
            self.arena.check_split(self.place, *step.split)
        self.book.take(step)
        self.recorded.append(proposal)

    def _key_of(self, signature: Signature) -> PublicKey:
        return self.arena.keys[signature.signer].public

    # Proposals --------------------------------------------------------------------------------------------------

    def go(self, steps: int) -> None:
        """Judge this many: some good, some that break one rule of the procedure, most spoiled, once or twice."""
        names = sorted(SPOILS)
        for _ in range(steps):
            how_many = self.rng.choice((0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2))
            draft = self.breaking(self.rng.choice(RULES)) if how_many == 0 and self.rng.random() < 0.3 else None
            self.propose(draft or self.any_draft(), self.rng.sample(names, how_many))

    def each_spoil(self) -> None:
        """Judge each way to spoil a draft once, by itself; where the registry is closed no draft fits."""
        for name in SPOILS:
            draft = self.drafter.any() if self.book.closed else self.any_draft(always_fits=True)
            self.propose(draft, [name])

    def each_rule(self, met: Container[str] = (), attempts: int = ATTEMPTS * 20) -> None:
        """Judge a draft for each rule that needs a case in the right state, as far as one is found."""
        for code in RULES:
            draft = None if code in met else self.breaking(code, attempts)
            if draft is not None:
                self.propose(draft, ())

    def prepare(self) -> None:
        """Take the steps of PATHS, in a case each; a case whose opener cannot go on is left."""
        by_code = {one.code.rpartition(".")[2]: one for one in self.arena.procedures}
        for name, steps in PATHS:
            assert any(self._goes(by_code[name], steps) for _ in range(ATTEMPTS)), name

    def _goes(self, procedure: Procedure, steps: Sequence[tuple[str, int]]) -> bool:
        case: bytes | None = None
        for code, counterparty in steps:
            kind = next(one for one in procedure.kinds if one.code == code)
            found = (self.fitting(procedure, kind, case, counterparty or None) for _ in range(ATTEMPTS))
            draft = next((one for one in found if one is not None), None)
            if draft is None:
                return False
            self.propose(draft, ())
            case = draft.case
        return True

    def fill(self, procedure: Procedure, step: int) -> None:
        """A case of this procedure that eight take part in, by repeating a kind that invites."""
        case: bytes | None = None
        for number in (None, *ROLES):
            state = None if case is None else self.book.cases[case]
            if state is not None and (number in state.participants or len(state.participants) == 8):
                continue
            kind = procedure.by_step[step] if state is not None else procedure.kinds[0]
            draft = self.fitting(procedure, kind, case, counterparty=number)
            assert draft is not None
            self.propose(draft, ())
            case = draft.case
        assert case is not None
        assert len(self.book.cases[case].participants) == 8

    def go_on(self, steps: int, source: Book) -> None:
        """Judge drafts that continue cases of another registry: the first as it is, of the others some spoiled."""
        names = sorted(SPOILS)
        for step in range(steps):
            how_many = self.rng.choice((0, 1, 1, 2)) if step else 0
            self.propose(self.drafter.continuing(source), self.rng.sample(names, how_many))

    def go_on_spoiled(self, source: Book) -> None:
        """Judge each way to spoil a draft that continues a case."""
        for name in SPOILS:
            self.propose(self.drafter.continuing(source), [name])

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
            case = self.drafter.some_case()
            procedure = self.drafter.procedure_for(case)
            kinds = self.rng.sample(procedure.kinds, len(procedure.kinds))
            if always_fits or self.rng.random() < 0.8:
                for kind in kinds:
                    draft = self.fitting(procedure, kind, case)
                    if draft is not None:
                        return draft
            if not always_fits:
                return self.drafter.draft(procedure, kinds[0], case)

    def fitting(
        self, procedure: Procedure, kind: Kind, case: bytes | None, counterparty: int | None = None
    ) -> Draft | None:
        """A draft that the rules take, if one is found soon; the registry is asked about it all the same."""
        for _ in range(ATTEMPTS):
            draft = self.drafter.draft(procedure, kind, case)
            if counterparty is not None:
                draft.counterparty = counterparty
            if self._unsigned_code(draft) == ACCEPTED:
                return draft
        return None

    def breaking(self, code: str, attempts: int = ATTEMPTS * 4) -> Draft | None:
        """A draft that the rules refuse for this reason, if one is found soon."""
        where = WHERE.get(code)
        for _ in range(attempts):
            draft = self.drafter.any(where if self.rng.random() < 0.7 else None)
            if self._unsigned_code(draft) == code:
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

    def _around(self) -> Surroundings:
        contract = self.place.contract
        return Surroundings(
            rng=self.rng,
            keys=self.arena.keys,
            contract_id=contract.id,
            foreign_id=contract_id(1, contract.address, self.arena.deployment.founding),
            limit=self.arena.head().time * 1000 + 300_000,
            cases=list(self.book.cases) or [bytes(32)],
            tables=list(self.by_table),
            recorded=self.recorded,
            digests=list(self.book.records) or [bytes(32)],
        )
