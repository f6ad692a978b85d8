"""Recovery: a database restored from an older backup, brought up to the chain, the leaves and what holders kept.

Guaranteed: nothing is written that the replay and the kernel did not verify; each step is a transaction, and a second
run changes nothing; no batch number is sealed twice, and no transaction of the lost time is sent again. Not guaranteed:
contents, files, tokens and collections that nobody hands in; the report names what it can.

1. Nothing of the relayer is on its way. 2. Replay of the chain and all leaves, without findings. 3. Refusals of
holders; what the chain has and the database lacks, in the chain's order. 4. The worker's own following. 5. A batch that
was sealed and is not on the chain yet. 6. Receipts, and promised statements, of holders. 7. Contents, files, proofs.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from anchors.chains.port import Chain
from anchors.checkpoint import take_checkpoint
from anchors.deployment import Deployment, check_chain
from anchors.events import spans
from anchors.findings import Findings
from anchors.follow import STREAM, check_position, follow
from anchors.leaves import leaves_path, open_leaves, publish
from anchors.published import PublishedInFolder
from anchors.recover_papers import Papers
from anchors.replay import AnchoredBatch, OnChain, Replay
from ledger.domain.accepting import accepting_contract
from ledger.domain.chain_records import BatchRow, Checkpoint, CosignatureRow
from ledger.domain.records import StatementRow
from ledger.ports import Clock, ObjectStore, OperatorSigner, Store, Vault
from ledger.services.find_lost_files import find_lost_files
from ledger.services.restore_statements import (
    Restored,
    add_restored,
    attach_content,
    keep_refusal,
    make_room,
    take_promised,
)
from ledger.services.sign_receipts import sign_receipts
from tiezheng.batch import BatchHeader, check_follows, check_seal, read_leaves
from tiezheng.errors import IntegrityFault, NotFound, TiezhengError, Unavailable
from tiezheng.procedures import CaseState
from tiezheng.receipt import Receipt, ReceiptFile, check_receipt, check_refusal, parse_receipt_file
from tiezheng.signature import Signature
from tiezheng.statement import SignedStatement, parse_signed_statement
from tiezheng.trust import Trust

# Rows of one transaction: the service is stopped, so this only bounds memory.
GROUP: Final = 500
PAGE: Final = 200
Progress = Callable[[str, int], None]


@dataclass(slots=True)
class Recovered:
    """What a run did, by count, and what stays missing: evidence ids, names, and why (catalogue codes)."""

    counts: dict[str, int] = field(default_factory=dict)
    contents_missing: list[bytes] = field(default_factory=list)
    files_missing: list[tuple[bytes, bytes]] = field(default_factory=list)
    objects_unknown: list[str] = field(default_factory=list)
    not_taken: list[tuple[bytes, str]] = field(default_factory=list)
    receipts_without_statement: list[bytes] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether nothing is missing that could be named."""
        missing = (self.contents_missing, self.files_missing, self.objects_unknown, self.not_taken)
        return not any(missing) and not self.receipts_without_statement

    def add(self, name: str, count: int = 1) -> None:
        """Count."""
        self.counts[name] = self.counts.get(name, 0) + count


@dataclass(slots=True)
class Recovery:
    """One run. Hold the store's `worker` lock, with the service stopped."""

    store: Store
    vault: Vault
    objects: ObjectStore
    chain: Chain
    deployment: Deployment
    relayer: bytes
    operator: OperatorSigner
    trust: Trust
    leaves: Path
    clock: Clock
    papers: Papers = field(default_factory=Papers)
    mirror: Path | None = None
    progress: Progress = lambda _what, _count: None
    told: Recovered = field(init=False, default_factory=Recovered)
    _lost: list[tuple[SignedStatement, OnChain, CaseState]] = field(init=False, default_factory=list)
    _opened_as: dict[bytes, int] = field(init=False, default_factory=dict)

    def run(self) -> Recovered:
        """Raises IntegrityFault `chain.*`, `recover.*`, Unavailable `recover.in_flight`."""
        check_chain(self.chain, self.deployment)
        head = self.chain.head()
        with self.store.read() as tables:
            position = tables.chain.position(STREAM)
        if position is not None:
            check_position(self.chain, position, head)
        if self.chain.pending_nonce(self.relayer) > self.chain.next_nonce(self.relayer):
            raise Unavailable("recover.in_flight")
        replay = self._replay()
        self._refusals(replay)
        self._fill(replay)
        self._batches(replay)
        follow(self.store, self.chain, self.deployment, self.clock.now_ms())
        self._sealed_batch(replay)
        self._receipts(replay)
        self._promised(replay)
        self._contents()
        self._checkpoints()
        found = find_lost_files(self.store, self.vault, self.objects, self.clock.now_ms())
        self.told.add("files", found.restored)
        self.told.files_missing, self.told.objects_unknown = found.missing, found.unknown
        while taken := take_checkpoint(self.store, self.chain, self.deployment, self.trust):
            self.told.add("statements_proven", taken)
        return self.told

    def _replay(self) -> Replay:
        """2. The chain and all leaves. Raises IntegrityFault with the first finding."""
        findings = Findings()
        procedures = {one.table_digest: one for one in self.trust.procedures}
        replay = Replay(self.deployment, procedures, self._open, findings, taken=self._taken)
        with closing(replay):
            for span in spans(self.chain, self.deployment, self.deployment.first_block - 1, self.chain.head()):
                replay.feed(span)
                self.progress("blocks", span.last.number)
            replay.finish()
        for finding in findings.found:
            code = "recover.leaves_missing" if finding.code.startswith("audit.leaves_") else finding.code
            raise IntegrityFault(code, got=finding.subject, detail=finding.detail)
        return replay

    def _open(self, batch: int) -> BinaryIO:
        """A leaves file from the service's own folder; one that only the mirror has is published again first."""
        if not leaves_path(self.leaves, batch).is_file() and self.mirror is not None:
            reader = PublishedInFolder(self.mirror, self.trust).leaves(batch)
            if reader is not None:
                with reader:
                    publish(leaves_path(self.leaves, batch), [reader.read()])
                self.told.add("leaves_files")
        return open_leaves(self.leaves, batch)

    def _taken(self, signed: SignedStatement, place: OnChain, after: CaseState) -> None:
        statement = signed.statement
        if statement.sequence == 0:
            self._opened_as[statement.case] = statement.kind
        with self.store.read() as tables:
            row = tables.statements.get(signed.digest)
        if row is None:
            self._lost.append((signed, place, after))

    def _fill(self, replay: Replay) -> None:
        """3. Rows in the chain's order."""
        for start in range(0, len(self._lost), GROUP):
            part = self._lost[start : start + GROUP]
            for signed, place, _ in part:
                made = make_room(self.store, self.clock, self.operator, self.trust, signed, place.block)
                self.told.add("refused", len(made))
            receipts = self._receipts_for([signed for signed, _, _ in part], replay)
            group = [
                # A batch's statements are anchored with their batch.
                Restored(signed, after, *receipts[signed.digest], place.block if place.batch is None else None)
                for signed, place, after in part
            ]
            with self.store.write() as tables:
                add_restored(tables, group, self._opened_as)
            self.told.add("statements", len(group))
            self.progress("statements", start + len(group))

    def _receipts_for(self, group: list[SignedStatement], replay: Replay) -> dict[bytes, tuple[Receipt, bytes]]:
        """The holders' receipts, and where none was handed in, new ones by the operator."""
        found: dict[bytes, tuple[Receipt, bytes]] = {}
        for signed in group:
            original = self._original(signed, replay)
            if original is not None:
                found[signed.digest] = original.receipt, original.to_bytes()
        new = [signed for signed in group if signed.digest not in found]
        for digest, data in sign_receipts(self.operator, self.trust, new, self.clock.now_ms()).items():
            found[digest] = parse_receipt_file(data).receipt, data
        self.told.add("receipts_original", len(found) - len(new))
        self.told.add("receipts_signed_anew", len(new))
        return found

    def _original(self, signed: SignedStatement, replay: Replay) -> ReceiptFile | None:
        """The earliest receipt of a holder that holds for this statement."""
        contract = accepting_contract(self.trust, signed.statement)
        sound = []
        for file in self.papers.receipts.get(signed.digest, ()):
            if file.signature.signer != self.operator.number:
                continue
            try:
                check_receipt(file, replay.public_key(file.signature), contract.id, signed)
            except TiezhengError:
                continue
            sound.append(file)
        return min(sound, key=lambda file: file.receipt.received, default=None)

    def _batches(self, replay: Replay) -> None:
        """3. Batches, with the places of their leaves."""
        places: dict[int, list[tuple[int, bytes]]] = {}
        for digest, place in replay.statements.items():
            if place.batch is not None and place.index is not None:
                places.setdefault(place.batch, []).append((place.index, digest))
        for number, batch in sorted(replay.batches.items()):
            with self.store.read() as tables:
                if tables.batches.by_digest(batch.header.digest) is not None:
                    continue
            digests = [digest for _, digest in sorted(places[number])]
            self._add_batch(batch.header, batch.signature, digests, batch)

    def _add_batch(
        self, header: BatchHeader, seal: Signature, digests: list[bytes], anchored: AnchoredBatch | None
    ) -> None:
        now = self.clock.now_ms()
        created = now if anchored is None else anchored.block.time * 1000
        row = BatchRow(
            header.batch, header.to_bytes(), seal.to_bytes(), header.digest, header.first, header.count, created
        )
        with self.store.write() as tables:
            tables.batches.add(row, digests)
            if anchored is not None:
                tables.batches.mark_anchored(header.batch, anchored.block)
        self.told.add("batches")

    def _sealed_batch(self, replay: Replay) -> None:
        """5. The next batch was published and never reached the chain: it is sent as it was sealed, not sealed anew."""
        last = replay.last_headers.get(self.operator.number)
        number = 0 if last is None else last.batch + 1
        with self.store.read() as tables:
            kept = tables.batches.get(number)
        try:
            reader = self._open(number)
        except NotFound:
            return
        with reader:
            file = read_leaves(reader)
            check_follows(last, file.header)
            check_seal(file.header, file.signature, replay.public_key(file.signature), self.deployment.batch.id)
            leaves = list(file.leaves)
        if kept is not None:
            if kept.digest != file.header.digest:
                raise IntegrityFault("recover.conflict", expected=kept.digest, got=file.header.digest, detail="batch")
            return
        for signed in leaves:
            with self.store.read() as tables:
                known = tables.statements.get(signed.digest) is not None
            if not known:
                receipt, data = self._receipts_for([signed], replay)[signed.digest]
                with self.store.write() as tables:
                    take_promised(tables, self.trust, signed, receipt, data, self.clock.now_ms())
                self.told.add("statements")
        self._add_batch(file.header, file.signature, [signed.digest for signed in leaves], None)

    def _receipts(self, replay: Replay) -> None:
        """6. Original receipts in place of later ones."""
        for digest in sorted(self.papers.receipts):
            with self.store.read() as tables:
                row = tables.statements.get(digest)
            if row is None:
                continue
            original = self._original(parse_signed_statement(row.statement, row.signatures), replay)
            if original is None or original.receipt.received >= row.received:
                continue
            receipt = original.receipt
            with self.store.write() as tables:
                tables.statements.put_receipt(digest, original.to_bytes(), receipt.received, receipt.due)
            self.told.add("receipts_original")

    def _refusals(self, replay: Replay) -> None:
        """3. Refusals that were signed in the lost time, the last statement of a case first."""
        given = [digest for digest in self.papers.refusals if digest not in replay.statements]
        with self.store.read() as tables:
            rows = [row for digest in given if (row := tables.statements.get(digest)) is not None]
        for row in sorted(rows, key=lambda one: (one.case, -one.sequence)):
            signed = parse_signed_statement(row.statement, row.signatures)
            contract = accepting_contract(self.trust, signed.statement)
            for file in self.papers.refusals[row.digest]:
                try:
                    check_refusal(file, replay.public_key(file.signature), contract.id, row.digest)
                    with self.store.write() as tables:
                        kept = keep_refusal(tables, file, self.clock.now_ms())
                except TiezhengError as error:
                    self.told.not_taken.append((row.digest, error.code))
                    continue
                self.told.add("refusals", int(kept))
                break

    def _promised(self, replay: Replay) -> None:
        """6. Statements that only their holders have: taken again under their own receipts, in order of their cases."""
        for signed in self._without_row():
            original = self._original(signed, replay)
            if original is None or self._is_refused(signed, replay):
                continue
            try:
                with self.store.write() as tables:
                    now = self.clock.now_ms()
                    take_promised(tables, self.trust, signed, original.receipt, original.to_bytes(), now)
            except TiezhengError as error:
                self.told.not_taken.append((signed.digest, error.code))
                continue
            self.told.add("promises_taken")
        with self.store.read() as tables:
            known = {digest for digest in self.papers.receipts if tables.statements.get(digest) is not None}
        self.told.receipts_without_statement = sorted(
            self.papers.receipts.keys() - known - self.papers.statements.keys()
        )

    def _without_row(self) -> Iterator[SignedStatement]:
        wanted = [signed for digest, signed in self.papers.statements.items() if digest in self.papers.receipts]
        for signed in sorted(wanted, key=lambda one: (one.statement.case, one.statement.sequence)):
            with self.store.read() as tables:
                row = tables.statements.get(signed.digest)
            if row is None:
                yield signed

    def _is_refused(self, signed: SignedStatement, replay: Replay) -> bool:
        """Its holder has the refusal, so nothing is owed."""
        contract = accepting_contract(self.trust, signed.statement)
        for file in self.papers.refusals.get(signed.digest, ()):
            try:
                check_refusal(file, replay.public_key(file.signature), contract.id, signed.digest)
            except TiezhengError:
                continue
            self.told.add("refusals_with_their_holders")
            return True
        return False

    def _contents(self) -> None:
        """7. Contents that bundles disclose whole; the rest is named."""
        after = 0
        while True:
            with self.store.read() as tables:
                page = tables.statements.without_content(after, PAGE)
            for row in page:
                if not self._attach(row):
                    self.told.contents_missing.append(row.digest)
            if len(page) < PAGE:
                return
            after = page[-1].position

    def _checkpoints(self) -> None:
        """7. Checkpoints with their cosignatures, as a mirror kept them, where they are this chain's."""
        for kept in [] if self.mirror is None else PublishedInFolder(self.mirror, self.trust).checkpoints():
            header = kept.header
            block = self.chain.block(header.number)
            with self.store.read() as tables:
                known = tables.proofs.checkpoint(header.number) is not None
            if known or block is None or block.hash != header.hash:
                continue
            with self.store.write() as tables:
                tables.proofs.put_checkpoint(Checkpoint(header.number, header.hash, header.raw, header.timestamp))
                for one in kept.cosignatures:
                    signature = one.signature
                    tables.proofs.put_cosignature(
                        CosignatureRow(header.number, header.hash, signature.signer, one.seen, signature.to_bytes())
                    )
            self.told.add("checkpoints")

    def _attach(self, row: StatementRow) -> bool:
        content = self.papers.contents.get(row.digest)
        if content is None:
            return False
        signed = parse_signed_statement(row.statement, row.signatures)
        try:
            attached = attach_content(self.store, self.vault, self.trust, signed, content)
        except TiezhengError as error:
            self.told.not_taken.append((row.digest, error.code))
            return False
        self.told.add("contents", int(attached))
        return attached
