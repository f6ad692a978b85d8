"""A chain that passes everything on to a real one, and can lie, stall or kill its caller on demand."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from anchors.chains.port import Block, Chain, Log, StateProof
from tiezheng.errors import Unavailable


class Killed(BaseException):
    """The process ends here: nothing catches this, as nothing catches SIGKILL."""


class FakeChain:
    """Behaves as `real` but for what is set."""

    def __init__(self, real: Chain) -> None:
        self.real = real
        self.kill_at_send: int | None = None
        self.silent = False
        self.hide_logs: Callable[[Log], bool] = lambda _log: False
        self.alter_block: Callable[[Block], Block | None] = lambda block: block
        self.alter_proof: Callable[[StateProof], StateProof] = lambda proof: proof
        self.chain_id_told: int | None = None
        self.no_history = False
        self.sent: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        if self.silent:
            raise Unavailable("chain.unreachable")
        return getattr(self.real, name)

    def chain_id(self) -> int:
        return self.real.chain_id() if self.chain_id_told is None else self.chain_id_told

    def head(self) -> Block:
        if self.silent:
            raise Unavailable("chain.unreachable")
        head = self.alter_block(self.real.head())
        assert head is not None
        return head

    def block(self, number: int) -> Block | None:
        block = self.real.block(number)
        return None if block is None else self.alter_block(block)

    def blocks(self, first: int, last: int) -> list[Block]:
        altered = [self.alter_block(block) for block in self.real.blocks(first, last)]
        return [block for block in altered if block is not None]

    def logs(self, addresses: Sequence[bytes], first: int, last: int) -> list[Log]:
        return [log for log in self.real.logs(addresses, first, last) if not self.hide_logs(log)]

    def proof(self, address: bytes, positions: Sequence[bytes], height: int) -> StateProof:
        if self.no_history:
            raise Unavailable("chain.no_history")
        return self.alter_proof(self.real.proof(address, positions, height))

    def send(self, raw: bytes) -> None:
        if self.kill_at_send is not None:
            if self.kill_at_send == 0:
                raise Killed
            self.kill_at_send -= 1
        self.sent.append(raw)
        self.real.send(raw)


def other_hash(block: Block) -> Block:
    """The same block of another chain."""
    return replace(block, hash=bytes(31) + b"\1")
