"""The one writer: statements and batch headers into transactions, each stored before it is sent.

Guaranteed: a transaction's bytes are in the database before any node sees them, and after a crash the same bytes go out
again; a statement that the contract refuses gets a signed refusal with the contract's reason, and so do those behind it
in its case. Not guaranteed: order between cases. Hold the store's `worker` lock while using this.

A step of a case whose predecessor is on its way is sent right behind it, unasked: if it fails in its block, it is asked
about again once the predecessor stands, and refused or sent anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from anchors.chains.port import Block, Chain, Reverted
from anchors.chains.relayer import Relayer
from anchors.contracts import BATCH, REGISTRY, artifact
from anchors.deployment import Deployment
from ledger.domain.chain_records import BlockRef, OutboxRow, Purpose, TransactionRow
from ledger.domain.life import ON_CHAIN, Status
from ledger.ports import Clock, OperatorSigner, Store, Tables
from ledger.services.record_refusal import record_refusal
from tiezheng.errors import IntegrityFault, Unavailable
from tiezheng.receipt import Lane
from tiezheng.refusals import REASONS, Reason, reason_of
from tiezheng.signature import RECORD_SIZE
from tiezheng.statement import parse_statement
from tiezheng.trust import Trust

# Transactions on their way at once: below what nodes keep for one account, enough to fill several blocks.
OPEN_MAX: Final = 512
# What was sent a moment ago is not asked for; after a crash it is older than this soon enough.
RESEND_MS: Final = 3_000
# A step with one signature takes some 500,000 gas; each further one some 300,000.
GAS_STATEMENT: Final = 1_500_000
GAS_SIGNATURE: Final = 700_000
GAS_BATCH: Final = 3_000_000
# A statement that the node's own call accepts, and that still fails in its block, is tried so often and no more.
ATTEMPTS_MAX: Final = 5
# Refusals that time heals, or that say that the statement is there already.
_TRANSIENT: Final = frozenset({REASONS["OccurredInFuture"].number, REASONS["AlreadyRecorded"].number})


class _Place(Enum):
    """How a waiting statement stands to the one before it in its case."""

    NEXT = 1
    """There is none, or it is on the chain: the contract can be asked."""
    BEHIND = 2
    """It is on its way, or will be by this very round: asking now would be too early."""
    LATER = 3
    """It waits itself."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """A call to be made a transaction."""

    purpose: Purpose
    subject: bytes
    to: bytes
    data: bytes
    gas: int


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends for one relayer. `gas_price` in wei, zero on a chain without fees."""

    store: Store
    chain: Chain
    deployment: Deployment
    relayer: Relayer
    operator: OperatorSigner
    trust: Trust
    clock: Clock
    gas_price: int = 0

    def settle(self) -> int:
        """Look after what was prepared before: mined, failed, replaced, or to be sent again. Says how many are open.

        Raises Unavailable `chain.behind` where the node lacks transactions of the account that were mined.
        """
        with self.store.read() as tables:
            open_rows = tables.transactions.open(self.relayer.address)
            last = tables.transactions.last_nonce(self.relayer.address)
        # Of one node at one time: behind a load balancer another one's nonce would make what it lacks look replaced.
        next_nonce, mined_rows = self.chain.outcomes(self.relayer.address, [row.hash for row in open_rows])
        first_open = open_rows[0].nonce if open_rows else (-1 if last is None else last) + 1
        if next_nonce < first_open:
            raise Unavailable("chain.behind", expected=first_open, got=next_nonce, detail="relayer's nonce")
        outcomes = list(zip(open_rows, mined_rows, strict=True))
        settled = [(row, mined) for row, mined in outcomes if mined is not None or row.nonce < next_nonce]
        if settled:
            with self.store.write() as tables:
                for row, mined in settled:
                    if mined is None:
                        tables.transactions.mark_abandoned(row.hash)
                    else:
                        tables.transactions.mark_mined(row.hash, mined.block_number)
                    if mined is None or not mined.succeeded:
                        tables.statements.mark_unsent([row.subject])
        waiting = [row for row, mined in outcomes if mined is None and row.nonce >= next_nonce]
        now = self.clock.now_ms()
        # Also what was stored before the clock was set back: by how long, nobody knows.
        quiet = [row for row in waiting if not 0 <= now - row.created < RESEND_MS]
        for row, known in zip(quiet, self.chain.all_known([row.hash for row in quiet]), strict=True):
            if not known:
                self.chain.send(row.raw)
        return len(waiting)

    def send_statements(self) -> int:
        """Send what waits in the registry lane, in order of acceptance; refuse what the contract refuses.

        Says how many were sent or refused. Raises IntegrityFault `chain.rejected` for a refusal without a reason.
        """
        with self.store.read() as tables:
            room = OPEN_MAX - len(tables.transactions.open(self.relayer.address))
            waiting = tables.statements.waiting(Lane.REGISTRY, room) if room > 0 else []
            listed = {row.digest for row in waiting}
            places = {row.digest: _place(tables, row, listed) for row in waiting}
            attempts = tables.transactions.attempts([row.digest for row in waiting])
        if not waiting:
            return 0
        head = self.chain.head()
        calls = {row.digest: artifact(REGISTRY).call("record", row.statement, row.signatures) for row in waiting}
        to = self.deployment.registry.address
        next_ones = [digest for digest, place in places.items() if place is _Place.NEXT]
        reasons = self._reasons(to, [calls[digest] for digest in next_ones], head)
        asked = dict(zip(next_ones, reasons, strict=True))
        drafts: list[_Draft] = []
        held: set[bytes] = set()
        refused = 0
        for row in waiting:
            if row.case in held:
                continue
            reason = asked.get(row.digest)
            if reason is not None or places[row.digest] is _Place.LATER:
                held.add(row.case)
                if reason is not None and reason.number not in _TRANSIENT:
                    refused += self._refuse(row, reason, head)
                continue
            _check_attempts(row.digest, attempts.get(row.digest, 0))
            gas = GAS_STATEMENT + GAS_SIGNATURE * (len(row.signatures) // RECORD_SIZE)
            drafts.append(_Draft(Purpose.STATEMENT, row.digest, to, calls[row.digest], gas))
        self._send(drafts)
        return len(drafts) + refused

    def send_batches(self) -> int:
        """Send the headers of sealed batches that are in no block and not on their way. Says how many.

        Raises IntegrityFault `chain.rejected`: the chain refuses the operator's own batch.
        """
        with self.store.read() as tables:
            batches = tables.batches.open()
            on_their_way = {row.subject for row in tables.transactions.open(self.relayer.address)}
        drafts = []
        for batch in batches:
            if batch.digest in on_their_way:
                break
            head = self.chain.head()
            data = artifact(BATCH).call("anchor", batch.header, batch.signature)
            (record,) = artifact(BATCH).result(
                "recordOf",
                self.chain.call(self.deployment.batch.address, artifact(BATCH).call("recordOf", batch.digest)),
            )
            if record != bytes(32):
                continue  # in a block already; `follow` reads it next
            reason = self._reason(self.deployment.batch.address, data, head)
            if reason is not None:
                raise IntegrityFault("chain.rejected", got=reason.error, detail=f"batch {batch.number}")
            self._check_attempts(batch.digest)
            drafts.append(_Draft(Purpose.BATCH, batch.digest, self.deployment.batch.address, data, GAS_BATCH))
            break  # the next header rests on this one
        self._send(drafts)
        return len(drafts)

    def _send(self, drafts: Sequence[_Draft]) -> None:
        """Store all, in one transaction of the database; then hand them to the node in order of nonce.

        The node is asked, and all is signed, before that transaction: the service writes meanwhile.
        """
        if not drafts:
            return
        with self.store.read() as tables:
            last = tables.transactions.last_nonce(self.relayer.address)
        nonce = max(self.chain.next_nonce(self.relayer.address), 0 if last is None else last + 1)
        signed = [
            self.relayer.sign(
                chain_id=self.deployment.chain_id,
                nonce=nonce + offset,
                to=draft.to,
                data=draft.data,
                gas=draft.gas,
                gas_price=self.gas_price,
            )
            for offset, draft in enumerate(drafts)
        ]
        with self.store.write() as tables:
            for made, draft in zip(signed, drafts, strict=True):
                tables.transactions.add(
                    TransactionRow(
                        hash=made.hash,
                        sender=self.relayer.address,
                        nonce=made.nonce,
                        raw=made.raw,
                        purpose=draft.purpose,
                        subject=draft.subject,
                        created=self.clock.now_ms(),
                    )
                )
            tables.statements.mark_sent([draft.subject for draft in drafts if draft.purpose is Purpose.STATEMENT])
        for made in signed:
            self.chain.send(made.raw)

    def _reasons(self, to: bytes, calls: Sequence[bytes], at: Block) -> list[Reason | None]:
        """Why the contract would refuse each of these calls at that block; None for those that it would not."""
        refusals = self.chain.refusals(to, calls, at.number)
        return [None if refusal is None else _named(refusal) for refusal in refusals]

    def _reason(self, to: bytes, data: bytes, at: Block) -> Reason | None:
        """Why the contract would refuse the call at that block; None if it would not."""
        return self._reasons(to, [data], at)[0]

    def _refuse(self, row: OutboxRow, reason: Reason, head: Block) -> int:
        block = BlockRef(head.number, head.hash, head.time)
        return len(record_refusal(self.store, self.clock, self.operator, self.trust, row.digest, reason.number, block))

    def _check_attempts(self, subject: bytes) -> None:
        with self.store.read() as tables:
            _check_attempts(subject, tables.transactions.attempts([subject]).get(subject, 0))


def _place(tables: Tables, row: OutboxRow, listed: set[bytes]) -> _Place:
    """How the statement stands to the one before it in its case; `listed` wait together with it."""
    sequence = parse_statement(row.statement).sequence
    before = None if sequence == 0 else tables.statements.at(row.case, sequence - 1)
    if before is None or before.status in ON_CHAIN:
        return _Place.NEXT
    return _Place.BEHIND if before.status is Status.SENT or before.digest in listed else _Place.LATER


def _named(refusal: Reverted) -> Reason:
    reason = reason_of(refusal.data)
    if reason is None:
        raise IntegrityFault("chain.rejected", got=refusal.data[:4], detail="no named reason")
    return reason


def _check_attempts(subject: bytes, attempts: int) -> None:
    if attempts >= ATTEMPTS_MAX:
        raise IntegrityFault("chain.rejected", got=attempts, detail=f"attempts for {subject.hex()}")
