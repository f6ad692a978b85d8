"""Receipts and refusals: round trips, groups, and what any change does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import evidence as ev
from tiezheng.errors import Malformed, TiezhengError
from tiezheng.receipt import (
    Lane,
    Receipt,
    ReceiptFile,
    RefusalFile,
    check_receipt,
    check_refusal,
    group_receipts,
    parse_receipt,
    parse_receipt_file,
    parse_refusal_file,
    receipt_for,
    receipt_message,
    refusal_digest,
    refusal_message,
)
from tiezheng.signature import Signature, sign
from tiezheng.statement import SignedStatement

KEY = ev.KEYS[ev.OPERATOR]
FAKE = (Signature(ev.OFFICE, 0, 0, bytes(64)),)
SIGNED = [SignedStatement(ev.statement(occurred=at), FAKE) for at in range(5)]
GROUP = [receipt_for(one, 1000, 2000, Lane.REGISTRY) for one in SIGNED]
ROOT, PATHS = group_receipts(GROUP)
SEAL = Signature(ev.OPERATOR, 0, 0, sign(KEY, receipt_message(ROOT, ev.OPERATOR, ev.CONTRACT)))
FILES = [ReceiptFile(one, at, 5, tuple(PATHS[at]), SEAL) for at, one in enumerate(GROUP)]
digests = st.binary(min_size=32, max_size=32)
times = st.integers(0, 2**48 - 1)


@given(digests, digests, st.tuples(times, times).map(sorted), st.sampled_from(Lane))
def test_a_receipt_is_what_its_bytes_say(statement: bytes, signatures: bytes, when: list[int], lane: Lane) -> None:
    receipt = Receipt(statement, signatures, *when, lane)
    assert len(receipt.to_bytes()) == 77
    assert parse_receipt(receipt.to_bytes()) == receipt


def test_one_signature_serves_the_whole_group() -> None:
    for file, signed in zip(FILES, SIGNED, strict=True):
        again = parse_receipt_file(file.to_bytes())
        assert again == file
        assert check_receipt(again, KEY.public, ev.CONTRACT, signed) == file.receipt


@given(st.integers(0, len(FILES[1].to_bytes()) - 1), st.integers(1, 255))
@settings(max_examples=150)
def test_any_changed_byte_of_a_receipt_file_is_refused(at: int, mask: int) -> None:
    data = FILES[1].to_bytes()
    try:
        file = parse_receipt_file(ev.flip(data, at, mask))
        check_receipt(file, KEY.public, ev.CONTRACT, SIGNED[1])
    except TiezhengError:
        return
    # Neither the key index (§2.3) nor how many receipts are in the tree (§7.2) is signed.
    assert file.signature.key_index != 0 or file.count != len(GROUP)


@pytest.mark.parametrize(
    ("receipt", "code"),
    [
        (lambda: parse_receipt(bytes(76)), "receipt.length"),
        (lambda: parse_receipt(bytes(77)), "receipt.lane"),
        (lambda: Receipt(bytes(32), bytes(32), 2, 1, Lane.BATCH), "receipt.due"),
        (lambda: Receipt(bytes(31), bytes(32), 1, 2, Lane.BATCH), "digest.length"),
        (lambda: group_receipts([]), "merkle.empty"),
        (lambda: ReceiptFile(GROUP[0], 5, 5, tuple(PATHS[0]), SEAL), "merkle.index_range"),
        (lambda: refusal_digest(bytes(32), 0, 1, bytes(32)), "receipt.refusal"),
        (lambda: RefusalFile(bytes(32), 1, 1 << 48, bytes(32), SEAL), "receipt.refusal"),
    ],
)
def test_a_malformed_receipt_or_refusal_is_refused(receipt: object, code: str) -> None:
    assert callable(receipt)
    with pytest.raises(Malformed) as caught:
        receipt()
    assert caught.value.code == code


def test_a_refusal_comes_back_and_names_its_statement() -> None:
    digest = refusal_digest(SIGNED[0].digest, 24, 99, b"\x07" * 32)
    seal = Signature(ev.OPERATOR, 0, 0, sign(KEY, refusal_message(digest, ev.OPERATOR, ev.CONTRACT)))
    file = RefusalFile(SIGNED[0].digest, 24, 99, b"\x07" * 32, seal)
    again = parse_refusal_file(file.to_bytes())
    assert again == file
    check_refusal(again, KEY.public, ev.CONTRACT, SIGNED[0].digest)
    for key, contract, statement in (
        (ev.KEYS[ev.COURT], ev.CONTRACT, SIGNED[0].digest),
        (KEY, bytes(32), SIGNED[0].digest),
        (KEY, ev.CONTRACT, SIGNED[1].digest),
    ):
        with pytest.raises(TiezhengError):
            check_refusal(again, key.public, contract, statement)
