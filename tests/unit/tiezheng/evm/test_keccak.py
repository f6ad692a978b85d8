"""Keccak-256 against known digests and against a plain implementation of the permutation."""

import hashlib

import pytest

from tiezheng.evm.keccak import keccak256

_MASK = (1 << 64) - 1


def _permute(lanes: list[list[int]]) -> None:
    register = 1
    for _ in range(24):
        column = [lanes[x][0] ^ lanes[x][1] ^ lanes[x][2] ^ lanes[x][3] ^ lanes[x][4] for x in range(5)]
        for x in range(5):
            right = column[(x + 1) % 5]
            mixed = column[(x - 1) % 5] ^ ((right << 1 | right >> 63) & _MASK)
            lanes[x] = [lane ^ mixed for lane in lanes[x]]
        x, y, current = 1, 0, lanes[1][0]
        for step in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            turn = (step + 1) * (step + 2) // 2 % 64
            current, lanes[x][y] = lanes[x][y], (current << turn | current >> (64 - turn)) & _MASK
        for y in range(5):
            row = [lanes[x][y] for x in range(5)]
            for x in range(5):
                lanes[x][y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5] & _MASK)
        for bit in range(7):
            if register & 1:
                lanes[0][0] ^= 1 << ((1 << bit) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)


def _plain_keccak(data: bytes, suffix: int) -> bytes:
    rate = 136
    padded = bytearray(data + bytes([suffix]))
    padded += bytes(-len(padded) % rate)
    padded[-1] ^= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for start in range(0, len(padded), rate):
        for at in range(rate // 8):
            lanes[at % 5][at // 5] ^= int.from_bytes(padded[start + 8 * at : start + 8 * at + 8], "little")
        _permute(lanes)
    return b"".join(lanes[at][0].to_bytes(8, "little") for at in range(4))


def test_the_plain_implementation_is_sha3_under_the_sha3_suffix() -> None:
    for size in (0, 3, 135, 136, 500):
        assert _plain_keccak(bytes(size), 0x06) == hashlib.sha3_256(bytes(size)).digest()


@pytest.mark.parametrize("size", [0, 1, 31, 32, 134, 135, 136, 137, 271, 272, 273, 532, 1000])
def test_digest_equals_the_plain_implementation_around_block_borders(size: int) -> None:
    data = bytes(at * 7 % 256 for at in range(size))
    assert keccak256(data) == _plain_keccak(data, 0x01)


def test_known_digests() -> None:
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak256(b"abc").hex() == "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"


def test_it_is_not_the_standardised_sha3() -> None:
    assert keccak256(b"abc") != hashlib.sha3_256(b"abc").digest()
