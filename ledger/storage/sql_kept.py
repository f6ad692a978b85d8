"""The audit's reads in SQL.

Guaranteed: see the port. Not guaranteed: speed on a database without the indexes of this version.
"""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, Select, select

from ledger.domain.chain_records import RefusalRow
from ledger.domain.kept_records import KeptKey, KeptProofs, KeptStatement
from ledger.storage.keyring import CASE_OWNER, INSTITUTION_OWNER
from ledger.storage.rows import split_digests, unpack_nodes
from ledger.storage.sql_proofs import SqlProofs
from ledger.storage.sql_statements import statement_row
from ledger.storage.tables import (
    account_proofs,
    closed_contracts,
    receipts,
    refusals,
    slot_proofs,
    statements,
    wrapped_keys,
)
from tiezheng.errors import IntegrityFault

_S: Final = statements.c
_REFUSAL: Final = tuple(column.label(f"refusal_{column.name}") for column in refusals.c)


class SqlKept:
    """`ledger.ports.Kept` on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def statements(self, after: int, limit: int) -> list[KeptStatement]:
        """See the port."""
        return self._read(_query().where(_S.position > after).order_by(_S.position).limit(limit))

    def statement(self, digest: bytes) -> KeptStatement | None:
        """See the port."""
        return next(iter(self._read(_query().where(_S.digest == digest))), None)

    def proofs(self, height: int) -> KeptProofs:
        """See the port."""
        proofs, connection = SqlProofs(self._connection), self._connection
        of_accounts, of_slots = account_proofs.c, slot_proofs.c
        accounts = connection.execute(
            select(of_accounts.address, of_accounts.nodes).where(of_accounts.height == height)
        )
        slots = connection.execute(
            select(of_slots.address, of_slots.slot, of_slots.nodes).where(of_slots.height == height)
        )
        return KeptProofs(
            height=height,
            checkpoint=proofs.checkpoint(height),
            accounts={row.address: _nodes(row.nodes) for row in accounts},
            slots={(row.address, row.slot): _nodes(row.nodes) for row in slots},
            cosignatures=tuple(proofs.cosignatures(height)),
        )

    def closed(self) -> Mapping[bytes, bytes]:
        """See the port."""
        return {row.address: row.successor for row in self._connection.execute(select(closed_contracts))}

    def case_keys(self) -> Mapping[bytes, KeptKey]:
        """See the port."""
        return self._keys(CASE_OWNER)

    def institution_keys(self) -> Mapping[int, KeptKey]:
        """See the port."""
        return {int.from_bytes(owner, "big"): key for owner, key in self._keys(INSTITUTION_OWNER).items()}

    def _keys(self, prefix: bytes) -> dict[bytes, KeptKey]:
        rows = self._connection.execute(select(wrapped_keys)).all()
        return {
            row.owner.removeprefix(prefix): KeptKey(row.wrapped, row.destroyed)
            for row in rows
            if row.owner.startswith(prefix)
        }

    def _read(self, query: Select[Any]) -> list[KeptStatement]:
        kept = []
        for row in self._connection.execute(query):
            refusal = None
            if row.refusal_digest is not None:
                refusal = RefusalRow(*(getattr(row, column.name) for column in _REFUSAL))
            held = KeptStatement(
                statement_row(row), row.terms, row.held, split_digests(row.not_held), row.file, refusal
            )
            kept.append(held)
        return kept


def _nodes(stored: bytes) -> tuple[bytes, ...]:
    try:
        return unpack_nodes(stored)
    except IntegrityFault:
        return ()


def _query() -> Select[Any]:
    joined = statements.outerjoin(receipts).outerjoin(refusals)
    return select(*statements.c, receipts.c.file, *_REFUSAL).select_from(joined)
