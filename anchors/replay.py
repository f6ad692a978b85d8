"""Replay: the whole ledger rebuilt from the chain's events and the published leaves, nothing else.

Guaranteed: every signature of every statement, batch header, admission and revocation is verified again by the kernel,
every step is judged by the kernel's rules on the rebuilt state, and every leaf is held to its anchored header. What
does not hold is a finding; the replay goes on. Not guaranteed: that the node gave all events; `anchors.audit_chain`
proves the rebuilt state under a block header.

In a block, keys end in the order of the events, as in the contract. A statement in a batch counts by the block's time.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from anchors.contracts import Event
from anchors.deployment import Deployment
from anchors.events import Span
from anchors.findings import Findings, describe
from anchors.follow import table_row
from anchors.members import MEMBER_EVENTS, Change, KeyEnd, member_changes
from anchors.replay_members import MemberDecisions
from ledger.domain.chain_records import BlockRef
from ledger.domain.records import KEY_OPEN, InstitutionRow, KeyRow, MemberStatus, TableRow
from tiezheng.batch import BatchHeader, check_follows, check_seal, parse_batch_header, read_leaves
from tiezheng.errors import NotFound, TiezhengError, VerificationFailed
from tiezheng.procedures import Book, CaseState, Procedure, check_batch_step, check_step
from tiezheng.signature import PublicKey, Signature
from tiezheng.statement import SignedStatement, check_signatures, parse_signed_statement
from tiezheng.storage_words import RecordBit, RecordWord, case_tag

OpenLeaves = Callable[[int], BinaryIO]
"""Opens the leaves file of a batch. Raises NotFound `audit.leaves_missing`."""


@dataclass(frozen=True, slots=True)
class OnChain:
    """A statement as the chain (or an anchored batch) has it. `batch` and `index` are None in the registry lane."""

    signatures: bytes
    block: BlockRef
    batch: int | None = None
    index: int | None = None


@dataclass(frozen=True, slots=True)
class AnchoredBatch:
    """A batch header of the operator with its seal, and where it is anchored."""

    header: BatchHeader
    signature: Signature
    block: BlockRef


@dataclass(frozen=True, slots=True)
class _Key:
    """A key at one moment of the replay."""

    row: KeyRow
    active: bool

    @property
    def institution(self) -> int:
        return self.row.institution

    @property
    def role(self) -> int:
        return self.row.role

    @property
    def custody(self) -> int:
        return self.row.custody

    @property
    def institution_active(self) -> bool:
        return self.active

    def valid(self, at_seconds: int) -> bool:
        return self.row.valid_until == KEY_OPEN and self.row.valid_from <= at_seconds


@dataclass(slots=True)
class Replay:
    """The rebuilt ledger, fed span by span; then `finish`."""

    deployment: Deployment
    procedures: dict[bytes, Procedure]
    open_leaves: OpenLeaves
    findings: Findings
    keys: dict[tuple[int, int], KeyRow] = field(default_factory=dict)
    statements: dict[bytes, OnChain] = field(default_factory=dict)
    institutions: dict[int, InstitutionRow] = field(default_factory=dict)
    tables: dict[bytes, TableRow] = field(default_factory=dict)
    book: Book = field(default_factory=Book)
    batches: dict[int, AnchoredBatch] = field(default_factory=dict)
    signatures_checked: int = 0
    _decisions: MemberDecisions = field(init=False)
    _last: dict[int, BatchHeader] = field(default_factory=dict)
    _uses_in_batches: dict[tuple[int, int], list[tuple[str, int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._decisions = MemberDecisions(self.deployment, self.findings)

    def feed(self, span: Span) -> None:
        """Take the events of a range of blocks, in order, each once."""
        changes = iter(member_changes((event for event, _ in span.events), self._affiliation, self.institutions.get))
        for event, block in span.events:
            if event.name in MEMBER_EVENTS:
                self._change(next(changes))
            elif event.name in ("TableRegistered", "TableEnded"):
                self._take_table(event)
            elif event.name == "RegistryClosed":
                self.book.closed = True
            elif event.name == "StatementRecorded":
                self._take_statement(event, block)
            elif event.name == "BatchAnchored":
                self._take_batch(event, block)
            self.signatures_checked += self._decisions.check(event, self.public_key)

    def finish(self) -> None:
        """What can be judged only when all is read: in a batch a key must outlive the block (SPEC §12, step 9)."""
        for place, uses in self._uses_in_batches.items():
            for subject, time in uses:
                if self.keys[place].valid_until <= time:
                    self.findings.add("audit.chain_invalid", subject, f"key.not_valid_then: {place[0]}")

    @property
    def cases(self) -> dict[bytes, CaseState]:
        """The rebuilt cases."""
        return self.book.cases

    def key(self, number: int, key_index: int) -> _Key | None:
        """For the kernel's rules."""
        row = self.keys.get((number, key_index))
        if row is None:
            return None
        institution = self.institutions.get(row.institution)
        return _Key(row, institution is not None and institution.status is MemberStatus.ACTIVE)

    def is_member(self, number: int) -> bool:
        """For the kernel's rules."""
        return (number, 0) in self.keys

    def public_key(self, signature: Signature) -> PublicKey:
        """Raises VerificationFailed `key.unknown`."""
        row = self.keys.get((signature.signer, signature.key_index))
        if row is None:
            raise VerificationFailed("key.unknown", got=f"{signature.signer}/{signature.key_index}")
        return PublicKey.parse(row.x + row.y)

    def _affiliation(self, number: int) -> tuple[int, int] | None:
        row = self.keys.get((number, 0))
        return None if row is None else (row.institution, row.role)

    def record_word(self, digest: bytes) -> RecordWord | None:
        """The record that the registry has to keep of a statement (SPEC §8.5)."""
        record, place = self.book.records.get(digest), self.statements.get(digest)
        if record is None or place is None:
            return None
        index = self.tables[self.cases[record.case].table].index
        return RecordWord(
            block_time=place.block.time,
            block_number=place.block.number,
            status=record.status,
            bits=RecordBit(record.status_byte - record.status),
            table_index=index,
            position=record.position,
            case_tag=case_tag(record.case),
        )

    def _change(self, change: Change) -> None:
        if isinstance(change, InstitutionRow):
            self.institutions[change.number] = change
            return
        place = (change.number, change.key_index)
        if isinstance(change, KeyRow):
            self.keys[place] = change
        elif place not in self.keys:
            self.findings.add("audit.chain_invalid", f"key {place[0]}/{place[1]}", "ended or marked, unknown")
        elif isinstance(change, KeyEnd):
            self.keys[place] = replace(self.keys[place], valid_until=change.until, ended_by=change.ended_by)
        else:
            self.keys[place] = replace(self.keys[place], compromised_since=change.since)

    def _take_table(self, event: Event) -> None:
        digest = event.values["digest"]
        row = table_row(event, self.tables.get)
        self.tables[digest] = row
        self.book.register(digest, row.valid_from, row.valid_until)
        if event.name == "TableEnded":
            return
        procedure = self.procedures.get(digest)
        if procedure is None or procedure.table_bytes != event.values["table"]:
            self.findings.add("procedure.unknown", f"table {digest.hex()}", "registered on chain")

    def _take_statement(self, event: Event, block: BlockRef) -> None:
        subject = f"statement {event.values['digest'].hex()}"
        with self.findings.noting("audit.chain_invalid", subject):
            signed = parse_signed_statement(event.values["statement"], event.values["signatures"])
            self.statements[signed.digest] = OnChain(signed.signatures_bytes, block)
            told = (event.values["digest"], event.values["caseId"], event.values["subject"])
            statement = signed.statement
            if told != (signed.digest, statement.case, statement.subject):
                raise VerificationFailed("chain.record_mismatch", detail="topics")
            self._verify(signed, self.deployment.registry.id)
            before = self.cases.get(statement.case)
            table = statement.previous if before is None else before.table
            procedure = self.procedures.get(table)
            if procedure is None:
                raise VerificationFailed("procedure.unknown", got=table)
            self.book.take(check_step(procedure, before, signed, self, self.book, at_seconds=block.time))

    def _take_batch(self, event: Event, block: BlockRef) -> None:
        operator, number = event.values["operator"], event.values["batch"]
        with self.findings.noting("audit.chain_invalid", f"batch {number} of {operator}"):
            header = parse_batch_header(event.values["header"])
            seal = Signature.parse(event.values["signature"])
            if event.values["headerDigest"] != header.digest:
                raise VerificationFailed("chain.record_mismatch", detail="header digest")
            check_follows(self._last.get(operator), header)
            self._last[operator] = header
            check_seal(header, seal, self.public_key(seal), self.deployment.batch.id)
            self.signatures_checked += 1
            if operator != self.deployment.operator:
                return
            self.batches[header.batch] = AnchoredBatch(header, seal, block)
            self._use(seal, f"batch {header.batch}", block)
            self._read_leaves(header, seal, block)

    def _read_leaves(self, header: BatchHeader, seal: Signature, block: BlockRef) -> None:
        """Hold the published file to the anchored header, and verify each of its statements."""
        subject = f"leaves {header.batch:06d}"
        leaves: list[SignedStatement] = []
        try:
            with self.open_leaves(header.batch) as reader:
                file = read_leaves(reader)
                if (file.header, file.signature) != (header, seal):
                    raise VerificationFailed("audit.leaves_mismatch", detail="header or seal")
                leaves.extend(file.leaves)
        except NotFound:
            self.findings.add("audit.leaves_missing", subject)
            return
        except TiezhengError as error:
            self.findings.add("audit.leaves_mismatch", subject, describe(error))
            return
        for index, signed in enumerate(leaves):
            self._take_leaf(header, index, signed, block)

    def _take_leaf(self, header: BatchHeader, index: int, signed: SignedStatement, block: BlockRef) -> None:
        statement = signed.statement
        subject = f"statement {signed.digest.hex()}"
        if signed.digest in self.statements or statement.case in self.cases:
            self.findings.add("audit.chain_invalid", subject, f"repeated, leaf {index} of batch {header.batch}")
            return
        self.statements[signed.digest] = OnChain(signed.signatures_bytes, block, header.batch, index)
        with self.findings.noting("audit.chain_invalid", subject):
            self._verify(signed, self.deployment.batch.id)
            for signature in signed.signatures:
                self._use(signature, subject, block)
            procedure = self.procedures.get(statement.previous)
            if procedure is None or statement.previous not in self.tables:
                raise VerificationFailed("procedure.unknown", got=statement.previous)
            step = check_batch_step(procedure, signed, self, at_seconds=block.time)
            self.book.cases[statement.case] = step.state

    def _verify(self, signed: SignedStatement, contract_id: bytes) -> None:
        check_signatures(signed, contract_id, self.public_key)
        self.signatures_checked += len(signed.signatures)

    def _use(self, signature: Signature, subject: str, block: BlockRef) -> None:
        self._uses_in_batches.setdefault((signature.signer, signature.key_index), []).append((subject, block.time))
