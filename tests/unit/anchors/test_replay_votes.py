"""Who may decide what on members, judged on a ledger of three institutions, a regulator and a notary."""

from dataclasses import dataclass, field, replace

import pytest

from anchors.replay_votes import check_admitters, check_suspender, check_term, check_voters
from ledger.domain.records import InstitutionRow, KeyRow, MemberStatus
from tiezheng.errors import VerificationFailed
from tiezheng.governance import DECISION_MAX_SECONDS
from tiezheng.signature import Signature

REGULATOR, OFFICE, COURT, GUEST, NOTARY = 1, 101, 201, 401, 0x8000_0001
ROLES = {REGULATOR: 6, OFFICE: 1, COURT: 4, GUEST: 4, NOTARY: 1}
NOW = 1_000


@dataclass
class Members:
    """Everybody has one key; the guest does not vote."""

    keys: dict[tuple[int, int], KeyRow] = field(default_factory=dict)
    rows: dict[int, InstitutionRow] = field(default_factory=dict)

    def key_row(self, number: int, key_index: int) -> KeyRow | None:
        return self.keys.get((number, key_index))

    def institution(self, number: int) -> InstitutionRow | None:
        return self.rows.get(number)


@pytest.fixture
def members() -> Members:
    made = Members()
    for number, role in ROLES.items():
        institution = OFFICE if number == NOTARY else number
        made.keys[number, 0] = KeyRow(number, 0, b"", b"", b"", institution, role, 1, b"", NOW - 10)
        if number != NOTARY:
            made.rows[number] = InstitutionRow(number, role, voter=number != GUEST)
    return made


def votes(*signers: int, role: int = 0) -> list[Signature]:
    return [Signature(signer, role, 0, bytes(64)) for signer in signers]


def test_active_voters_decide(members: Members) -> None:
    check_voters(votes(REGULATOR, OFFICE, COURT), members, NOW)


@pytest.mark.parametrize(
    "signers",
    [[OFFICE, REGULATOR], [OFFICE, OFFICE], [REGULATOR, GUEST], [REGULATOR, NOTARY], [REGULATOR, 999]],
    ids=["descending", "twice", "no voter", "a practitioner", "a stranger"],
)
def test_others_do_not(members: Members, signers: list[int]) -> None:
    with pytest.raises(VerificationFailed):
        check_voters(votes(*signers), members, NOW)


def test_a_suspended_institution_does_not_vote(members: Members) -> None:
    members.rows[OFFICE] = replace(members.rows[OFFICE], status=MemberStatus.SUSPENDED)
    with pytest.raises(VerificationFailed, match="chain"):
        check_voters(votes(REGULATOR, OFFICE), members, NOW)


@pytest.mark.parametrize("change", [{"valid_until": NOW - 1}, {"valid_from": NOW + 1}])
def test_a_key_that_is_not_valid_then_decides_nothing(members: Members, change: dict[str, int]) -> None:
    members.keys[OFFICE, 0] = replace(members.keys[OFFICE, 0], **change)
    with pytest.raises(VerificationFailed, match="key"):
        check_voters(votes(REGULATOR, OFFICE), members, NOW)
    with pytest.raises(VerificationFailed, match="key"):
        check_admitters(votes(REGULATOR, OFFICE), OFFICE, members, NOW)


def test_an_admission_needs_the_institution_and_an_overseer(members: Members) -> None:
    check_admitters(votes(REGULATOR, OFFICE), OFFICE, members, NOW)
    for signers in ([OFFICE, COURT], [REGULATOR, COURT], [OFFICE], [REGULATOR, OFFICE, COURT]):
        with pytest.raises(VerificationFailed):
            check_admitters(votes(*signers), OFFICE, members, NOW)
    with pytest.raises(VerificationFailed, match="role"):
        check_admitters(votes(REGULATOR, OFFICE, role=1), OFFICE, members, NOW)


def test_a_practitioner_is_suspended_by_the_own_institution_or_a_regulator(members: Members) -> None:
    for signer in (OFFICE, REGULATOR):
        check_suspender(votes(signer)[0], OFFICE, members, NOW)
    with pytest.raises(VerificationFailed):
        check_suspender(votes(COURT)[0], OFFICE, members, NOW)


def test_a_decision_has_a_term(members: Members) -> None:
    check_term(NOW, NOW)
    check_term(NOW + DECISION_MAX_SECONDS, NOW)
    for expires in (NOW - 1, NOW + DECISION_MAX_SECONDS + 1):
        with pytest.raises(VerificationFailed):
            check_term(expires, NOW)
