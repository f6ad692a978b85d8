"""Batches: numbering, leaves, leaves files."""

from io import BytesIO

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.support import evidence as ev
from tiezheng.batch import (
    HEADER_SIZE,
    BatchHeader,
    build_batch,
    check_follows,
    check_leaf,
    check_seal,
    hold_leaves,
    leaf_hash,
    parse_batch_header,
    read_leaves,
    write_leaves,
)
from tiezheng.errors import Malformed, TiezhengError, VerificationFailed
from tiezheng.signature import RECORD_SIZE, Signature, sign
from tiezheng.statement import SignedStatement

FAKE = (Signature(ev.OFFICE, 0, 0, bytes(64)),)
SIGNED = [SignedStatement(ev.bulk_statement(at), FAKE) for at in range(7)]
FIRST, _ = build_batch(ev.OPERATOR, None, SIGNED[:2])
SECOND, TREE = build_batch(ev.OPERATOR, FIRST, SIGNED[2:])
SEAL = Signature(ev.OPERATOR, 0, 0, sign(ev.KEYS[ev.OPERATOR], SECOND.message(ev.CONTRACT)))
FILE = b"".join(write_leaves(SECOND, SEAL, SIGNED[2:]))


class Trickle:
    """A stream that gives at most seven bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self._stream = BytesIO(data)

    def read(self, size: int, /) -> bytes:
        return self._stream.read(min(size, 7))


def read_whole(data: bytes) -> list[SignedStatement]:
    """All leaves, and the seal checked."""
    file = read_leaves(BytesIO(data))
    check_seal(file.header, file.signature, ev.KEYS[ev.OPERATOR].public, ev.CONTRACT)
    return list(file.leaves)


def test_batches_follow_each_other() -> None:
    assert (FIRST.batch, FIRST.first, FIRST.previous) == (0, 0, bytes(32))
    assert (SECOND.batch, SECOND.first, SECOND.previous) == (1, 2, FIRST.digest)
    check_follows(None, FIRST)
    check_follows(FIRST, SECOND)
    for before, header in ((None, SECOND), (FIRST, FIRST), (SECOND, SECOND)):
        with pytest.raises(VerificationFailed, match=r"batch\.contiguous"):
            check_follows(before, header)
    with pytest.raises(Malformed, match=r"batch\.contiguous"):
        build_batch(ev.REGULATOR, FIRST, SIGNED)


@given(
    st.integers(1, 2**31 - 1),
    st.integers(1, 2**60),
    st.integers(0, 2**60),
    st.integers(1, 65_536),
    st.binary(min_size=32, max_size=32).filter(any),
    st.binary(min_size=32, max_size=32).filter(any),
)
def test_a_header_is_what_its_bytes_say(
    operator: int, batch: int, more: int, count: int, root: bytes, previous: bytes
) -> None:
    header = BatchHeader(operator, batch, batch + more, count, root, previous)
    assert parse_batch_header(header.to_bytes()) == header


def test_every_leaf_has_its_place_and_no_other() -> None:
    for at, signed in enumerate(SIGNED[2:]):
        check_leaf(SECOND, signed, at, TREE.path(at))
        with pytest.raises(TiezhengError):
            check_leaf(SECOND, signed, at ^ 1, TREE.path(at))
        with pytest.raises(VerificationFailed, match=r"merkle\.root_mismatch"):
            check_leaf(SECOND, SIGNED[0], at, TREE.path(at))


def test_a_statement_of_the_registry_lane_is_no_leaf() -> None:
    with pytest.raises(Malformed, match=r"statement\.lane"):
        leaf_hash(SignedStatement(ev.statement(), FAKE))
    with pytest.raises(Malformed, match=r"batch\.count"):
        build_batch(ev.OPERATOR, None, [])


def test_a_leaves_file_streams_back_what_was_written() -> None:
    file = read_leaves(Trickle(FILE))
    check_seal(file.header, file.signature, ev.KEYS[ev.OPERATOR].public, ev.CONTRACT)
    assert file.header == SECOND
    assert list(file.leaves) == SIGNED[2:]


@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
@settings(max_examples=200)
def test_any_changed_byte_of_a_leaves_file_is_refused(at: int, mask: int) -> None:
    # The seal's key index is not signed (§2.3): the key that it names decides whether the seal verifies.
    assume(at != 88 + 5)
    with pytest.raises(TiezhengError):
        read_whole(ev.flip(FILE, at, mask))
    if at >= HEADER_SIZE + RECORD_SIZE:
        with pytest.raises(TiezhengError):
            hold_leaves(BytesIO(ev.flip(FILE, at, mask)))


@given(st.integers(0, len(FILE) - 1))
@settings(max_examples=60)
def test_a_leaves_file_that_ends_early_is_refused(size: int) -> None:
    with pytest.raises(Malformed):
        list(read_leaves(BytesIO(FILE[:size])).leaves)
    with pytest.raises(Malformed):
        hold_leaves(BytesIO(FILE[:size]))


def test_a_leaves_file_is_held_to_its_root_without_a_look_into_its_statements() -> None:
    assert hold_leaves(Trickle(FILE)) == (SECOND, SEAL)
    with pytest.raises(Malformed, match=r"batch\.trailing"):
        hold_leaves(BytesIO(FILE + b"x"))
