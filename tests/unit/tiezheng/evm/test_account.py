"""Accounts and storage: strict leaves, explicit absence, and claims that must match."""

import pytest

from tests.unit.tiezheng.evm.trie_builder import build, keccak_of, prove, rlp, root_of
from tiezheng.errors import TiezhengError
from tiezheng.evm.account import Account, decode_account, expect_storage, verify_account, verify_storage

ADDRESS = bytes(range(20))
STORAGE_ROOT, CODE_HASH = keccak_of(b"storage"), keccak_of(b"code")
LEAF = rlp([b"\x01", b"\x02\x00", STORAGE_ROOT, CODE_HASH])


def _code(call: object, *arguments: object) -> str:
    assert callable(call)
    with pytest.raises(TiezhengError) as caught:
        call(*arguments)
    return caught.value.code


def _trie(values: dict[bytes, bytes]) -> list[object] | None:
    return build({keccak_of(key).hex(): value for key, value in values.items()})


def _proof(values: dict[bytes, bytes], key: bytes) -> tuple[bytes, list[bytes]]:
    trie = _trie(values)
    return root_of(trie), prove(trie, keccak_of(key).hex())


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def test_an_account_is_read_from_its_leaf() -> None:
    root, nodes = _proof({ADDRESS: LEAF, bytes(20): LEAF}, ADDRESS)
    assert verify_account(root, ADDRESS, nodes) == Account(1, 512, STORAGE_ROOT, CODE_HASH)


def test_a_proven_absent_account_is_an_error_of_its_own() -> None:
    root, nodes = _proof({ADDRESS: LEAF}, bytes(20))
    assert _code(verify_account, root, bytes(20), nodes) == "account.absent"
    assert _code(verify_account, root, bytes(32), nodes) == "account.address"


@pytest.mark.parametrize(
    ("leaf", "code"),
    [
        (rlp([b"\x01", b"", STORAGE_ROOT]), "account.shape"),
        (rlp([b"\x01", b"", STORAGE_ROOT, CODE_HASH, b""]), "account.shape"),
        (rlp([b"\x01", b"", STORAGE_ROOT[:31], CODE_HASH]), "account.shape"),
        (rlp([b"\x01", b"", STORAGE_ROOT, CODE_HASH + b"\x00"]), "account.shape"),
        (rlp([b"\x00", b"", STORAGE_ROOT, CODE_HASH]), "rlp.integer"),
        (rlp([b"\x01" * 9, b"", STORAGE_ROOT, CODE_HASH]), "rlp.integer"),
        (rlp([b"\x01", b"\x00\x01", STORAGE_ROOT, CODE_HASH]), "rlp.integer"),
        (rlp([[], b"", STORAGE_ROOT, CODE_HASH]), "rlp.too_deep"),
        (LEAF + b"\x00", "rlp.trailing"),
        (LEAF[:-1], "rlp.truncated"),
        (b"\x01", "rlp.shape"),
    ],
)
def test_other_account_leaves_are_refused(leaf: bytes, code: str) -> None:
    assert _code(decode_account, leaf) == code


def test_a_slot_is_read_as_a_padded_word_and_absence_is_none() -> None:
    slots = {_word(0): rlp(b"\x07"), _word(1): rlp(b"\xff" * 32)}
    root, nodes = _proof(slots, _word(0))
    assert verify_storage(root, _word(0), nodes) == _word(7)
    root, nodes = _proof(slots, _word(1))
    assert verify_storage(root, _word(1), nodes) == b"\xff" * 32
    root, nodes = _proof(slots, _word(2))
    assert verify_storage(root, _word(2), nodes) is None
    root, nodes = _proof({}, _word(2))
    assert verify_storage(root, _word(2), nodes) is None


@pytest.mark.parametrize(
    ("leaf", "code"),
    [
        (rlp(b"\x00"), "rlp.integer"),
        (rlp(b"\x00\x01"), "rlp.integer"),
        (b"\x80", "storage.value"),
        (b"\x81\x07", "rlp.non_canonical"),
        (b"\x07\x07", "rlp.trailing"),
        (rlp(b"\x01" * 33), "rlp.too_large"),
        (rlp([b"\x07"]), "rlp.too_deep"),
    ],
)
def test_other_storage_leaves_are_refused(leaf: bytes, code: str) -> None:
    root, nodes = _proof({_word(0): leaf}, _word(0))
    assert _code(verify_storage, root, _word(0), nodes) == code


def test_a_slot_of_another_length_is_refused() -> None:
    root, nodes = _proof({_word(0): b"\x07"}, _word(0))
    assert _code(verify_storage, root, b"\x00", nodes) == "storage.slot"


def test_claims_must_match_what_is_proved() -> None:
    slots = {_word(0): rlp(b"\x07"), _word(1): rlp(b"\x08")}
    root, held = _proof(slots, _word(0))
    _, unset = _proof(slots, _word(2))
    expect_storage(root, _word(0), _word(7), held)
    expect_storage(root, _word(2), None, unset)
    assert _code(expect_storage, root, _word(0), _word(8), held) == "storage.mismatch"
    assert _code(expect_storage, root, _word(0), None, held) == "storage.mismatch"
    assert _code(expect_storage, root, _word(2), _word(7), unset) == "storage.absent"
    assert _code(expect_storage, root, _word(2), _word(0), unset) == "storage.value"
    assert _code(expect_storage, root, _word(0), b"\x07", held) == "storage.value"
