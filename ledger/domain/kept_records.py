"""What an audit reads of the database in few queries: a statement with all that is kept of it, a checkpoint's proofs.

Guaranteed: the stored bytes as they are; nothing here was checked. Not guaranteed: anything else.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ledger.domain.chain_records import Checkpoint, CosignatureRow, RefusalRow
from ledger.domain.records import StatementRow


@dataclass(frozen=True, slots=True)
class KeptStatement:
    """A row with its receipt and refusal.

    `terms` is None where they are zero; `held` says that a content was handed in; `not_held` as in `NewStatement`.
    """

    row: StatementRow
    terms: bytes | None
    held: bool
    not_held: tuple[bytes, ...]
    receipt: bytes | None
    refusal: RefusalRow | None


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A key as it is wrapped; None where it was `destroyed` (ms)."""

    wrapped: bytes | None
    destroyed: int | None


@dataclass(frozen=True, slots=True)
class KeptProofs:
    """All proofs at one height: trie nodes by address, and by address and position; cosignatures by signer.

    Nodes that cannot be read are none.
    """

    height: int
    checkpoint: Checkpoint | None
    accounts: Mapping[bytes, tuple[bytes, ...]]
    slots: Mapping[tuple[bytes, bytes], tuple[bytes, ...]]
    cosignatures: tuple[CosignatureRow, ...]
