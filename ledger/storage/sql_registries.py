"""Procedure tables and closed contracts in SQL.

Guaranteed: see the port. Not guaranteed: that the worker has read the chain's latest events.
"""

from typing import Final

from sqlalchemy import Connection, select

from ledger.domain.records import TableRow
from ledger.storage.rows import put
from ledger.storage.tables import closed_contracts, procedure_tables

_T: Final = procedure_tables.c


class SqlRegistries:
    """`ledger.ports.Registries` on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put_table(self, row: TableRow) -> None:
        """See the port."""
        values = {
            "digest": row.digest,
            "table_index": row.index,
            "valid_from": row.valid_from,
            "valid_until": row.valid_until,
        }
        put(self._connection, procedure_tables, values)

    def table(self, digest: bytes) -> TableRow | None:
        """See the port."""
        row = self._connection.execute(select(procedure_tables).where(_T.digest == digest)).one_or_none()
        return None if row is None else TableRow(*row)

    def close(self, address: bytes, successor: bytes) -> None:
        """See the port."""
        put(self._connection, closed_contracts, {"address": address, "successor": successor})

    def closed(self, address: bytes) -> bool:
        """See the port."""
        query = select(closed_contracts.c.address).where(closed_contracts.c.address == address)
        return self._connection.execute(query).first() is not None
