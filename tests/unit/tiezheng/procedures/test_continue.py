"""Going on with a case in the registry that succeeds another one."""

from dataclasses import replace
from typing import Any

import pytest

from tests.support.docket import COURT, FIRST, NOW_MS, OFFICE, SECOND, Docket, book
from tests.support.made_procedures import guests, matter, samples
from tiezheng.errors import Refused
from tiezheng.procedures import Book, Holding, holding_terms, kind_of, procedure_of
from tiezheng.statement import Flag, Statement, parse_statement

GUESTS = guests()
OLD = Docket(GUESTS)
OLD.record("open", counterparty=COURT)
BEFORE = OLD.record("answer", institution=COURT)


def successor(**changes: Any) -> Docket:
    """The registry after the old one, which is closed, with the same table."""
    records = book(GUESTS)
    records.predecessor = Book(closed=True, cases=dict(OLD.book.cases), records=dict(OLD.book.records))
    return Docket(GUESTS, book=records, **changes)


def continuing(docket: Docket, **changes: Any) -> dict[str, Any]:
    return {"previous": GUESTS.table_digest, "terms": BEFORE.head, **changes}


def test_a_case_goes_on_with_all_that_it_was() -> None:
    docket = successor()
    after = docket.record("continue", **continuing(docket))
    assert after == replace(BEFORE, head=after.head, sequence=0, continued=True, last_occurred=NOW_MS)
    assert docket.last is not None
    assert (docket.last.record.position, docket.last.record.status_byte) == (255, 1)
    assert docket.record("agree", (OFFICE, 0), (COURT, 0x80), counterparty=COURT).sequence == 1
    guest = successor()
    guest.record("continue", institution=COURT, **continuing(guest, occurred=5))
    assert guest.state is not None
    assert guest.state.last_occurred == BEFORE.last_occurred
    early = successor()
    early.refused("case.not_found", "answer", sequence=1, previous=BEFORE.head)


def test_what_was_irregular_closed_or_held_stays_so() -> None:
    docket = successor()
    assert docket.book.predecessor is not None
    docket.book.predecessor.cases[docket.case] = replace(BEFORE, irregular=True, closed=True, state=31, quantity=3)
    after = docket.record("continue", **continuing(docket))
    assert (after.irregular, after.closed, after.state, after.quantity, after.flags) == (True, True, 31, 3, 0b11001)
    assert docket.last is not None
    assert docket.last.record.status_byte == 1 | 1 << 6
    docket.refused("case.closed", "invite")
    docket.record("afterwards")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sequence": 1}, "procedure.opening"),
        ({"flags": Flag.BATCH}, "statement.lane"),
        ({"kind": 0x28FF}, "statement.domain"),
        ({"kind": 0x19FF}, "statement.kind"),
        ({"previous": b"\x01" * 32}, "procedure.unknown"),
        ({"previous": matter().table_digest}, "procedure.unknown"),
        ({"terms": b"\x01" * 32}, "continue.head"),
        ({"institution": SECOND}, "case.not_participant"),
        ({"counterparty": COURT}, "procedure.counterparty"),
        ({"flags": Flag.LATE}, "procedure.late"),
        ({"flags": Flag.IRREGULAR}, "procedure.irregular"),
        ({"occurred": NOW_MS + 300_001}, "statement.future"),
        ({"case": OFFICE.to_bytes(4, "big") + b"\x09" * 28}, "case.not_found"),
    ],
)
def test_each_broken_rule_of_continuing_has_its_reason(changes: dict[str, Any], reason: str) -> None:
    docket = successor()
    docket.refused(reason, "continue", **continuing(docket, **changes))


def test_one_institution_of_the_case_signs_under_its_seal() -> None:
    docket = successor()
    for signers, reason in (
        (((FIRST, 0x41),), "signature.role"),
        (((OFFICE, 0xFF),), "signature.role"),
        (((COURT, 0),), "signature.not_institution"),
        (((OFFICE, 0), (FIRST, 0x41)), "signature.count"),
    ):
        docket.refused(reason, "continue", *signers, **continuing(docket))


def test_only_a_case_of_a_closed_predecessor_is_continued_and_once() -> None:
    docket = successor()
    first = docket.signed("continue", **continuing(docket))
    docket.record("continue", **continuing(docket))
    repeated = docket.signed("continue", **continuing(docket, sequence=0, content=b"\x02" * 32))
    for what, reason in ((first, "statement.recorded"), (repeated, "case.exists")):
        with pytest.raises(Refused) as caught:
            docket.judge(what)
        assert caught.value.code == reason
    alone = successor()
    assert alone.book.predecessor is not None
    alone.book.predecessor.closed = False
    alone.refused("continue.open", "continue", **continuing(alone))
    alone.book.predecessor.closed, alone.book.predecessor.succeeded = True, False
    alone.refused("continue.mismatch", "continue", **continuing(alone))
    alone.book.predecessor = None
    alone.refused("continue.predecessor", "continue", **continuing(alone))
    alone.book.closed = True
    alone.refused("contract.closed", "continue", **continuing(alone))


def test_a_successor_opens_no_case_before_its_predecessor_is_closed_and_none_that_it_has() -> None:
    docket = successor()
    docket.refused("case.exists", "open")
    other = Docket(GUESTS, book=docket.book, case=docket.case[:4] + b"\x01" * 28)
    assert docket.book.predecessor is not None
    docket.book.predecessor.closed = False
    other.refused("continue.open", "open")
    docket.refused("continue.open", "open")
    docket.book.predecessor.closed = True
    other.record("open")
    docket.book.predecessor.closed = False
    other.refused("case.exists", "open", sequence=0)
    other.record("invite")


def test_a_table_that_is_not_registered_here_does_not_go_on() -> None:
    docket = successor()
    docket.book.tables.clear()
    docket.refused("procedure.unknown", "continue", **continuing(docket))


def test_a_verifier_knows_the_kind_and_a_statement_of_a_guest_parses() -> None:
    docket = successor()
    statement = docket.statement("continue", institution=COURT, **continuing(docket))
    assert parse_statement(statement.to_bytes()) == statement
    assert kind_of(GUESTS, statement).is_continue
    bulk = procedure_of(1, 2)
    assert bulk is not None
    with pytest.raises(Refused):
        kind_of(bulk, Statement(**{**fields(statement), "kind": 0x12FF, "previous": bulk.table_digest}))


def fields(statement: Statement) -> dict[str, Any]:
    return {name: getattr(statement, name) for name in statement.__dataclass_fields__ if name != "digest"}


def test_a_sample_is_moved_on_by_who_holds_it() -> None:
    old = Docket(samples())
    old.record("seal", terms=holding_terms(Holding(5, 1, OFFICE)))
    before = old.record("freeze")
    records = book(samples())
    records.predecessor = replace(old.book, closed=True)
    docket = Docket(samples(), book=records)
    docket.record("continue", previous=samples().table_digest, terms=before.head)
    docket.refused("case.frozen", "use", terms=holding_terms(Holding(1, 1, OFFICE)))
    docket.record("thaw")
    assert docket.record("use", terms=holding_terms(Holding(1, 1, OFFICE))).quantity == 4


def test_a_case_is_opened_again_in_no_later_registry() -> None:
    docket = successor()
    first = docket.book.predecessor
    assert first is not None
    docket.book.predecessor = Book(closed=True, predecessor=first)
    docket.refused("case.exists", "open")
    first.cases.clear()
    docket.record("open")
