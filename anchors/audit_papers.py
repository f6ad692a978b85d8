"""Receipts and bundles that people hold, against the chain: promises that were broken, papers that contradict it.

Guaranteed: every file of the folders that is, or says that it is, a receipt, a refusal or a bundle is judged: its
signatures, what it says of the chain, and whether the database still has its statement. Not guaranteed: that no refusal
exists that nobody shows; `tiezheng receipts check` makes a proof for others of a promise that was broken.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from anchors.chains.port import Block, Chain
from anchors.deployment import Contract, Deployment
from anchors.findings import Findings
from anchors.progress import Progress
from anchors.receipt_folder import Folder, read_folder
from anchors.replay import Replay
from ledger.ports import Store
from tiezheng.bundle import MAX_BUNDLE_SIZE, Bundle, parse_bundle
from tiezheng.digest import sm3
from tiezheng.errors import NotFound, TiezhengError, VerificationFailed
from tiezheng.evm.header import parse_header
from tiezheng.procedures import InstitutionRole
from tiezheng.receipt import Lane, ReceiptFile, RefusalFile, check_receipt, check_refusal, parse_refusal_file
from tiezheng.signature import RECORD_SIZE
from tiezheng.trust import Trust
from tiezheng.verify import Result, Status, Verdict, Verifier

_BUNDLE: Final = b'"format":"tiezheng/bundle/'


@dataclass(frozen=True, slots=True)
class Papers:
    """Folders of what people hold; None where there is none."""

    receipts: Path | None = None
    bundles: Path | None = None


@dataclass(slots=True)
class PaperAudit:
    """One audit of papers at `now_ms`, with the chain at `head`. Without a trust file bundles are not verified."""

    chain: Chain
    deployment: Deployment
    replay: Replay
    head: Block
    now_ms: int
    trust: Trust | None = None
    store: Store | None = None
    receipts: int = 0
    kept: int = 0
    pending: int = 0
    bundles: int = 0
    _signed: set[tuple[bytes, bytes]] = field(default_factory=set)

    @property
    def findings(self) -> Findings:
        """Where differences go."""
        return self.replay.findings

    def run(self, papers: Papers, progress: Progress) -> None:
        """Judge every file."""
        if papers.receipts is not None:
            folder = read_folder(papers.receipts)
            for path, error in folder.damaged:
                self.findings.add("audit.paper_invalid", f"file {path.name}", error.code, **_file(path))
            for count, (path, file) in enumerate(folder.receipts, 1):
                self._receipt(path, file, folder)
                progress("receipts", count, len(folder.receipts))
        if papers.bundles is not None:
            if not papers.bundles.exists():
                raise NotFound("file.not_found", got=papers.bundles.name)
            paths = sorted(path for path in papers.bundles.rglob("*") if path.is_file())
            verifier = None if self.trust is None else Verifier(self.trust)
            for count, path in enumerate(paths, 1):
                self._bundle_file(path, verifier)
                progress("bundles", count, len(paths))

    def _receipt(self, path: Path, file: ReceiptFile, folder: Folder) -> None:
        self.receipts += 1
        receipt = file.receipt
        contract = self.deployment.batch if receipt.lane is Lane.BATCH else self.deployment.registry
        subject = f"statement {receipt.statement.hex()}"
        told: dict[str, object] = {**_file(path), "received": receipt.received, "due": receipt.due}
        told |= {"lane": int(receipt.lane), "operator": file.signature.signer, "statement": receipt.statement}
        try:
            self._signature(file, contract)
        except TiezhengError as error:
            self.findings.add("audit.paper_invalid", f"file {path.name}", error.code, **told, reason=error.code)
            return
        place = self.replay.statements.get(receipt.statement)
        self._in_database(path, file, subject)
        if place is not None:
            if sm3(bytes([len(place.signatures) // RECORD_SIZE]), place.signatures) != receipt.signatures:
                told |= {**place.evidence, "expected": receipt.signatures}
                self.findings.add("audit.bundle_contradicts", subject, "receipt for other signatures", **told)
            elif place.block.time * 1000 > receipt.due:
                self.findings.add("audit.promise_late", subject, f"file {path.name}", **told, **place.evidence)
            else:
                self.kept += 1
            return
        refused_at = self._refused(receipt.statement, file.signature.signer, contract, folder)
        if refused_at is not None:
            if refused_at * 1000 > receipt.due:
                self.findings.add("audit.promise_late", subject, f"file {path.name}", **told, refused_at=refused_at)
            else:
                self.kept += 1
        elif min(self.now_ms, self.head.time * 1000) <= receipt.due:
            self.pending += 1
        else:
            told |= {"block": self.head.number, "block_hash": self.head.hash, "block_time": self.head.time}
            detail = f"file {path.name}, index {file.index}"
            self.findings.add("audit.promise_broken", subject, detail, **told, contract=contract.id)

    def _signature(self, file: ReceiptFile, contract: Contract) -> None:
        """The operator's, verified once for a group."""
        row = self.replay.key_row(file.signature.signer, file.signature.key_index)
        if row is None or row.role != InstitutionRole.OPERATOR or row.number != row.institution:
            raise VerificationFailed("key.unknown", got=file.signature.signer, detail="no operator's key")
        group = file.root(), file.signature.to_bytes() + contract.id
        if group not in self._signed:
            check_receipt(file, self.replay.public_key(file.signature), contract.id)
            self._signed.add(group)

    def _in_database(self, path: Path, file: ReceiptFile, subject: str) -> None:
        """The service has the statement, and the very receipt that it handed out."""
        if self.store is None:
            return
        digest = file.receipt.statement
        with self.store.read() as tables:
            kept = tables.statements.receipt(digest)
            has_row = tables.statements.get(digest) is not None
        told = {**_file(path), "statement": digest}
        if not has_row:
            if digest not in self.replay.statements:
                self.findings.add("audit.row_missing", subject, f"receipt {path.name}", **told, table="statements")
        elif kept is not None and kept != file.to_bytes():
            digests = {"expected": sm3(file.to_bytes()), "got": sm3(kept)}
            detail = f"not the receipt that was handed out: {path.name}"
            self.findings.add("audit.receipt_altered", subject, detail, **told, **digests, table="receipts")

    def _refused(self, digest: bytes, operator: int, contract: Contract, folder: Folder) -> int | None:
        """When (s) the earliest block stood that a valid refusal names; from the folder or the database."""
        given = list(folder.refusals.get(digest, ()))
        if self.store is not None:
            with self.store.read() as tables:
                kept = tables.refusals.get(digest)
            if kept is not None:
                with self.findings.noting("audit.refusal_altered", f"statement {digest.hex()}", table="refusals"):
                    given += _refusal(kept.file)
        times = []
        for refusal in given:
            block = self.chain.block(refusal.block_number)
            if refusal.signature.signer != operator or block is None or block.hash != refusal.block_hash:
                continue
            try:
                check_refusal(refusal, self.replay.public_key(refusal.signature), contract.id, digest)
            except TiezhengError:
                continue
            times.append(block.time)
        return min(times, default=None)

    def _bundle_file(self, path: Path, verifier: Verifier | None) -> None:
        with path.open("rb") as reader:
            data = reader.read(MAX_BUNDLE_SIZE + 2).removesuffix(b"\n")
        if _BUNDLE not in data[:MAX_BUNDLE_SIZE]:
            return
        self.bundles += 1
        subject, told = f"file {path.name}", _file(path)
        try:
            bundle = parse_bundle(data)
        except TiezhengError as error:
            self.findings.add("audit.paper_invalid", subject, error.code, **told, reason=error.code)
            return
        if bundle.ledger != self.deployment.ledger:
            self.findings.add("audit.bundle_contradicts", subject, "another ledger", **told)
            return
        if verifier is not None:
            verdict = verifier.verify(data, self.now_ms, ())
            if verdict.result is Result.INVALID:
                self.findings.add("audit.paper_invalid", subject, _failed(verdict), **told, verdict="INVALID")
        self._bundle(path, bundle)

    def _bundle(self, path: Path, bundle: Bundle) -> None:
        """What the bundle says of the chain."""
        subject, told = f"file {path.name}", _file(path)
        height: int | None = None
        if bundle.chain is not None:
            with self.findings.noting("audit.paper_invalid", subject, **told):
                header = parse_header(bundle.chain.header)
                height = header.number
                block = self.chain.block(height)
                if block is None or block.hash != header.hash:
                    own = None if block is None else block.hash
                    where = {**told, "block": height, "expected": own, "got": header.hash}
                    where |= {"witnesses": len(bundle.witnesses)}
                    self.findings.add("audit.bundle_contradicts", subject, f"block {height}", **where)
                    return
        for item in bundle.statements:
            digest, place = item.signed.digest, self.replay.statements.get(item.signed.digest)
            named = {**told, "statement": digest}
            if height is not None and place is None:
                detail = f"statement {digest.hex()} is not on the chain"
                self.findings.add("audit.bundle_contradicts", subject, detail, **named, block=height)
            elif place is not None and place.signatures != item.signed.signatures_bytes:
                detail = f"other signatures of statement {digest.hex()}"
                self.findings.add("audit.bundle_contradicts", subject, detail, **named, **place.evidence)
            elif place is None and self._is_lost(digest):
                missing = f"statement {digest.hex()}"
                self.findings.add("audit.row_missing", missing, f"bundle {path.name}", **named, table="statements")

    def _is_lost(self, digest: bytes) -> bool:
        if self.store is None:
            return False
        with self.store.read() as tables:
            return tables.statements.get(digest) is None


def _refusal(data: bytes) -> list[RefusalFile]:
    return [parse_refusal_file(data)]


def _failed(verdict: Verdict) -> str:
    return ", ".join(f"{step.id}: {step.reason_code}" for step in verdict.steps if step.status is Status.FAILED)


def _file(path: Path) -> dict[str, object]:
    return {"file": path.name, "file_sm3": sm3(path.read_bytes())}
