"""Members from events: keys get the affiliation of their founding or admission, and end once."""

from typing import Any

import pytest

from anchors.chains.port import Log
from anchors.checkpoint import key_prefix, record_prefix
from anchors.contracts import Event
from anchors.members import KeyEnd, KeyMark, member_changes
from ledger.domain.records import KEY_OPEN, InstitutionRow, KeyRow, MemberStatus
from tiezheng.errors import IntegrityFault

LOG = Log(bytes(20), (), b"", 1, bytes(32), bytes(32), 0)


def registered(number: int, index: int = 0) -> Event:
    values: dict[str, Any] = {
        "number": number,
        "z": b"\1" * 32,
        "keyIndex": index,
        "x": 5,
        "y": 6,
        "custody": 1,
        "validFrom": 1000,
        "identityRoot": b"\2" * 32,
        "possession": b"",
    }
    return Event("KeyRegistered", values, LOG)


FOUNDED = Event("InstitutionFounded", {"number": 101, "role": 1}, LOG)
NOTARY = 0x8000_0001
ADMITTED = Event("PractitionerAdmitted", {"number": NOTARY, "institution": 101, "practitionerFunction": 2}, LOG)


def nobody(_number: int) -> None:
    return None


def test_a_founder_is_of_itself_and_a_practitioner_of_its_institution() -> None:
    changes = member_changes([registered(101), FOUNDED, registered(NOTARY), ADMITTED], nobody, nobody)
    assert [(row.number, row.institution, row.role) for row in changes if isinstance(row, KeyRow)] == [
        (101, 101, 1),
        (NOTARY, 101, 2),
    ]


def test_a_later_key_has_the_affiliation_that_is_known() -> None:
    (row,) = member_changes([registered(NOTARY, 1)], lambda _number: (101, 1), nobody)
    assert isinstance(row, KeyRow)
    assert (row.key_index, row.institution, row.valid_until) == (1, 101, KEY_OPEN)


def test_a_key_of_nobody_is_an_integrity_fault() -> None:
    with pytest.raises(IntegrityFault):
        member_changes([registered(NOTARY)], nobody, nobody)


def test_an_end_is_told_in_order() -> None:
    marked = Event("KeyCompromised", {"number": 101, "keyIndex": 0, "since": 1500}, LOG)
    ended = Event("KeyEnded", {"number": 101, "keyIndex": 0, "validUntil": 2000, "endedBy": 1}, LOG)
    changes = member_changes([registered(101), FOUNDED, marked, ended], nobody, nobody)
    assert changes[1:] == [InstitutionRow(101, 1, voter=True), KeyMark(101, 0, 1500), KeyEnd(101, 0, 2000, 1)]


def test_an_institution_keeps_role_and_vote_while_its_status_changes() -> None:
    admitted = Event("InstitutionAdmitted", {"number": 102, "role": 3, "voter": False}, LOG)
    events = [Event(f"Institution{what}", {"number": 102}, LOG) for what in ("Suspended", "Reinstated", "Removed")]
    changes = member_changes([admitted, *events], nobody, nobody)
    assert changes == [InstitutionRow(102, 3, voter=False, status=MemberStatus(status)) for status in (1, 2, 1, 3)]
    with pytest.raises(IntegrityFault):
        member_changes(events, nobody, nobody)


def test_words_are_those_of_the_specification() -> None:
    (row,) = member_changes([registered(NOTARY), ADMITTED], nobody, nobody)[:1]
    assert isinstance(row, KeyRow)
    word = row.word.to_bytes()
    assert len(word) == 32
    assert word.hex() == "80000001000000650200010000000003e8ffffffffffff000000000000000000"
    assert word.startswith(key_prefix(row))
    assert record_prefix(0x010203040506, 7).hex() == "010203040506000000000007"
