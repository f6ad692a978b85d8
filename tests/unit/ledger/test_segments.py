"""The envelope of files that arrived in several goes: what it gives back, and every way to damage it."""

import io
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.storage.envelope import TAG_SIZE, FrameSealer
from ledger.storage.segments import FIRST_TAG, HEADER_SIZE, SALT_SIZE, SegmentSealer, header_of, open_sealed
from tiezheng.errors import IntegrityFault

KEY, NAME, FRAME = b"k" * 16, b"n" * 16, 64
WORD = 4


class Writing:
    """Segments one after another; `at` is where each record begins."""

    def __init__(self, size: int) -> None:
        self.sealed = bytearray(header_of(size, FRAME))
        self.offset, self.tag = 0, FIRST_TAG
        self.at: list[int] = []

    def segment(self, *frames: bytes) -> "Writing":
        sealer = SegmentSealer(KEY, NAME, bytes(self.sealed[:HEADER_SIZE]), self.offset, self.tag)
        for frame in frames:
            self.at.append(len(self.sealed))
            for part in sealer.seal(frame):
                self.sealed += part
            self.offset += len(frame)
        self.tag = bytes(self.sealed[-TAG_SIZE:])
        return self

    def cut_to(self, record: int) -> "Writing":
        """As after a crash: the records from this one on were never recorded."""
        del self.sealed[self.at[record] :]
        del self.at[record:]
        self.tag = bytes(self.sealed[-TAG_SIZE:])
        return self


def opened(sealed: bytes, key: bytes = KEY, name: bytes = NAME) -> bytes:
    return b"".join(open_sealed(io.BytesIO(sealed), key, name))


@given(st.lists(st.lists(st.binary(min_size=1, max_size=FRAME), min_size=1, max_size=4), min_size=1, max_size=4))
def test_what_was_sealed_in_any_pieces_opens_again(segments: list[list[bytes]]) -> None:
    whole = b"".join(b"".join(frames) for frames in segments)
    writing = Writing(len(whole))
    for frames in segments:
        writing.segment(*frames)
    assert opened(bytes(writing.sealed)) == whole


def test_an_object_of_the_other_envelope_opens_too() -> None:
    sealer = FrameSealer(KEY, NAME, b"p" * 8, FRAME)
    assert opened(sealer.header + bytes(sealer.seal(b"whole", last=True))) == b"whole"


def whole() -> Writing:
    return Writing(150).segment(b"a" * 64, b"b" * 20).segment(b"c" * 64, b"d" * 2)


def test_going_on_after_a_crash_never_uses_a_key_and_nonce_twice() -> None:
    """The same offset sealed again with other bytes: were key and nonce the same, the two would differ as these do."""
    first = Writing(150).segment(b"a" * 64, b"b" * 64)
    lost = bytes(first.sealed[first.at[1] :])[WORD:]
    again = first.cut_to(1)
    again.offset = 64
    again.segment(b"x" * 64)
    kept = bytes(again.sealed[again.at[1] :])[WORD + SALT_SIZE :]
    apart = {one ^ other for one, other in zip(lost[:64], kept[:64], strict=True)}
    assert apart != {ord("b") ^ ord("x")}
    assert len(apart) > 8


def flip(at: int) -> Callable[[Writing], bytes]:
    def change(writing: Writing) -> bytes:
        writing.sealed[at] ^= 1
        return bytes(writing.sealed)

    return change


def without(record: int) -> Callable[[Writing], bytes]:
    def change(writing: Writing) -> bytes:
        end = [*writing.at, len(writing.sealed)][record + 1]
        return bytes(writing.sealed[: writing.at[record]] + writing.sealed[end:])

    return change


def segments_swapped(writing: Writing) -> bytes:
    head, first, second = writing.sealed[:HEADER_SIZE], writing.at[0], writing.at[2]
    return bytes(head + writing.sealed[second:] + writing.sealed[first:second])


def of_a_longer_object(writing: Writing) -> bytes:
    return header_of(151, FRAME) + bytes(writing.sealed[HEADER_SIZE:])


def of_a_shorter_object(writing: Writing) -> bytes:
    return header_of(148, FRAME) + bytes(writing.sealed[HEADER_SIZE : writing.at[3]])


def from_an_abandoned_continuation(writing: Writing) -> bytes:
    """Records that were written, lost in a crash and kept by somebody: same object, same offset, same lengths."""
    lost = Writing(150)
    lost.sealed, lost.at, lost.tag = writing.sealed[:], writing.at[:], writing.tag
    lost.cut_to(1).offset = 64
    lost.segment(b"z" * 20)
    return bytes(lost.sealed + writing.sealed[writing.at[2] :])


DAMAGES: list[Callable[[Writing], bytes]] = [
    *(flip(at) for at in (0, 5, 8, 17, HEADER_SIZE, HEADER_SIZE + 3, HEADER_SIZE + 10, HEADER_SIZE + 30, 150, -1)),
    *(without(record) for record in range(4)),
    segments_swapped,
    of_a_longer_object,
    of_a_shorter_object,
    from_an_abandoned_continuation,
    lambda writing: bytes(writing.sealed[:-1]),
    lambda writing: bytes(writing.sealed[: writing.at[3]]),
    lambda writing: bytes(writing.sealed[:HEADER_SIZE]),
    lambda writing: bytes(writing.sealed + b"\0"),
    lambda writing: bytes(writing.sealed + writing.sealed[writing.at[3] :]),
    lambda _: header_of(0, FRAME),
    lambda _: b"",
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_damage_is_found(damage: Callable[[Writing], bytes]) -> None:
    assert len(opened(bytes(whole().sealed))) == 150
    with pytest.raises(IntegrityFault) as caught:
        opened(damage(whole()))
    assert caught.value.code == "object.corrupt"


@pytest.mark.parametrize("changes", [{"key": b"K" * 16}, {"name": b"N" * 16}])
def test_another_key_or_name_opens_nothing(changes: dict[str, bytes]) -> None:
    with pytest.raises(IntegrityFault):
        opened(bytes(whole().sealed), **changes)


@pytest.mark.parametrize("size", [0, FRAME + 1])
def test_a_frame_of_a_wrong_length_is_not_sealed(size: int) -> None:
    sealer = SegmentSealer(KEY, NAME, header_of(100, FRAME), 0, FIRST_TAG)
    with pytest.raises(ValueError, match="one frame size"):
        sealer.seal(bytes(size))
