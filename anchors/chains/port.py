"""What the rest of `anchors` needs of a chain, as a Protocol with frozen records.

Guaranteed to callers: bytes are decoded, units are those named, a missing object is None. Not guaranteed: truth.
Headers are hash-checked here; logs, receipts and calls are the node's word until a proof holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

LATEST: Final = None


@dataclass(frozen=True, slots=True)
class Block:
    """A block's place in the chain; `time` in seconds."""

    number: int
    hash: bytes
    parent: bytes
    time: int


@dataclass(frozen=True, slots=True)
class Log:
    """One event: topics of 32 bytes each, its data, and where it stands."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    block_hash: bytes
    transaction: bytes
    index: int


@dataclass(frozen=True, slots=True)
class Mined:
    """A transaction in a block. `contract` is the created contract's address, or None."""

    transaction: bytes
    block_number: int
    block_hash: bytes
    succeeded: bool
    gas_used: int
    contract: bytes | None


@dataclass(frozen=True, slots=True)
class Slot:
    """Trie nodes of one storage position, in canonical form, root first."""

    position: bytes
    nodes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class StateProof:
    """Trie nodes of one account and of storage positions under it, as asked for, in canonical form."""

    address: bytes
    nodes: tuple[bytes, ...]
    slots: tuple[Slot, ...]


class Reverted(Exception):
    """A contract refused a call. `data` is its revert data: selector and arguments, or empty."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        super().__init__(data[:4].hex())


class Chain(Protocol):
    """One node's view of the chain.

    Every method raises Unavailable `chain.unreachable` when the node does not answer, `chain.answer` when its answer
    cannot be read. A `height` of None is the latest block.
    """

    def chain_id(self) -> int: ...

    def head(self) -> Block: ...

    def block(self, number: int) -> Block | None: ...

    def blocks(self, first: int, last: int) -> list[Block]:
        """All blocks of the range, in one request, each hash recomputed from the header's fields.

        Raises Unavailable `chain.answer` if one is missing, VerificationFailed `header.rebuilt_hash`.
        """
        ...

    def header(self, number: int) -> bytes:
        """The header's RLP, which hashes to the block's hash. Raises VerificationFailed `header.rebuilt_hash`."""
        ...

    def code(self, address: bytes, height: int | None = LATEST) -> bytes: ...

    def call(self, to: bytes, data: bytes, height: int | None = LATEST) -> bytes:
        """Result of a read-only call at the end of that block. Raises Reverted."""
        ...

    def refusals(self, to: bytes, calls: Sequence[bytes], height: int) -> list[Reverted | None]:
        """For each of several read-only calls at the end of that block: how it was refused, None if it was not."""
        ...

    def next_nonce(self, account: bytes) -> int:
        """The nonce after the account's last mined transaction."""
        ...

    def pending_nonce(self, account: bytes) -> int:
        """The nonce after the last transaction that the node holds, mined or waiting."""
        ...

    def knows(self, transaction: bytes) -> bool:
        """Whether the node has the transaction, mined or waiting."""
        ...

    def send(self, raw: bytes) -> None:
        """Hand over a signed transaction; one that the node has already is no error."""
        ...

    def mined(self, transaction: bytes) -> Mined | None: ...

    def all_mined(self, transactions: Sequence[bytes]) -> list[Mined | None]:
        """`mined` for each of them, in order, in few requests."""
        ...

    def outcomes(self, account: bytes, transactions: Sequence[bytes]) -> tuple[int, list[Mined | None]]:
        """`next_nonce` and `all_mined`, both as one node has them: what is below the nonce and not mined never was."""
        ...

    def all_known(self, transactions: Sequence[bytes]) -> list[bool]:
        """`knows` for each of them, in order, in few requests."""
        ...

    def logs(self, addresses: Sequence[bytes], first: int, last: int) -> list[Log]:
        """Events of these contracts in these blocks, in the chain's order. Raises Unavailable `chain.behind` where the
        node that answers does not have the last of them."""
        ...

    def proof(self, address: bytes, positions: Sequence[bytes], height: int) -> StateProof:
        """`eth_getProof` at a block other than block 0. Raises Unavailable `chain.no_history` if its state is gone."""
        ...
