"""The acts of governance: exact bytes, and shapes that are refused before anyone signs."""

from collections.abc import Callable

import pytest

from tests.support import evidence as ev
from tiezheng import governance as gov
from tiezheng.digest import sm3
from tiezheng.errors import Malformed
from tiezheng.procedures import Custody, Function, InstitutionRole
from tiezheng.signature import Signature, parse_signed_message

KEY, ROOT = ev.KEYS[ev.NOTARY].public, sm3(b"card")
PERSON, OFFICE = ev.NOTARY.to_bytes(4, "big"), ev.OFFICE.to_bytes(4, "big")
TWICE = b"\0\0\0\2"
NEW = b"\x02" + KEY.to_bytes() + ROOT


def test_digests_cover_exactly_their_bytes() -> None:
    admitted = gov.admission_digest(ev.NOTARY, ev.OFFICE, Function.NOTARY, Custody.HARDWARE, KEY, ROOT)
    assert admitted == sm3(b"\x01" + PERSON + OFFICE + b"\x01" + NEW)
    assert gov.revocation_digest(ev.NOTARY, 3) == sm3(b"\x02" + PERSON + b"\x03" + bytes(6))
    assert gov.revocation_digest(ev.OFFICE, 0, 1000) == sm3(b"\x02" + OFFICE + b"\x00" + (1000).to_bytes(6, "big"))
    assert gov.suspension_digest(ev.NOTARY, 2) == sm3(b"\x03" + PERSON + b"\0\0\0\x02")
    assert gov.reinstatement_digest(ev.NOTARY, 3, 1) == sm3(b"\x04" + PERSON + b"\0\0\0\x03\x01")
    assert gov.renewal_digest(ev.NOTARY, 2, Custody.HARDWARE, KEY, ROOT) == sm3(b"\x05" + PERSON + TWICE + NEW)
    assert gov.recovery_digest(ev.OFFICE, 2, Custody.HARDWARE, KEY, ROOT) == sm3(b"\x06" + OFFICE + TWICE + NEW)
    assert gov.possession_digest(ev.NOTARY, KEY, Custody.SELF) == sm3(PERSON + KEY.to_bytes() + b"\x01")
    assert gov.possession_digest(ev.OFFICE, KEY, None) == sm3(OFFICE + KEY.to_bytes() + b"\x00")


def test_actions_are_exactly_their_bytes() -> None:
    admitted = gov.admit_institution(ev.OFFICE, InstitutionRole.PRISON, True, Custody.HARDWARE, KEY, ROOT)
    assert admitted == b"\x10" + OFFICE + b"\x03\x01" + NEW
    assert gov.suspend_institution(ev.OFFICE) == b"\x11" + OFFICE
    assert gov.reinstate_institution(ev.OFFICE, 255) == b"\x12" + OFFICE + b"\xff"
    assert gov.remove_institution(ev.OFFICE) == b"\x13" + OFFICE
    assert gov.new_key(ev.OFFICE, Custody.HARDWARE, KEY, ROOT) == b"\x14" + OFFICE + NEW
    assert gov.change_threshold(4) == b"\x15\x04"
    assert gov.set_recovery_key(ev.OFFICE, KEY) == b"\x16" + OFFICE + KEY.to_bytes()
    assert gov.mark_compromised(ev.NOTARY, 1, 5) == b"\x17" + PERSON + b"\x01" + (5).to_bytes(6, "big")
    assert gov.register_table(ROOT, 7) == b"\x20" + ROOT + (7).to_bytes(6, "big") + b"\xff" * 6
    assert gov.end_table(ROOT, 9) == b"\x21" + ROOT + (9).to_bytes(6, "big")
    assert gov.close_contract(b"\x44" * 20) == b"\x22" + b"\x44" * 20
    assert gov.close_contract() == b"\x22" + bytes(20)


def test_a_decision_names_number_end_executor_and_action() -> None:
    decision = gov.Decision(3, 1_800_000_000, ev.CONTRACT, b"\x15\x02")
    numbers = (3).to_bytes(8, "big") + (1_800_000_000).to_bytes(6, "big")
    assert decision.digest == sm3(b"\x80" + numbers + ev.CONTRACT + b"\x15\x02")
    message = parse_signed_message(decision.message(ev.OFFICE, 4, ROOT))
    assert (message.tag, message.signatures, message.signer, message.role) == (5, 4, ev.OFFICE, 0)
    assert (message.contract_id, message.digest) == (ROOT, decision.digest)


def test_votes_are_joined_in_order_and_read_back() -> None:
    votes = [Signature(number, 0, 0, bytes(64)) for number in (301, 101, 201)]
    joined = gov.join_votes(votes)
    assert [vote.signer for vote in gov.parse_votes(joined)] == [101, 201, 301]
    many = [Signature(number, 0, 0, bytes(64)) for number in range(1, 34)]
    for wrong, code in (([], "signature.count"), (many, "signature.count"), (votes[:1] * 2, "signature.order")):
        with pytest.raises(Malformed) as caught:
            gov.join_votes(wrong)
        assert caught.value.code == code
    for data in (b"", joined[:-1], joined + b"\0", b"".join(one.to_bytes() for one in many)):
        with pytest.raises(Malformed):
            gov.parse_votes(data)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: gov.suspension_digest(ev.OFFICE, 0), "member.practitioner_number"),
        (lambda: gov.suspension_digest(ev.NOTARY, 1 << 32), "signature.number_range"),
        (lambda: gov.revocation_digest(0, 0), "signature.number_range"),
        (lambda: gov.revocation_digest(ev.OFFICE, 256), "signature.number_range"),
        (lambda: gov.recovery_digest(ev.NOTARY, 0, Custody.SELF, KEY, ROOT), "statement.institution"),
        (lambda: gov.renewal_digest(ev.NOTARY, 1 << 32, Custody.SELF, KEY, ROOT), "signature.number_range"),
        (lambda: gov.recovery_digest(ev.OFFICE, -1, Custody.SELF, KEY, ROOT), "signature.number_range"),
        (lambda: gov.renewal_digest(ev.NOTARY, 0, Custody.SELF, KEY, bytes(32)), "member.identity_root"),
        (lambda: gov.possession_digest(0x8000_0000, KEY, Custody.SELF), "signature.number_range"),
        (lambda: gov.suspend_institution(ev.NOTARY), "statement.institution"),
        (lambda: gov.change_threshold(0), "signature.number_range"),
        (lambda: gov.change_threshold(33), "signature.number_range"),
        (lambda: gov.mark_compromised(ev.OFFICE, 0, 0), "signature.number_range"),
        (lambda: gov.register_table(ROOT, 5, 5), "table.dates"),
        (lambda: gov.register_table(ROOT[1:], 5), "digest.length"),
        (lambda: gov.end_table(ROOT, gov.NO_END), "signature.number_range"),
        (lambda: gov.close_contract(b"\1"), "account.address"),
        (lambda: gov.Decision(0, 1, ev.CONTRACT, b""), "signature.number_range"),
        (lambda: gov.Decision(1, 1, b"", b""), "digest.length"),
        (lambda: gov.Decision(1, 1, ev.CONTRACT, b"").message(ev.OFFICE, 33, ROOT), "signature.count"),
    ],
)
def test_what_the_contracts_would_refuse_for_its_shape_cannot_be_made(make: Callable[[], object], code: str) -> None:
    with pytest.raises(Malformed) as caught:
        make()
    assert caught.value.code == code
