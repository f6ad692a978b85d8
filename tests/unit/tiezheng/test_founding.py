"""The founding: exact bytes, and refusals."""

from dataclasses import replace

import pytest

from tests.support import evidence as ev
from tiezheng.digest import sm3
from tiezheng.errors import Malformed, VerificationFailed
from tiezheng.founding import (
    CryptoCode,
    check_founding,
    founding_bytes,
    founding_digest,
    founding_message,
)
from tiezheng.signature import sign

FOUNDERS = ev.founders()


def test_founding_bytes_are_a_prefix_the_threshold_the_code_the_count_and_the_founders() -> None:
    data = founding_bytes(2, ev.CODE, FOUNDERS)
    assert data[:85] == b"tiezheng/founding/1" + b"\x02" + ev.CODE.verifier + ev.CODE.keys + b"\x03"
    assert len(data) == 85 + 3 * (4 + 1 + 1 + 64 + 32)
    first = FOUNDERS[0]
    assert data[85:91] == first.number.to_bytes(4, "big") + bytes([first.role, first.custody])
    assert data[91:187] == first.key.to_bytes() + first.identity_root
    assert founding_digest(2, ev.CODE, FOUNDERS) == sm3(data)


def test_every_founder_has_to_sign() -> None:
    digest = founding_digest(2, ev.CODE, FOUNDERS)
    signatures = [sign(ev.KEYS[one.number], founding_message(one.number, 3, ev.CONTRACT, digest)) for one in FOUNDERS]
    assert check_founding(2, ev.CODE, FOUNDERS, signatures, ev.CONTRACT) == digest
    for threshold, code, contract, given in (
        (1, ev.CODE, ev.CONTRACT, signatures),
        (2, replace(ev.CODE, verifier=sm3(b"another verifier")), ev.CONTRACT, signatures),
        (2, replace(ev.CODE, keys=sm3(b"other keys")), ev.CONTRACT, signatures),
        (2, ev.CODE, bytes(32), signatures),
        (2, ev.CODE, ev.CONTRACT, [signatures[1], signatures[0], signatures[2]]),
    ):
        with pytest.raises(VerificationFailed, match=r"signature\.invalid"):
            check_founding(threshold, code, FOUNDERS, given, contract)
    with pytest.raises(Malformed, match=r"signature\.count"):
        check_founding(2, ev.CODE, FOUNDERS, signatures[:2], ev.CONTRACT)


def test_a_founding_that_the_contract_would_refuse_cannot_be_made() -> None:
    twin = replace(FOUNDERS[1], key=FOUNDERS[0].key)
    for threshold, founders, code in (
        (1, [], "founding.count"),
        (1, FOUNDERS[:1], "founding.count"),
        (1, [replace(FOUNDERS[0], number=number) for number in range(1, 34)], "founding.count"),
        (0, FOUNDERS, "founding.threshold"),
        (3, FOUNDERS, "founding.threshold"),
        (1, FOUNDERS[::-1], "founding.order"),
        (1, [FOUNDERS[0], twin], "key.in_use"),
    ):
        with pytest.raises(Malformed) as caught:
            founding_bytes(threshold, ev.CODE, founders)
        assert caught.value.code == code
    good = ev.CODE.verifier
    for code in (bytes(32), ev.NO_CODE, b"", good[:31], good + b"\0"):
        with pytest.raises(Malformed, match=r"founding\.verifier"):
            CryptoCode(code, good)
        with pytest.raises(Malformed, match=r"founding\.keys"):
            CryptoCode(good, code)
    for change, code in (
        ({"number": ev.NOTARY}, "statement.institution"),
        ({"role": 10}, "member.role"),
        ({"custody": 0}, "member.custody"),
        ({"identity_root": bytes(32)}, "member.identity_root"),
    ):
        with pytest.raises(Malformed) as caught:
            replace(FOUNDERS[0], **change)
        assert caught.value.code == code
