"""What holds for every procedure document: a machine that works, and words that a lawyer can rely on."""

import pytest

from tiezheng.procedures import (
    KEEP,
    Certainty,
    Effect,
    FieldClass,
    FieldType,
    InstitutionRole,
    Kind,
    KindFlag,
    Lane,
    Procedure,
    Role,
    Who,
    load_procedures,
)

PROCEDURES = load_procedures()
EACH = pytest.mark.parametrize("procedure", PROCEDURES, ids=lambda one: one.code)
OWN_RULE = "本系统规则"
# Words for people: a field of such a name is personal data.
PERSONAL = (
    "applicant",
    "creditor",
    "debtor",
    "guarantors",
    "recipient",
    "objector",
    "witness",
    "name",
    "id_no",
    "owner",
)
SENSITIVE = ("offence", "sentence_class", "ward_no", "taken_from", "score", "property_judgment")


def moves(kind: Kind, state: int) -> int:
    return state if kind.to_state == KEEP else kind.to_state


def reached(
    procedure: Procedure, kinds: tuple[Kind, ...] | None = None, start: frozenset[int] = frozenset()
) -> set[int]:
    """States that can be reached, opening or from `start`."""
    states = set(start) or {kind.to_state for kind in procedure.kinds if kind.opens}
    grown = True
    while grown:
        more = {
            moves(kind, state) for kind in kinds or procedure.kinds for state in states if state in kind.from_states
        }
        grown, states = not more <= states, states | more
    return states


def closing(procedure: Procedure) -> set[int]:
    return {
        moves(kind, state)
        for kind in procedure.kinds
        if kind.closes
        for state in (kind.from_states or (kind.to_state,))
    }


@EACH
def test_every_state_is_reached_and_every_kind_can_be_recorded(procedure: Procedure) -> None:
    states = reached(procedure)
    assert states == {state.number for state in procedure.states}
    assert all(kind.opens or set(kind.from_states) & states for kind in procedure.kinds)


@EACH
def test_every_case_can_come_to_an_end(procedure: Procedure) -> None:
    ends = closing(procedure)
    assert ends
    for state in {one.number for one in procedure.states}:
        assert state in ends or reached(procedure, start=frozenset({state})) & ends, procedure.state(state)


@EACH
def test_what_a_kind_requires_can_have_happened_before_it(procedure: Procedure) -> None:
    by_code = {kind.code: kind for kind in procedure.kinds}
    for kind in procedure.kinds:
        for code in kind.requires:
            needed = by_code[code]
            after = reached(
                procedure, start=frozenset(moves(needed, one) for one in needed.from_states or (needed.to_state,))
            )
            assert set(kind.from_states) & after, (kind.code, code)


@EACH
def test_a_closed_case_takes_what_changes_a_status_and_keeps_its_state(procedure: Procedure) -> None:
    if procedure.kinds[0].lane is Lane.BATCH:
        return
    ends = closing(procedure)
    for kind in procedure.kinds:
        if kind.effect.has_target:
            assert KindFlag.AFTER_CLOSE in kind.flags, kind.code
            assert kind.to_state == KEEP, kind.code
        if KindFlag.AFTER_CLOSE in kind.flags:
            assert set(kind.from_states) & ends, kind.code


@EACH
def test_every_statement_can_be_corrected_supplemented_or_answered(procedure: Procedure) -> None:
    if procedure.kinds[0].lane is Lane.BATCH:
        return
    meant = {code for kind in procedure.kinds for code in kind.targets}
    left = {kind.code for kind in procedure.kinds if not kind.effect.has_target} - meant
    assert left == set(), left


@EACH
def test_an_instrument_is_changed_only_by_instruments_and_suspensions(procedure: Procedure) -> None:
    """A supplement leaves what it supplements in force."""
    instruments = {kind.code for kind in procedure.kinds if kind.instrument}
    for kind in procedure.kinds:
        if kind.effect in (Effect.CORRECT, Effect.REVOKE, Effect.REVOKE_PART) and not kind.instrument:
            assert not instruments & set(kind.targets) - {"certify"}, kind.code


@EACH
def test_what_belongs_to_another_authority_asks_for_its_seal(procedure: Procedure) -> None:
    """An irregular statement keeps to the role that the slot of the seal asks for."""
    for kind in procedure.kinds:
        if kind.who == Who.GUEST:
            seals = [slot.required for slot in kind.slots if slot.role == Role.INSTITUTION]
            assert len(seals) == 1, kind.code
            assert seals[0] in set(InstitutionRole), kind.code


@EACH
def test_a_pause_can_be_ended_wherever_it_may_have_led(procedure: Procedure) -> None:
    pausing = [kind for kind in procedure.kinds if KindFlag.PAUSES in kind.flags]
    resuming = [kind for kind in procedure.kinds if KindFlag.RESUMES in kind.flags]
    assert bool(pausing) == bool(resuming)
    for pause in pausing:
        covered = {state for kind in resuming for state in kind.from_states}
        assert set(pause.from_states) <= covered
        passing = tuple(kind for kind in procedure.kinds if KindFlag.PASSES_PAUSE in kind.flags and not kind.closes)
        for state in reached(procedure, passing, frozenset(pause.from_states)):
            after = tuple(kind for kind in procedure.kinds if KindFlag.PASSES_PAUSE in kind.flags)
            assert state in covered or reached(procedure, after, frozenset({state})) & closing(procedure)


@EACH
def test_what_was_not_read_and_what_is_our_own_is_marked(procedure: Procedure) -> None:
    for kind in procedure.kinds:
        for basis in kind.basis:
            if OWN_RULE in basis.zh:
                assert basis.certainty is Certainty.UNSURE, kind.code
                assert basis.en.startswith("Rule of this ledger"), kind.code
            assert (
                not basis.confirmed
                or "《" in basis.zh
                or "SF/T" in basis.zh
                or "准则" in basis.zh
                or "司发通" in basis.zh
            )


@EACH
def test_one_citation_has_one_certainty_and_one_date(procedure: Procedure) -> None:
    told: dict[str, set[tuple[str, str | None, str]]] = {}
    for one in PROCEDURES:
        for kind in one.kinds:
            for basis in kind.basis:
                told.setdefault(basis.zh, set()).add((basis.certainty, basis.effective_from, basis.en))
    assert not {zh: found for zh, found in told.items() if len(found) > 1}
    assert procedure.kinds


@EACH
def test_a_limit_is_named_in_the_basis(procedure: Procedure) -> None:
    for kind in procedure.kinds:
        named = any(f"{kind.limit_hours}小时" in basis.zh for basis in kind.basis)
        assert named == bool(kind.limit_hours), kind.code


@EACH
def test_a_field_means_the_same_in_every_kind(procedure: Procedure) -> None:
    told: dict[str, set[FieldType]] = {}
    for kind in procedure.kinds:
        for spec in kind.schema.fields:
            told.setdefault(spec.name, set()).add(spec.type)
            assert spec.zh != spec.en
    assert not {name: found for name, found in told.items() if len(found) > 1}


@EACH
def test_persons_are_never_public(procedure: Procedure) -> None:
    for kind in procedure.kinds:
        for spec in kind.schema.fields:
            if spec.name in PERSONAL:
                assert spec.field_class in (FieldClass.PERSONAL, FieldClass.SENSITIVE), (kind.code, spec.name)
            if spec.name in SENSITIVE:
                assert spec.field_class is FieldClass.SENSITIVE, (kind.code, spec.name)
