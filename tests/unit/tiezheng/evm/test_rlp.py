"""RLP: what is accepted encodes back to the same bytes, and everything else is refused with its own code."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.tiezheng.evm.trie_builder import rlp as plain_rlp
from tiezheng.errors import Malformed, TiezhengError
from tiezheng.evm.rlp import Item, decode, decode_int, decode_list, encode, encode_int

ITEMS = st.recursive(st.binary(max_size=70), lambda inner: st.lists(inner, max_size=5), max_leaves=20)


@settings(deadline=None)
@given(ITEMS)
def test_an_encoded_item_decodes_to_itself(item: Item) -> None:
    assert encode(item) == plain_rlp(item)
    assert decode(encode(item), max_depth=64) == item


@settings(deadline=None)
@given(st.binary(max_size=40) | ITEMS.map(encode), st.integers(0, 400), st.binary(max_size=3))
def test_accepted_bytes_are_the_only_encoding_of_what_they_say(data: bytes, at: int, patch: bytes) -> None:
    at %= len(data) + 1
    changed = data[:at] + patch + data[at + len(patch) :]
    try:
        item = decode(changed, max_depth=64)
    except TiezhengError:
        return
    assert encode(item) == changed


@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 55, 56, 57, 255, 256, 257, 65_000])
def test_strings_around_the_borders_of_the_length_forms(size: int) -> None:
    data = b"\xee" * size
    assert decode(encode(data)) == data
    assert decode(encode([data])) == [data]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("", "rlp.truncated"),
        ("81", "rlp.truncated"),
        ("83aabb", "rlp.truncated"),
        ("a0" + "11" * 31, "rlp.truncated"),
        ("b8", "rlp.truncated"),
        ("b83800", "rlp.truncated"),
        ("b901", "rlp.truncated"),
        ("bf7fffffffffffffff00", "rlp.truncated"),
        ("c1", "rlp.truncated"),
        ("c3820102" + "00", "rlp.trailing"),
        ("c28201", "rlp.truncated"),
        ("c183", "rlp.truncated"),
        ("c1a0" + "11" * 32, "rlp.truncated"),
        ("0102", "rlp.trailing"),
        ("8080", "rlp.trailing"),
        ("a0" + "11" * 32 + "80", "rlp.trailing"),
        ("c0c0", "rlp.trailing"),
        ("8100", "rlp.non_canonical"),
        ("817f", "rlp.non_canonical"),
        ("c28105", "rlp.non_canonical"),
        ("b80155", "rlp.non_canonical"),
        ("b837" + "11" * 55, "rlp.non_canonical"),
        ("b90038" + "11" * 56, "rlp.non_canonical"),
        ("b800", "rlp.non_canonical"),
        ("f800", "rlp.non_canonical"),
        ("f837" + "01" * 55, "rlp.non_canonical"),
        ("f90038" + "01" * 56, "rlp.non_canonical"),
        ("c5c4c3c2c1c0", "rlp.too_deep"),
    ],
)
def test_other_forms_are_refused(data: str, code: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode(bytes.fromhex(data), max_depth=5)
    assert caught.value.code == code


def test_nesting_is_bounded_before_the_stack_is() -> None:
    bomb = b""
    for _ in range(3_000):
        bomb = _list_of(bomb)
    with pytest.raises(Malformed) as caught:
        decode(bomb)
    assert caught.value.code == "rlp.too_deep"


def _list_of(body: bytes) -> bytes:
    if len(body) < 56:
        return bytes([0xC0 + len(body)]) + body
    size = encode_int(len(body))
    return bytes([0xF7 + len(size)]) + size + body


def test_size_is_bounded() -> None:
    with pytest.raises(Malformed) as caught:
        decode(encode(bytes(100)), max_size=100)
    assert caught.value.code == "rlp.too_large"


def test_a_string_is_no_list() -> None:
    with pytest.raises(Malformed) as caught:
        decode_list(b"\x80")
    assert caught.value.code == "rlp.shape"


@settings(deadline=None)
@given(st.integers(0, 2**256 - 1))
def test_integers_come_back(number: int) -> None:
    assert decode_int(encode_int(number)) == number


@pytest.mark.parametrize("data", [b"\x00", b"\x00\x01", b"\x01" * 9])
def test_integers_with_leading_zeros_or_too_long_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        decode_int(data, max_bytes=8)
    assert caught.value.code == "rlp.integer"


def test_a_list_is_no_integer_and_no_integer_is_negative() -> None:
    with pytest.raises(Malformed) as caught:
        decode_int([])
    assert caught.value.code == "rlp.shape"
    with pytest.raises(Malformed) as caught:
        encode_int(-1)
    assert caught.value.code == "rlp.integer"
