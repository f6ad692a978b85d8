"""Statements, cases and refusals in SQL.

Guaranteed: one statement that is not refused per position of a case (a unique index), states that only move forward,
and a case state that always equals the one after its last statement that stands. Not guaranteed: anything on chain.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, bindparam, delete, exists, func, insert, or_, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from ledger.domain.chain_records import BlockRef, OutboxRow, RefusalRow
from ledger.domain.life import ON_CHAIN, PENDING, Status
from ledger.domain.records import LookupRow, NewStatement, RefusedRow, StatementRow
from ledger.storage.case_json import dump_case, load_case
from ledger.storage.rows import insert_new, split_digests
from ledger.storage.sql_cases import drop_participants, put_cases
from ledger.storage.tables import case_participants, cases, contents, receipts, refusals, statements
from tiezheng.errors import Conflict, IntegrityFault
from tiezheng.receipt import Lane
from tiezheng.statement import CASE_RANDOM_SIZE, new_case_id

_S: Final = statements.c
_R: Final = refusals.c
_P: Final = case_participants.c
_COLUMNS: Final = tuple(
    column for column in statements.c if column.name not in ("state_after", "not_held", "held", "terms")
)
_ORDERED: Final = (Status.ACCEPTED, Status.SENT, Status.ANCHORED, Status.FINAL, Status.REFUSED)


class SqlStatements:
    """`ledger.ports.Statements` on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, group: Sequence[NewStatement]) -> None:
        """See the port."""
        connection = self._connection
        try:
            connection.execute(insert(statements), [_values(new) for new in group])
        except IntegrityError as error:
            raise Conflict("case.position_taken", detail="another writer was first") from error
        connection.execute(insert(receipts), [{"digest": new.digest, "file": new.receipt} for new in group])
        held = [{"digest": new.digest, "sealed": new.content} for new in group if new.content is not None]
        if held:
            connection.execute(insert(contents), held)
        put_cases(connection, list({new.case: new.state_after for new in group}.values()))

    def get(self, digest: bytes) -> StatementRow | None:
        """See the port."""
        row = self._connection.execute(select(*_COLUMNS).where(_S.digest == digest)).one_or_none()
        return None if row is None else statement_row(row)

    def receipt(self, digest: bytes) -> bytes | None:
        """See the port."""
        return self._connection.scalar(select(receipts.c.file).where(receipts.c.digest == digest))

    def receipts(self, digests: Sequence[bytes]) -> dict[bytes, bytes]:
        """See the port."""
        query = select(receipts.c.digest, receipts.c.file).where(receipts.c.digest.in_(digests))
        return {row.digest: row.file for row in self._connection.execute(query)}

    def put_receipt(self, digest: bytes, file: bytes, received: int, due: int) -> None:
        """See the port."""
        self._connection.execute(update(receipts).where(receipts.c.digest == digest).values(file=file))
        times = {"received": received, "due": due}
        self._connection.execute(update(statements).where(_S.digest == digest).values(**times))

    def put_content(self, digest: bytes, sealed: bytes, not_held: Sequence[bytes]) -> bool:
        """See the port."""
        if self.get(digest) is None or not insert_new(
            self._connection, contents, [{"digest": digest, "sealed": sealed}]
        ):
            return False
        query = update(statements).where(_S.digest == digest)
        self._connection.execute(query.values(not_held=b"".join(not_held), held=True))
        return True

    def without_content(self, after: int, limit: int) -> list[StatementRow]:
        """See the port."""
        held = select(contents.c.digest).where(contents.c.digest == _S.digest).exists()
        query = select(*_COLUMNS).where(_S.position > after, ~held).order_by(_S.position).limit(limit)
        return [statement_row(row) for row in self._connection.execute(query)]

    def content(self, digest: bytes) -> bytes | None:
        """See the port."""
        return self._connection.scalar(select(contents.c.sealed).where(contents.c.digest == digest))

    def not_held(self, digest: bytes) -> tuple[bytes, ...]:
        """See the port."""
        return split_digests(self._connection.scalar(select(_S.not_held).where(_S.digest == digest)) or b"")

    def at(self, case: bytes, sequence: int) -> StatementRow | None:
        """See the port."""
        query = select(*_COLUMNS).where(_S.case_id == case, _S.sequence == sequence, _S.status != Status.REFUSED.value)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else statement_row(row)

    def of_case(self, case: bytes) -> list[StatementRow]:
        """See the port."""
        query = select(*_COLUMNS).where(_S.case_id == case, _S.status != Status.REFUSED.value)
        return [statement_row(row) for row in self._connection.execute(query.order_by(_S.sequence))]

    def of_cases(self, wanted: Sequence[bytes]) -> list[StatementRow]:
        """See the port."""
        query = select(*_COLUMNS).where(_S.case_id.in_(wanted), _S.status != Status.REFUSED.value)
        return [statement_row(row) for row in self._connection.execute(query.order_by(_S.position))]

    def naming(self, terms: bytes) -> list[StatementRow]:
        """See the port."""
        query = select(*_COLUMNS).where(
            _S.terms == terms, _S.status != Status.REFUSED.value, _S.lane == int(Lane.REGISTRY)
        )
        return [statement_row(row) for row in self._connection.execute(query.order_by(_S.position))]

    def lookup(self, subject: bytes) -> list[LookupRow]:
        """See the port."""
        query = (
            select(_S.digest, _S.institution, _S.kind, _S.status, _S.block_time)
            .where(_S.subject == subject, _S.status != Status.REFUSED.value)
            .order_by(_S.position)
        )
        return [
            LookupRow(row.digest, row.institution, row.kind, Status(row.status), row.block_time)
            for row in self._connection.execute(query)
        ]

    def all(self, after: int, limit: int) -> list[StatementRow]:
        """See the port."""
        query = select(*_COLUMNS).where(_S.position > after).order_by(_S.position).limit(limit)
        return [statement_row(row) for row in self._connection.execute(query)]

    def count_by_status(self) -> Mapping[Status, int]:
        """See the port."""
        query = select(_S.status, func.count()).group_by(_S.status)
        counted = {Status(status): count for status, count in self._connection.execute(query)}
        return {status: counted.get(status, 0) for status in _ORDERED}

    def waiting(self, lane: Lane, limit: int) -> list[OutboxRow]:
        """See the port."""
        return self._outbox(Status.ACCEPTED, lane, limit)

    def sent(self, lane: Lane, limit: int) -> list[OutboxRow]:
        """See the port."""
        return self._outbox(Status.SENT, lane, limit)

    def backlog(self) -> int:
        """See the port."""
        query = select(func.count()).select_from(statements).where(_S.status.in_([s.value for s in PENDING]))
        return self._connection.scalar(query) or 0

    def oldest_pending(self) -> int | None:
        """See the port."""
        pending = _S.status.in_([s.value for s in PENDING])
        first = select(_S.received).where(pending).order_by(_S.position).limit(1)
        received: int | None = self._connection.scalar(first)
        return received

    def overdue(self, now_ms: int) -> int:
        """See the port."""
        pending = _S.status.in_([s.value for s in PENDING])
        return (
            self._connection.scalar(select(func.count()).select_from(statements).where(pending, _S.due < now_ms)) or 0
        )

    def mark_sent(self, digests: Sequence[bytes]) -> None:
        """See the port."""
        self._move(digests, Status.ACCEPTED, Status.SENT)

    def mark_unsent(self, digests: Sequence[bytes]) -> None:
        """See the port."""
        self._move(digests, Status.SENT, Status.ACCEPTED)

    def mark_anchored(self, digest: bytes, block: BlockRef) -> bool:
        """See the port."""
        row = self.get(digest)
        if row is None:
            return False
        if row.status in ON_CHAIN:
            if (row.block_number, row.block_time) != (block.number, block.time):
                raise IntegrityFault("chain.record_mismatch", expected=row.block_number, got=block.number)
            return False
        if row.status is Status.REFUSED:
            raise IntegrityFault("chain.record_mismatch", expected="refused", got="anchored", detail=digest.hex())
        self._connection.execute(
            update(statements)
            .where(_S.digest == digest)
            .values(status=Status.ANCHORED.value, block_number=block.number, block_time=block.time)
        )
        return True

    def unproven(self, height: int, limit: int) -> list[StatementRow]:
        """See the port."""
        query = (
            select(*_COLUMNS)
            .where(_S.status == Status.ANCHORED.value, _S.proof_height.is_(None), _S.block_number <= height)
            .order_by(_S.block_number, _S.position)
            .limit(limit)
        )
        return [statement_row(row) for row in self._connection.execute(query)]

    def mark_proven(self, digests: Sequence[bytes], height: int) -> None:
        """See the port."""
        if digests:
            self._connection.execute(
                update(statements)
                .where(_S.digest == bindparam("moved"), _S.status == Status.ANCHORED.value)
                .values(proof_height=height),
                [{"moved": digest} for digest in digests],
            )

    def not_final(self, height: int, limit: int) -> list[bytes]:
        """See the port."""
        query = select(_S.digest).where(_S.status == Status.ANCHORED.value, _S.proof_height == height)
        return list(self._connection.scalars(query.order_by(_S.position).limit(limit)))

    def mark_final(self, height: int, at_ms: int) -> int:
        """See the port."""
        return self._connection.execute(
            update(statements)
            .where(_S.status == Status.ANCHORED.value, _S.proof_height == height)
            .values(status=Status.FINAL.value, final_at=at_ms)
        ).rowcount

    def pending_heights(self) -> list[int]:
        """See the port."""
        query = (
            select(_S.proof_height)
            .where(_S.status == Status.ANCHORED.value, _S.proof_height.is_not(None))
            .distinct()
            .order_by(_S.proof_height)
        )
        return [int(height) for height in self._connection.scalars(query)]

    def _outbox(self, status: Status, lane: Lane, limit: int) -> list[OutboxRow]:
        query = (
            select(_S.position, _S.digest, _S.statement, _S.signatures, _S.case_id, _S.received, _S.due)
            .where(_S.status == status.value, _S.lane == int(lane))
            .order_by(_S.position)
            .limit(limit)
        )
        return [OutboxRow(*row) for row in self._connection.execute(query)]

    def _move(self, digests: Sequence[bytes], now: Status, then: Status) -> None:
        if digests:
            self._connection.execute(
                update(statements)
                .where(_S.digest == bindparam("moved"), _S.status == now.value)
                .values(status=then.value),
                [{"moved": digest} for digest in digests],
            )


class SqlRefusals:
    """`ledger.ports.Refusals` on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, row: RefusalRow) -> None:
        """See the port."""
        connection = self._connection
        found = connection.execute(
            select(_S.case_id, _S.sequence, _S.status).where(_S.digest == row.digest)
        ).one_or_none()
        if found is None or Status(found.status) not in PENDING:
            got = "unknown" if found is None else found.status
            raise IntegrityFault("chain.record_mismatch", expected="pending", got=got, detail=row.digest.hex())
        stands = select(_S.sequence, _S.state_after).where(
            _S.case_id == found.case_id, _S.status != Status.REFUSED.value
        )
        last = connection.execute(stands.order_by(_S.sequence.desc()).limit(2)).all()
        if last[0].sequence != found.sequence:
            raise IntegrityFault("chain.record_mismatch", expected=last[0].sequence, got=found.sequence)
        connection.execute(update(statements).where(_S.digest == row.digest).values(status=Status.REFUSED.value))
        insert_new(
            connection,
            refusals,
            [
                {
                    "digest": row.digest,
                    "reason": row.reason,
                    "block_number": row.block_number,
                    "block_hash": row.block_hash,
                    "file": row.file,
                    "created": row.created,
                }
            ],
        )
        drop_participants(connection, found.case_id)
        if len(last) > 1:
            put_cases(connection, [load_case(last[1].state_after)])
        else:
            connection.execute(delete(cases).where(cases.c.case_id == found.case_id))

    def get(self, digest: bytes) -> RefusalRow | None:
        """See the port."""
        row = self._connection.execute(select(refusals).where(refusals.c.digest == digest)).one_or_none()
        return None if row is None else RefusalRow(*row)

    def page(self, institution: int, before: RefusedRow | None, limit: int) -> list[RefusedRow]:
        """See the port."""
        takes_part = exists().where(_P.case_id == _S.case_id, _P.institution == institution)
        # A case whose opening was refused has no participants left; its id still names the opener.
        first, last = (new_case_id(institution, bytes([fill]) * CASE_RANDOM_SIZE) for fill in (0, 255))
        opened = _S.case_id.between(first, last)
        query = _refused().where(or_(_S.institution == institution, opened, takes_part))
        if before is not None:
            query = query.where(tuple_(_R.created, _S.position) < (before.refusal.created, before.statement.position))
        query = query.order_by(_R.created.desc(), _S.position.desc()).limit(limit)
        return [_refused_row(row) for row in self._connection.execute(query)]

    def of_case(self, case: bytes) -> list[RefusedRow]:
        """See the port."""
        query = _refused().where(_S.case_id == case).order_by(_S.position)
        return [_refused_row(row) for row in self._connection.execute(query)]


def _refused() -> Select[Any]:
    names = [column.label(f"refusal_{column.name}") for column in refusals.c]
    return select(*_COLUMNS, *names).join(refusals, _R.digest == _S.digest)


def _refused_row(row: Row[Any]) -> RefusedRow:
    return RefusedRow(statement_row(row), RefusalRow(*row[len(_COLUMNS) :]))


def statement_row(row: Row[Any]) -> StatementRow:
    """A row of `statements` as a record."""
    return StatementRow(
        position=row.position,
        digest=row.digest,
        statement=row.statement,
        signatures=row.signatures,
        lane=Lane(row.lane),
        kind=row.kind,
        case=row.case_id,
        sequence=row.sequence,
        institution=row.institution,
        counterparty=row.counterparty,
        subject=row.subject,
        occurred=row.occurred,
        received=row.received,
        due=row.due,
        status=Status(row.status),
        block_number=row.block_number,
        block_time=row.block_time,
        batch=row.batch,
        batch_index=row.batch_index,
        proof_height=row.proof_height,
        final_at=row.final_at,
    )


def _values(new: NewStatement) -> dict[str, Any]:
    return {
        "digest": new.digest,
        "statement": new.statement,
        "signatures": new.signatures,
        "lane": int(new.lane),
        "kind": new.kind,
        "case_id": new.case,
        "sequence": new.sequence,
        "institution": new.institution,
        "counterparty": new.counterparty,
        "subject": new.subject,
        "terms": new.terms if any(new.terms) else None,
        "occurred": new.occurred,
        "received": new.received,
        "due": new.due,
        "state_after": dump_case(new.state_after),
        "not_held": b"".join(new.not_held),
        "held": new.content is not None,
        "status": Status.ACCEPTED.value,
    }
