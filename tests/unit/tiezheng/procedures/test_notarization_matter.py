"""What the procedure of a notarization matter takes and refuses, step by step through the rules of the registry."""

import pytest

from tests.support.cast import HOUR_MS, Play, person, play, register
from tests.support.docket import Key, Register
from tiezheng.errors import Malformed
from tiezheng.procedures import Certainty, KindFlag, Status, procedure_of
from tiezheng.procedures.roles import Custody
from tiezheng.statement import Flag

OFFICE, SECOND, COURT = 101, 102, 201
NOTARY, OTHER, ASSISTANT, HEAD, ARCHIVIST, THEIRS, CLERK = (person(number) for number in range(1, 8))
MEMBERS = register(
    {OFFICE: 1, SECOND: 1, COURT: 4},
    {
        NOTARY: (OFFICE, 1),
        OTHER: (OFFICE, 1),
        ASSISTANT: (OFFICE, 4),
        HEAD: (OFFICE, 4),
        ARCHIVIST: (OFFICE, 4),
        THEIRS: (SECOND, 1),
        CLERK: (COURT, 4),
    },
)
CASTS = {
    OFFICE: {
        "notary": NOTARY, "approver": OTHER, "reviewer": OTHER, "assistant": ASSISTANT, "head": HEAD,
        "archivist": ARCHIVIST,
    },
    SECOND: {"notary": THEIRS, "assistant": THEIRS},
    COURT: {"assistant": CLERK},
}  # fmt: skip
START = 1_795_000_000_000
TO_REVIEW = ("apply", "accept", "inform", "identity_check")
TO_ISSUE = (*TO_REVIEW, "investigate", "review", "approve", "issue")
INSTRUMENTS = ["issue", "issue_direct", "reissue", "supplement_certificate", "revoke", "revoke_part"]


def matter(*codes: str) -> Play:
    case = play(1, 3, OFFICE, MEMBERS, CASTS, START)
    case.run(*codes)
    return case


def test_a_matter_goes_from_application_to_the_archive() -> None:
    case = matter(*TO_REVIEW)
    assert case.at() == "accepted"
    case.run("inform", "identity_check", "investigate", "investigate", "review")
    assert case.at() == "reviewed"
    case.run("investigate", "review", "approve", "issue", "deliver", "deliver")
    assert case.at() == "delivered"
    state = case.run("archive")
    assert (state.closed, state.irregular, case.at()) == (True, False, "archived")
    assert state.handlers[:3] == (NOTARY, NOTARY, OTHER)


def test_a_certificate_is_due_fifteen_working_days_after_acceptance_without_pauses() -> None:
    procedure = procedure_of(1, 3)
    assert procedure is not None
    for code in ("issue", "issue_direct"):
        deadline = next(kind.deadline for kind in procedure.kinds if kind.code == code)
        assert deadline is not None
        assert (deadline.count, deadline.unit, deadline.pauses) == (15, "working_days", True)


@pytest.mark.parametrize(
    ("done", "code", "reason"),
    [
        (("apply",), "inform", "procedure.order"),
        (("apply",), "review", "procedure.order"),
        (("apply", "accept"), "accept", "procedure.order"),
        (("apply", "accept"), "review", "procedure.kinds_missing"),
        (("apply", "accept", "inform"), "review", "procedure.kinds_missing"),
        (("apply", "accept", "identity_check"), "review", "procedure.kinds_missing"),
        (TO_REVIEW, "approve", "procedure.order"),
        (TO_REVIEW, "deliver", "procedure.order"),
        (TO_REVIEW, "archive", "procedure.order"),
        (TO_ISSUE, "decline", "procedure.order"),
        (TO_ISSUE, "terminate", "procedure.order"),
        (TO_ISSUE, "archive", "procedure.order"),
        (TO_ISSUE, "reexam_decide", "procedure.kinds_missing"),
    ],
)
def test_a_step_out_of_order_is_refused_or_irregular(done: tuple[str, ...], code: str, reason: str) -> None:
    case = matter(*done)
    case.refuse(reason, code)
    case.take(code, flags=Flag.IRREGULAR)
    assert case.own(code).irregular
    case.take("correct", terms=case.digests["apply"])
    assert case.own("correct").irregular_seen


@pytest.mark.parametrize(
    ("done", "code"),
    [
        (("apply", "accept"), "issue"),
        ((*TO_REVIEW, "review"), "issue"),
        (TO_REVIEW, "issue_direct"),
        ((*TO_REVIEW, "review", "approve"), "issue_direct"),
        ((*TO_REVIEW, "review"), "reissue"),
        ((*TO_REVIEW, "review"), "revoke"),
    ],
)
def test_an_instrument_out_of_order_is_refused_whatever_the_flags(done: tuple[str, ...], code: str) -> None:
    case = matter(*done)
    case.refuse("procedure.order", code, terms=case.digests["apply"] if code in ("reissue", "revoke") else bytes(32))
    case.refuse("procedure.irregular", code, flags=Flag.IRREGULAR)
    case.refuse("procedure.late", code, flags=Flag.LATE)


def test_instruments_are_never_late_nor_irregular() -> None:
    procedure = procedure_of(1, 3)
    assert procedure is not None
    instruments = {kind.code: kind.flags for kind in procedure.kinds if kind.instrument}
    assert list(instruments) == INSTRUMENTS
    for flags in instruments.values():
        assert not flags & (KindFlag.MAY_BE_LATE | KindFlag.MAY_BE_IRREGULAR)


def test_no_certificate_without_information_of_the_party_even_after_irregular_steps() -> None:
    case = matter("apply", "accept", "identity_check")
    case.take("review", flags=Flag.IRREGULAR)
    case.run("approve")
    case.refuse("procedure.kinds_missing", "issue")
    case.take("inform", START + 2 * HOUR_MS, flags=Flag.LATE)
    assert case.at() == "approved"
    case.take("issue")
    assert case.own("inform").late
    assert case.own("issue").irregular_seen


def test_nobody_approves_the_own_work() -> None:
    case = matter(*TO_REVIEW, "review")
    case.refuse("procedure.distinct", "approve", cast={"approver": NOTARY})
    case.refuse("procedure.distinct", "send_back", cast={"approver": NOTARY})
    for code in ("decline", "terminate"):
        with pytest.raises(Malformed, match=r"signature\.order"):
            case.take(code, cast={"approver": NOTARY, "notary": NOTARY})
        case.refuse("procedure.distinct", code, cast={"approver": NOTARY, "notary": OTHER})
    case.take("approve", cast={"approver": NOTARY}, flags=Flag.IRREGULAR)
    case.take("issue")
    assert case.own("issue").irregular_seen


def test_what_is_sent_back_is_reviewed_again_and_never_issued_without_approval() -> None:
    case = matter(*TO_REVIEW, "review", "send_back")
    assert case.at() == "accepted"
    case.run("investigate", "review")
    case.refuse("procedure.kinds_forbidden", "issue_direct")
    case.run("approve", "send_back", "review", "approve", "issue")
    assert case.at() == "issued"


def test_matters_that_need_no_approval_have_a_path_of_their_own() -> None:
    state = matter(*TO_REVIEW, "review", "issue_direct", "deliver", "archive").state
    assert state is not None
    assert (state.closed, state.irregular) == (True, False)


def test_verification_takes_two_persons_who_hold_a_key_themselves() -> None:
    case = matter("apply", "accept")
    case.refuse("signature.count", "investigate", cast={"assistant": ()})
    with pytest.raises(Malformed, match=r"signature\.order"):
        case.take("investigate", cast={"assistant": NOTARY})
    case.take("investigate", cast={"assistant": ()}, flags=Flag.IRREGULAR)
    hosted = {number: Key(OFFICE, 1, Custody.HOSTED) for number in (NOTARY, ASSISTANT)}
    case.members = Register({**MEMBERS.keys, **hosted})
    case.refuse("key.hosted_alone", "investigate")
    case.members = Register({**MEMBERS.keys, NOTARY: hosted[NOTARY]})
    case.take("investigate")


@pytest.mark.parametrize("code", ["accept", "review", "approve", "issue"])
def test_only_a_notary_signs_as_one(code: str) -> None:
    steps = {"accept": 1, "review": 4, "approve": 6, "issue": 7}
    case = matter(*TO_ISSUE[: steps[code]])
    role = "approver" if code == "approve" else "notary"
    case.refuse("signature.practitioner_function", code, cast={role: HEAD})
    case.refuse("signature.affiliation", code, cast={role: THEIRS})


def test_a_pause_keeps_the_state_and_lets_only_its_own_work_pass() -> None:
    case = matter("apply", "accept", "inform")
    case.refuse("case.not_paused", "resume")
    case.run("pause")
    for code in ("pause", "accept", "review", "approve"):
        case.refuse("case.paused", code)
    assert case.at() == "accepted"
    case.run("investigate", "identity_check", "inform", "resume", "review")
    case.run("pause")
    case.refuse("case.paused", "approve")
    case.take("approve", flags=Flag.IRREGULAR)
    case.refuse("case.paused", "issue")
    case.run("resume", "issue")


@pytest.mark.parametrize("code", ["decline", "terminate"])
def test_a_matter_that_ends_without_a_certificate_is_served_and_archived(code: str) -> None:
    case = matter("apply", "accept", "inform", "pause", code, "serve_decision", "serve_decision", "archive")
    assert case.state is not None
    assert (case.at(), case.state.closed) == ("archived", True)
    for instrument in INSTRUMENTS:
        terms = case.digests["apply"]
        case.refuse("case.closed" if instrument.startswith("issue") else "target.kind", instrument, terms=terms)
    case.take("correct", terms=case.digests[code])


def test_a_refused_application_is_the_end() -> None:
    case = matter("apply", "refuse")
    case.refuse("case.closed", "accept")
    case.take("serve_decision")
    case.take("correct", terms=case.digests["refuse"])
    assert case.status("refuse") is Status.CORRECTED


def test_another_office_verifies_only_when_it_was_asked() -> None:
    case = matter("apply", "accept")
    case.refuse("procedure.kinds_missing", "delegate_reply")
    case.take("delegate")
    case.refuse("case.not_participant", "delegate_reply", institution=SECOND)
    case.take("delegate", counterparty=SECOND)
    case.take("delegate_reply", institution=SECOND)
    case.take("delegate_reply")
    case.refuse("procedure.recorder", "inform", institution=SECOND)
    case.take("delegate", counterparty=COURT)
    case.refuse("signature.institution_role", "delegate_reply", institution=COURT)
    case.refuse("signature.institution_role", "delegate_reply", institution=COURT, flags=Flag.IRREGULAR)


def test_a_request_for_reexamination_is_decided_by_somebody_else_also_after_the_archive() -> None:
    case = matter(*TO_ISSUE, "deliver", "archive")
    case.run("reexam_request")
    case.refuse("procedure.distinct", "reexam_decide", cast={"reviewer": NOTARY})
    case.run("reexam_decide", "reexam_request", "reexam_decide")
    first = case.digests["issue"]
    case.take("suspend", terms=first)
    case.take("lift", terms=first)
    case.take("reissue", terms=first)
    assert case.status("issue") is Status.CORRECTED
    case.refuse("target.status", "revoke", terms=first)
    case.take("supplement_certificate", terms=case.digests["reissue"])
    case.take("revoke_part", terms=case.digests["reissue"])
    case.take("revoke", terms=case.digests["reissue"])
    assert case.status("reissue") is Status.REVOKED
    assert case.own("reissue").supplemented
    assert case.at() == "archived"


def test_certificates_and_records_are_corrected_by_their_own_kinds() -> None:
    case = matter(*TO_ISSUE)
    for code in ("correct", "supplement"):
        case.refuse("target.kind", code, terms=case.digests["issue"])
        case.take(code, terms=case.digests["inform" if code == "correct" else "review"])
    for code in ("reissue", "supplement_certificate", "revoke", "suspend"):
        case.refuse("target.kind", code, terms=case.digests["review"])
    case.refuse("signature.count", "reissue", terms=case.digests["issue"], cast={"approver": ()})
    case.refuse(
        "procedure.distinct", "reissue", terms=case.digests["issue"], cast={"approver": NOTARY, "notary": OTHER}
    )


def test_a_late_step_counts_as_seen_and_moves_nothing() -> None:
    case = matter("apply", "accept")
    case.refuse("procedure.late_order", "inform", case.now * 1000 + 1, flags=Flag.LATE)
    case.take("inform", START, flags=Flag.LATE)
    case.run("identity_check", "review")
    case.take("accept", START, flags=Flag.LATE)
    assert case.at() == "reviewed"
    for code in ("refuse", "pause", "resume", "decline", "terminate", "archive", "delegate", "send_back"):
        case.refuse("procedure.late", code, flags=Flag.LATE)


def test_articles_that_were_not_read_are_marked() -> None:
    procedure = procedure_of(1, 3)
    assert procedure is not None
    sure = {basis.zh for kind in procedure.kinds for basis in kind.basis if basis.certainty is Certainty.READ}
    unsure = {basis.zh for kind in procedure.kinds for basis in kind.basis if not basis.confirmed}
    assert not sure & unsure
    for number in ("第40条、第41条", "第46条", "第62条"):
        assert any(number in text for text in unsure), number
    for number in ("第35条", "第57条", "第61条", "第63条"):
        assert f"《公证程序规则》（司法部令第145号）{number}" in sure
