"""The pure mirror of `CaseRegistry`: the same checks in the same order, with the same reasons (spec/SPEC.md §3, §8).

Guaranteed: what `check_step` refuses, the contract refuses for the same reason, given the same state, members and time.
Not guaranteed: the signatures themselves; `tiezheng.statement.check_signatures` verifies them. Rules of §3 that a
`Statement` keeps by itself are not repeated here.

Order of the checks (numbers as in the contract):
1. the statement by itself; 2. its place in the case; 3. the kind's entry: lane, state, kinds seen; 4. who records, and
the counterparty named; 5. the signers: slots, sides, roles, keys, handlers, custody.
"""

from dataclasses import dataclass
from typing import Final, NoReturn, Protocol

from tiezheng.errors import Conflict, Refused
from tiezheng.procedures.compile import MAX_HANDLERS
from tiezheng.procedures.model import KEEP, Kind, Lane, Procedure, Slot
from tiezheng.procedures.roles import Custody
from tiezheng.refusals import REASONS
from tiezheng.signature import Signature
from tiezheng.statement import ZERO, Flag, SignedStatement, Statement, case_owner, is_institution

# Clocks of institutions may be ahead of the block's by this much (§3).
AHEAD_MS: Final = 300_000
MAX_PARTICIPANTS: Final = 8
NO_HANDLERS: Final = (0,) * MAX_HANDLERS
_CONFLICTS: Final = frozenset({"AlreadyRecorded", "CaseExists", "CaseSequence", "CasePrevious"})


class MemberKey(Protocol):
    """A registered key (§5.3): its holder's institution, role (institution) or function (practitioner), and custody."""

    @property
    def institution(self) -> int: ...

    @property
    def role(self) -> int: ...

    @property
    def custody(self) -> int: ...

    def valid(self, at_seconds: int) -> bool:
        """Whether the key is valid at this block time."""


class Members(Protocol):
    """What the check has to know of `Institutions`."""

    def key(self, number: int, key_index: int) -> MemberKey | None:
        """The key with this index of this institution or practitioner; None where there is none."""

    def is_member(self, number: int) -> bool:
        """Whether the number is registered."""


@dataclass(frozen=True, slots=True)
class CaseState:
    """State of a case (§8.5). `participants` without trailing zeros, the opener first; `handlers` always eight."""

    head: bytes
    table: bytes
    sequence: int
    state: int
    closed: bool
    kinds_seen: int
    last_occurred: int
    participants: tuple[int, ...]
    handlers: tuple[int, ...] = NO_HANDLERS


def check_step(
    procedure: Procedure,
    state: CaseState | None,
    signed: SignedStatement,
    members: Members,
    *,
    at_seconds: int,
    recorded: bool = False,
) -> CaseState:
    """The case's state after this statement of the registry lane.

    `state` is None where the case does not exist yet; `procedure` is the one that the case is (or would be) pinned to;
    `at_seconds` the block time; `recorded` whether this very digest is recorded already. Raises Refused, or Conflict
    where something else holds the place, with the codes of `tiezheng.refusals`.
    """
    statement = signed.statement
    if statement.flags & Flag.BATCH:
        _refuse("StatementLane", got=int(statement.flags))
    # 1.
    _check_statement(procedure, statement, at_seconds)
    # 2.
    kind = _place(procedure, state, statement, recorded)
    if kind.lane is Lane.BATCH:
        _refuse("KindLane", got=kind.path)
    if kind.opens != (statement.sequence == 0):
        _refuse("KindOpening", expected=kind.opens, got=statement.sequence)
    # 3.
    if state is not None:
        _check_order(procedure, state, kind)
    # 4.
    participants = _participants(state, kind, statement, members)
    # 5.
    handlers = _check_signers(kind, signed, members, at_seconds, state.handlers if state is not None else NO_HANDLERS)
    return _after(procedure, state, kind, statement, participants, handlers)


def check_batch_step(procedure: Procedure, signed: SignedStatement, members: Members, *, at_seconds: int) -> CaseState:
    """The case's state after a statement of the batch lane, which no contract looks into: the same rules as far as they
    apply to a case of one step.
    """
    statement = signed.statement
    if not statement.flags & Flag.BATCH:
        _refuse("StatementLane", got=int(statement.flags))
    _check_statement(procedure, statement, at_seconds)
    kind = _opening(procedure, statement)
    if kind.lane is not Lane.BATCH:
        _refuse("KindLane", got=kind.path)
    if not kind.opens:
        _refuse("KindOpening", expected=kind.opens, got=statement.sequence)
    participants = _participants(None, kind, statement, members)
    handlers = _check_signers(kind, signed, members, at_seconds, NO_HANDLERS)
    return _after(procedure, None, kind, statement, participants, handlers)


def kind_of(procedure: Procedure, statement: Statement) -> Kind:
    """The statement's kind, with all that its 183 bytes and the table show by themselves: lane, flags, terms, table of
    a first statement, counterparty. For verifiers, who see no state. Raises Refused as `check_step`.
    """
    if statement.flags & (Flag.LATE | Flag.IRREGULAR):
        _refuse("FlagNotAccepted", got=int(statement.flags))
    if statement.terms != ZERO:
        _refuse("TermsNotZero", got=statement.terms)
    if statement.sequence == 0 and statement.previous != procedure.table_digest:
        _refuse("TableUnknown", expected=procedure.table_digest, got=statement.previous)
    kind = _kind(procedure, statement)
    if (kind.lane is Lane.BATCH) != bool(statement.flags & Flag.BATCH):
        _refuse("KindLane", got=kind.path)
    if kind.opens != (statement.sequence == 0):
        _refuse("KindOpening", expected=kind.opens, got=statement.sequence)
    if statement.counterparty and not kind.names_counterparty:
        _refuse("CounterpartyNotAllowed", got=statement.counterparty)
    return kind


def _after(
    procedure: Procedure,
    state: CaseState | None,
    kind: Kind,
    statement: Statement,
    participants: tuple[int, ...],
    handlers: tuple[int, ...],
) -> CaseState:
    before, seen = (0, 0) if state is None else (state.state, state.kinds_seen)
    return CaseState(
        head=statement.digest,
        table=procedure.table_digest,
        sequence=statement.sequence,
        state=before if kind.to_state == KEEP else kind.to_state,
        closed=kind.closes,
        kinds_seen=seen | 1 << procedure.position(kind),
        last_occurred=statement.occurred,
        participants=participants,
        handlers=handlers,
    )


def _refuse(error: str, *, expected: object = None, got: object = None) -> NoReturn:
    family = Conflict if error in _CONFLICTS else Refused
    raise family(REASONS[error].code, expected=expected, got=got)


def _check_statement(procedure: Procedure, statement: Statement, at_seconds: int) -> None:
    if statement.flags & (Flag.LATE | Flag.IRREGULAR):
        _refuse("FlagNotAccepted", got=int(statement.flags))
    if statement.domain != procedure.domain:
        _refuse("KindDomain", expected=procedure.domain, got=statement.domain)
    limit = at_seconds * 1000 + AHEAD_MS
    if statement.occurred > limit:
        _refuse("OccurredInFuture", expected=limit, got=statement.occurred)
    if statement.terms != ZERO:
        _refuse("TermsNotZero", got=statement.terms)


def _place(procedure: Procedure, state: CaseState | None, statement: Statement, recorded: bool) -> Kind:
    if statement.sequence == 0:
        if state is not None:
            if recorded:
                _refuse("AlreadyRecorded", got=statement.digest)
            _refuse("CaseExists", got=statement.case)
        return _opening(procedure, statement)
    if state is None:
        _refuse("CaseUnknown", got=statement.case)
    if recorded and (state.closed or statement.sequence != state.sequence + 1):
        _refuse("AlreadyRecorded", got=statement.digest)
    if state.closed:
        _refuse("CaseClosed", got=statement.case)
    if statement.sequence != state.sequence + 1:
        _refuse("CaseSequence", expected=state.sequence + 1, got=statement.sequence)
    if statement.previous != state.head:
        _refuse("CasePrevious", expected=state.head, got=statement.previous)
    if state.table != procedure.table_digest:
        _refuse("TableUnknown", expected=state.table, got=procedure.table_digest)
    return _kind(procedure, statement)


def _opening(procedure: Procedure, statement: Statement) -> Kind:
    if case_owner(statement.case) != statement.institution:
        _refuse("CasePrefix", expected=statement.institution, got=case_owner(statement.case))
    if statement.previous != procedure.table_digest:
        _refuse("TableUnknown", expected=procedure.table_digest, got=statement.previous)
    return _kind(procedure, statement)


def _kind(procedure: Procedure, statement: Statement) -> Kind:
    kind = procedure.kind(statement.kind)
    if kind is None:
        _refuse("KindUnknown", got=statement.kind)
    return kind


def _check_order(procedure: Procedure, state: CaseState, kind: Kind) -> None:
    if state.state not in kind.from_states:
        _refuse("CaseState", expected=", ".join(map(str, kind.from_states)), got=state.state)
    seen = {other.code for at, other in enumerate(procedure.kinds) if state.kinds_seen >> at & 1}
    if missing := [code for code in kind.requires if code not in seen]:
        _refuse("KindsMissing", expected=", ".join(missing))
    if barred := [code for code in kind.forbids if code in seen]:
        _refuse("KindsForbidden", got=", ".join(barred))


def _participants(state: CaseState | None, kind: Kind, statement: Statement, members: Members) -> tuple[int, ...]:
    participants = (statement.institution,) if state is None else state.participants
    if statement.institution not in participants:
        _refuse("NotParticipant", got=statement.institution)
    is_opener = statement.institution == participants[0]
    if not (kind.opener if is_opener else kind.guest):
        _refuse("RecorderNotEntitled", got=statement.institution)
    counterparty = statement.counterparty
    if counterparty == 0:
        return participants
    if not kind.names_counterparty:
        _refuse("CounterpartyNotAllowed", got=counterparty)
    if counterparty in participants:
        return participants
    if len(participants) == MAX_PARTICIPANTS:
        _refuse("ParticipantsFull", expected=MAX_PARTICIPANTS, got=counterparty)
    if not members.is_member(counterparty):
        _refuse("CounterpartyUnknown", got=counterparty)
    return (*participants, counterparty)


def _check_signers(
    kind: Kind, signed: SignedStatement, members: Members, at_seconds: int, before: tuple[int, ...]
) -> tuple[int, ...]:
    if len(signed.signatures) != len(kind.slots):
        _refuse("SignatureCount", expected=len(kind.slots), got=len(signed.signatures))
    free = list(kind.slots)
    handlers = list(before)
    custodies: list[int] = []
    for signature in signed.signatures:
        slot = next((slot for slot in free if slot.role == signature.role), None)
        if slot is None:
            _refuse("SignatureRole", got=signature.role)
        free.remove(slot)
        key = _check_signer(slot, signature, signed.statement, members, at_seconds)
        if slot.is_person:
            custodies.append(key.custody)
        for position in slot.distinct:
            if before[position - 1] == signature.signer:
                _refuse("HandlerNotDistinct", expected=f"other than handler {position}", got=signature.signer)
        if slot.remember:
            handlers[slot.remember - 1] = signature.signer
    # Two persons on keys that the service holds prove one service, not two persons.
    if len(custodies) > 1 and set(custodies) == {Custody.HOSTED}:
        _refuse("HostedKeysAlone", got=len(custodies))
    return tuple(handlers)


def _check_signer(
    slot: Slot, signature: Signature, statement: Statement, members: Members, at_seconds: int
) -> MemberKey:
    side = statement.institution
    if slot.is_counterparty:
        side = statement.counterparty
        if side == 0:
            _refuse("CounterpartyMissing", got=statement.kind)
    if slot.is_person:
        if is_institution(signature.signer):
            _refuse("SignerNotPractitioner", got=signature.signer)
    elif signature.signer != side:
        _refuse("SignerNotInstitution", expected=side, got=signature.signer)
    key = members.key(signature.signer, signature.key_index)
    if key is None:
        _refuse("KeyUnknown", got=signature.signer)
    if not key.valid(at_seconds):
        _refuse("KeyNotValid", got=signature.signer)
    if slot.is_person and key.institution != side:
        _refuse("PractitionerInstitution", expected=side, got=key.institution)
    if slot.required and key.role != slot.required:
        _refuse("PractitionerFunction" if slot.is_person else "InstitutionRole", expected=slot.required, got=key.role)
    return key
