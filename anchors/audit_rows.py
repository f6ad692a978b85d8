"""The service's database held against the replay: statements, receipts, refusals, contents, cases, members, batches.

Guaranteed: every row that a receipt, a proof or a bundle rests on is compared or verified, and a difference names the
row. Not guaranteed: what nothing commits to, such as the time of an upload; nor that a content that is absent was ever
handed in.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from typing import Final

from anchors.deployment import Deployment
from anchors.findings import Findings
from anchors.replay import OnChain, Replay
from ledger.domain.life import ON_CHAIN, PENDING, Status, lane_of
from ledger.domain.records import CaseRow, StatementRow
from ledger.ports import Store, Tables, Vault
from ledger.services.submit_statement import CONTENT_LABEL
from tiezheng.content import Content, parse_private_json
from tiezheng.errors import TiezhengError, VerificationFailed
from tiezheng.procedures import CaseState, check_step
from tiezheng.receipt import Lane, check_receipt, check_refusal, parse_receipt_file, parse_refusal_file
from tiezheng.statement import SignedStatement, Statement, check_signatures, parse_signed_statement

PAGE: Final = 200
# The worker follows within seconds; a row that is behind by more is not just being read.
_FOLLOWING_BLOCKS: Final = 30
Progress = Callable[[str, int], None]
"""Told what is being looked at, and how many so far."""


@dataclass(slots=True)
class RowAudit:
    """One audit of the database. `height` is the last block of the replay, `now_ms` the time of the audit.

    `wanted_files` gathers, by case, the SM3s of attachments that should be held.
    """

    store: Store
    vault: Vault | None
    deployment: Deployment
    replay: Replay
    height: int
    now_ms: int
    wanted_files: dict[bytes, set[bytes]] = field(default_factory=dict)
    statements: int = 0
    contents: int = 0
    _pending: dict[bytes, list[SignedStatement]] = field(default_factory=dict)
    _seen: set[bytes] = field(default_factory=set)
    _cases: set[bytes] = field(default_factory=set)

    @property
    def findings(self) -> Findings:
        """Where differences go."""
        return self.replay.findings

    def run(self, progress: Progress) -> None:
        """Compare everything."""
        self._members()
        self._batches()
        for row in self._rows():
            self._statement(row)
            self.statements += 1
            progress("statements", self.statements)
        for digest in self.replay.statements.keys() - self._seen:
            self.findings.add("audit.row_missing", f"statement {digest.hex()}")
        for count, case in enumerate(sorted(self._cases | self.replay.cases.keys()), 1):
            self._case(case)
            progress("cases", count)

    def _rows(self) -> Iterator[StatementRow]:
        """All statement rows; one that cannot even be read is a finding and is stepped over."""
        after, limit = 0, PAGE
        while True:
            try:
                with self.store.read() as tables:
                    page = tables.statements.all(after, limit)
            except (ValueError, TypeError, TiezhengError) as error:
                if limit == 1:
                    self.findings.add("audit.row_altered", f"statement row after {after}", type(error).__name__)
                    after += 1
                limit = 1
                continue
            if not page:
                return
            yield from page
            after, limit = page[-1].position, PAGE

    def _statement(self, row: StatementRow) -> None:
        subject = f"statement {row.digest.hex()}"
        self._seen.add(row.digest)
        self._cases.add(row.case)
        try:
            signed = parse_signed_statement(row.statement, row.signatures)
        except TiezhengError as error:
            self.findings.add("audit.row_altered", subject, error.code)
            return
        for name in _differing_columns(row, signed):
            self.findings.add("audit.row_altered", subject, name)
        if signed.digest != row.digest:
            return
        place = self.replay.statements.get(row.digest)
        self._place(row, place, subject)
        if place is None or place.signatures != row.signatures:
            contract = self.deployment.batch if row.lane is Lane.BATCH else self.deployment.registry
            with self.findings.noting("audit.row_altered", subject):
                check_signatures(signed, contract.id, self.replay.public_key)
        with self.store.read() as tables:
            self._receipt(tables, row, signed, subject)
            if row.status is Status.REFUSED:
                self._refusal(tables, row, subject)
            self._content(tables, row, signed.statement, subject)
        if row.status in PENDING:
            self._pending.setdefault(row.case, []).append(signed)

    def _place(self, row: StatementRow, place: OnChain | None, subject: str) -> None:
        """Where the database says that it is anchored, against where it is."""
        if row.status in ON_CHAIN:
            if row.block_number is not None and row.block_number > self.height:
                return  # anchored after the replay's last block
            if place is None:
                self.findings.add("audit.row_extra", subject)
                return
            told = (row.block_number, row.block_time, row.batch, row.batch_index)
            if told != (place.block.number, place.block.time, place.batch, place.index):
                self.findings.add("audit.row_altered", subject, "block or batch")
        elif place is not None and row.status is Status.REFUSED:
            self.findings.add("audit.refusal_altered", subject, "anchored")
        elif place is not None and self.height - place.block.number > _FOLLOWING_BLOCKS:
            self.findings.add("audit.row_altered", subject, f"status {row.status.value}, but anchored")
        elif place is None and row.status in PENDING and row.due < self.now_ms:
            self.findings.add("audit.overdue", subject)

    def _receipt(self, tables: Tables, row: StatementRow, signed: SignedStatement, subject: str) -> None:
        file = tables.statements.receipt(row.digest)
        if file is None:
            self.findings.add("audit.receipt_altered", subject, "missing")
            return
        contract = self.deployment.batch if row.lane is Lane.BATCH else self.deployment.registry
        with self.findings.noting("audit.receipt_altered", subject):
            parsed = parse_receipt_file(file)
            receipt = check_receipt(parsed, self.replay.public_key(parsed.signature), contract.id, signed)
            if (receipt.received, receipt.due, receipt.lane) != (row.received, row.due, row.lane):
                self.findings.add("audit.row_altered", subject, "received, due or lane")

    def _refusal(self, tables: Tables, row: StatementRow, subject: str) -> None:
        stored = tables.refusals.get(row.digest)
        if stored is None:
            self.findings.add("audit.refusal_altered", subject, "missing")
            return
        contract = self.deployment.batch if row.lane is Lane.BATCH else self.deployment.registry
        with self.findings.noting("audit.refusal_altered", subject):
            file = parse_refusal_file(stored.file)
            check_refusal(file, self.replay.public_key(file.signature), contract.id, row.digest)
            told = (stored.reason, stored.block_number, stored.block_hash)
            if told != (file.reason, file.block_number, file.block_hash):
                raise VerificationFailed("receipt.mismatch", detail="refusal's columns")

    def _content(self, tables: Tables, row: StatementRow, statement: Statement, subject: str) -> None:
        sealed = tables.statements.content(row.digest)
        if sealed is None or self.vault is None:
            return
        with self.findings.noting("audit.content_altered", subject):
            content = parse_private_json(self.vault.open(row.case, CONTENT_LABEL + row.digest, sealed))
            if content.root != statement.content:
                raise VerificationFailed("content.root_mismatch", expected=statement.content, got=content.root)
            self.contents += 1
            not_held = set(tables.statements.not_held(row.digest))
            self.wanted_files.setdefault(row.case, set()).update(_attached(content) - not_held)

    def _case(self, case: bytes) -> None:
        """The case's row against the rebuilt state, moved on by what is accepted and not yet anchored."""
        subject = f"case {case.hex()}"
        state = self.replay.cases.get(case)
        for signed in sorted(self._pending.get(case, ()), key=lambda one: one.statement.sequence):
            if signed.digest in self.replay.statements:
                continue
            if lane_of(signed.statement) is Lane.BATCH:
                return
            table = signed.statement.previous if state is None else state.table
            procedure = self.replay.procedures.get(table)
            if procedure is None:
                return
            try:
                step = check_step(
                    procedure, state, signed, self.replay, self.replay.book, at_seconds=self.now_ms // 1000
                )
                state = step.state
            except TiezhengError:
                return  # it will be refused, and the case set back
        with self.store.read() as tables:
            row = tables.cases.get(case)
            differences = _case_differences(row, state)
            if not differences:
                return
            standing = {one.digest for one in tables.statements.of_case(case)}
        pending = {one.digest for one in self._pending.get(case, ())}
        if not standing <= self._seen or not pending <= standing:
            return  # the case moved on while the audit ran
        for difference in differences:
            self.findings.add("audit.case_altered", subject, difference)

    def _members(self) -> None:
        with self.store.read() as tables:
            stored = {(row.number, row.key_index): row for row in tables.members.all_keys()}
        for place in sorted(stored.keys() | self.replay.keys.keys()):
            if stored.get(place) != self.replay.keys.get(place):
                detail = "missing" if place not in stored else "not on chain" if place not in self.replay.keys else ""
                self.findings.add("audit.member_altered", f"key {place[0]}/{place[1]}", detail)
        for number, institution in self.replay.institutions.items():
            with self.store.read() as tables:
                if tables.members.institution(number) != institution:
                    self.findings.add("audit.member_altered", f"institution {number}")
        for digest, table in self.replay.tables.items():
            with self.store.read() as tables:
                if tables.registries.table(digest) != table:
                    self.findings.add("audit.member_altered", f"table {digest.hex()}")

    def _batches(self) -> None:
        for number, batch in self.replay.batches.items():
            with self.store.read() as tables:
                row = tables.batches.get(number)
            if row is None:
                self.findings.add("audit.row_missing", f"batch {number}")
                continue
            told = (row.header, row.signature, row.digest, row.count, row.first)
            header = batch.header
            own = (header.to_bytes(), batch.signature.to_bytes(), header.digest, header.count, header.first)
            if told != own or row.block_number not in (None, batch.block.number):
                self.findings.add("audit.row_altered", f"batch {number}")


def _differing_columns(row: StatementRow, signed: SignedStatement) -> list[str]:
    """Columns that do not repeat what the statement's bytes say."""
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
    return [name for name, value in expected.items() if getattr(row, name) != value]


def _case_differences(row: CaseRow | None, state: CaseState | None) -> list[str]:
    """What the case's row says otherwise than the rebuilt state."""
    if row is None:
        return [] if state is None else ["missing"]
    if state is None:
        return ["not on chain"]
    return [one.name for one in fields(CaseState) if getattr(row.after, one.name) != getattr(state, one.name)]


def _attached(content: Content) -> set[bytes]:
    return {attachment.digests.sm3 for attachment in content.attachments}
