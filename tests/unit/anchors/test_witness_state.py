"""A witness's memory: one hash for each height, and only its own ledger's."""

import pytest

from anchors.witness_state import SIGNED_MAX, Place, Signed, WitnessState
from tiezheng.errors import IntegrityFault

STATE = WitnessState(b"\1" * 32, 201, Place(0, b"\1" * 32))


def test_the_first_words_at_a_height_stay() -> None:
    state = STATE.with_signed(Signed(4, b"\2" * 32, 1000)).with_signed(Signed(4, b"\2" * 32, 2000))
    assert state.at(4) == Signed(4, b"\2" * 32, 1000)


def test_a_second_hash_at_a_height_is_refused() -> None:
    state = STATE.with_signed(Signed(4, b"\2" * 32, 1000))
    with pytest.raises(IntegrityFault) as caught:
        state.with_signed(Signed(4, b"\3" * 32, 1000))
    assert caught.value.code == "witness.fork"


def test_the_memory_is_bounded_and_keeps_the_latest() -> None:
    state = STATE
    for height in range(1, SIGNED_MAX + 10):
        state = state.with_signed(Signed(height, bytes(32), 0))
    assert len(state.signed) == SIGNED_MAX
    assert state.at(1) is None
    assert state.at(SIGNED_MAX + 9) is not None
