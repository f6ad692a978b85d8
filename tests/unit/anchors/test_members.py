"""Members from events: keys get the affiliation of their founding or admission, and end once."""

from typing import Any

import pytest

from anchors.audit_chain import key_word
from anchors.chains.port import Log
from anchors.checkpoint import key_prefix, record_prefix
from anchors.contracts import Event
from anchors.members import KeyEnd, key_changes
from ledger.domain.records import KEY_OPEN, KeyRow
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
    }
    return Event("KeyRegistered", values, LOG)


FOUNDED = Event("InstitutionFounded", {"number": 101, "role": 1}, LOG)
NOTARY = 0x8000_0001
ADMITTED = Event("PractitionerAdmitted", {"number": NOTARY, "institution": 101, "practitionerFunction": 2}, LOG)


def nobody(_number: int) -> None:
    return None


def test_a_founder_is_of_itself_and_a_practitioner_of_its_institution() -> None:
    changes = key_changes([registered(101), FOUNDED, registered(NOTARY), ADMITTED], nobody)
    assert [(row.number, row.institution, row.role) for row in changes if isinstance(row, KeyRow)] == [
        (101, 101, 1),
        (NOTARY, 101, 2),
    ]


def test_a_later_key_has_the_affiliation_that_is_known() -> None:
    (row,) = key_changes([registered(NOTARY, 1)], lambda _number: (101, 1))
    assert isinstance(row, KeyRow)
    assert (row.key_index, row.institution, row.valid_until) == (1, 101, KEY_OPEN)


def test_a_key_of_nobody_is_an_integrity_fault() -> None:
    with pytest.raises(IntegrityFault):
        key_changes([registered(NOTARY)], nobody)


def test_an_end_is_told_in_order() -> None:
    ended = Event("KeyEnded", {"number": 101, "keyIndex": 0, "validUntil": 2000}, LOG)
    changes = key_changes([registered(101), FOUNDED, ended], nobody)
    assert changes[1] == KeyEnd(101, 0, 2000)


def test_words_are_those_of_the_specification() -> None:
    (row,) = key_changes([registered(NOTARY), ADMITTED], nobody)[:1]
    assert isinstance(row, KeyRow)
    word = key_word(row)
    assert len(word) == 32
    assert word.hex() == "80000001000000650200010000000003e8ffffffffffff000000000000000000"
    assert word.startswith(key_prefix(row))
    assert record_prefix(0x010203040506, 7).hex() == "010203040506000000000007"
