"""The database as a whole: transactions and the single-writer lock.

Guaranteed: `Store.write()` lands whole or not at all, and writers run one after another. Not guaranteed: fairness.
"""

from contextlib import AbstractContextManager
from typing import Protocol

from ledger.ports.audit import Kept
from ledger.ports.chain import Batches, Chain, Members, Proofs, Registries, Transactions
from ledger.ports.evidence import CaseKeys, Cases, Collections, Files, Refusals, Statements, Tokens, Uploads


class Tables(Protocol):
    """All tables within one transaction."""

    @property
    def statements(self) -> Statements: ...
    @property
    def cases(self) -> Cases: ...
    @property
    def refusals(self) -> Refusals: ...
    @property
    def files(self) -> Files: ...
    @property
    def uploads(self) -> Uploads: ...
    @property
    def collections(self) -> Collections: ...
    @property
    def tokens(self) -> Tokens: ...
    @property
    def case_keys(self) -> CaseKeys: ...
    @property
    def members(self) -> Members: ...
    @property
    def registries(self) -> Registries: ...
    @property
    def transactions(self) -> Transactions: ...
    @property
    def batches(self) -> Batches: ...
    @property
    def chain(self) -> Chain: ...
    @property
    def proofs(self) -> Proofs: ...
    @property
    def kept(self) -> Kept: ...


class Store(Protocol):
    """The database. Safe to share between threads; each `with` is one connection and one transaction."""

    def read(self) -> AbstractContextManager[Tables]:
        """A consistent view."""
        ...

    def write(self) -> AbstractContextManager[Tables]:
        """One transaction that may write: committed durably at the end of the `with`, rolled back on any exception.
        Raises Unavailable `database.busy` if another writer holds the database too long, `database.away` and
        `database.full` while it cannot be used; after these the transaction may still have happened."""
        ...

    def exclusive(self, name: str) -> "AbstractContextManager[Store]":
        """At most one process at a time holds `name` (the worker's single-writer lock), freed when the process
        ends however it ends. Raises Unavailable `service.locked` at once if it is held.

        What it gives is this store for the holder alone: its `write` raises Unavailable `service.lock_lost`, and
        nothing is written, once the lock was lost, with its connection or to another holder."""
        ...
