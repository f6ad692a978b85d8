"""The founding and the actions on members: exact bytes, and refusals."""

from dataclasses import replace

import pytest

from tests.support import evidence as ev
from tiezheng.digest import sm3
from tiezheng.errors import Malformed, VerificationFailed
from tiezheng.founding import (
    Custody,
    Function,
    admission_digest,
    check_founding,
    founding_bytes,
    founding_digest,
    founding_message,
    possession_digest,
    revocation_digest,
    suspension_digest,
)
from tiezheng.signature import sign

FOUNDERS = ev.founders()


def test_founding_bytes_are_a_prefix_the_threshold_the_verifier_the_count_and_the_founders() -> None:
    data = founding_bytes(2, ev.VERIFIER, FOUNDERS)
    assert data[:53] == b"tiezheng/founding/1" + b"\x02" + ev.VERIFIER + b"\x03"
    assert len(data) == 53 + 3 * (4 + 1 + 1 + 64 + 32)
    first = FOUNDERS[0]
    assert data[53:59] == first.number.to_bytes(4, "big") + bytes([first.role, first.custody])
    assert data[59:155] == first.key.to_bytes() + first.identity_root
    assert founding_digest(2, ev.VERIFIER, FOUNDERS) == sm3(data)


def test_every_founder_has_to_sign() -> None:
    digest = founding_digest(2, ev.VERIFIER, FOUNDERS)
    signatures = [sign(ev.KEYS[one.number], founding_message(one.number, 3, ev.CONTRACT, digest)) for one in FOUNDERS]
    assert check_founding(2, ev.VERIFIER, FOUNDERS, signatures, ev.CONTRACT) == digest
    for threshold, verifier, contract, given in (
        (3, ev.VERIFIER, ev.CONTRACT, signatures),
        (2, sm3(b"another verifier"), ev.CONTRACT, signatures),
        (2, ev.VERIFIER, bytes(32), signatures),
        (2, ev.VERIFIER, ev.CONTRACT, [signatures[1], signatures[0], signatures[2]]),
    ):
        with pytest.raises(VerificationFailed, match=r"signature\.invalid"):
            check_founding(threshold, verifier, FOUNDERS, given, contract)
    with pytest.raises(Malformed, match=r"signature\.count"):
        check_founding(2, ev.VERIFIER, FOUNDERS, signatures[:2], ev.CONTRACT)


def test_a_founding_that_the_contract_would_refuse_cannot_be_made() -> None:
    twin = replace(FOUNDERS[1], key=FOUNDERS[0].key)
    for threshold, founders, code in (
        (1, [], "founding.count"),
        (1, [replace(FOUNDERS[0], number=number) for number in range(1, 34)], "founding.count"),
        (0, FOUNDERS, "founding.threshold"),
        (4, FOUNDERS, "founding.threshold"),
        (1, FOUNDERS[::-1], "founding.order"),
        (1, [FOUNDERS[0], twin], "key.in_use"),
    ):
        with pytest.raises(Malformed) as caught:
            founding_bytes(threshold, ev.VERIFIER, founders)
        assert caught.value.code == code
    for verifier in (bytes(32), ev.NO_CODE, b"", ev.VERIFIER[:31], ev.VERIFIER + b"\0"):
        with pytest.raises(Malformed, match=r"founding\.verifier"):
            founding_bytes(2, verifier, FOUNDERS)
    for change, code in (
        ({"number": ev.NOTARY}, "statement.institution"),
        ({"role": 10}, "member.role"),
        ({"custody": 0}, "member.custody"),
        ({"identity_root": bytes(32)}, "member.identity_root"),
    ):
        with pytest.raises(Malformed) as caught:
            replace(FOUNDERS[0], **change)
        assert caught.value.code == code


def test_action_digests_cover_exactly_their_bytes() -> None:
    key, root, number = ev.KEYS[ev.NOTARY].public, sm3(b"card"), ev.NOTARY
    word, office = number.to_bytes(4, "big"), ev.OFFICE.to_bytes(4, "big")
    assert admission_digest(number, ev.OFFICE, Function.NOTARY, Custody.HARDWARE, key, root) == sm3(
        b"\x01" + word + office + b"\x01\x02" + key.to_bytes() + root
    )
    assert revocation_digest(number, 3) == sm3(b"\x02" + word + b"\x03")
    assert suspension_digest(number) == sm3(b"\x03" + word)
    assert possession_digest(number, key, Custody.SELF) == sm3(word + key.to_bytes() + b"\x01")


def test_actions_on_impossible_numbers_are_refused() -> None:
    key = ev.KEYS[ev.NOTARY].public
    for make, code in (
        (lambda: suspension_digest(ev.OFFICE), "member.practitioner_number"),
        (lambda: revocation_digest(0, 0), "signature.number_range"),
        (lambda: revocation_digest(ev.OFFICE, 256), "signature.number_range"),
        (lambda: possession_digest(0x8000_0000, key, Custody.SELF), "signature.number_range"),
    ):
        with pytest.raises(Malformed) as caught:
            make()
        assert caught.value.code == code
