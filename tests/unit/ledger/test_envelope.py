"""The envelope of evidence files: what it gives back, and every way to damage it."""

import io
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.storage.envelope import HEADER_SIZE, TAG_SIZE, FrameSealer, open_frames
from tiezheng.errors import IntegrityFault

KEY, NAME, PREFIX, FRAME = b"k" * 16, b"n" * 16, b"p" * 8, 64
DATA = bytes(range(64)) * 3 + b"end"
SEALED_FRAME = FRAME + TAG_SIZE


def seal(data: bytes, key: bytes = KEY, name: bytes = NAME, prefix: bytes = PREFIX) -> bytes:
    sealer = FrameSealer(key, name, prefix, FRAME)
    frames = [data[at : at + FRAME] for at in range(0, max(len(data), 1), FRAME)]
    parts = [bytes(sealer.seal(frame, last=index == len(frames) - 1)) for index, frame in enumerate(frames)]
    return sealer.header + b"".join(parts)


def opened(sealed: bytes, key: bytes = KEY, name: bytes = NAME) -> bytes:
    return b"".join(open_frames(io.BytesIO(sealed), key, name))


class Dripping:
    """A stream that returns a byte at a time."""

    def __init__(self, data: bytes) -> None:
        self.inner = io.BytesIO(data)

    def read(self, _size: int, /) -> bytes:
        return self.inner.read(1)


@given(st.binary(max_size=300))
def test_what_was_sealed_opens_again(data: bytes) -> None:
    assert opened(seal(data)) == data
    assert b"".join(open_frames(Dripping(seal(data)), KEY, NAME)) == data


def test_the_envelope_shows_no_plaintext() -> None:
    sealed = seal(b"A" * 200)
    assert b"AAAA" not in sealed
    frames = [sealed[HEADER_SIZE + at * SEALED_FRAME :][:SEALED_FRAME] for at in range(3)]
    assert len(set(frames)) == 3, "equal frames look different"


def frame(sealed: bytes, index: int) -> bytes:
    return sealed[HEADER_SIZE + index * SEALED_FRAME :][:SEALED_FRAME]


def without_frame(index: int) -> Callable[[bytes], bytes]:
    return lambda sealed: sealed.replace(frame(sealed, index), b"")


def swap(sealed: bytes) -> bytes:
    first, second = frame(sealed, 0), frame(sealed, 1)
    return sealed[:HEADER_SIZE] + second + first + sealed[HEADER_SIZE + 2 * SEALED_FRAME :]


def other_object(sealed: bytes) -> bytes:
    return sealed[:HEADER_SIZE] + frame(seal(DATA, name=b"m" * 16), 0) + sealed[HEADER_SIZE + SEALED_FRAME :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    **{f"frame {index} left out": without_frame(index) for index in range(4)},
    "two frames swapped": swap,
    "a frame repeated": lambda sealed: sealed[: HEADER_SIZE + SEALED_FRAME] + sealed[HEADER_SIZE:],
    "a frame of another object": other_object,
    "the last byte cut off": lambda sealed: sealed[:-1],
    "cut at a frame's end": lambda sealed: sealed[: HEADER_SIZE + 2 * SEALED_FRAME],
    "cut within the tag of the last frame": lambda sealed: sealed[: HEADER_SIZE + 3 * SEALED_FRAME + 4],
    "only the header": lambda sealed: sealed[:HEADER_SIZE],
    "half a header": lambda sealed: sealed[:9],
    "empty": lambda _: b"",
    "a byte added": lambda sealed: sealed + b"\0",
    "another envelope behind": lambda sealed: sealed + sealed,
    "a frame size that asks for gigabytes": lambda sealed: sealed[:6] + b"\xff" * 4 + sealed[10:],
    "a frame size of zero": lambda sealed: sealed[:6] + bytes(4) + sealed[10:],
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_envelope_is_refused(name: str) -> None:
    damaged = DAMAGES[name](seal(DATA))
    assert damaged != seal(DATA)
    with pytest.raises(IntegrityFault) as caught:
        opened(damaged)
    assert caught.value.code == "object.corrupt"


def test_every_flipped_bit_is_refused() -> None:
    sealed = seal(DATA)
    for at in range(len(sealed)):
        damaged = bytearray(sealed)
        damaged[at] ^= 1 << at % 8
        with pytest.raises(IntegrityFault):
            opened(bytes(damaged))


@pytest.mark.parametrize(("key", "name"), [(b"x" * 16, NAME), (KEY, b"x" * 16)])
def test_another_key_or_name_does_not_open_it(key: bytes, name: bytes) -> None:
    with pytest.raises(IntegrityFault):
        opened(seal(DATA), key, name)


@settings(max_examples=30)
@given(st.integers(0, 5), st.integers(0, 5))
def test_nothing_after_the_bad_frame_is_given_out(frames: int, bad: int) -> None:
    data = bytes(FRAME) * (frames + 1)
    sealed = bytearray(seal(data))
    index = min(bad, frames)
    sealed[HEADER_SIZE + index * SEALED_FRAME] ^= 1
    pieces = open_frames(io.BytesIO(bytes(sealed)), KEY, NAME)
    assert [next(pieces) for _ in range(index)] == [bytes(FRAME)] * index
    with pytest.raises(IntegrityFault):
        next(pieces)


def test_a_sealer_takes_full_frames_and_nothing_after_the_last() -> None:
    sealer = FrameSealer(KEY, NAME, PREFIX, FRAME)
    for wrong, last in ((b"short", False), (bytes(FRAME + 1), False), (bytes(FRAME + 1), True)):
        with pytest.raises(ValueError):
            sealer.seal(wrong, last=last)
    sealer.seal(b"end", last=True)
    with pytest.raises(ValueError):
        sealer.seal(bytes(FRAME), last=False)
    with pytest.raises(ValueError):
        FrameSealer(KEY, NAME, b"short", FRAME)
