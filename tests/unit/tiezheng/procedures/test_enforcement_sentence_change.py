"""What the procedure of commutation and parole takes and refuses, step by step through the rules of the registry."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.support.cast import DAY_MS, Cast, Play, person, play, register
from tiezheng.errors import Malformed
from tiezheng.procedures import FieldClass, KindFlag, Procedure, Status, check_occurred, end_terms, procedure_of
from tiezheng.statement import Flag

PRISON, COURT, PROCURATORATE, BUREAU, COMMUNITY, OTHER_PRISON = 301, 201, 401, 501, 601, 302
OFFICER, HEAD, CHIEF, SECRETARY, REVIEWER, CHAIR, WARDEN, SCRIBE, BOSS = (person(number) for number in range(1, 10))
MEMBERS = register(
    {PRISON: 3, COURT: 4, PROCURATORATE: 5, BUREAU: 6, COMMUNITY: 8, OTHER_PRISON: 3},
    dict.fromkeys((OFFICER, HEAD, CHIEF, SECRETARY, REVIEWER, CHAIR, WARDEN), (PRISON, 3))
    | {SCRIBE: (BUREAU, 4), BOSS: (BUREAU, 3)},
)
CASTS: dict[int, Cast] = {
    PRISON: {"officer": OFFICER, "head": HEAD, "secretary": SECRETARY, "reviewer": REVIEWER, "chair": CHAIR},
    BUREAU: {"chair": BOSS, "secretary": SCRIBE},
}
CHINA = timezone(timedelta(hours=8))
INSTRUMENTS = ["propose", "propose_parole", "ruling", "revoke_ruling", "new_ruling"]
COURT_FACTS = ["court_file", "court_publish", "hearing"]


def day(month: int, number: int, year: int = 2026) -> int:
    """Start of a day in UTC+8, in ms."""
    return int(datetime(year, month, number, tzinfo=CHINA).timestamp()) * 1000


# Posted on Thursday 5 November 2026; five full working days are 6, 9, 10, 11 and 12 November.
POSTED, DECIDED, END = day(11, 5), day(11, 11), day(11, 13)


def procedure() -> Procedure:
    found = procedure_of(3, 2)
    assert found is not None
    return found


def studied(kind: str = "study_commutation") -> Play:
    case = play(3, 2, PRISON, MEMBERS, CASTS, day(10, 12))
    case.take(kind, day(10, 12))
    return case


def published(kind: str = "study_commutation", end: int = END) -> Play:
    case = studied(kind)
    case.take("block_review", day(10, 15), cast={"head": CHIEF})
    case.take("exec_review", day(10, 20))
    case.take("committee", day(11, 3), counterparty=PROCURATORATE)
    case.take("publish", POSTED, terms=end_terms(end))
    return case


def decided(kind: str = "study_commutation") -> Play:
    case = published(kind)
    case.take("procurator_opinion", END, institution=PROCURATORATE)
    case.take("warden_meeting", END, cast={"head": WARDEN})
    return case


def proposed() -> Play:
    case = decided()
    case.take("propose", END + DAY_MS, counterparty=COURT, cast={"head": WARDEN})
    return case


def ruled() -> Play:
    case = proposed()
    for number, code in enumerate([*COURT_FACTS, "ruling"]):
        case.take(code, END + (2 + number) * DAY_MS, institution=COURT)
    return case


def applied() -> Play:
    case = ruled()
    case.take("service", END + 7 * DAY_MS, institution=COURT)
    case.take("apply_result", END + 8 * DAY_MS)
    return case


def test_a_commutation_goes_from_the_block_to_its_effect() -> None:
    case = decided()
    case.take("propose", END + DAY_MS, counterparty=COURT, cast={"head": WARDEN})
    assert case.at() == "proposed"
    states = ["filed", "court_published", "heard", "ruled"]
    for number, (code, expected) in enumerate(zip([*COURT_FACTS, "ruling"], states, strict=True)):
        case.take(code, END + (2 + number) * DAY_MS, institution=COURT)
        assert case.at() == expected
    case.take("procurator_correction", END + 6 * DAY_MS, institution=PROCURATORATE)
    case.take("service", END + 7 * DAY_MS, institution=COURT)
    case.take("service", END + 7 * DAY_MS)
    state = case.take("apply_result", END + 8 * DAY_MS)
    assert (case.at(), state.closed, state.irregular) == ("applied", True, False)


def test_parole_needs_the_assessment_of_the_community() -> None:
    case = decided("study_parole")
    case.refuse("procedure.kinds_forbidden", "propose", END)
    case.refuse("procedure.kinds_missing", "propose_parole", END)
    case.refuse("procedure.irregular", "propose_parole", END, flags=Flag.IRREGULAR)
    case.refuse("case.not_participant", "assessment", END, institution=COMMUNITY)
    case.take("invite", END, counterparty=COMMUNITY)
    case.take("assessment", END, institution=COMMUNITY)
    case.take("propose_parole", END, counterparty=COURT)
    assert case.at() == "proposed"
    other = decided()
    other.take("assessment", END)
    other.refuse("procedure.kinds_missing", "propose_parole", END)


def test_a_publication_of_three_full_days_is_taken_and_left_to_the_rules() -> None:
    """Scenario: posted on Thursday 5 November, decided on Wednesday 11 November, with an end set that early."""
    case = published(end=DECIDED)
    case.take("procurator_opinion", DECIDED, institution=PROCURATORATE)
    case.take("warden_meeting", DECIDED)
    assert (case.at(), case.own("warden_meeting").irregular) == ("decided", False)


def test_nothing_is_decided_before_the_publication_ends_unless_irregular_and_never_proposed() -> None:
    """Scenario: the same dates, with the end where the law puts it."""
    case = published()
    case.take("procurator_opinion", DECIDED, institution=PROCURATORATE)
    for at in (DECIDED, END - DAY_MS, END - 1):
        case.refuse("procedure.end", "warden_meeting", at)
    case.refuse("procedure.late", "warden_meeting", DECIDED, flags=Flag.LATE)
    case.take("warden_meeting", DECIDED, flags=Flag.IRREGULAR)
    case.refuse("procedure.end", "propose", DECIDED)
    case.refuse("procedure.irregular", "propose", DECIDED, flags=Flag.IRREGULAR)
    case.take("propose", END)
    assert case.own("propose").irregular_seen


@pytest.mark.parametrize("ground", ["agreed", "returned"])
def test_the_listed_cases_go_through_the_bureau(ground: str) -> None:
    case = decided()
    case.take("submit_to_bureau", END, counterparty=BUREAU)
    case.refuse("procedure.order", "propose", END)
    case.refuse("procedure.recorder", "bureau_review", END)
    if ground == "returned":
        case.take("bureau_return", END, institution=BUREAU)
        assert case.at() == "decided"
        case.take("warden_meeting", END)
        case.take("submit_to_bureau", END, counterparty=BUREAU)
    case.take("bureau_review", END, institution=BUREAU)
    assert case.at() == "bureau_agreed"
    case.take("propose", END, counterparty=COURT)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("exec_review", "procedure.order"),
        ("committee", "procedure.order"),
        ("publish", "procedure.order"),
        ("object", "procedure.order"),
        ("objection_review", "procedure.order"),
        ("record_opinion", "procedure.order"),
        ("record_ruling", "procedure.order"),
        ("warden_meeting", "procedure.order"),
        ("submit_to_bureau", "procedure.order"),
        ("withdraw", "procedure.order"),
        ("service", "procedure.order"),
        ("apply_result", "procedure.order"),
    ],
)
def test_a_stage_that_was_skipped_is_refused_or_irregular(code: str, reason: str) -> None:
    case = studied()
    terms = end_terms(END) if code == "publish" else bytes(32)
    case.refuse(reason, code, POSTED, terms=terms, cast={"reviewer": REVIEWER})
    case.take(code, POSTED, terms=terms, flags=Flag.IRREGULAR)
    assert case.own(code).irregular


@pytest.mark.parametrize("done", ["studied", "decided irregularly", "decided without the committee"])
def test_no_proposal_without_committee_publication_and_meeting_even_after_irregular_steps(done: str) -> None:
    case = studied()
    if done == "studied":
        case.refuse("procedure.order", "propose", END)
        return
    if done == "decided without the committee":
        case.take("publish", POSTED, terms=end_terms(END), flags=Flag.IRREGULAR)
    case.take("warden_meeting", END, flags=Flag.IRREGULAR)
    assert case.at() == "decided"
    case.refuse("procedure.kinds_missing", "propose", END)
    for flag, reason in ((Flag.IRREGULAR, "procedure.irregular"), (Flag.LATE, "procedure.late")):
        case.refuse(reason, "propose", END, flags=flag)


def test_the_department_is_none_of_the_block() -> None:
    case = studied()
    case.take("block_review", cast={"head": CHIEF})
    for same in (OFFICER, HEAD, CHIEF):
        case.refuse("procedure.distinct", "exec_review", cast={"reviewer": same})
    case.take("exec_review", cast={"reviewer": CHIEF}, flags=Flag.IRREGULAR)
    case.refuse("procedure.distinct", "committee", cast={"secretary": OFFICER})
    case.take("committee")


def test_a_committee_signs_by_its_chair_and_its_secretary() -> None:
    case = studied()
    case.take("block_review", cast={"head": CHIEF})
    case.take("exec_review")
    for left_out in ("chair", "secretary"):
        case.refuse("signature.count", "committee", cast={left_out: ()})
    with pytest.raises(Malformed, match=r"signature\.order"):
        case.take("committee", cast={"chair": CHAIR, "secretary": CHAIR})
    case.refuse("signature.affiliation", "committee", cast={"chair": BOSS})
    case.take("committee", cast={"secretary": ()}, flags=Flag.IRREGULAR)


def test_what_was_returned_goes_through_the_stages_again() -> None:
    case = published()
    case.take("object", POSTED + DAY_MS)
    case.take("objection_review", POSTED + DAY_MS)
    case.take("committee", POSTED + DAY_MS)
    assert case.at() == "committee_passed"
    case.take("exec_review", POSTED + DAY_MS)
    case.take("block_review", POSTED + DAY_MS, cast={"head": CHIEF})
    case.take("exec_review", POSTED + DAY_MS)
    case.take("committee", POSTED + DAY_MS)
    case.take("publish", POSTED + DAY_MS, terms=end_terms(END + DAY_MS))
    case.take("record_opinion", END)
    case.refuse("procedure.end", "warden_meeting", END)
    case.take("warden_meeting", END + DAY_MS)


def test_an_objection_is_reviewed_only_after_it_was_made() -> None:
    case = published()
    case.refuse("procedure.kinds_missing", "objection_review")
    case.take("object")
    case.refuse("procedure.distinct", "objection_review", cast={"secretary": OFFICER})
    case.take("objection_review")
    assert case.at() == "published"


@pytest.mark.parametrize(
    ("code", "by"),
    [
        ("procurator_opinion", PROCURATORATE),
        ("bureau_review", BUREAU),
        ("bureau_return", BUREAU),
        ("court_file", COURT),
        ("procurator_correction", PROCURATORATE),
    ],
)
def test_what_another_authority_does_only_it_records(code: str, by: int) -> None:
    case = {"procurator_opinion": published, "court_file": proposed, "procurator_correction": proposed}.get(
        code, decided
    )()
    if code.startswith("bureau"):
        case.take("submit_to_bureau", counterparty=BUREAU)
    case.take("invite", counterparty=OTHER_PRISON)
    case.take("invite", counterparty=COMMUNITY)
    case.refuse("procedure.recorder", code)
    for stranger in (OTHER_PRISON, COMMUNITY):
        cast: Cast = {"chair": (), "secretary": ()}
        case.refuse("signature.institution_role", code, institution=stranger, flags=Flag.IRREGULAR, cast=cast)
    case.take(code, institution=by)


def test_the_court_publishes_hears_and_rules_in_this_order() -> None:
    case = proposed()
    for code in ("court_publish", "hearing", "ruling"):
        case.refuse("procedure.order", code, institution=COURT)
    case.take("court_file", institution=COURT)
    case.refuse("procedure.order", "ruling", institution=COURT)
    case.refuse("procedure.irregular", "ruling", institution=COURT, flags=Flag.IRREGULAR)
    case.take("court_publish", institution=COURT)
    case.take("ruling", institution=COURT)


def test_a_ruling_of_a_court_that_does_not_record_here_is_recorded_by_the_prison() -> None:
    case = proposed()
    case.refuse("procedure.recorder", "record_ruling", institution=COURT)
    for code in ("record_ruling", "service", "apply_result"):
        case.take(code)
    assert case.at() == "applied"
    case.refuse("target.kind", "revoke_ruling", institution=COURT, terms=case.digests["record_ruling"])
    case.take("correct", terms=case.digests["record_ruling"])


def test_a_proposal_is_withdrawn_before_the_ruling_and_not_after() -> None:
    case = proposed()
    case.take("court_file", institution=COURT)
    state = case.take("withdraw")
    assert (case.at(), state.closed) == ("withdrawn", True)
    case.refuse("case.closed", "court_publish", institution=COURT)
    ruled().refuse("procedure.order", "withdraw")


def test_a_matter_may_end_without_a_proposal_at_any_stage_before_it() -> None:
    for case in (studied(), published(), decided()):
        assert case.take("end_without_proposal").closed
    proposed().refuse("procedure.order", "end_without_proposal")


def test_a_ruling_is_revoked_after_everything_is_over_and_made_anew() -> None:
    """Scenario: spending on borrowed accounts is found after the commutation."""
    case = applied()
    ruling = case.digests["ruling"]
    case.refuse("procedure.kinds_missing", "new_ruling", institution=COURT)
    case.refuse("procedure.recorder", "revoke_ruling", terms=ruling)
    case.refuse("signature.institution_role", "revoke_ruling", institution=PROCURATORATE, terms=ruling)
    case.refuse("procedure.irregular", "revoke_ruling", institution=COURT, terms=ruling, flags=Flag.IRREGULAR)
    case.refuse("target.kind", "revoke_ruling", institution=COURT, terms=case.digests["propose"])
    case.take("procurator_correction", institution=PROCURATORATE)
    case.take("revoke_ruling", institution=COURT, terms=ruling)
    assert case.status("ruling") is Status.REVOKED
    case.refuse("target.status", "revoke_ruling", institution=COURT, terms=ruling)
    case.take("new_ruling", institution=COURT)
    case.take("service", institution=COURT)
    case.take("apply_result")
    assert case.at() == "applied"
    case.take("revoke_ruling", institution=COURT, terms=case.digests["new_ruling"])


def test_the_prison_corrects_its_own_records_and_no_one_elses() -> None:
    case = applied()
    for code in ("study_commutation", "publish", "apply_result"):
        case.take("correct", terms=case.digests[code])
    for code in ("propose", "ruling", "procurator_opinion", "hearing"):
        case.refuse("target.kind", "correct", terms=case.digests[code])
        case.take("supplement", institution=COURT, terms=case.digests[code])
    case.refuse("procedure.recorder", "correct", institution=COURT, terms=case.digests["committee"])


def test_instruments_are_never_late_nor_irregular() -> None:
    instruments = {kind.code: kind.flags for kind in procedure().kinds if kind.instrument}
    assert list(instruments) == INSTRUMENTS
    for flags in instruments.values():
        assert not flags & (KindFlag.MAY_BE_LATE | KindFlag.MAY_BE_IRREGULAR)


def test_times_are_whole_days_and_nothing_of_the_person_is_public() -> None:
    for kind in procedure().kinds:
        assert kind.whole_days
        own = kind.schema.fields[4:]
        assert all(spec.field_class in (FieldClass.WORK, FieldClass.SENSITIVE) for spec in own), kind.code
    check_occurred(procedure().kinds[0], POSTED)
    with pytest.raises(Malformed):
        check_occurred(procedure().kinds[0], POSTED + 1)
    assert datetime.fromtimestamp(POSTED / 1000, UTC).hour == 16


def test_deadlines_are_those_of_the_law() -> None:
    found = {kind.code: kind.deadline for kind in procedure().kinds if kind.deadline is not None}
    told = {code: (one.start, one.count, str(one.unit)) for code, one in found.items()}
    assert told == {
        "court_publish": (("court_file",), 5, "days"),
        "ruling": (("court_file",), 1, "months"),
        "service": (("ruling", "new_ruling"), 7, "days"),
    }


def test_the_prison_law_of_2026_counts_from_november() -> None:
    law = {basis.effective_from for kind in procedure().kinds for basis in kind.basis if "监狱法" in basis.zh}
    assert law == {"2026-11-01"}
