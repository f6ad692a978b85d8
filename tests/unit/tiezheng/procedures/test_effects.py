"""What a statement does to earlier ones and to samples."""

from dataclasses import replace

import pytest

from tests.support.docket import COURT, FIRST, NOW_MS, OFFICE, OTHER, PROCURATORATE, SECOND, Docket, book
from tests.support.made_procedures import acts, samples, times
from tiezheng.errors import Conflict, Malformed
from tiezheng.procedures import (
    Book,
    CaseState,
    Effect,
    Holding,
    Recorded,
    Status,
    Unit,
    digest_terms,
    end_terms,
    holding_terms,
    read_terms,
)
from tiezheng.statement import ZERO, Flag

SEAL, OTHERS, APPRAISER = 0x00, 0x80, 0x49
BOTH = ((OFFICE, SEAL), (COURT, OTHERS))
GRAM = Unit.GRAM
STATUS = {status.value: status for status in Status}
# Status before, effect, status after (0: refused), written out from §8.2.
MOVES = """
1 correct 2, 1 supplement 1, 1 suspend 3, 1 lift 0, 1 revoke 4, 1 revoke_part 5,
2 correct 0, 2 supplement 0, 2 suspend 0, 2 lift 0, 2 revoke 0, 2 revoke_part 0,
3 correct 0, 3 supplement 3, 3 suspend 0, 3 lift 1, 3 revoke 4, 3 revoke_part 6,
4 correct 0, 4 supplement 0, 4 suspend 0, 4 lift 0, 4 revoke 0, 4 revoke_part 0,
5 correct 2, 5 supplement 5, 5 suspend 6, 5 lift 0, 5 revoke 4, 5 revoke_part 5,
6 correct 0, 6 supplement 6, 6 suspend 0, 6 lift 5, 6 revoke 4, 6 revoke_part 6
"""
TABLE = [(int(a), effect, int(b)) for a, effect, b in (move.split() for move in MOVES.replace("\n", " ").split(","))]


def with_opinion() -> tuple[Docket, bytes]:
    docket = Docket(acts())
    docket.record("open")
    return docket, docket.record("opinion").head


@pytest.mark.parametrize(("before", "effect", "after"), TABLE)
def test_a_target_goes_from_status_to_status(before: int, effect: str, after: int) -> None:
    docket, opinion = with_opinion()
    docket.book.records[opinion] = Recorded(docket.case, 1, STATUS[before], late_by_time=True)
    if not after:
        docket.refused("target.status", effect, terms=opinion)
        return
    docket.record(effect, terms=opinion)
    target = docket.book.records[opinion]
    assert (target.status, target.late_by_time, target.supplemented) == (after, True, effect == "supplement")
    own = docket.book.records[docket.statement("report").previous]
    assert (own.status, own.supplemented) == (1, False)


def test_a_target_is_a_statement_of_the_case_and_of_a_kind_that_may_be_meant() -> None:
    docket, opinion = with_opinion()
    other = Docket(acts(), book=docket.book, case=docket.case[:4] + b"\x01" * 28)
    elsewhere = other.record("open").head
    for unknown in (b"\x01" * 32, ZERO, elsewhere, acts().table_digest):
        docket.refused("target.unknown", "correct", terms=unknown)
    said = docket.record("correct", terms=opinion).head
    docket.refused("target.kind", "revoke", terms=said)
    docket.refused("target.kind", "correct_opinion", terms=docket.book.cases[docket.case].head)
    docket.refused("target.status", "correct", terms=opinion)
    docket.record("close")
    docket.record("revoke", flags=Flag.IRREGULAR, terms=first_of(docket))


def first_of(docket: Docket) -> bytes:
    return next(digest for digest, record in docket.book.records.items() if record.position == 0)


def test_corrections_do_not_fork_but_go_on() -> None:
    docket, opinion = with_opinion()
    first = docket.record("correct_opinion", terms=opinion).head
    docket.refused("target.status", "correct_opinion", terms=opinion)
    docket.record("correct_opinion", terms=first)


def test_a_basis_is_any_statement_of_this_registry() -> None:
    docket, opinion = with_opinion()
    other = Docket(acts(), book=docket.book, case=docket.case[:4] + b"\x01" * 28)
    docket.record("rest", terms=other.record("open").head)
    docket.record("rest", terms=opinion)
    docket.refused("basis.unknown", "rest", terms=b"\x01" * 32)
    docket.book.predecessor = Book(records={b"\x01" * 32: Recorded(docket.case, 1)})
    docket.refused("basis.unknown", "rest", terms=b"\x01" * 32)


def test_a_target_of_the_predecessor_is_kept_here_with_its_new_status() -> None:
    docket, _ = with_opinion()
    old = b"\x07" * 32
    docket.book.predecessor = Book(records={old: Recorded(docket.case, 1, Status.SUSPENDED, irregular=True)})
    docket.refused("target.unknown", "lift", terms=old)
    docket.book.cases[docket.case] = replace(docket.book.cases[docket.case], continued=True)
    docket.record("lift", terms=old)
    assert docket.book.records[old] == Recorded(docket.case, 1, irregular=True)
    docket.refused("target.status", "lift", terms=old)
    docket.refused("basis.unknown", "rest", terms=b"\x08" * 32)


@pytest.mark.parametrize(
    ("code", "terms", "reason"),
    [
        ("publish", ZERO, "statement.terms_layout"),
        ("publish", bytes(31) + b"\x01", "statement.terms_layout"),
        ("publish", bytes(5) + b"\x01\x01" + bytes(25), "statement.terms_layout"),
        ("note", bytes(31) + b"\x01", "statement.terms"),
    ],
)
def test_terms_of_an_end_are_a_time_and_of_nothing_are_zero(code: str, terms: bytes, reason: str) -> None:
    docket = Docket(times())
    docket.record("open")
    docket.refused(reason, code, terms=terms)


def held(quantity: int = 100, unit: int = GRAM, holder: int = OFFICE) -> bytes:
    return holding_terms(Holding(quantity, unit, holder))


def sample() -> Docket:
    docket = Docket(samples())
    state = docket.record("seal", terms=held())
    assert (state.quantity, state.unit, state.holder) == (100, GRAM, OFFICE)
    return docket


def holding(state: CaseState) -> tuple[int, int, int]:
    return state.quantity, state.unit, state.holder


@pytest.mark.parametrize(
    "terms",
    [
        ZERO,
        held()[:8] + bytes(2) + held()[10:],
        bytes(8) + held()[8:],
        held()[:10] + bytes(4) + held()[14:],
        held()[:10] + b"\x80" + held()[11:],
        held()[:31] + b"\x01",
    ],
)
def test_a_holding_is_quantity_unit_and_institution_and_nothing_more(terms: bytes) -> None:
    Docket(samples()).refused("statement.terms_layout", "seal", terms=terms)


def test_the_holder_of_a_new_sample_is_who_seals_it_or_the_other_side_that_signs() -> None:
    docket = Docket(samples())
    docket.refused("sample.holder", "seal", terms=held(holder=COURT))
    docket.refused("sample.holder", "seal_elsewhere", *BOTH, counterparty=COURT, terms=held())
    state = docket.record("seal_elsewhere", *BOTH, counterparty=COURT, terms=held(holder=COURT))
    assert holding(state) == (100, GRAM, COURT)


def test_a_sample_goes_from_the_holder_alone_whole_to_the_one_who_signs_for_it() -> None:
    docket = sample()
    to = {"counterparty": COURT}
    docket.refused("sample.holder", "hand_over", *BOTH, **to, terms=held())
    docket.refused("sample.unit", "hand_over", *BOTH, **to, terms=held(99, Unit.ITEM, COURT))
    docket.refused("sample.quantity", "hand_over", *BOTH, **to, terms=held(99, GRAM, COURT))
    docket.refused("sample.holder", "hand_over", *BOTH, terms=held(holder=COURT))
    assert holding(docket.record("hand_over", *BOTH, **to, terms=held(holder=COURT))) == (100, GRAM, COURT)
    docket.refused("procedure.recorder", "hand_over", *BOTH, **to, terms=held(holder=COURT))
    docket.refused("procedure.recorder", "use", terms=held(1))
    docket.record("use", institution=COURT, terms=held(1, GRAM, COURT))
    on = ((SECOND, OTHERS), (COURT, SEAL))
    to = {"institution": COURT, "counterparty": SECOND}
    assert docket.record("hand_over", *on, **to, terms=held(99, GRAM, SECOND)).participants == (OFFICE, COURT, SECOND)


def test_no_more_is_used_than_is_left_and_the_unit_is_that_of_the_sample() -> None:
    docket = sample()
    docket.refused("sample.holder", "use", terms=held(1, GRAM, COURT))
    docket.refused("sample.unit", "use", terms=held(1, Unit.ITEM))
    docket.refused("sample.exceeded", "use", terms=held(101))
    persons = ((FIRST, APPRAISER), (OTHER, APPRAISER))
    assert docket.record("use_up", (OFFICE, SEAL), *persons, terms=held(60)).quantity == 40
    docket.record("use_up", flags=Flag.IRREGULAR, terms=held(10))
    docket.refused("sample.exceeded", "use", terms=held(31))
    assert holding(docket.record("use", terms=held(30))) == (0, GRAM, OFFICE)
    docket.refused("sample.exceeded", "use", terms=held(1))


def test_a_frozen_sample_does_not_move_even_irregularly_until_it_is_thawed() -> None:
    docket = sample()
    docket.record("freeze")
    docket.refused("case.frozen", "use", terms=held(1))
    docket.refused("statement.terms_layout", "use", terms=ZERO)
    docket.refused("case.frozen", "use_up", flags=Flag.IRREGULAR, terms=held(1))
    docket.refused("case.frozen", "hand_over", counterparty=COURT, terms=held(holder=COURT))
    docket.refused("case.frozen", "split", terms=held(1))
    docket.record("incident")
    docket.record("thaw")
    docket.record("use", terms=held(1))
    docket.record("freeze")
    assert holding(docket.record("return")) == (0, 0, 0)


def test_a_pause_stops_irregular_moves_too() -> None:
    docket = sample()
    docket.record("pause")
    docket.refused("case.paused", "use_up", flags=Flag.IRREGULAR, terms=held(1))
    docket.record("use", terms=held(1))
    docket.record("freeze", flags=Flag.IRREGULAR)


def test_a_child_takes_what_a_split_kept_for_it_once() -> None:
    docket = sample()
    docket.refused("sample.exceeded", "split", terms=held(101))
    docket.refused("sample.unit", "split", terms=held(1, Unit.ITEM))
    docket.refused("sample.holder", "split_for", *BOTH, counterparty=COURT, terms=held(40))
    assert docket.record("split_for", *BOTH, counterparty=COURT, terms=held(40, GRAM, COURT)).quantity == 60
    split = first_split(docket)
    child = Docket(samples(), book=docket.book, institution=COURT, case=COURT.to_bytes(4, "big") + b"\x01" * 28)
    child.refused("sample.split_unknown", "child", terms=b"\x01" * 32)
    child.refused("sample.split_unknown", "child", terms=first_of(docket))
    wrong = Docket(samples(), book=docket.book, case=OFFICE.to_bytes(4, "big") + b"\x02" * 28)
    wrong.refused("sample.holder", "child", terms=split)
    assert holding(child.record("child", terms=split)) == (40, GRAM, COURT)
    again = Docket(samples(), book=docket.book, institution=COURT, case=COURT.to_bytes(4, "big") + b"\x02" * 28)
    again.refused("sample.split_used", "child", terms=split)
    with pytest.raises(Conflict):
        again.judge(again.signed("child", terms=split))


def first_split(docket: Docket) -> bytes:
    return next(iter(docket.book.splits))


def test_disposal_is_for_the_holder_with_the_other_side_or_for_a_supervisor() -> None:
    docket = sample()
    docket.record("invite", counterparty=COURT)
    docket.record("invite", counterparty=PROCURATORATE)
    docket.refused("sample.holder", "return", institution=COURT)
    docket.refused("sample.holder", "return_both", *BOTH, counterparty=COURT)
    docket.refused("statement.terms", "return", terms=held())
    swapped = ((OFFICE, OTHERS), (COURT, SEAL))
    docket.judge(docket.signed("return_both", *swapped, institution=COURT, counterparty=OFFICE))
    docket.refused("signature.institution_role", "confiscate", institution=COURT)
    closed = docket.record("confiscate", institution=PROCURATORATE)
    assert (closed.closed, holding(closed)) == (True, (0, 0, 0))
    docket.refused("procedure.recorder", "use_after", terms=held(1))


def test_terms_read_back_as_what_was_put_in() -> None:
    one = Holding(2**64 - 1, 65535, 2**31 - 1)
    for effect in (Effect.HOLD, Effect.TRANSFER, Effect.CONSUME, Effect.SPLIT):
        assert read_terms(effect, holding_terms(one)) == one
    assert read_terms(Effect.END, end_terms(NOW_MS)) == NOW_MS
    assert read_terms(Effect.CHILD, digest_terms(b"\x01" * 32)) == b"\x01" * 32
    assert read_terms(Effect.NONE, ZERO) is None
    for bad in (0, 1 << 48):
        with pytest.raises(Malformed):
            end_terms(bad)
    for digest in (ZERO, b""):
        with pytest.raises(Malformed):
            digest_terms(digest)
    for numbers in ((0, 1, 1), (1, 0, 1), (1, 1, 0), (1, 1, 1 << 31), (1 << 64, 1, 1), (1, 1 << 16, 1)):
        with pytest.raises(Malformed):
            holding_terms(Holding(*numbers))


def test_a_book_of_several_tables_knows_their_dates() -> None:
    assert book(acts(), samples()).dates(acts().table_digest) == (0, (1 << 48) - 1)
