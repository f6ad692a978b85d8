"""Keccak-256 as Ethereum uses it (§1.2): the padding of the submission, not that of SHA-3."""

from functools import cache

RATE = 136
MASK = 2**64 - 1


def _round_constants() -> list[int]:
    """One bit a clock from the shift register x⁸ + x⁶ + x⁵ + x⁴ + 1, at the places 2^j − 1."""
    constants, register = [], 1
    for _ in range(24):
        constant = 0
        for j in range(7):
            if register & 1:
                constant |= 1 << (2**j - 1)
            register = register << 1 ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    return constants


def _turns() -> list[tuple[int, int, int, int, int]]:
    """Where each lane goes and by how much it is turned: from (x, y) to (y, 2x + 3y)."""
    turns, x, y = [], 1, 0
    for t in range(24):
        turns.append((x, y, y, (2 * x + 3 * y) % 5, (t + 1) * (t + 2) // 2 % 64))
        x, y = y, (2 * x + 3 * y) % 5
    return turns


CONSTANTS, TURNS = _round_constants(), _turns()


def _turn(lane: int, by: int) -> int:
    return (lane << by | lane >> (64 - by)) & MASK


def _permute(lanes: list[list[int]]) -> list[list[int]]:
    """Keccak-f[1600] of lanes[x][y]."""
    for constant in CONSTANTS:
        parity = [column[0] ^ column[1] ^ column[2] ^ column[3] ^ column[4] for column in lanes]
        for x in range(5):
            spread = parity[x - 1] ^ _turn(parity[(x + 1) % 5], 1)
            lanes[x] = [lane ^ spread for lane in lanes[x]]
        moved = [[0] * 5 for _ in range(5)]
        moved[0][0] = lanes[0][0]
        for x, y, to_x, to_y, by in TURNS:
            moved[to_x][to_y] = _turn(lanes[x][y], by)
        lanes = [[moved[x][y] ^ (~moved[(x + 1) % 5][y] & moved[(x + 2) % 5][y]) for y in range(5)] for x in range(5)]
        lanes[0][0] ^= constant
    return lanes


@cache
def keccak(data: bytes) -> bytes:
    """The 32-byte digest."""
    padded = bytearray(data + b"\x01" + bytes(-(len(data) + 1) % RATE))
    padded[-1] |= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for start in range(0, len(padded), RATE):
        for place in range(RATE // 8):
            at = start + 8 * place
            lanes[place % 5][place // 5] ^= int.from_bytes(padded[at : at + 8], "little")
        lanes = _permute(lanes)
    return b"".join(lanes[x][0].to_bytes(8, "little") for x in range(4))
