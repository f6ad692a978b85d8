"""Checkpoints, storage proofs, cosignatures and evidence of forks in SQL.

Guaranteed: one checkpoint for each height, and one cosignature for each witness and height; the first ones stay. Not
guaranteed: that signatures hold; `ledger.services.receive_cosignature` checks before it stores.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, func, select

from ledger.domain.chain_records import AccountProof, Checkpoint, CosignatureRow, ForkEvidence, SlotProof
from ledger.storage.rows import add_missing, insert_new, pack_nodes, unpack_nodes
from ledger.storage.tables import account_proofs, checkpoints, cosignatures, forks, slot_proofs
from tiezheng.errors import IntegrityFault

_K: Final = checkpoints.c


class SqlProofs:
    """`ledger.ports.Proofs` on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put_checkpoint(self, row: Checkpoint) -> None:
        """See the port."""
        values = {"height": row.height, "hash": row.hash, "header": row.header, "time": row.time}
        if not insert_new(self._connection, checkpoints, [values]) and self.checkpoint(row.height) != row:
            raise IntegrityFault("chain.reorganised", got=row.height, detail="checkpoint")

    def checkpoint(self, height: int) -> Checkpoint | None:
        """See the port."""
        row = self._connection.execute(select(checkpoints).where(_K.height == height)).one_or_none()
        return None if row is None else Checkpoint(*row)

    def latest(self) -> Checkpoint | None:
        """See the port."""
        row = self._connection.execute(select(checkpoints).order_by(_K.height.desc()).limit(1)).one_or_none()
        return None if row is None else Checkpoint(*row)

    def page(self, before: int | None, limit: int) -> list[Checkpoint]:
        """See the port."""
        query = select(checkpoints).order_by(_K.height.desc()).limit(limit)
        if before is not None:
            query = query.where(_K.height < before)
        return [Checkpoint(*row) for row in self._connection.execute(query)]

    def put_account(self, row: AccountProof) -> None:
        """See the port."""
        values = {"height": row.height, "address": row.address, "nodes": pack_nodes(row.nodes)}
        insert_new(self._connection, account_proofs, [values])

    def account(self, height: int, address: bytes) -> AccountProof | None:
        """See the port."""
        table = account_proofs.c
        nodes = self._connection.scalar(select(table.nodes).where(table.height == height, table.address == address))
        return None if nodes is None else AccountProof(height, address, unpack_nodes(nodes))

    def put_slots(self, rows: Sequence[SlotProof]) -> None:
        """See the port."""
        add_missing(
            self._connection,
            slot_proofs,
            [
                {
                    "height": row.height,
                    "address": row.address,
                    "slot": row.position,
                    "nodes": pack_nodes(row.nodes),
                }
                for row in rows
            ],
        )

    def slot(self, height: int, address: bytes, position: bytes) -> SlotProof | None:
        """See the port."""
        table = slot_proofs.c
        nodes = self._connection.scalar(
            select(table.nodes).where(table.height == height, table.address == address, table.slot == position)
        )
        return None if nodes is None else SlotProof(height, address, position, unpack_nodes(nodes))

    def put_cosignature(self, row: CosignatureRow) -> bool:
        """See the port."""
        values = {
            "height": row.height,
            "signer": row.signer,
            "block_hash": row.block_hash,
            "seen": row.seen,
            "signature": row.signature,
        }
        return insert_new(self._connection, cosignatures, [values]) == 1

    def cosignatures(self, height: int) -> list[CosignatureRow]:
        """See the port."""
        table = cosignatures.c
        query = select(table.height, table.block_hash, table.signer, table.seen, table.signature)
        rows = self._connection.execute(query.where(table.height == height).order_by(table.signer))
        return [CosignatureRow(*row) for row in rows]

    def last_cosigned(self, witnesses: int) -> int | None:
        """See the port."""
        height = cosignatures.c.height
        query = select(height).group_by(height).having(func.count() >= witnesses).order_by(height.desc()).limit(1)
        return self._connection.scalar(query)

    def put_fork(self, row: ForkEvidence) -> None:
        """See the port."""
        values = {name: getattr(row, name) for name in forks.c.keys() if name != "id"}  # noqa: SIM118  columns
        insert_new(self._connection, forks, [values])

    def forks(self) -> list[ForkEvidence]:
        """See the port."""
        rows = self._connection.execute(select(forks).order_by(forks.c.id))
        return [ForkEvidence(*row[1:]) for row in rows]
