"""What the worker keeps of the chain: transactions, batches, blocks, checkpoints, proofs, cosignatures, refusals.

Guaranteed: plain data in the chain's own units (heights, seconds, raw bytes). Not guaranteed: that it was checked; the
worker stores proofs only after the kernel accepted them.
"""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One statement that waits to be anchored, in order of acceptance. `due` in ms."""

    position: int
    digest: bytes
    statement: bytes
    signatures: bytes
    case: bytes
    received: int
    due: int


class Purpose(StrEnum):
    """What a transaction carries."""

    STATEMENT = "statement"
    BATCH = "batch"


class TransactionState(StrEnum):
    """PREPARED: stored, perhaps sent. MINED: in a block. ABANDONED: its nonce was taken by another or it is void."""

    PREPARED = "prepared"
    MINED = "mined"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class TransactionRow:
    """A signed raw transaction, stored before it is sent and re-sent byte for byte.

    `subject` is the statement's digest, or the SM3 of the batch header. `sender` is the relayer's address (20 bytes).
    """

    hash: bytes
    sender: bytes
    nonce: int
    raw: bytes
    purpose: Purpose
    subject: bytes
    created: int
    state: TransactionState = TransactionState.PREPARED
    block_number: int | None = None


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A sealed batch (SPEC §6). `header` 88 bytes, `signature` 70 bytes, `digest` = SM3(header)."""

    number: int
    header: bytes
    signature: bytes
    digest: bytes
    first: int
    count: int
    created: int
    block_number: int | None = None
    block_time: int | None = None
    proof_height: int | None = None


@dataclass(frozen=True, slots=True)
class BlockRef:
    """A block by number and hash; `time` in seconds."""

    number: int
    hash: bytes
    time: int


@dataclass(frozen=True, slots=True)
class Head:
    """The chain's head as the worker last saw it, and when (ms)."""

    block: BlockRef
    seen: int


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint block: `header` is its RLP, whose keccak is `hash`. `time` in seconds."""

    height: int
    hash: bytes
    header: bytes
    time: int


@dataclass(frozen=True, slots=True)
class AccountProof:
    """Trie nodes, root first, of one contract's account at a checkpoint."""

    height: int
    address: bytes
    nodes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SlotProof:
    """Trie nodes, root first, of one storage word of one contract at a checkpoint. `position` before keccak."""

    height: int
    address: bytes
    position: bytes
    nodes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class CosignatureRow:
    """A witness's signature over a checkpoint (SPEC §9). `seen` in ms; `signature` 70 bytes."""

    height: int
    block_hash: bytes
    signer: int
    seen: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class ForkEvidence:
    """A valid cosignature for a block that is not ours at that height: proof of a fork, kept for ever."""

    height: int
    block_hash: bytes
    own_hash: bytes
    signer: int
    seen: int
    signature: bytes
    received: int


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """A signed refusal (SPEC §7.3): `file` is the refusal file's canonical JSON."""

    digest: bytes
    reason: int
    block_number: int
    block_hash: bytes
    file: bytes
    created: int


@dataclass(frozen=True, slots=True)
class Fault:
    """Why the worker stopped: an error code and one line for the operators, without personal data."""

    code: str
    detail: str
    since: int
