"""The pure mirror of `CaseRegistry`: the same checks in the same order, with the same reasons (spec/SPEC.md §3, §8).

Guaranteed: what `check_step` refuses, the contract refuses for the same reason, given the same state, records, members
and time. Not guaranteed: the signatures themselves; `tiezheng.statement.check_signatures` verifies them. Rules of §3
that a `Statement` keeps by itself are not repeated here.

Order of the checks (numbers as in the contract):
1. the statement by itself; 2. the contract and the place in the case; 3. what the kind's entry says of flags, pause,
state, kinds seen and times; 4. who records, and the counterparty named; 5. the effect of the terms; 6. the signers.
"""

from dataclasses import replace
from typing import Final

from tiezheng.errors import Malformed
from tiezheng.procedures.effects import check_effect, check_layout
from tiezheng.procedures.model import KEEP, Kind, KindFlag, Lane, Procedure, Who
from tiezheng.procedures.refuse import refuse
from tiezheng.procedures.signers import check_signers
from tiezheng.procedures.state import NO_HANDLERS, CaseState, Members, Recorded, Records, Step
from tiezheng.statement import CONTINUE_STEP, Flag, SignedStatement, Statement, case_owner

# Clocks of institutions may be ahead of the block's by this much (§3).
AHEAD_MS: Final = 300_000
MAX_PARTICIPANTS: Final = 8
_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
# Days begin at midnight in UTC+8.
_DAY_SHIFT_MS: Final = 8 * _HOUR_MS


def check_step(
    procedure: Procedure,
    state: CaseState | None,
    signed: SignedStatement,
    members: Members,
    records: Records,
    *,
    at_seconds: int,
) -> Step:
    """What this statement of the registry lane changes.

    `state` is None where the case does not exist yet; `procedure` is the one that the case is (or would be) pinned to;
    `at_seconds` the block time. Raises Refused, or Conflict where something else holds the place, with the codes of
    `tiezheng.refusals`.
    """
    statement = signed.statement
    if statement.step == CONTINUE_STEP:
        return check_continue(procedure, state, signed, members, records, at_seconds=at_seconds)
    # 1.
    _check_statement(procedure, statement, at_seconds)
    # 2.
    kind = _place(procedure, state, statement, records)
    # 3.
    _check_flags(kind, statement)
    _check_order(procedure, state, kind, statement)
    # 4.
    participants = _participants(state, kind, statement, members)
    # 5.
    change = check_effect(procedure, kind, statement, state, records)
    # 6.
    handlers = check_signers(kind, signed, members, at_seconds, NO_HANDLERS if state is None else state.handlers)
    after = replace(
        _after(procedure, state, kind, statement, participants, handlers),
        end=change.end,
        holder=change.holding.holder,
        quantity=change.holding.quantity,
        unit=change.holding.unit,
    )
    record = _record(procedure, state, kind, statement, at_seconds)
    return Step(statement.digest, after, record, change.target, change.split)


def check_batch_step(procedure: Procedure, signed: SignedStatement, members: Members, *, at_seconds: int) -> Step:
    """What a statement of the batch lane changes, which no contract looks into: the same rules as far as they apply to
    a case of one step.
    """
    statement = signed.statement
    if not statement.flags & Flag.BATCH:
        refuse("StatementLane", got=int(statement.flags))
    _check_domain_and_time(procedure, statement, at_seconds)
    kind = _opening(procedure, statement)
    if kind.lane is not Lane.BATCH:
        refuse("KindLane", got=kind.path)
    _check_flags(kind, statement)
    participants = _participants(None, kind, statement, members)
    check_layout(kind, statement.terms)
    handlers = check_signers(kind, signed, members, at_seconds, NO_HANDLERS)
    after = _after(procedure, None, kind, statement, participants, handlers)
    return Step(statement.digest, after, _record(procedure, None, kind, statement, at_seconds))


def check_continue(
    procedure: Procedure,
    state: CaseState | None,
    signed: SignedStatement,
    members: Members,
    records: Records,
    *,
    at_seconds: int,
) -> Step:
    """What a statement changes that goes on with a case of the predecessor (§8.6); errors as `check_step`.

    `state` is the case in this registry, `procedure` the one whose table the statement names.
    """
    statement = signed.statement
    _check_statement(procedure, statement, at_seconds)
    if records.closed:
        refuse("ContractClosed")
    if statement.sequence:
        refuse("KindOpening", expected=0, got=statement.sequence)
    predecessor = records.predecessor
    if predecessor is None:
        refuse("PredecessorMissing")
    if not predecessor.closed:
        refuse("PredecessorOpen")
    if not predecessor.succeeded:
        refuse("PredecessorMismatch")
    _check_new(state, statement, records)
    before = predecessor.case(statement.case)
    if before is None:
        refuse("CaseUnknown", got=statement.case)
    known = before.table == statement.previous == procedure.table_digest and records.dates(before.table) is not None
    if not known:
        refuse("TableUnknown", expected=before.table, got=statement.previous)
    kind = _kind(procedure, statement)
    if statement.terms != before.head:
        refuse("ContinueHead", expected=before.head, got=statement.terms)
    if statement.institution not in before.participants:
        refuse("NotParticipant", got=statement.institution)
    if statement.counterparty:
        refuse("CounterpartyNotAllowed", got=statement.counterparty)
    _check_flags(kind, statement)
    check_signers(kind, signed, members, at_seconds, before.handlers)
    after = replace(
        before,
        head=statement.digest,
        sequence=0,
        last_occurred=max(before.last_occurred, statement.occurred),
        continued=True,
    )
    return Step(statement.digest, after, _record(procedure, before, kind, statement, at_seconds))


def kind_of(procedure: Procedure, statement: Statement) -> Kind:
    """The statement's kind, with all that its 183 bytes and the table show by themselves: table of a first statement,
    lane, place, flags, counterparty, layout of the terms. For verifiers, who see no state. Raises Refused as
    `check_step`.
    """
    if statement.sequence == 0 and statement.previous != procedure.table_digest:
        refuse("TableUnknown", expected=procedure.table_digest, got=statement.previous)
    kind = _kind(procedure, statement)
    if (kind.lane is Lane.BATCH) != bool(statement.flags & Flag.BATCH):
        refuse("KindLane", got=kind.path)
    if kind.opens != (statement.sequence == 0):
        refuse("KindOpening", expected=kind.opens, got=statement.sequence)
    _check_flags(kind, statement)
    if statement.counterparty and not kind.names_counterparty:
        refuse("CounterpartyNotAllowed", got=statement.counterparty)
    check_layout(kind, statement.terms)
    return kind


def check_occurred(kind: Kind, occurred: int) -> None:
    """That the time (ms) is the start of a day in UTC+8 where the kind asks for whole days, which no contract checks.

    Raises Malformed `statement.occurred_at`.
    """
    if kind.whole_days and (occurred + _DAY_SHIFT_MS) % _DAY_MS:
        raise Malformed("statement.occurred_at", expected="the start of a day in UTC+8", got=occurred)


def _check_statement(procedure: Procedure, statement: Statement, at_seconds: int) -> None:
    if statement.flags & Flag.BATCH:
        refuse("StatementLane", got=int(statement.flags))
    _check_domain_and_time(procedure, statement, at_seconds)


def _check_domain_and_time(procedure: Procedure, statement: Statement, at_seconds: int) -> None:
    if statement.domain != procedure.domain:
        refuse("KindDomain", expected=procedure.domain, got=statement.domain)
    limit = at_seconds * 1000 + AHEAD_MS
    if statement.occurred > limit:
        refuse("OccurredInFuture", expected=limit, got=statement.occurred)


def _place(procedure: Procedure, state: CaseState | None, statement: Statement, records: Records) -> Kind:
    if records.closed:
        refuse("ContractClosed")
    if statement.sequence == 0:
        kind = _first(procedure, state, statement, records)
    else:
        kind = _next(procedure, state, statement, records)
    if kind.lane is Lane.BATCH:
        refuse("KindLane", got=kind.path)
    if kind.opens != (statement.sequence == 0):
        refuse("KindOpening", expected=kind.opens, got=statement.sequence)
    if state is None:
        dates = records.dates(procedure.table_digest)
        assert dates is not None
        if not dates[0] <= statement.occurred < dates[1]:
            refuse("TableNotInForce", expected=f"{dates[0]} to {dates[1]}", got=statement.occurred)
    elif state.closed and KindFlag.AFTER_CLOSE not in kind.flags:
        refuse("CaseClosed", got=statement.case)
    return kind


def _first(procedure: Procedure, state: CaseState | None, statement: Statement, records: Records) -> Kind:
    _check_prefix(statement)
    _check_new(state, statement, records)
    predecessor = records.predecessor
    if predecessor is not None:
        if not predecessor.closed:
            refuse("PredecessorOpen")
        if not predecessor.succeeded:
            refuse("PredecessorMismatch")
        if predecessor.has_case(statement.case):
            refuse("CaseExists", got=statement.case)
    if records.dates(statement.previous) is None:
        refuse("TableUnknown", got=statement.previous)
    return _opening(procedure, statement)


def _next(procedure: Procedure, state: CaseState | None, statement: Statement, records: Records) -> Kind:
    if state is None:
        refuse("CaseUnknown", got=statement.case)
    if statement.sequence != state.sequence + 1:
        if records.record(statement.digest) is not None:
            refuse("AlreadyRecorded", got=statement.digest)
        refuse("CaseSequence", expected=state.sequence + 1, got=statement.sequence)
    if statement.previous != state.head:
        refuse("CasePrevious", expected=state.head, got=statement.previous)
    if state.table != procedure.table_digest:
        refuse("TableUnknown", expected=state.table, got=procedure.table_digest)
    return _kind(procedure, statement)


def _check_new(state: CaseState | None, statement: Statement, records: Records) -> None:
    if state is not None:
        if records.record(statement.digest) is not None:
            refuse("AlreadyRecorded", got=statement.digest)
        refuse("CaseExists", got=statement.case)


def _opening(procedure: Procedure, statement: Statement) -> Kind:
    _check_prefix(statement)
    if statement.previous != procedure.table_digest:
        refuse("TableUnknown", expected=procedure.table_digest, got=statement.previous)
    return _kind(procedure, statement)


def _check_prefix(statement: Statement) -> None:
    if case_owner(statement.case) != statement.institution:
        refuse("CasePrefix", expected=statement.institution, got=case_owner(statement.case))


def _kind(procedure: Procedure, statement: Statement) -> Kind:
    kind = procedure.kind(statement.kind)
    if kind is None:
        refuse("KindUnknown", got=statement.kind)
    return kind


def _check_flags(kind: Kind, statement: Statement) -> None:
    if statement.flags & Flag.LATE and KindFlag.MAY_BE_LATE not in kind.flags:
        refuse("LateNotAllowed", got=kind.path)
    if statement.flags & Flag.IRREGULAR and KindFlag.MAY_BE_IRREGULAR not in kind.flags:
        refuse("IrregularNotAllowed", got=kind.path)


def _check_order(procedure: Procedure, state: CaseState | None, kind: Kind, statement: Statement) -> None:
    late, irregular = bool(statement.flags & Flag.LATE), bool(statement.flags & Flag.IRREGULAR)
    if not late and (not irregular or kind.effect.moves):
        _check_pause(state is not None and state.paused, kind)
    if state is None:
        return
    if not late and not irregular and state.state not in kind.from_states:
        refuse("CaseState", expected=", ".join(map(str, kind.from_states)), got=state.state)
    seen = {other.code for at, other in enumerate(procedure.kinds) if state.kinds_seen >> at & 1}
    missing = [code for code in kind.requires if code not in seen]
    if missing and not irregular:
        refuse("KindsMissing", expected=", ".join(missing))
    barred = [code for code in kind.forbids if code in seen]
    if barred and not late and not irregular:
        refuse("KindsForbidden", got=", ".join(barred))
    if late and statement.occurred > state.last_occurred:
        refuse("LateOrder", expected=state.last_occurred, got=statement.occurred)
    if KindFlag.AFTER_END in kind.flags and statement.occurred < state.end and not irregular:
        refuse("EndNotReached", expected=state.end, got=statement.occurred)


def _paused_after(before: CaseState, kind: Kind) -> bool:
    """No pause outlasts the case (§8.2 rule 10)."""
    if kind.closes:
        return False
    return KindFlag.PAUSES in kind.flags or (before.paused and KindFlag.RESUMES not in kind.flags)


def _check_pause(paused: bool, kind: Kind) -> None:
    if paused and not kind.flags & (KindFlag.RESUMES | KindFlag.PASSES_PAUSE):
        refuse("CasePaused", got=kind.path)
    if paused and KindFlag.PAUSES in kind.flags:
        refuse("CasePaused", got=kind.path)
    if not paused and KindFlag.RESUMES in kind.flags:
        refuse("CaseNotPaused", got=kind.path)


def _participants(state: CaseState | None, kind: Kind, statement: Statement, members: Members) -> tuple[int, ...]:
    recorder, counterparty = statement.institution, statement.counterparty
    participants = (recorder,) if state is None else state.participants
    holds = state is not None and state.holder == recorder
    if recorder not in participants and not holds:
        refuse("NotParticipant", got=recorder)
    opened = recorder == participants[0]
    entitled = (Who.OPENER if opened else Who.GUEST) | (Who.HOLDER if holds else Who(0))
    if not kind.who & entitled:
        refuse("RecorderNotEntitled", got=recorder)
    if counterparty == 0:
        return participants
    if not kind.names_counterparty:
        refuse("CounterpartyNotAllowed", got=counterparty)
    if counterparty in participants:
        return participants
    if not opened and not holds:
        refuse("InvitationNotAllowed", expected=participants[0], got=recorder)
    if len(participants) == MAX_PARTICIPANTS:
        refuse("ParticipantsFull", expected=MAX_PARTICIPANTS, got=counterparty)
    if not members.is_member(counterparty):
        refuse("CounterpartyUnknown", got=counterparty)
    return (*participants, counterparty)


def _after(
    procedure: Procedure,
    state: CaseState | None,
    kind: Kind,
    statement: Statement,
    participants: tuple[int, ...],
    handlers: tuple[int, ...],
) -> CaseState:
    before = state or CaseState(
        head=b"", table=procedure.table_digest, sequence=0, state=0, closed=False, kinds_seen=0, last_occurred=0,
        participants=(),
    )  # fmt: skip
    late = bool(statement.flags & Flag.LATE)
    stays = late or before.closed or kind.to_state == KEEP
    return replace(
        before,
        head=statement.digest,
        sequence=statement.sequence,
        state=before.state if stays else kind.to_state,
        closed=before.closed or kind.closes,
        kinds_seen=before.kinds_seen | 1 << procedure.position(kind),
        last_occurred=before.last_occurred if late else statement.occurred,
        participants=participants,
        handlers=handlers,
        paused=_paused_after(before, kind),
        frozen=KindFlag.FREEZES in kind.flags or (before.frozen and KindFlag.THAWS not in kind.flags),
        irregular=before.irregular or bool(statement.flags & Flag.IRREGULAR),
    )


def _record(
    procedure: Procedure, before: CaseState | None, kind: Kind, statement: Statement, at_seconds: int
) -> Recorded:
    limit = kind.limit_hours * _HOUR_MS
    return Recorded(
        case=statement.case,
        position=procedure.position(kind),
        late_by_time=bool(limit) and at_seconds * 1000 - statement.occurred > limit,
        late=bool(statement.flags & Flag.LATE),
        irregular=bool(statement.flags & Flag.IRREGULAR),
        irregular_seen=before is not None and before.irregular,
    )
