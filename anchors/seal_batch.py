"""Sealing what waits in the batch lane: one tree, one header that the operator signs, one published leaves file.

Guaranteed: batches are contiguous with the chain's last one; the leaves file is published, read back and checked by the
kernel before the batch is stored; a statement whose key has ended gets a signed refusal, never a place. Not guaranteed:
that a key lasts until the batch is in a block, a second later; such a leaf would not verify, and the audit names it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from anchors.chains.port import Chain
from anchors.contracts import BATCH, artifact
from anchors.deployment import Deployment
from anchors.follow import STREAM
from anchors.leaves import leaves_path, open_leaves, publish
from ledger.domain.chain_records import BatchRow, OutboxRow
from ledger.domain.life import Status
from ledger.ports import Clock, OperatorSigner, Store, Tables
from ledger.services.known_members import KnownMembers, public_key
from ledger.services.record_refusal import record_refusal
from tiezheng.batch import (
    BatchHeader,
    build_batch,
    check_follows,
    check_seal,
    parse_batch_header,
    read_leaves,
    write_leaves,
)
from tiezheng.errors import IntegrityFault
from tiezheng.receipt import Lane
from tiezheng.refusals import REASONS, Reason
from tiezheng.signature import ROLE_INSTITUTION, Signature
from tiezheng.statement import SignedStatement, parse_signed_statement
from tiezheng.trust import Trust

# One transaction of the database moves all rows of a batch; the protocol allows 65,536 leaves.
LEAVES_MAX: Final = 8_192
# How long the first statement waits for company before a batch is sealed.
WAIT_MS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals batches of one operator into `leaves`. Hold the store's `worker` lock while using this."""

    store: Store
    chain: Chain
    deployment: Deployment
    operator: OperatorSigner
    trust: Trust
    leaves: Path
    clock: Clock
    wait_ms: int = WAIT_MS
    leaves_max: int = LEAVES_MAX

    def seal(self) -> int:
        """Seal one batch if enough waits and none is on its way; says how many statements it holds.

        Raises IntegrityFault `chain.record_mismatch` where the chain's last batch is not the database's.
        """
        with self.store.read() as tables:
            if tables.batches.open():
                return 0
            waiting = tables.statements.waiting(Lane.BATCH, self.leaves_max)
            last = tables.batches.last()
            refusals = _ended_keys(tables, waiting)
        if not waiting:
            return 0
        self._refuse(refusals)
        rows = [row for row in waiting if row.digest not in refusals]
        if not rows or (len(rows) < self.leaves_max and self._is_young(rows[0])):
            return 0
        previous = None if last is None else parse_batch_header(last.header)
        self._check_contiguous(previous)
        sealed = self._sealed_before(previous)
        if sealed is None:
            signed = [parse_signed_statement(row.statement, row.signatures) for row in rows]
            header, _ = build_batch(self.operator.number, previous, signed)
            r_s = self.operator.sign(header.message(self.deployment.batch.id))
            seal = Signature(self.operator.number, ROLE_INSTITUTION, self.operator.key_index, r_s)
            self._publish(header, seal, signed)
        else:
            header, seal, signed = sealed
        with self.store.write() as tables:
            tables.batches.add(
                BatchRow(
                    number=header.batch,
                    header=header.to_bytes(),
                    signature=seal.to_bytes(),
                    digest=header.digest,
                    first=header.first,
                    count=header.count,
                    created=self.clock.now_ms(),
                ),
                [one.digest for one in signed],
            )
        return len(signed)

    def _sealed_before(
        self, previous: BatchHeader | None
    ) -> tuple[BatchHeader, Signature, list[SignedStatement]] | None:
        """A batch that was published under the next number and not stored: nobody ever sees two under one number.

        Raises IntegrityFault `recover.database_behind` where it holds a statement that the database lacks: the database
        was restored from an older backup.
        """
        number = 0 if previous is None else previous.batch + 1
        if not leaves_path(self.leaves, number).is_file():
            return None
        with open_leaves(self.leaves, number) as reader:
            file = read_leaves(reader)
            signed = list(file.leaves)
        check_follows(previous, file.header)
        with self.store.read() as tables:
            members = KnownMembers(tables.members)
            key = members.row(file.signature.signer, file.signature.key_index)
            rows = [tables.statements.get(one.digest) for one in signed]
        if key is None or any(row is None or row.status is not Status.ACCEPTED for row in rows):
            raise IntegrityFault("recover.database_behind", got=number, detail="published batch that is not kept")
        check_seal(file.header, file.signature, public_key(key), self.deployment.batch.id)
        return file.header, file.signature, signed

    def _is_young(self, row: OutboxRow) -> bool:
        """Received less than `wait_ms` ago; not if it came in before the clock was set back."""
        return 0 <= self.clock.now_ms() - row.received < self.wait_ms

    def _publish(self, header: BatchHeader, seal: Signature, signed: list[SignedStatement]) -> None:
        publish(leaves_path(self.leaves, header.batch), write_leaves(header, seal, signed))
        with self.store.read() as tables:
            key = KnownMembers(tables.members).row(self.operator.number, self.operator.key_index)
        if key is None:
            raise IntegrityFault("chain.record_mismatch", got=self.operator.number, detail="operator's key")
        with open_leaves(self.leaves, header.batch) as reader:
            file = read_leaves(reader)
            check_seal(file.header, file.signature, public_key(key), self.deployment.batch.id)
            if file.header != header or sum(1 for _ in file.leaves) != header.count:
                raise IntegrityFault("audit.leaves_mismatch", got=header.batch)

    def _check_contiguous(self, previous: BatchHeader | None) -> None:
        contract = artifact(BATCH)
        answer = self.chain.call(self.deployment.batch.address, contract.call("lastOf", self.operator.number))
        batches, leaves, digest = contract.result("lastOf", answer)
        own = (0, 0, bytes(32))
        if previous is not None:
            own = (previous.batch + 1, previous.first + previous.count, previous.digest)
        if (batches, leaves, digest) != own:
            raise IntegrityFault("chain.record_mismatch", expected=own[0], got=batches, detail="operator's last batch")

    def _refuse(self, refusals: dict[bytes, Reason]) -> None:
        if not refusals:
            return
        with self.store.read() as tables:
            block = tables.chain.position(STREAM)
        if block is None:
            return
        for digest, reason in refusals.items():
            record_refusal(self.store, self.clock, self.operator, self.trust, digest, reason.number, block)


def _ended_keys(tables: Tables, rows: list[OutboxRow]) -> dict[bytes, Reason]:
    """Statements with a key that the chain does not know, or that has ended by the last block that was read."""
    position = tables.chain.position(STREAM)
    now = 0 if position is None else position.time
    members = KnownMembers(tables.members)
    refusals: dict[bytes, Reason] = {}
    for row in rows:
        for signature in parse_signed_statement(row.statement, row.signatures).signatures:
            key = members.key(signature.signer, signature.key_index)
            if key is None:
                refusals[row.digest] = REASONS["KeyUnknown"]
            elif not key.valid(max(now, key.row.valid_from)):
                refusals[row.digest] = REASONS["KeyNotValid"]
    return refusals
