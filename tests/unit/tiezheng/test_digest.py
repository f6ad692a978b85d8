"""Digests of bytes and streams."""

import hashlib
import io

import pytest

from tiezheng import digest
from tiezheng.digest import FileDigests, digest_stream, sha256, sm3
from tiezheng.errors import Malformed

DATA = bytes(range(256)) * 20


class Dripping(io.BytesIO):
    """A stream that gives less than it is asked for."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 0, 7))


@pytest.mark.parametrize("chunk", [1, 64, 1000, 1 << 20])
def test_a_stream_has_the_digests_of_its_bytes_whatever_the_chunk(chunk: int) -> None:
    expected = FileDigests(len(DATA), sm3(DATA), hashlib.sha256(DATA).digest())
    assert digest_stream(io.BytesIO(DATA), chunk) == expected
    assert digest_stream(Dripping(DATA), chunk) == expected


def test_an_empty_stream_has_the_digests_of_nothing() -> None:
    assert digest_stream(io.BytesIO()) == FileDigests(0, sm3(), sha256())


def test_parts_are_hashed_as_if_joined() -> None:
    assert sm3(b"a", b"", b"bc") == sm3(b"abc") != sm3(b"ab")
    assert sha256(b"a", b"bc") == sha256(b"abc")


@pytest.mark.parametrize("make", [digest._hashlib_sm3, digest._CryptographySm3, digest._GmsslSm3])
def test_every_implementation_of_sm3_gives_the_same(make: type[digest.Hash]) -> None:
    running = make()
    running.update(b"ab")
    running.update(b"c")
    assert running.digest().hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    running.update(b"d")
    assert running.digest() == sm3(b"abcd")


def test_file_digests_refuse_a_digest_of_another_length() -> None:
    with pytest.raises(Malformed, match=r"digest\.length"):
        FileDigests(1, bytes(32), bytes(20))
