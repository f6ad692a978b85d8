"""Tables of the chain as the worker saw it: members' keys, transactions, batches, positions, checkpoints and proofs.

Guaranteed: a value that contradicts a kept one is an IntegrityFault, never an overwrite. Not guaranteed: that what the
worker stores is right; it stores proofs only after the kernel accepted them.
"""

from collections.abc import Sequence
from typing import Protocol

from ledger.domain.chain_records import (
    AccountProof,
    BatchRow,
    BlockRef,
    Checkpoint,
    CosignatureRow,
    Fault,
    ForkEvidence,
    Head,
    SlotProof,
    TransactionRow,
)
from ledger.domain.records import CardRow, InstitutionRow, KeyRow, StatementRow, TableRow


class Members(Protocol):
    """Keys of institutions and practitioners, synchronised from the chain's events; identity cards."""

    def put_key(self, key: KeyRow) -> None:
        """Insert; the same key again is no change. Raises IntegrityFault `chain.record_mismatch` if it differs."""
        ...

    def end_key(self, number: int, key_index: int, until: int, ended_by: int) -> None:
        """The key's period ended at `until` (s), for the reason of SPEC §5.3."""
        ...

    def mark_key(self, number: int, key_index: int, compromised_since: int) -> None:
        """The key is suspect since then (s)."""
        ...

    def put_institution(self, row: InstitutionRow) -> None:
        """Insert or replace."""
        ...

    def institution(self, number: int) -> InstitutionRow | None: ...

    def key(self, number: int, key_index: int) -> KeyRow | None: ...

    def keys(self, number: int) -> list[KeyRow]:
        """Ascending by index; empty for an unknown number."""
        ...

    def all_keys(self) -> list[KeyRow]: ...

    def put_card(self, row: CardRow) -> None: ...

    def card(self, number: int, identity_root: bytes) -> CardRow | None: ...


class Registries(Protocol):
    """What decisions made of the registry: its tables, and which contracts are closed."""

    def put_table(self, row: TableRow) -> None:
        """Insert or replace."""
        ...

    def table(self, digest: bytes) -> TableRow | None: ...

    def close(self, address: bytes, successor: bytes) -> None:
        """The contract at `address` takes nothing more; `successor` is zero where none is announced."""
        ...

    def closed(self, address: bytes) -> bool: ...


class Transactions(Protocol):
    """Raw transactions of the relayer."""

    def add(self, row: TransactionRow) -> None:
        """Store before sending. Raises Conflict `chain.nonce_taken` if a live one has this sender and nonce."""
        ...

    def open(self, sender: bytes) -> list[TransactionRow]:
        """PREPARED ones ascending by nonce: to be sent again, the same bytes, after a crash."""
        ...

    def senders(self) -> list[bytes]:
        """Accounts that have PREPARED ones."""
        ...

    def count_open(self) -> int:
        """How many PREPARED ones there are, of whatever sender."""
        ...

    def last_nonce(self, sender: bytes) -> int | None:
        """Highest nonce of a transaction that was not abandoned."""
        ...

    def of_subject(self, subject: bytes) -> list[TransactionRow]: ...

    def attempts(self, subjects: Sequence[bytes]) -> dict[bytes, int]:
        """How many transactions were made for each of these; those without one are left out."""
        ...

    def mark_mined(self, transaction: bytes, block_number: int) -> None: ...

    def mark_abandoned(self, transaction: bytes) -> None: ...


class Batches(Protocol):
    """Sealed batches."""

    def add(self, row: BatchRow, digests: Sequence[bytes]) -> None:
        """Store a sealed batch and give its statements, in leaf order, their places; they become SENT."""
        ...

    def last(self) -> BatchRow | None: ...

    def get(self, number: int) -> BatchRow | None: ...

    def by_digest(self, digest: bytes) -> BatchRow | None: ...

    def open(self) -> list[BatchRow]:
        """Not yet in a block, ascending."""
        ...

    def page(self, before: int | None, limit: int) -> list[BatchRow]:
        """Latest first."""
        ...

    def statements(self, number: int) -> list[StatementRow]:
        """In leaf order."""
        ...

    def mark_anchored(self, number: int, block: BlockRef) -> int:
        """The batch and all its statements -> ANCHORED; says how many statements."""
        ...


class Chain(Protocol):
    """What the worker saw of the chain."""

    def position(self, stream: str) -> BlockRef | None:
        """Up to where `stream` (for example "members", "registry:1", "batch") has been read."""
        ...

    def move(self, stream: str, block: BlockRef) -> None: ...

    def head(self) -> Head | None: ...

    def put_head(self, head: Head) -> None: ...

    def fault(self) -> Fault | None: ...

    def put_fault(self, fault: Fault | None) -> None: ...


class Proofs(Protocol):
    """Checkpoints, storage proofs and cosignatures."""

    def put_checkpoint(self, row: Checkpoint) -> None:
        """The same again is no change. Raises IntegrityFault `chain.reorganised` for another hash at the height."""
        ...

    def checkpoint(self, height: int) -> Checkpoint | None: ...

    def latest(self) -> Checkpoint | None: ...

    def page(self, before: int | None, limit: int) -> list[Checkpoint]:
        """Highest first."""
        ...

    def put_account(self, row: AccountProof) -> None: ...

    def account(self, height: int, address: bytes) -> AccountProof | None: ...

    def put_slots(self, rows: Sequence[SlotProof]) -> None:
        """Those that are there already are left as they are."""
        ...

    def slot(self, height: int, address: bytes, position: bytes) -> SlotProof | None: ...

    def put_cosignature(self, row: CosignatureRow) -> bool:
        """False if this witness's signature for the height is there already (the first one stays)."""
        ...

    def cosignatures(self, height: int) -> list[CosignatureRow]:
        """Ascending by signer."""
        ...

    def last_cosigned(self, witnesses: int) -> int | None:
        """The highest checkpoint that at least so many witnesses signed."""
        ...

    def put_fork(self, row: ForkEvidence) -> None: ...

    def forks(self) -> list[ForkEvidence]: ...
