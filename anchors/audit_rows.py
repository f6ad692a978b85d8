"""The service's statements held against the replay: rows, receipts, refusals, contents.

Guaranteed: every row that a receipt, a proof or a bundle rests on is compared or verified, and a difference names the
row; a content that is gone is told apart: erased by a destroyed key, or lost. Not guaranteed: what nothing commits to,
such as the time of an upload, nor that a content was ever handed in: the mark that says so is the database's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from anchors.audit_proofs import ProofAudit
from anchors.audit_register import RegisterAudit
from anchors.deployment import Contract, Deployment
from anchors.findings import Findings
from anchors.progress import Progress
from anchors.replay import OnChain, Replay
from ledger.domain.kept_records import KeptKey, KeptStatement
from ledger.domain.life import ON_CHAIN, PENDING, Status, lane_of
from ledger.domain.records import StatementRow
from ledger.ports import Store, Vault
from ledger.services.submit_statement import CONTENT_LABEL
from tiezheng.content import Content, parse_private_json
from tiezheng.digest import sm3
from tiezheng.errors import TiezhengError, VerificationFailed
from tiezheng.receipt import Lane, check_receipt, check_refusal, parse_receipt_file, parse_refusal_file
from tiezheng.statement import SignedStatement, Statement, case_owner, check_signatures, parse_signed_statement

PAGE: Final = 200
# The worker follows within seconds; a row that is behind by more is not just being read.
_FOLLOWING_BLOCKS: Final = 30
# What reading a row of a tampered database may raise.
_UNREADABLE: Final = (ValueError, TypeError, KeyError, AttributeError, TiezhengError)


@dataclass(slots=True)
class RowAudit:
    """One audit of the database. `height` is the last block of the replay, `now_ms` the time of the audit.

    `wanted_files` gathers, by case, the SM3s of attachments that should be held. `clean` are fingerprints of rows in
    which an earlier audit found nothing; `passed` those in which this one did not, where `marking` asks for them.
    """

    store: Store
    vault: Vault | None
    deployment: Deployment
    replay: Replay
    proofs: ProofAudit
    height: int
    now_ms: int
    clean: set[bytes] = field(default_factory=set)
    passed: set[bytes] = field(default_factory=set)
    wanted_files: dict[bytes, set[bytes]] = field(default_factory=dict)
    erased: dict[bytes, int] = field(default_factory=dict)
    erased_contents: list[bytes] = field(default_factory=list)
    case_of: dict[bytes, bytes] = field(default_factory=dict)
    marking: bool = False
    statements: int = 0
    carried: int = 0
    contents: int = 0
    withheld: int = 0
    unread: int = 0
    seen: set[bytes] = field(default_factory=set)
    _pending: dict[bytes, list[SignedStatement]] = field(default_factory=dict)
    _cases: set[bytes] = field(default_factory=set)
    _receipts: set[tuple[bytes, bytes]] = field(default_factory=set)
    _case_keys: Mapping[bytes, KeptKey] = field(default_factory=dict)
    _institution_keys: Mapping[int, KeptKey] = field(default_factory=dict)
    _lost_keys: set[bytes] = field(default_factory=set)

    @property
    def findings(self) -> Findings:
        """Where differences go."""
        return self.replay.findings

    def run(self, progress: Progress) -> None:
        """Compare everything."""
        with self.store.read() as tables:
            self._case_keys, self._institution_keys = tables.kept.case_keys(), tables.kept.institution_keys()
            total = sum(tables.statements.count_by_status().values())
        self.erased = {case: key.destroyed for case, key in self._case_keys.items() if key.destroyed is not None}
        register = RegisterAudit(self.store, self.replay, self.now_ms)
        register.members()
        register.batches()
        for kept in self._rows():
            self._row(kept)
            self.statements += 1
            progress("statements", self.statements, total)
        for digest in sorted(self.replay.statements.keys() - self.seen):
            place = self.replay.statements[digest]
            told = {**place.evidence, "table": "statements"}
            self.findings.add("audit.row_missing", f"statement {digest.hex()}", "", **told)
        register.cases(self._cases, self._pending, self.seen, progress)

    def _rows(self) -> Iterator[KeptStatement]:
        """All statement rows; one that cannot even be read is a finding and is stepped over."""
        after, limit = 0, PAGE
        while True:
            try:
                with self.store.read() as tables:
                    page = tables.kept.statements(after, limit)
            except _UNREADABLE as error:
                if limit == 1:
                    self.unread += 1
                    subject = f"statement row after {after}"
                    self.findings.add("audit.row_altered", subject, type(error).__name__, table="statements")
                    after += 1
                limit = 1
                continue
            if not page:
                return
            yield from page
            after, limit = page[-1].row.position, PAGE

    def _row(self, kept: KeptStatement) -> None:
        row = kept.row
        self.seen.add(row.digest)
        self._cases.add(row.case)
        place = self.replay.statements.get(row.digest)
        with self.store.read() as tables:
            sealed = tables.statements.content(row.digest)
        mark = self._mark(kept, sealed)
        subject, told = f"statement {row.digest.hex()}", {"table": "statements", "row": row.position}
        before = len(self.findings)
        self._place(row, place, subject, told)
        if mark is not None and mark in self.clean and (place is None or place.signatures == row.signatures):
            self.carried += 1
            self.passed.add(mark)
            return
        self._statement(kept, sealed, place, subject, told)
        if mark is not None and len(self.findings) == before:
            self.passed.add(mark)

    def _mark(self, kept: KeptStatement, sealed: bytes | None) -> bytes | None:
        """Binds all stored bytes of a settled statement, and whether its content could be opened."""
        row = kept.row
        if not self.marking or row.status in PENDING or (row.status is Status.ANCHORED and row.proof_height is None):
            return None
        proofs = b"" if row.proof_height is None else self.proofs.digest(row.proof_height)
        if row.case in self.erased:
            return None  # counted and listed each time
        keys = self._case_keys.get(row.case), self._institution_keys.get(case_owner(row.case))
        opened = "" if self.vault is None else repr(keys)
        return sm3(repr((kept, sealed, opened)).encode(), proofs)

    def _statement(
        self, kept: KeptStatement, sealed: bytes | None, place: OnChain | None, subject: str, told: dict[str, object]
    ) -> None:
        row = kept.row
        try:
            signed = parse_signed_statement(row.statement, row.signatures)
        except TiezhengError as error:
            self.findings.add("audit.row_altered", subject, error.code, **told, reason=error.code)
            return
        for column, expected, got in _differing_columns(kept, signed):
            where = {**told, "column": column, "expected": expected, "got": got}
            self.findings.add("audit.row_altered", subject, column, **where)
        if signed.digest != row.digest:
            return
        contract = self.deployment.batch if row.lane is Lane.BATCH else self.deployment.registry
        if place is None or place.signatures != row.signatures:
            with self.findings.noting("audit.row_altered", subject, **told, column="signatures"):
                check_signatures(signed, contract.id, self.replay.public_key)
        self._receipt(kept, signed, contract, subject)
        if row.status is Status.REFUSED:
            self._refusal(kept, contract, subject)
        self._content(kept, sealed, signed.statement, subject)
        if row.status in PENDING:
            self._pending.setdefault(row.case, []).append(signed)
        with self.findings.noting("audit.proof_altered", subject, **told):
            self.proofs.check(row, signed)

    def _place(self, row: StatementRow, place: OnChain | None, subject: str, told: dict[str, object]) -> None:
        """Where the database says that it is anchored, against where it is."""
        if place is not None:
            told = {**told, **place.evidence}
        if row.status in ON_CHAIN:
            if row.block_number is not None and row.block_number > self.height:
                return  # anchored after the replay's last block
            if place is None:
                self.findings.add("audit.row_extra", subject, "", **told, block=row.block_number)
                return
            own = {
                "block_number": place.block.number,
                "block_time": place.block.time,
                "batch": place.batch,
                "batch_index": place.index,
            }
            for column, expected in own.items():
                if (got := getattr(row, column)) != expected:
                    where = {**told, "column": column, "expected": expected, "got": got}
                    self.findings.add("audit.row_altered", subject, column, **where)
        elif place is not None and row.status is Status.REFUSED:
            self.findings.add("audit.refusal_altered", subject, "anchored", **told)
        elif place is not None and self.height - place.block.number > _FOLLOWING_BLOCKS:
            self.findings.add("audit.row_altered", subject, f"status {row.status.value}, but anchored", **told)
        elif place is None and row.status in PENDING and row.due < self.now_ms:
            self.findings.add("audit.overdue", subject, "", **told, due=row.due, at=self.now_ms)

    def _receipt(self, kept: KeptStatement, signed: SignedStatement, contract: Contract, subject: str) -> None:
        row, told = kept.row, {"table": "receipts", "row": kept.row.digest}
        if kept.receipt is None:
            self.findings.add("audit.receipt_altered", subject, "missing", **told)
            return
        with self.findings.noting("audit.receipt_altered", subject, **told):
            parsed = parse_receipt_file(kept.receipt)
            # One signature covers a whole group; it is verified once, each receipt's path leads to its root.
            group = parsed.root(), parsed.signature.to_bytes() + contract.id
            receipt = parsed.receipt
            if group not in self._receipts:
                check_receipt(parsed, self.replay.public_key(parsed.signature), contract.id)
                self._receipts.add(group)
            if (receipt.statement, receipt.signatures) != (signed.digest, signed.signatures_digest):
                raise VerificationFailed("receipt.mismatch", expected=signed.digest, got=receipt.statement)
            for column in ("received", "due", "lane"):
                expected, got = getattr(receipt, column), getattr(row, column)
                if expected != got:
                    where = {"table": "statements", "row": row.position, "column": column}
                    self.findings.add("audit.row_altered", subject, column, **where, expected=expected, got=got)

    def _refusal(self, kept: KeptStatement, contract: Contract, subject: str) -> None:
        stored, told = kept.refusal, {"table": "refusals", "row": kept.row.digest}
        if stored is None:
            self.findings.add("audit.refusal_altered", subject, "missing", **told)
            return
        with self.findings.noting("audit.refusal_altered", subject, **told):
            file = parse_refusal_file(stored.file)
            check_refusal(file, self.replay.public_key(file.signature), contract.id, kept.row.digest)
            columns = (stored.reason, stored.block_number, stored.block_hash)
            if columns != (file.reason, file.block_number, file.block_hash):
                raise VerificationFailed("receipt.mismatch", detail="refusal's columns")

    def _content(self, kept: KeptStatement, sealed: bytes | None, statement: Statement, subject: str) -> None:
        row, told = kept.row, {"table": "contents", "row": kept.row.digest}
        if row.case in self.erased and (kept.held or sealed is not None):
            self.erased_contents.append(row.digest)
            self.case_of[row.digest] = row.case
            return
        if sealed is None:
            if kept.held:
                self.findings.add("audit.content_missing", subject, "", **told, expected=statement.content)
            else:
                self.withheld += 1
            return
        if not kept.held:
            where = {"table": "statements", "row": row.position, "column": "held"}
            self.findings.add("audit.row_altered", subject, "held", **where, expected=True, got=False)
        if self.vault is None:
            return
        with self.findings.noting("audit.content_altered", subject, **told):
            try:
                opened = self.vault.open(row.case, CONTENT_LABEL + row.digest, sealed)
            except TiezhengError as error:
                if error.code != "vault.key_missing":
                    raise
                self._lost(row.case)
                return
            content = parse_private_json(opened)
            if content.root != statement.content:
                raise VerificationFailed("content.root_mismatch", expected=statement.content, got=content.root)
            self.contents += 1
            self.wanted_files.setdefault(row.case, set()).update(_attached(content) - set(kept.not_held))

    def _lost(self, case: bytes) -> None:
        """The key is gone, and no destruction of it is on record."""
        if case not in self._lost_keys:
            self._lost_keys.add(case)
            self.findings.add("audit.key_lost", f"case {case.hex()}", "", table="wrapped_keys", row=case)


def _differing_columns(kept: KeptStatement, signed: SignedStatement) -> list[tuple[str, object, object]]:
    """Columns that do not repeat what the statement's bytes say: name, expected, got."""
    statement = signed.statement
    expected = {
        "digest": statement.digest,
        "lane": lane_of(statement),
        "kind": statement.kind,
        "case": statement.case,
        "sequence": statement.sequence,
        "institution": statement.institution,
        "counterparty": statement.counterparty,
        "subject": statement.subject,
        "occurred": statement.occurred,
    }
    found = [(name, value, getattr(kept.row, name)) for name, value in expected.items()]
    found.append(("terms", statement.terms if any(statement.terms) else None, kept.terms))
    return [(name, value, got) for name, value, got in found if value != got]


def _attached(content: Content) -> set[bytes]:
    return {attachment.digests.sm3 for attachment in content.attachments}
