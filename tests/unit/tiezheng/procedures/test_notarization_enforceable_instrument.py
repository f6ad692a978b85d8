"""What the procedure of enforceable instruments takes and refuses, step by step through the rules of the registry."""

import pytest

from tests.support.cast import DAY_MS, HOUR_MS, Play, person, play, register
from tiezheng.procedures import Status, end_terms, procedure_of
from tiezheng.statement import ZERO, Flag

OFFICE, COURT, OTHER_COURT, PRISON = 101, 201, 202, 301
NOTARY, APPROVER, HEAD, ARCHIVIST = (person(number) for number in range(1, 5))
MEMBERS = register(
    {OFFICE: 1, COURT: 4, OTHER_COURT: 4, PRISON: 3},
    {NOTARY: (OFFICE, 1), APPROVER: (OFFICE, 1), HEAD: (OFFICE, 4), ARCHIVIST: (OFFICE, 4)},
)
CASTS = {OFFICE: {"notary": NOTARY, "approver": APPROVER, "head": HEAD, "archivist": ARCHIVIST}}
START = 1_795_000_000_000
END = START + 10 * DAY_MS
COURT_KINDS = ["court_accept", "court_reject", "court_refuse_enforcement", "court_conclude"]


def registered() -> Play:
    case = play(1, 4, OFFICE, MEMBERS, CASTS, START)
    case.take("register", START)
    return case


def verifying() -> Play:
    case = registered()
    case.take("claim", START + HOUR_MS)
    case.take("verify_start", START + 2 * HOUR_MS, terms=end_terms(END))
    return case


def certified() -> Play:
    case = verifying()
    case.take("verify_end", END)
    case.take("certificate", END + HOUR_MS)
    return case


def at_court() -> Play:
    case = certified()
    case.take("invite_court", counterparty=COURT)
    case.take("court_accept", institution=COURT)
    return case


def test_an_instrument_goes_from_its_registration_to_the_end_of_enforcement() -> None:
    case = verifying()
    case.take("verify_reply", END - DAY_MS)
    case.take("verify_end", END)
    assert case.at() == "verified"
    case.take("certificate", END + HOUR_MS)
    case.take("invite_court", counterparty=COURT)
    case.take("court_accept", institution=COURT)
    assert case.at() == "in_court"
    case.take("court_conclude", institution=COURT)
    state = case.run("archive")
    assert (case.at(), state.closed, state.irregular) == ("archived", True, False)


def test_a_grant_rests_on_a_certificate_of_this_ledger() -> None:
    matter = play(1, 3, OFFICE, MEMBERS, CASTS, START)
    matter.casts = {OFFICE: {**CASTS[OFFICE], "assistant": HEAD}}
    case = play(1, 4, OFFICE, MEMBERS, CASTS, START)
    matter.book.register(case.procedure.table_digest)
    matter.run("apply", "accept", "inform", "identity_check", "review", "approve", "issue")
    case.book, case.case = matter.book, case.case[:4] + b"\x05" * 28
    case.now = matter.now
    case.refuse("basis.unknown", "grant", terms=b"\x01" * 32)
    case.refuse("basis.unknown", "grant", terms=ZERO)
    case.take("grant", terms=matter.digests["issue"])
    assert case.at() == "granted"


def test_the_grant_says_promise_and_way_of_verification() -> None:
    procedure = procedure_of(1, 4)
    assert procedure is not None
    for kind in procedure.kinds[:2]:
        for name in ("debtor_promise", "debtor_present", "obligations", "verification_agreed", "verification_method"):
            assert kind.schema.spec(name).required, name


@pytest.mark.parametrize("before", [1, HOUR_MS, 9 * DAY_MS])
def test_no_execution_certificate_before_the_reply_window_closes(before: int) -> None:
    """Scenario: the debtor may still reply."""
    case = verifying()
    case.refuse("procedure.order", "certificate", END - before)
    case.refuse("procedure.end", "verify_end", END - before)
    case.take("verify_end", END - before, flags=Flag.IRREGULAR)
    assert case.at() == "verified"
    case.refuse("procedure.end", "certificate", END - before)
    for flag, reason in ((Flag.IRREGULAR, "procedure.irregular"), (Flag.LATE, "procedure.late")):
        case.refuse(reason, "certificate", END - before, flags=flag)
        case.refuse(reason, "certificate", END, flags=flag)
    case.take("certificate", END)
    assert case.own("certificate").irregular_seen


def test_a_second_notice_sets_a_new_window() -> None:
    case = verifying()
    case.take("verify_start", END - DAY_MS, terms=end_terms(END + 10 * DAY_MS))
    case.refuse("procedure.end", "verify_end", END)
    case.refuse("statement.terms_layout", "verify_start", END, terms=ZERO)
    case.take("verify_end", END + 10 * DAY_MS)


def test_a_certificate_asks_for_claim_and_verification_even_after_irregular_steps() -> None:
    case = registered()
    case.take("verify_end", START + HOUR_MS, flags=Flag.IRREGULAR)
    assert case.at() == "verified"
    case.refuse("procedure.kinds_missing", "certificate", END)
    case.refuse("procedure.kinds_missing", "refuse_certificate", END)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("verify_start", "procedure.order"),
        ("verify_reply", "procedure.order"),
        ("verify_end", "procedure.order"),
        ("certificate", "procedure.order"),
        ("refuse_certificate", "procedure.order"),
        ("withdraw_claim", "procedure.order"),
        ("reissue", "target.kind"),
        ("resume", "case.not_paused"),
    ],
)
def test_a_step_out_of_order_is_refused(code: str, reason: str) -> None:
    case = registered()
    case.take("correct", terms=case.take("told_court_result").head)
    terms = end_terms(END) if code == "verify_start" else case.digests["told_court_result"]
    case.refuse(reason, code, terms=ZERO if reason == "procedure.order" and code != "verify_start" else terms)


def test_a_refused_claim_may_be_made_again_and_a_withdrawn_one_too() -> None:
    case = verifying()
    case.take("verify_reply", END - DAY_MS)
    case.take("refuse_certificate", END - HOUR_MS)
    assert case.at() == "certificate_refused"
    case.take("claim", END)
    case.take("withdraw_claim", END)
    assert case.at() == "granted"
    case.take("claim", END)
    case.take("verify_start", END, terms=end_terms(END + DAY_MS))
    case.take("verify_end", END + DAY_MS)
    case.take("certificate", END + DAY_MS)


def test_a_pause_stops_the_verification_but_not_the_reply() -> None:
    case = verifying()
    case.run("pause")
    case.refuse("case.paused", "verify_end", END)
    case.refuse("case.paused", "pause", END)
    case.take("verify_reply", END - DAY_MS)
    case.run("resume")
    case.take("verify_end", END)


@pytest.mark.parametrize("code", COURT_KINDS)
def test_what_a_court_does_only_a_court_that_was_named_records(code: str) -> None:
    case = certified() if code in ("court_accept", "court_reject") else at_court()
    case.refuse("procedure.recorder", code)
    case.refuse("case.not_participant", code, institution=OTHER_COURT)
    case.take("invite_court", counterparty=PRISON)
    case.refuse("signature.institution_role", code, institution=PRISON)
    if code in ("court_accept", "court_conclude"):
        case.refuse("signature.institution_role", code, institution=PRISON, flags=Flag.IRREGULAR)
    else:
        case.refuse("procedure.irregular", code, institution=PRISON, flags=Flag.IRREGULAR)
    case.take("invite_court", counterparty=COURT)
    case.take(code, institution=COURT)


def test_a_court_that_rejects_may_take_the_case_later() -> None:
    case = at_court()
    case.take("court_reject", institution=COURT)
    assert case.at() == "rejected"
    case.take("court_accept", institution=COURT)
    case.take("court_refuse_enforcement", institution=COURT)
    assert case.at() == "not_enforced"
    case.refuse("procedure.order", "court_conclude", institution=COURT)
    case.run("archive")


def test_each_side_corrects_its_own_records() -> None:
    case = at_court()
    case.refuse("target.kind", "correct", terms=case.digests["court_accept"])
    case.refuse("target.kind", "court_correct", institution=COURT, terms=case.digests["claim"])
    case.refuse("procedure.recorder", "correct", institution=COURT, terms=case.digests["claim"])
    case.take("court_correct", institution=COURT, terms=case.digests["court_accept"])
    case.take("supplement", institution=COURT, terms=case.digests["court_correct"])
    assert case.status("court_accept") is Status.CORRECTED


def test_a_result_that_the_office_was_told_moves_nothing() -> None:
    case = certified()
    case.take("told_court_result")
    assert case.at() == "certified"


def test_certificates_are_corrected_and_revoked_also_after_the_archive() -> None:
    case = certified()
    case.run("archive")
    case.refuse("case.closed", "claim")
    first = case.digests["certificate"]
    case.refuse("procedure.distinct", "reissue", terms=first, cast={"approver": NOTARY, "notary": APPROVER})
    case.take("suspend", terms=first)
    case.take("lift", terms=first)
    case.take("reissue", terms=first)
    assert case.status("certificate") is Status.CORRECTED
    case.take("supplement_certificate", terms=case.digests["reissue"])
    case.take("revoke_part", terms=case.digests["register"])
    case.take("revoke", terms=case.digests["register"])
    assert case.status("register") is Status.REVOKED
    for code in ("reissue", "revoke", "suspend"):
        case.refuse("procedure.irregular", code, terms=case.digests["reissue"], flags=Flag.IRREGULAR)
        case.refuse("target.kind", code, terms=case.digests["claim"])
    for code in ("correct", "supplement"):
        case.refuse("target.kind", code, terms=case.digests["reissue"])
    case.take("correct", terms=case.digests["claim"])


def test_a_certificate_takes_the_notary_and_the_seal() -> None:
    case = verifying()
    case.take("verify_end", END)
    for left_out in ("notary", "institution"):
        case.refuse("signature.count", "certificate", END, cast={left_out: ()})
    case.refuse("signature.practitioner_function", "certificate", END, cast={"notary": HEAD})
