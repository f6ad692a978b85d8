"""Transactions, batches, positions, checkpoints, proofs and cosignatures in SQL.

Guaranteed: what contradicts a kept row is an IntegrityFault, never an overwrite. Not guaranteed: that proofs hold; they
come from the worker, which checks them with the kernel first.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, bindparam, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from ledger.domain.chain_records import (
    BatchRow,
    BlockRef,
    Fault,
    Head,
    Purpose,
    TransactionRow,
    TransactionState,
)
from ledger.domain.life import ON_CHAIN, PENDING, Status
from ledger.domain.records import StatementRow
from ledger.storage.rows import put
from ledger.storage.sql_statements import statement_row
from ledger.storage.tables import batches, faults, positions, statements, transactions
from tiezheng.errors import Conflict, IntegrityFault

_T: Final = transactions.c
_B: Final = batches.c
_S: Final = statements.c
_HEAD: Final = "head"


class SqlTransactions:
    """`ledger.ports.Transactions` on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, row: TransactionRow) -> None:
        """See the port."""
        try:
            self._connection.execute(
                insert(transactions).values(
                    hash=row.hash,
                    sender=row.sender,
                    nonce=row.nonce,
                    raw=row.raw,
                    purpose=row.purpose.value,
                    subject=row.subject,
                    created=row.created,
                    state=row.state.value,
                    block_number=row.block_number,
                )
            )
        except IntegrityError as error:
            raise Conflict("chain.nonce_taken", got=row.nonce) from error

    def open(self, sender: bytes) -> list[TransactionRow]:
        """See the port."""
        query = select(transactions).where(_T.sender == sender, _T.state == TransactionState.PREPARED.value)
        return [_transaction_row(row) for row in self._connection.execute(query.order_by(_T.nonce))]

    def senders(self) -> list[bytes]:
        """See the port."""
        query = select(_T.sender).where(_T.state == TransactionState.PREPARED.value).distinct()
        return list(self._connection.scalars(query))

    def count_open(self) -> int:
        """See the port."""
        query = select(func.count()).select_from(transactions).where(_T.state == TransactionState.PREPARED.value)
        return self._connection.scalar(query) or 0

    def last_nonce(self, sender: bytes) -> int | None:
        """See the port."""
        query = select(func.max(_T.nonce)).where(_T.sender == sender)
        highest: int | None = self._connection.scalar(query)
        return highest

    def of_subject(self, subject: bytes) -> list[TransactionRow]:
        """See the port."""
        query = select(transactions).where(_T.subject == subject).order_by(_T.nonce)
        return [_transaction_row(row) for row in self._connection.execute(query)]

    def attempts(self, subjects: Sequence[bytes]) -> dict[bytes, int]:
        """See the port."""
        query = select(_T.subject, func.count()).where(_T.subject.in_(subjects)).group_by(_T.subject)
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def mark_mined(self, transaction: bytes, block_number: int) -> None:
        """See the port."""
        self._connection.execute(
            update(transactions)
            .where(_T.hash == transaction)
            .values(state=TransactionState.MINED.value, block_number=block_number)
        )

    def mark_abandoned(self, transaction: bytes) -> None:
        """See the port."""
        self._connection.execute(
            update(transactions).where(_T.hash == transaction).values(state=TransactionState.ABANDONED.value)
        )


def _transaction_row(row: Row[Any]) -> TransactionRow:
    return TransactionRow(
        hash=row.hash,
        sender=row.sender,
        nonce=row.nonce,
        raw=row.raw,
        purpose=Purpose(row.purpose),
        subject=row.subject,
        created=row.created,
        state=TransactionState(row.state),
        block_number=row.block_number,
    )


class SqlBatches:
    """`ledger.ports.Batches` on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, row: BatchRow, digests: Sequence[bytes]) -> None:
        """See the port."""
        if len(digests) != row.count:
            raise IntegrityFault("batch.count", expected=row.count, got=len(digests))
        values = {name: getattr(row, name) for name in batches.c.keys()}  # noqa: SIM118  a collection of columns
        try:
            self._connection.execute(insert(batches).values(**values))
        except IntegrityError as error:
            raise Conflict("batch.contiguous", got=row.number) from error
        # In two statements, however many leaves: the service cannot write meanwhile.
        self._connection.execute(
            update(statements)
            .where(_S.digest == bindparam("leaf"), _S.status == Status.ACCEPTED.value, _S.batch.is_(None))
            .values(batch=row.number, batch_index=bindparam("place"), status=Status.SENT.value),
            [{"leaf": digest, "place": index} for index, digest in enumerate(digests)],
        )
        moved = self._connection.scalar(select(func.count()).where(_S.batch == row.number))
        if moved != row.count:
            raise IntegrityFault("batch.leaf", expected=row.count, got=moved, detail="not waiting, or in another batch")

    def last(self) -> BatchRow | None:
        """See the port."""
        row = self._connection.execute(select(batches).order_by(_B.number.desc()).limit(1)).one_or_none()
        return None if row is None else BatchRow(*row)

    def get(self, number: int) -> BatchRow | None:
        """See the port."""
        row = self._connection.execute(select(batches).where(_B.number == number)).one_or_none()
        return None if row is None else BatchRow(*row)

    def by_digest(self, digest: bytes) -> BatchRow | None:
        """See the port."""
        row = self._connection.execute(select(batches).where(_B.digest == digest)).one_or_none()
        return None if row is None else BatchRow(*row)

    def open(self) -> list[BatchRow]:
        """See the port."""
        query = select(batches).where(_B.block_number.is_(None)).order_by(_B.number)
        return [BatchRow(*row) for row in self._connection.execute(query)]

    def page(self, before: int | None, limit: int) -> list[BatchRow]:
        """See the port."""
        query = select(batches).order_by(_B.number.desc()).limit(limit)
        if before is not None:
            query = query.where(_B.number < before)
        return [BatchRow(*row) for row in self._connection.execute(query)]

    def statements(self, number: int) -> list[StatementRow]:
        """See the port."""
        query = select(statements).where(_S.batch == number).order_by(_S.batch_index)
        return [statement_row(row) for row in self._connection.execute(query)]

    def mark_anchored(self, number: int, block: BlockRef) -> int:
        """See the port."""
        row = self.get(number)
        if row is None:
            raise IntegrityFault("chain.record_mismatch", got=number, detail="batch on chain that is not kept")
        if row.block_number is not None and row.block_number != block.number:
            raise IntegrityFault("chain.record_mismatch", expected=row.block_number, got=block.number)
        self._connection.execute(
            update(batches).where(_B.number == number).values(block_number=block.number, block_time=block.time)
        )
        self._check_leaves(number, block)
        pending = _S.status.in_([status.value for status in PENDING])
        return self._connection.execute(
            update(statements)
            .where(_S.batch == number, pending)
            .values(status=Status.ANCHORED.value, block_number=block.number, block_time=block.time)
        ).rowcount

    def _check_leaves(self, number: int, block: BlockRef) -> None:
        """None of the batch was refused or is anchored elsewhere. Raises IntegrityFault `chain.record_mismatch`."""
        on_chain = _S.status.in_([status.value for status in ON_CHAIN])
        elsewhere = and_(on_chain, or_(_S.block_number != block.number, _S.block_time != block.time))
        query = select(_S.digest, _S.status).where(
            _S.batch == number, or_(_S.status == Status.REFUSED.value, elsewhere)
        )
        wrong = self._connection.execute(query.limit(1)).one_or_none()
        if wrong is not None:
            raise IntegrityFault(
                "chain.record_mismatch", expected=wrong.status, got="anchored", detail=wrong.digest.hex()
            )


class SqlChain:
    """`ledger.ports.Chain` on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def position(self, stream: str) -> BlockRef | None:
        """See the port."""
        row = self._connection.execute(select(positions).where(positions.c.stream == stream)).one_or_none()
        return None if row is None else BlockRef(row.number, row.hash, row.time)

    def move(self, stream: str, block: BlockRef) -> None:
        """See the port."""
        self._put(stream, block, 0)

    def head(self) -> Head | None:
        """See the port."""
        row = self._connection.execute(select(positions).where(positions.c.stream == _HEAD)).one_or_none()
        return None if row is None else Head(BlockRef(row.number, row.hash, row.time), row.seen)

    def put_head(self, head: Head) -> None:
        """See the port."""
        self._put(_HEAD, head.block, head.seen)

    def fault(self) -> Fault | None:
        """See the port."""
        query = select(faults).where(faults.c.cleared.is_(False)).order_by(faults.c.id.desc()).limit(1)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else Fault(row.code, row.detail, row.since)

    def put_fault(self, fault: Fault | None) -> None:
        """See the port. Earlier faults stay in the table, cleared."""
        self._connection.execute(update(faults).values(cleared=True))
        if fault is not None:
            self._connection.execute(
                insert(faults).values(code=fault.code, detail=fault.detail, since=fault.since, cleared=False)
            )

    def _put(self, stream: str, block: BlockRef, seen: int) -> None:
        values = {"stream": stream, "number": block.number, "hash": block.hash, "time": block.time, "seen": seen}
        put(self._connection, positions, values)
