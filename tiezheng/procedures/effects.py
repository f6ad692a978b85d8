"""What a statement's terms do: end times, targets, bases, and the custody of samples (spec/SPEC.md §8.2).

Guaranteed: the checks of the registry in its order, with its reasons. Not guaranteed: anything about terms of kinds
that the registry does not look into.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from tiezheng.errors import Malformed
from tiezheng.procedures.model import Effect, Kind, Procedure, Who
from tiezheng.procedures.refuse import refuse
from tiezheng.procedures.state import CaseState, Recorded, Records, Split, Status
from tiezheng.procedures.terms import Holding, read_terms
from tiezheng.statement import Statement

_PLAIN: Final = {Status.IN_FORCE: Status.IN_FORCE, Status.PARTLY_REVOKED: Status.PARTLY_REVOKED}
_LIVE: Final = tuple(status for status in Status if status not in (Status.CORRECTED, Status.REVOKED))
# By effect: the status of the target before and after; a status that is missing is refused.
NEXT_STATUS: Final[Mapping[Effect, Mapping[Status, Status]]] = MappingProxyType(
    {
        Effect.CORRECT: dict.fromkeys(_PLAIN, Status.CORRECTED),
        Effect.SUPPLEMENT: {status: status for status in _LIVE},
        Effect.SUSPEND: {
            Status.IN_FORCE: Status.SUSPENDED,
            Status.PARTLY_REVOKED: Status.SUSPENDED_PARTLY_REVOKED,
        },
        Effect.LIFT: {
            Status.SUSPENDED: Status.IN_FORCE,
            Status.SUSPENDED_PARTLY_REVOKED: Status.PARTLY_REVOKED,
        },
        Effect.REVOKE: dict.fromkeys(_LIVE, Status.REVOKED),
        Effect.REVOKE_PART: {
            Status.IN_FORCE: Status.PARTLY_REVOKED,
            Status.PARTLY_REVOKED: Status.PARTLY_REVOKED,
            Status.SUSPENDED: Status.SUSPENDED_PARTLY_REVOKED,
            Status.SUSPENDED_PARTLY_REVOKED: Status.SUSPENDED_PARTLY_REVOKED,
        },
    }
)
_NOTHING: Final = Holding(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Change:
    """What an effect leaves behind: the case's end time and holding, and the target or split as `Step` has them."""

    end: int
    holding: Holding
    target: tuple[bytes, Recorded] | None = None
    split: tuple[bytes, Split] | None = None


def check_layout(kind: Kind, terms: bytes) -> int | bytes | Holding | None:
    """What the terms say, as `read_terms`. Raises Refused `statement.terms`, `statement.terms_layout`."""
    try:
        return read_terms(kind.effect, terms)
    except Malformed as error:
        refuse("TermsNotZero" if error.code == "statement.terms" else "TermsLayout", expected=error.expected, got=terms)


def check_effect(
    procedure: Procedure, kind: Kind, statement: Statement, state: CaseState | None, records: Records
) -> Change:
    """What the statement does besides moving its case on; `state` is that before it. Raises Refused."""
    said = check_layout(kind, statement.terms)
    effect = kind.effect
    if state is not None and state.frozen and effect.moves:
        refuse("CaseFrozen", got=statement.case)
    change = Change(0, _NOTHING)
    if state is not None:
        change = Change(state.end, Holding(state.quantity, state.unit, state.holder))
    if effect is Effect.END:
        assert isinstance(said, int)
        return replace(change, end=said)
    if effect.has_target:
        return replace(change, target=_target(procedure, kind, statement, state, records))
    if effect is Effect.BASIS and records.record(statement.terms) is None:
        refuse("BasisUnknown", got=statement.terms)
    if isinstance(said, Holding):
        return _move(kind, statement, change, said)
    if effect is Effect.CHILD:
        return _child(statement, change, records)
    if effect is Effect.DISPOSE:
        if kind.who != Who.GUEST and change.holding.holder != _side(kind, statement):
            refuse("HolderUnexpected", expected=change.holding.holder, got=_side(kind, statement))
        return replace(change, holding=_NOTHING)
    return change


def _target(
    procedure: Procedure, kind: Kind, statement: Statement, state: CaseState | None, records: Records
) -> tuple[bytes, Recorded]:
    digest = statement.terms
    target = records.record(digest)
    if target is None and records.predecessor is not None and state is not None and state.continued:
        target = records.predecessor.record(digest)
    if target is None or target.case != statement.case:
        refuse("TargetUnknown", got=digest)
    allowed = procedure.mask(kind.targets)
    if not allowed >> target.position & 1:
        refuse("TargetKind", expected=", ".join(kind.targets), got=target.position)
    after = NEXT_STATUS[kind.effect].get(target.status)
    if after is None:
        refuse("TargetStatus", expected=", ".join(map(str, NEXT_STATUS[kind.effect])), got=int(target.status))
    supplemented = target.supplemented or kind.effect is Effect.SUPPLEMENT
    return digest, replace(target, status=after, supplemented=supplemented)


def _side(kind: Kind, statement: Statement) -> int:
    """The counterparty where one of its side signs, else the institution."""
    return statement.counterparty if kind.has_counterparty_slot else statement.institution


def _move(kind: Kind, statement: Statement, before: Change, said: Holding) -> Change:
    """Effects `hold`, `transfer`, `consume`, `split`."""
    held, effect = before.holding, kind.effect
    holder = held.holder if effect is Effect.CONSUME else statement.counterparty
    if effect in (Effect.HOLD, Effect.SPLIT):
        holder = _side(kind, statement)
    if said.holder != holder:
        refuse("HolderUnexpected", expected=holder, got=said.holder)
    if effect is Effect.HOLD:
        return replace(before, holding=said)
    if said.unit != held.unit:
        refuse("UnitUnexpected", expected=held.unit, got=said.unit)
    if effect is Effect.TRANSFER:
        if said.quantity != held.quantity:
            refuse("QuantityUnexpected", expected=held.quantity, got=said.quantity)
        return replace(before, holding=said)
    if said.quantity > held.quantity:
        refuse("QuantityExceeded", expected=held.quantity, got=said.quantity)
    rest = replace(held, quantity=held.quantity - said.quantity)
    kept = (statement.digest, Split(said)) if effect is Effect.SPLIT else None
    return replace(before, holding=rest, split=kept)


def _child(statement: Statement, before: Change, records: Records) -> Change:
    split = records.split(statement.terms)
    if split is None:
        refuse("SplitUnknown", got=statement.terms)
    if split.used:
        refuse("SplitUsed", got=statement.terms)
    if split.holding.holder != statement.institution:
        refuse("HolderUnexpected", expected=split.holding.holder, got=statement.institution)
    return replace(before, holding=split.holding, split=(statement.terms, replace(split, used=True)))
