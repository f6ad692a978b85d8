"""Late and irregular statements, pauses, end times, limits, and what may come after the end of a case."""

from dataclasses import replace

import pytest

from tests.support.docket import (
    COURT,
    COURTS,
    FIRST,
    IDLE,
    NOW_MS,
    OFFICE,
    OTHER,
    PROCURATORATE,
    SECOND,
    THIRD,
    Docket,
    Key,
    Register,
)
from tests.support.made_procedures import acts, guests, times
from tiezheng.errors import Malformed
from tiezheng.procedures import OPEN_END, Custody, check_occurred
from tiezheng.statement import Flag

NOTARY, OFFICER, HEAD, CLERK, ARCHIVIST, SEAL, ANSWERS = 0x41, 0x45, 0x46, 0x4E, 0x44, 0x00, 0xFF
LATE, IRREGULAR = Flag.LATE, Flag.IRREGULAR
HOUR = 3_600_000
END = (NOW_MS + 1000).to_bytes(6, "big") + bytes(26)


def opened() -> Docket:
    docket = Docket(times())
    docket.record("open")
    return docket


def test_a_late_statement_counts_as_seen_and_moves_nothing_else() -> None:
    docket = opened()
    before = docket.record("two", (OFFICE, ANSWERS), flags=IRREGULAR)
    docket.refused("procedure.late_order", "fact", (FIRST, NOTARY), flags=LATE, occurred=NOW_MS + 1)
    after = docket.record("fact", (FIRST, NOTARY), flags=LATE, occurred=NOW_MS - 5)
    assert (after.state, after.last_occurred) == (before.state, before.last_occurred)
    assert after.kinds_seen == before.kinds_seen | 0b10
    assert after.handlers[0] == FIRST
    assert docket.last is not None
    assert (docket.last.record.late, docket.last.record.irregular) == (True, False)
    again = docket.record("fact", (OTHER, NOTARY), flags=LATE, occurred=NOW_MS - 5)
    assert again.handlers[0] == FIRST, "only an empty place is filled"
    assert docket.record("late_only", (FIRST, CLERK), flags=LATE, occurred=0).last_occurred == before.last_occurred


def test_a_late_statement_still_needs_what_its_kind_requires() -> None:
    docket = opened()
    docket.refused("procedure.kinds_missing", "late_only", (FIRST, CLERK), flags=LATE)
    docket.record("stop")
    docket.refused("case.paused", "fact", (FIRST, NOTARY))
    docket.record("fact", (FIRST, NOTARY), flags=LATE)
    docket.record("late_only", (FIRST, CLERK), flags=LATE)
    assert docket.state is not None
    assert docket.state.paused


def test_a_late_statement_may_come_after_what_its_kind_forbids() -> None:
    docket = opened()
    docket.record("fact", (FIRST, NOTARY))
    docket.record("publish", terms=END)
    docket.record("decide", occurred=NOW_MS + 1000)
    docket.refused("procedure.kinds_forbidden", "late_only", (FIRST, CLERK))
    docket.record("late_only", (FIRST, CLERK), flags=LATE)


def test_an_irregular_statement_passes_order_distinctness_end_and_pause_and_is_remembered() -> None:
    docket = opened()
    assert docket.last is not None
    assert docket.last.record.status_byte == 1
    two = ((FIRST, OFFICER), (OTHER, HEAD))
    docket.refused("procedure.order", "two", *two)
    after = docket.record("two", (OFFICE, ANSWERS), (THIRD, OFFICER), flags=IRREGULAR)
    assert (after.state, after.irregular, after.handlers[0]) == (30, True, THIRD)
    assert docket.last.record.status_byte == 1 | 1 << 5, "before it there was none"
    docket.record("publish", terms=END)
    assert docket.last.record.status_byte == 1 | 1 << 6
    docket.refused("procedure.end", "decide")
    assert docket.record("decide", flags=IRREGULAR).state == 30
    assert docket.last.record.status_byte == 1 | 1 << 5 | 1 << 6
    docket.refused("procedure.kinds_forbidden", "decide", occurred=NOW_MS + 1000)
    docket.record("decide", flags=IRREGULAR)
    docket.record("stop")
    docket.refused("case.paused", "publish", terms=END)
    docket.record("publish", flags=IRREGULAR, terms=END)
    docket.record("go_on", flags=IRREGULAR)
    docket.refused("case.not_paused", "go_on")
    docket.record("go_on", flags=IRREGULAR)


def test_distinct_persons_are_asked_for_unless_the_act_is_irregular() -> None:
    docket = opened()
    docket.record("fact", (THIRD, NOTARY))
    docket.record("two", (FIRST, HEAD), (THIRD, OFFICER))
    same = ((FIRST, HEAD), (THIRD, OFFICER))
    docket.record("two", *same)
    docket.refused("procedure.distinct", "two", (THIRD, HEAD), (0x8000_0004, OFFICER))
    docket.record("two", (OFFICE, ANSWERS), (THIRD, HEAD), flags=IRREGULAR)


@pytest.mark.parametrize(
    ("signers", "reason"),
    [
        (((OFFICE, SEAL),), "signature.role"),
        (((THIRD, OFFICER),), "signature.irregular_seal"),
        (((OFFICE, ANSWERS), (FIRST, NOTARY)), "signature.role"),
        (((SECOND, ANSWERS),), "signature.not_institution"),
        (((OFFICE, ANSWERS), (SECOND, ANSWERS)), "signature.role"),
        (((FIRST, ANSWERS),), "signature.not_institution"),
        (((OFFICE, ANSWERS), (IDLE, HEAD)), "member.not_active"),
        (((OFFICE, ANSWERS), (COURTS, HEAD)), "signature.affiliation"),
        (((OFFICE, ANSWERS), (FIRST, OFFICER)), "signature.practitioner_function"),
        (((OFFICE, ANSWERS), (FIRST, HEAD), (OTHER, 0x40), (THIRD, OFFICER)), "signature.count"),
    ],
)
def test_an_irregular_statement_never_goes_without_the_institution_that_answers(
    signers: tuple[tuple[int, int], ...], reason: str
) -> None:
    docket = opened()
    docket.refused(reason, "two", *signers, flags=IRREGULAR)
    docket.record("two", (OFFICE, ANSWERS), (FIRST, HEAD), (THIRD, OFFICER), flags=IRREGULAR)


def test_who_answers_has_the_role_that_the_kind_asks_for() -> None:
    docket = Docket(times(), members=Register({OFFICE: Key(OFFICE, 4)}))
    docket.record("open")
    docket.refused("signature.institution_role", "end", flags=IRREGULAR)
    docket.members = Register()
    assert docket.record("end", flags=IRREGULAR).closed


def test_an_irregular_statement_on_hosted_keys_alone_is_refused_where_two_persons_should_sign() -> None:
    hosted = {number: Key(OFFICE, role, Custody.HOSTED) for number, role in ((OFFICE, 1), (FIRST, 1), (THIRD, 3))}
    docket = Docket(times(), members=Register(hosted))
    docket.record("open")
    for signers in (
        ((OFFICE, ANSWERS),),
        ((OFFICE, ANSWERS), (THIRD, OFFICER)),
        ((OFFICE, ANSWERS), (FIRST, HEAD), (THIRD, OFFICER)),
    ):
        docket.refused("key.hosted_alone", "two", *signers, flags=IRREGULAR)
    docket.record("publish", flags=IRREGULAR, terms=END)
    docket.record("two", (OFFICE, ANSWERS), (OTHER, HEAD), (THIRD, OFFICER), flags=IRREGULAR)
    docket.members = Register({FIRST: Key(OFFICE, 1, Custody.HOSTED)})
    docket.refused("key.hosted_alone", "two", (OFFICE, ANSWERS), (FIRST, HEAD), flags=IRREGULAR)
    docket.record("two", (OFFICE, ANSWERS), flags=IRREGULAR)


def test_eight_slots_leave_seven_and_the_seal() -> None:
    docket = opened()
    persons = tuple((0x8000_0010 + at, 0x41 + at) for at in range(6))
    docket.members = Register({number: Key(OFFICE, 1) for number, _ in persons})
    plan = ((OFFICE, ANSWERS), (COURT, 0x80), *persons)
    docket.record("eight_sign", *plan, flags=IRREGULAR, counterparty=COURT)
    whole = ((OFFICE, SEAL), (COURT, 0x80), *persons)
    docket.refused("signature.irregular_seal", "eight_sign", *whole, flags=IRREGULAR, counterparty=COURT)
    docket.record("eight_sign", *whole, counterparty=COURT)
    docket.refused("signature.count", "eight_sign", *whole[:7], counterparty=COURT)


def test_flags_are_refused_where_the_kind_does_not_allow_them() -> None:
    docket = opened()
    docket.refused("procedure.late", "stop", flags=LATE)
    docket.refused("procedure.late", "stop", flags=LATE | IRREGULAR)
    docket.refused("procedure.irregular", "certify", flags=IRREGULAR)
    docket.refused("procedure.irregular", "note", flags=LATE | IRREGULAR)
    Docket(times()).refused("procedure.late", "open", flags=LATE)


def test_late_and_irregular_together_leave_the_state() -> None:
    docket = opened()
    before = docket.state
    assert before is not None
    docket.refused("procedure.late_order", "fact", flags=LATE | IRREGULAR, occurred=NOW_MS + 1)
    after = docket.record("fact", flags=LATE | IRREGULAR, occurred=5)
    assert (after.state, after.last_occurred, after.irregular) == (before.state, before.last_occurred, True)
    assert docket.last is not None
    assert docket.last.record.status_byte == 1 | 1 << 3 | 1 << 4 | 1 << 5


def test_a_pause_keeps_the_state_and_lets_pass_only_what_the_procedure_lists() -> None:
    docket = opened()
    docket.refused("case.not_paused", "go_on")
    paused = docket.record("stop")
    assert (paused.paused, paused.state) == (True, 0)
    docket.refused("case.paused", "stop")
    docket.refused("case.paused", "stop_through")
    docket.refused("case.paused", "publish", terms=END)
    docket.record("note")
    assert not docket.record("go_on").paused
    docket.record("publish", terms=END)
    assert docket.record("stop_through").paused


def test_an_end_time_is_compared_with_the_time_of_occurrence() -> None:
    docket = opened()
    assert docket.record("publish", terms=END).end == NOW_MS + 1000
    docket.refused("procedure.end", "decide", occurred=NOW_MS + 999)
    docket.record("decide", occurred=NOW_MS + 1000)
    later = (NOW_MS + 9000).to_bytes(6, "big") + bytes(26)
    assert docket.record("publish", terms=later).end == NOW_MS + 9000
    docket.refused("procedure.end", "certify", (OFFICE, SEAL), (FIRST, NOTARY))
    docket.now += 9
    docket.record("certify", (OFFICE, SEAL), (FIRST, NOTARY))


@pytest.mark.parametrize(("ago", "late"), [(-300_000, False), (0, False), (HOUR, False), (HOUR + 1, True)])
def test_late_by_time_is_more_than_the_limit_before_the_block(ago: int, late: bool) -> None:
    docket = Docket(times())
    docket.record("open", occurred=NOW_MS - ago)
    assert docket.last is not None
    assert docket.last.record.late_by_time == late


def test_a_closed_case_takes_only_what_may_come_after_and_stays_as_it_was_closed() -> None:
    docket = opened()
    docket.record("end")
    docket.refused("case.closed", "note")
    docket.refused("case.closed", "note", flags=LATE)
    docket.refused("case.closed", "publish", flags=IRREGULAR, terms=END)
    after = docket.record("archive", (OFFICE, SEAL), (FIRST, ARCHIVIST))
    assert (after.closed, after.state) == (True, 31)
    docket.record("archive", flags=IRREGULAR)
    early = Docket(guests())
    early.record("open", counterparty=COURT)
    early.record("answer", institution=COURT)
    early.record("rule", institution=COURT)
    assert early.record("afterwards").state == 31


def test_a_table_is_in_force_from_its_first_moment_until_before_its_last() -> None:
    docket = Docket(acts())
    docket.book.register(docket.procedure.table_digest, NOW_MS - 10, NOW_MS)
    for occurred in (NOW_MS - 11, NOW_MS):
        docket.refused("procedure.not_in_force", "open", occurred=occurred)
    docket.record("open", occurred=NOW_MS - 10)
    docket.record("report", occurred=NOW_MS + 5)
    docket.book.tables.clear()
    Docket(acts(), book=docket.book, case=docket.case[:4] + b"\x01" * 28)
    fresh = Docket(acts(), case=docket.case[:4] + b"\x01" * 28)
    fresh.book.tables.clear()
    fresh.refused("procedure.unknown", "open")
    fresh.book.register(fresh.procedure.table_digest, 0, OPEN_END)
    fresh.record("open", occurred=0)


def test_a_closed_registry_records_nothing_but_says_first_what_is_wrong_with_the_bytes() -> None:
    docket = opened()
    docket.book.closed = True
    docket.refused("contract.closed", "note")
    docket.refused("contract.closed", "note", sequence=7)
    docket.refused("statement.future", "note", occurred=NOW_MS + 300_001)


def test_a_guest_invites_nobody_but_the_opener_does() -> None:
    docket = Docket(guests())
    docket.record("open", counterparty=COURT)
    docket.refused("case.invitation", "invite", institution=COURT, counterparty=SECOND)
    docket.record("invite", institution=COURT, counterparty=OFFICE)
    assert docket.record("invite", counterparty=SECOND).participants == (OFFICE, COURT, SECOND)
    docket.record("invite", institution=COURT, counterparty=SECOND)
    assert docket.state is not None
    docket.book.cases[docket.case] = replace(docket.state, participants=(OFFICE, COURT, 2, 3, 4, 5, 6, 7))
    docket.refused("case.invitation", "invite", institution=COURT, counterparty=SECOND)
    docket.refused("case.participants_full", "invite", counterparty=SECOND)
    docket.refused("case.not_participant", "invite", institution=PROCURATORATE)


def test_practitioners_of_an_inactive_institution_sign_nothing() -> None:
    docket = opened()
    docket.refused("member.not_active", "fact", (IDLE, NOTARY))
    docket.record("fact", (FIRST, NOTARY))


def test_whole_days_begin_at_midnight_in_utc_8() -> None:
    kind = replace(times().kinds[0], whole_days=True)
    midnight = NOW_MS // 86_400_000 * 86_400_000 - 8 * HOUR
    check_occurred(kind, midnight)
    check_occurred(replace(kind, whole_days=False), midnight + 1)
    for occurred in (midnight + 1, midnight - 1, midnight + 8 * HOUR):
        with pytest.raises(Malformed, match=r"statement\.occurred_at"):
            check_occurred(kind, occurred)
