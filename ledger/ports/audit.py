"""What an audit reads of the database: much at a time, and as it is stored.

Guaranteed: one page or one height in few queries. Not guaranteed: that anything of it holds; the audit finds out.
"""

from collections.abc import Mapping
from typing import Protocol

from ledger.domain.kept_records import KeptKey, KeptProofs, KeptStatement


class Kept(Protocol):
    """Reads alone."""

    def statements(self, after: int, limit: int) -> list[KeptStatement]:
        """As `Statements.all`, each with what is kept of it."""
        ...

    def statement(self, digest: bytes) -> KeptStatement | None: ...

    def proofs(self, height: int) -> KeptProofs: ...

    def closed(self) -> Mapping[bytes, bytes]:
        """Closed contracts, with their successors (zero where there is none)."""
        ...

    def case_keys(self) -> Mapping[bytes, KeptKey]:
        """By case."""
        ...

    def institution_keys(self) -> Mapping[int, KeptKey]:
        """By institution."""
        ...
