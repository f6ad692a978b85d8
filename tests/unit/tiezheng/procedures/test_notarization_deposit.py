"""What the procedure of deposits takes and refuses, step by step through the rules of the registry."""

import pytest

from tests.support.cast import DAY_MS, HOUR_MS, Play, person, play, register
from tiezheng.procedures import FieldClass, Status, procedure_of
from tiezheng.statement import ZERO, Flag

OFFICE, COURT = 101, 201
NOTARY, ASSISTANT, HEAD, ARCHIVIST = (person(number) for number in range(1, 5))
MEMBERS = register(
    {OFFICE: 1, COURT: 4}, {NOTARY: (OFFICE, 1), ASSISTANT: (OFFICE, 4), HEAD: (OFFICE, 4), ARCHIVIST: (OFFICE, 4)}
)
CASTS = {OFFICE: {"notary": NOTARY, "assistant": ASSISTANT, "head": HEAD, "archivist": ARCHIVIST}}
START = 1_795_000_000_000
TARGETS = ["correct", "supplement", "suspend", "revoke", "revoke_part"]


def deposit(opening: str = "deposit") -> Play:
    case = play(1, 1, OFFICE, MEMBERS, CASTS, START)
    case.take(opening, START)
    return case


def test_a_deposit_lives_through_versions_and_archiving() -> None:
    case = deposit()
    assert case.at() == "deposited"
    case.run("version", "version")
    case.take("certify", terms=case.digests["version"])
    assert case.run("archive").closed
    assert case.at() == "archived"
    case.refuse("case.closed", "version")
    case.refuse("case.closed", "archive")
    case.take("certify", terms=case.digests["deposit"])
    case.take("correct", terms=case.digests["deposit"])
    assert case.status("deposit") is Status.CORRECTED


@pytest.mark.parametrize("opening", ["deposit", "capture", "onsite_capture"])
def test_no_deposit_waits_for_another(opening: str) -> None:
    """A party's own file needs no capture first, and a capture no deposit."""
    case = deposit(opening)
    assert case.state is not None
    assert (case.state.sequence, case.at()) == (0, "deposited")
    other = case.beside(OFFICE, 7)
    other.take(opening)
    case.take("recapture" if opening != "deposit" else "version")


def test_what_a_party_supplied_and_what_the_office_captured_are_worded_differently() -> None:
    procedure = procedure_of(1, 1)
    assert procedure is not None
    kinds = {kind.code: kind for kind in procedure.kinds}
    assert kinds["deposit"].schema.spec("given_by").choices == ("party", "agent")
    for code in ("capture", "onsite_capture", "recapture"):
        names = kinds[code].schema.names
        assert {"tool", "environment_clean", "time_source", "file_sm3", "file_sha256"} <= set(names)
        assert "given_by" not in names
        assert kinds[code].schema.spec("place").field_class is FieldClass.SENSITIVE


def test_a_capture_that_is_deposited_after_a_day_is_late_by_time() -> None:
    case = play(1, 1, OFFICE, MEMBERS, CASTS, START + DAY_MS)
    case.take("capture", START)
    assert not case.own("capture").late_by_time
    case = play(1, 1, OFFICE, MEMBERS, CASTS, START + DAY_MS + HOUR_MS)
    case.take("capture", START)
    assert case.own("capture").late_by_time
    case.take("version", START)
    assert not case.own("version").late_by_time


def test_a_capture_on_the_spot_takes_two_persons_or_is_irregular() -> None:
    case = play(1, 1, OFFICE, MEMBERS, CASTS, START)
    case.refuse("signature.count", "onsite_capture", cast={"assistant": ()})
    case.refuse("procedure.irregular", "deposit", flags=Flag.IRREGULAR)
    case.take("onsite_capture", cast={"assistant": ()}, flags=Flag.IRREGULAR)
    assert case.own("onsite_capture").irregular
    case.take("certify", terms=case.digests["onsite_capture"])
    assert case.own("certify").irregular_seen


def test_suspension_is_lifted_and_revocation_is_final() -> None:
    case = deposit()
    first = case.digests["deposit"]
    case.refuse("target.status", "lift", terms=first)
    case.take("suspend", terms=first)
    assert case.status("deposit") is Status.SUSPENDED
    case.refuse("target.status", "correct", terms=first)
    case.take("lift", terms=first)
    case.take("revoke_part", terms=first)
    case.take("suspend", terms=first)
    assert case.status("deposit") is Status.SUSPENDED_PARTLY_REVOKED
    case.take("revoke", terms=first)
    assert case.status("deposit") is Status.REVOKED
    for code in [*TARGETS, "lift"]:
        case.refuse("target.status", code, terms=first)


def test_corrections_go_on_and_do_not_fork() -> None:
    case = deposit()
    first = case.digests["deposit"]
    case.take("correct", terms=first)
    case.refuse("target.status", "correct", terms=first)
    case.take("correct", terms=case.digests["correct"])
    case.take("supplement", terms=case.digests["correct"])
    assert case.own("correct").supplemented


@pytest.mark.parametrize("code", [*TARGETS, "lift"])
def test_what_changes_a_status_names_a_statement_of_this_case(code: str) -> None:
    case = deposit()
    case.take("suspend", terms=case.digests["deposit"])
    other = case.beside(OFFICE, 9)
    other.take("deposit")
    for unknown in (other.digests["deposit"], b"\x01" * 32):
        case.refuse("target.unknown", code, terms=unknown)
    case.refuse("target.kind", code, terms=case.digests["suspend"])


@pytest.mark.parametrize("code", ["suspend", "lift", "revoke", "revoke_part"])
def test_a_status_is_changed_by_the_office_and_its_head(code: str) -> None:
    case = deposit()
    if code == "lift":
        case.take("suspend", terms=case.digests["deposit"])
    case.refuse("signature.count", code, terms=case.digests["deposit"], cast={"head": ()})
    case.refuse("procedure.irregular", code, terms=case.digests["deposit"], flags=Flag.IRREGULAR)


def test_a_certificate_is_never_late_nor_irregular_and_rests_on_a_record() -> None:
    case = deposit()
    for flag, reason in ((Flag.LATE, "procedure.late"), (Flag.IRREGULAR, "procedure.irregular")):
        case.refuse(reason, "certify", flags=flag, terms=case.digests["deposit"])
    for unknown in (b"\x01" * 32, ZERO):
        case.refuse("basis.unknown", "certify", terms=unknown)


def test_only_a_notary_office_deposits() -> None:
    case = play(1, 1, COURT, MEMBERS, CASTS, START)
    case.refuse("signature.institution_role", "deposit")
    mine = deposit()
    mine.take("version")
    mine.refuse("case.not_participant", "version", institution=COURT)
    named = play(1, 1, OFFICE, MEMBERS, CASTS, START)
    named.take("deposit", counterparty=COURT)
    named.refuse("procedure.recorder", "version", institution=COURT)
