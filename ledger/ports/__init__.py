"""What the services and the worker need from the world, as Protocols; import them from here.

Guaranteed to every caller: methods take and return the frozen records of `ledger.domain`, errors are those of
`tiezheng.errors`, and a missing row is None unless said otherwise. Not guaranteed: which implementation is behind;
`ledger.storage` has the one for SQLite and, later, PostgreSQL.
"""

from ledger.ports.audit import Kept
from ledger.ports.chain import Batches, Chain, Members, Proofs, Registries, Transactions
from ledger.ports.evidence import CaseKeys, Cases, Collections, Files, Refusals, Statements, Tokens, Uploads
from ledger.ports.store import Store, Tables
from ledger.ports.world import Clock, GrowingObject, GrowingObjects, ObjectStore, ObjectWriter, OperatorSigner, Vault

__all__ = [
    "Batches",
    "CaseKeys",
    "Cases",
    "Chain",
    "Clock",
    "Collections",
    "Files",
    "GrowingObject",
    "GrowingObjects",
    "Kept",
    "Members",
    "ObjectStore",
    "ObjectWriter",
    "OperatorSigner",
    "Proofs",
    "Refusals",
    "Registries",
    "Statements",
    "Store",
    "Tables",
    "Tokens",
    "Transactions",
    "Uploads",
    "Vault",
]
