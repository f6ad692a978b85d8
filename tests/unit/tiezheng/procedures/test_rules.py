"""The rules that mirror the registry: one matter from application to certificate, and each way to break it."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.support import evidence as ev
from tests.support.docket import Key, book
from tests.support.docket import Register as AnyRegister
from tests.support.made_procedures import matter
from tiezheng.errors import Conflict, Refused
from tiezheng.procedures import (
    Book,
    CaseState,
    Custody,
    Procedure,
    Recorded,
    check_batch_step,
    check_step,
    kind_of,
    parse_procedure,
)
from tiezheng.signature import Signature
from tiezheng.statement import ZERO, Flag, SignedStatement, Statement, new_case_id

NOW = ev.OCCURRED // 1000
CASE = ev.statement().case
THIRD, OTHERS = 0x8000_0003, 0x8000_0009
MATTER = matter()
KINDS = {kind.code: kind for kind in MATTER.kinds}


class Register(AnyRegister):
    """The institutions and practitioners of this test, with one key each."""

    def __init__(self, **changes: Key) -> None:
        super().__init__()
        self.keys = {
            ev.OFFICE: Key(ev.OFFICE, 1),
            ev.COURT: Key(ev.COURT, 4),
            ev.NOTARY: Key(ev.OFFICE, 1),
            ev.APPROVER: Key(ev.OFFICE, 1),
            THIRD: Key(ev.OFFICE, 1),
            OTHERS: Key(ev.COURT, 1),
        }
        self.keys |= {int(name[1:]): key for name, key in changes.items()}


REGISTER = Register()


def signed(statement: Statement, *signers: tuple[int, int], key_index: int = 0) -> SignedStatement:
    """Signatures are not verified by the rules, so any bytes do."""
    return SignedStatement(statement, tuple(Signature(number, role, key_index, bytes(64)) for number, role in signers))


STEPS: list[tuple[str, tuple[tuple[int, int], ...]]] = [
    ("apply", ((ev.OFFICE, 0),)),
    ("accept", ((ev.NOTARY, 0x41),)),
    ("inform", ((ev.NOTARY, 0x41),)),
    ("review", ((ev.NOTARY, 0x41),)),
    ("approve", ((ev.APPROVER, 0x42),)),
    ("issue", ((ev.OFFICE, 0), (ev.NOTARY, 0x41))),
]


def at(state: CaseState | None, code: str, **changes: Any) -> Statement:
    fields: dict[str, Any] = {
        "kind": KINDS[code].number,
        "case": CASE,
        "sequence": 0 if state is None else state.sequence + 1,
        "previous": MATTER.table_digest if state is None else state.head,
        "subject": ZERO,
    }
    return ev.statement(**{**fields, **changes})


BOOK = book(MATTER)


def check(
    state: CaseState | None, what: SignedStatement, members: Register = REGISTER, records: Book = BOOK
) -> CaseState:
    return check_step(MATTER, state, what, members, records, at_seconds=NOW).state


def run(count: int) -> CaseState:
    """The case after the first `count` steps."""
    state: CaseState | None = None
    for code, signers in STEPS[:count]:
        state = check(state, signed(at(state, code), *signers))
    assert state is not None
    return state


def refused(code: str, state: CaseState | None, what: SignedStatement, *more: Any, **named: Any) -> None:
    with pytest.raises(Refused) as caught:
        check(state, what, *more, **named)
    assert caught.value.code == code


def test_a_matter_goes_from_application_to_certificate() -> None:
    state = run(6)
    assert (state.state, state.sequence, state.closed, state.kinds_seen) == (31, 5, False, 0b1111011)
    assert state.handlers[:4] == (ev.NOTARY, ev.NOTARY, ev.APPROVER, 0)
    assert state.participants == (ev.OFFICE,)
    assert state.table == MATTER.table_digest


def test_a_refused_application_is_the_end() -> None:
    opened = run(1)
    closed = check(opened, signed(at(opened, "refuse"), (ev.NOTARY, 0x41)))
    assert closed.closed
    refused("case.closed", closed, signed(at(closed, "accept"), (ev.NOTARY, 0x41)))


@pytest.mark.parametrize(
    ("after", "code", "signers", "changes", "reason"),
    [
        (0, "apply", [(ev.OFFICE, 0)], {"flags": Flag.BATCH}, "statement.lane"),
        (1, "accept", [(ev.NOTARY, 0x41)], {"flags": Flag.LATE}, "procedure.late"),
        (1, "accept", [(ev.NOTARY, 0x41)], {"flags": Flag.IRREGULAR}, "procedure.irregular"),
        (0, "apply", [(ev.OFFICE, 0)], {"kind": 0x2301}, "statement.domain"),
        (0, "apply", [(ev.OFFICE, 0)], {"kind": 0x1101}, "statement.kind"),
        (0, "apply", [(ev.OFFICE, 0)], {"kind": 0x1308}, "statement.kind"),
        (0, "apply", [(ev.OFFICE, 0)], {"occurred": ev.OCCURRED + 300_001}, "statement.future"),
        (0, "apply", [(ev.OFFICE, 0)], {"terms": b"\x01" * 32}, "statement.terms"),
        (0, "apply", [(ev.OFFICE, 0)], {"previous": b"\x01" * 32}, "procedure.unknown"),
        (0, "accept", [(ev.NOTARY, 0x41)], {}, "procedure.opening"),
        (1, "apply", [(ev.OFFICE, 0)], {}, "procedure.opening"),
        (1, "accept", [(ev.NOTARY, 0x41)], {"sequence": 2}, "statement.sequence"),
        (1, "accept", [(ev.NOTARY, 0x41)], {"previous": b"\x01" * 32}, "statement.previous"),
        (1, "review", [(ev.NOTARY, 0x41)], {}, "procedure.order"),
        (2, "approve", [(ev.APPROVER, 0x42)], {}, "procedure.order"),
        (2, "review", [(ev.NOTARY, 0x41)], {}, "procedure.kinds_missing"),
        (1, "accept", [(OTHERS, 0x41)], {"institution": ev.COURT}, "case.not_participant"),
        (1, "accept", [(ev.NOTARY, 0x41)], {"counterparty": ev.COURT}, "procedure.counterparty"),
        (5, "issue", [(ev.OFFICE, 0)], {}, "signature.count"),
        (5, "issue", [(ev.OFFICE, 0), (ev.NOTARY, 0x42)], {}, "signature.role"),
        (5, "issue", [(ev.NOTARY, 0x41), (THIRD, 0x41)], {}, "signature.role"),
        (1, "accept", [(ev.OFFICE, 0)], {}, "signature.role"),
        (1, "accept", [(ev.OFFICE, 0x41)], {}, "signature.not_practitioner"),
        (0, "apply", [(ev.COURT, 0)], {}, "signature.not_institution"),
        (0, "apply", [(ev.NOTARY, 0)], {}, "signature.not_institution"),
        (1, "accept", [(0x8000_0077, 0x41)], {}, "key.unknown"),
        (1, "accept", [(OTHERS, 0x41)], {}, "signature.affiliation"),
        (4, "approve", [(ev.NOTARY, 0x42)], {}, "procedure.distinct"),
    ],
)
def test_each_broken_rule_has_its_reason(
    after: int, code: str, signers: list[tuple[int, int]], changes: dict[str, Any], reason: str
) -> None:
    state = run(after) if after else None
    refused(reason, state, signed(at(state, code, **changes), *signers))


def test_the_first_reason_in_the_contracts_order_is_the_one_given() -> None:
    state = run(2)
    wrong = at(state, "review", sequence=9, previous=b"\x01" * 32, occurred=ev.OCCURRED + 10**9)
    refused("statement.future", state, signed(wrong, (OTHERS, 0x41)))
    refused("statement.sequence", state, signed(replace(wrong, occurred=0), (OTHERS, 0x41)))
    refused("procedure.kinds_missing", state, signed(at(state, "review"), (OTHERS, 0x41)))


def test_a_case_that_exists_is_not_opened_again_and_a_repetition_is_told_so() -> None:
    state = run(1)
    opening = signed(at(None, "apply"), (ev.OFFICE, 0))
    refused("case.exists", state, opening)
    recorded = book(MATTER)
    recorded.records[opening.digest] = Recorded(CASE, 0)
    refused("statement.recorded", state, opening, records=recorded)
    refused("case.not_found", None, signed(at(state, "accept"), (ev.NOTARY, 0x41)))
    with pytest.raises(Conflict):
        check(state, opening)


def test_keys_count_only_while_they_are_valid_and_in_their_function() -> None:
    state = run(1)
    accept = signed(at(state, "accept"), (ev.NOTARY, 0x41))
    number = f"n{ev.NOTARY}"
    refused("key.not_valid_then", state, accept, Register(**{number: Key(ev.OFFICE, 1, until=NOW - 1)}))
    refused("signature.practitioner_function", state, accept, Register(**{number: Key(ev.OFFICE, 2)}))
    refused("key.unknown", state, signed(at(state, "accept"), (ev.NOTARY, 0x41), key_index=1))
    opening = signed(at(None, "apply"), (ev.OFFICE, 0))
    refused("signature.institution_role", None, opening, Register(**{f"n{ev.OFFICE}": Key(ev.OFFICE, 4)}))


def test_a_seal_beside_a_hosted_notary_is_taken_but_two_hosted_persons_are_not() -> None:
    hosted = {f"n{number}": Key(ev.OFFICE, 1, Custody.HOSTED) for number in (ev.NOTARY, THIRD)}
    state = run(5)
    check(state, signed(at(state, "issue"), (ev.OFFICE, 0), (ev.NOTARY, 0x41)), Register(**hosted))
    document = _document()
    document["kinds"][0]["slots"] = [{"role": "notary", "is": "notary", "remember": 0, "distinct": []}] * 2
    two = parse_procedure(document)
    opening = signed(at(None, "apply", previous=two.table_digest), (ev.NOTARY, 0x41), (THIRD, 0x41))
    with pytest.raises(Refused) as caught:
        check_step(two, None, opening, Register(**hosted), book(two), at_seconds=NOW)
    assert caught.value.code == "key.hosted_alone"
    hosted.popitem()
    check_step(two, None, opening, Register(**hosted), book(two), at_seconds=NOW)


def _document() -> Any:
    return json.loads(MATTER.canonical_bytes)


def _guests() -> Procedure:
    """The matter, where `inform` may be recorded by a guest, may invite, and an approval ends that."""
    document = _document()
    inform = document["kinds"][3]
    inform |= {"flags": ["names_counterparty"], "who": ["opener", "guest"], "forbids": ["approve"], "from": ["first"]}
    inform["slots"] = [
        {"role": "institution", "is": None, "remember": 0, "distinct": []},
        {"role": "counterparty", "is": None, "remember": 0, "distinct": []},
    ]
    return parse_procedure(document)


def test_whom_a_participant_names_may_write_in_the_case_where_the_kind_lets_guests() -> None:
    guests = _guests()
    opened = check_step(
        guests,
        None,
        signed(at(None, "apply", previous=guests.table_digest), (ev.OFFICE, 0)),
        REGISTER,
        book(guests),
        at_seconds=NOW,
    ).state

    def next_one(state: CaseState, what: Statement, *signers: tuple[int, int]) -> CaseState:
        return check_step(guests, state, signed(what, *signers), REGISTER, book(guests), at_seconds=NOW).state

    def fails(reason: str, state: CaseState, what: Statement, *signers: tuple[int, int]) -> None:
        with pytest.raises(Refused) as caught:
            next_one(state, what, *signers)
        assert caught.value.code == reason

    both = ((ev.OFFICE, 0), (ev.COURT, 0x80))
    invited = next_one(opened, at(opened, "inform", counterparty=ev.COURT), *both)
    assert invited.participants == (ev.OFFICE, ev.COURT)
    answer = at(invited, "inform", institution=ev.COURT, counterparty=ev.OFFICE)
    assert next_one(invited, answer, (ev.OFFICE, 0x80), (ev.COURT, 0)).participants == (ev.OFFICE, ev.COURT)
    fails("procedure.recorder", invited, at(invited, "accept", institution=ev.COURT), (OTHERS, 0x41))
    fails("procedure.counterparty_missing", opened, at(opened, "inform"), *both)
    fails("case.counterparty_unknown", opened, at(opened, "inform", counterparty=555), *both)
    seen = replace(opened, kinds_seen=opened.kinds_seen | 1 << 5)
    fails("procedure.kinds_forbidden", seen, at(seen, "inform", counterparty=ev.COURT), *both)
    full = replace(opened, participants=(ev.OFFICE, 2, 3, 4, 5, 6, 7, 8))
    fails("case.participants_full", full, at(full, "inform", counterparty=ev.COURT), *both)


def test_a_bulk_deposit_goes_by_the_batch_lane_and_no_other() -> None:
    what = signed(ev.bulk_statement(), (ev.OFFICE, 0))
    after = check_batch_step(ev.BULK, what, REGISTER, at_seconds=NOW).state
    assert (after.head, after.table, after.sequence) == (what.digest, ev.BULK.table_digest, 0)
    assert after.closed
    assert after.participants == (ev.OFFICE,)
    assert kind_of(ev.BULK, what.statement) is ev.BULK.kinds[0]
    registry = signed(replace(what.statement, flags=Flag(0)), (ev.OFFICE, 0))
    cases: list[tuple[Callable[[], object], str]] = [
        (lambda: check_step(ev.BULK, None, registry, REGISTER, book(ev.BULK), at_seconds=NOW), "procedure.lane"),
        (lambda: kind_of(ev.BULK, registry.statement), "procedure.lane"),
        (lambda: check_batch_step(ev.BULK, registry, REGISTER, at_seconds=NOW), "statement.lane"),
        (lambda: check_batch_step(MATTER, what, REGISTER, at_seconds=NOW), "procedure.unknown"),
        (lambda: check_batch_step(ev.BULK, signed(what.statement, (ev.COURT, 0)), REGISTER, at_seconds=NOW),
         "signature.not_institution"),
    ]  # fmt: skip
    for call, reason in cases:
        with pytest.raises(Refused) as caught:
            call()
        assert caught.value.code == reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"flags": Flag.LATE}, "procedure.late"),
        ({"terms": b"\x01" * 32}, "statement.terms"),
        ({"previous": b"\x01" * 32}, "procedure.unknown"),
        ({"kind": 0x1309}, "statement.kind"),
        ({"kind": 0x1302}, "procedure.opening"),
        ({"counterparty": ev.COURT}, "procedure.counterparty"),
    ],
)
def test_a_verifier_sees_what_a_statement_alone_shows(changes: dict[str, Any], reason: str) -> None:
    assert kind_of(MATTER, at(None, "apply")).code == "apply"
    with pytest.raises(Refused) as caught:
        kind_of(MATTER, at(None, "apply", **changes))
    assert caught.value.code == reason


def test_another_case_id_opens_another_case() -> None:
    other = new_case_id(ev.OFFICE, bytes(28))
    assert check(None, signed(at(None, "apply", case=other), (ev.OFFICE, 0))).sequence == 0
