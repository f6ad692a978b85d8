"""The inputs of the gas table, the same on every run: signatures from the committed vectors, and one statement.

Guaranteed: every figure about verification is the mean over the same signatures, ours and the peers' alike.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from anchors.chains.anvil import GENESIS_TIME
from bench.gas_chain import calldata
from tiezheng.digest import sm3

VECTORS: Final = Path(__file__).resolve().parent.parent / "tests" / "solidity" / "vectors" / "sm2.json"
SIGNATURES: Final = 12


@dataclass(frozen=True, slots=True)
class Sm2Case:
    """A good signature (r, s) over e under the key (x, y)."""

    e: bytes
    r: int
    s: int
    x: int
    y: int

    def call(self, function: str) -> bytes:
        """The call of a function that takes all five."""
        return calldata(function, self.e, self.r, self.s, self.x, self.y)


def sm2_cases() -> list[Sm2Case]:
    """Signatures of several keys, spread over the committed ones."""
    signed = json.loads(VECTORS.read_text(encoding="utf-8"))["signed"]
    chosen = [signed[place * len(signed) // SIGNATURES] for place in range(SIGNATURES)]
    return [Sm2Case(bytes.fromhex(one["e"][2:]), *(int(one[letter], 16) for letter in "rsxy")) for one in chosen]


def statement_bytes() -> bytes:
    """Bytes of a statement's size with a statement's share of zeros: a peer that stores a record stores this one."""
    small = ((1, 1), (0x1102, 2), (0, 2), (2, 4), (101, 4), (0, 4))
    head = b"".join(value.to_bytes(size, "big") for value, size in small)
    head += (GENESIS_TIME * 1000).to_bytes(6, "big")
    return head + b"".join(sm3(b"field", bytes([number])) for number in range(4)) + bytes(32)
