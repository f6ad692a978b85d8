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
from anchors.findings import Findings, describe, in_event
from anchors.follow import table_row
from anchors.members import MEMBER_EVENTS, Change, KeyEnd, member_changes
from anchors.replay_members import MemberDecisions
from anchors.signature_checks import Claim, SignatureChecks
from ledger.domain.chain_records import BlockRef
from ledger.domain.records import KEY_OPEN, InstitutionRow, KeyRow, MemberStatus, TableRow
from tiezheng.batch import BatchHeader, check_follows, check_seal, parse_batch_header, read_leaves
from tiezheng.errors import NotFound, TiezhengError, VerificationFailed
from tiezheng.procedures import Book, CaseState, Procedure, check_batch_step, check_step
from tiezheng.signature import PublicKey, Signature
from tiezheng.statement import SignedStatement, message_for, parse_signed_statement
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
    transaction: bytes = b""

    @property
    def evidence(self) -> dict[str, object]:
        """Where anybody finds it."""
        found: dict[str, object] = {"block": self.block.number, "block_hash": self.block.hash}
        if self.batch is not None:
            found |= {"batch": self.batch, "leaf": self.index}
        return found | ({"transaction": self.transaction} if self.transaction else {})


Taken = Callable[[SignedStatement, OnChain, CaseState], None]
"""Told of each statement that passed, where it stands, and its case's state after it."""


@dataclass(frozen=True, slots=True)
class AnchoredBatch:
    """A batch header of the operator with its seal, and where it is anchored."""

    header: BatchHeader
    signature: Signature
    block: BlockRef
    transaction: bytes = b""

    @property
    def evidence(self) -> dict[str, object]:
        """Where anybody finds it."""
        found = {"batch": self.header.batch, "block": self.block.number, "block_hash": self.block.hash}
        return found | {"header_digest": self.header.digest, "root": self.header.root, "transaction": self.transaction}


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
    """The rebuilt ledger, fed span by span; then `finish`. `close` ends what verifies signatures beside it.

    `touched` are cases and `fresh` batches that were fed here, as against those of a state that was kept earlier.
    """

    deployment: Deployment
    procedures: dict[bytes, Procedure]
    open_leaves: OpenLeaves
    findings: Findings
    keys: dict[tuple[int, int], KeyRow] = field(default_factory=dict)
    statements: dict[bytes, OnChain] = field(default_factory=dict)
    institutions: dict[int, InstitutionRow] = field(default_factory=dict)
    tables: dict[bytes, TableRow] = field(default_factory=dict)
    closed: dict[bytes, bytes] = field(default_factory=dict)
    book: Book = field(default_factory=Book)
    batches: dict[int, AnchoredBatch] = field(default_factory=dict)
    last_headers: dict[int, BatchHeader] = field(default_factory=dict)
    jobs: int = 1
    touched: set[bytes] = field(default_factory=set)
    fresh: set[int] = field(default_factory=set)
    kept_signatures: int = 0
    taken: Taken = lambda _signed, _place, _after: None
    decisions: MemberDecisions = field(init=False)
    _checks: SignatureChecks = field(init=False)
    _decided_signatures: int = 0
    _publics: dict[tuple[int, int], PublicKey] = field(default_factory=dict)
    _uses: list[tuple[tuple[int, int], str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.decisions = MemberDecisions(self.deployment, self.findings, self)
        self._checks = SignatureChecks(self.findings, self.jobs)

    @property
    def signatures_checked(self) -> int:
        """How many signatures were verified in this run."""
        return self._checks.checked + self._decided_signatures

    def feed(self, span: Span) -> None:
        """Take the events of a range of blocks, in order, each once."""
        changes = iter(member_changes((event for event, _ in span.events), self._affiliation, self.institutions.get))
        for event, block in span.events:
            if event.name in MEMBER_EVENTS:
                self._change(next(changes), event, block)
            elif event.name in ("TableRegistered", "TableEnded"):
                self._take_table(event, block)
            elif event.name in ("RegistryClosed", "AnchorClosed"):
                self.closed[event.log.address] = bytes.fromhex(event.values["successor"][2:])
                self.book.closed = self.deployment.registry.address in self.closed
            elif event.name == "StatementRecorded":
                self._take_statement(event, block)
            elif event.name == "BatchAnchored":
                self._take_batch(event, block)
            self._decided_signatures += self.decisions.check(event, self.public_key, block)
        self._judge_uses(span.last.time)

    def finish(self) -> None:
        """What can be judged only when all is read."""
        self._checks.finish()

    def close(self) -> None:
        """End other processes."""
        self._checks.close()

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

    def key_row(self, number: int, key_index: int) -> KeyRow | None:
        """The key with its period, as it stands now."""
        return self.keys.get((number, key_index))

    def institution(self, number: int) -> InstitutionRow | None:
        """The institution as it stands now."""
        return self.institutions.get(number)

    def public_key(self, signature: Signature) -> PublicKey:
        """Raises VerificationFailed `key.unknown`."""
        place = (signature.signer, signature.key_index)
        public = self._publics.get(place)
        if public is None:
            row = self.keys.get(place)
            if row is None:
                raise VerificationFailed("key.unknown", got=f"{place[0]}/{place[1]}")
            public = self._publics[place] = PublicKey.parse(row.x + row.y)
        return public

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

    def _change(self, change: Change, event: Event, block: BlockRef) -> None:
        if isinstance(change, InstitutionRow):
            self.institutions[change.number] = change
            return
        place = (change.number, change.key_index)
        if isinstance(change, KeyRow):
            self.keys[place] = change
        elif place not in self.keys:
            subject = f"key {place[0]}/{place[1]}"
            self.findings.add("audit.chain_invalid", subject, "ended or marked, unknown", **in_event(event, block))
        elif isinstance(change, KeyEnd):
            self.keys[place] = replace(self.keys[place], valid_until=change.until, ended_by=change.ended_by)
        else:
            self.keys[place] = replace(self.keys[place], compromised_since=change.since)

    def _take_table(self, event: Event, block: BlockRef) -> None:
        digest = event.values["digest"]
        row = table_row(event, self.tables.get)
        self.tables[digest] = row
        self.book.register(digest, row.valid_from, row.valid_until)
        if event.name == "TableEnded":
            return
        procedure = self.procedures.get(digest)
        if procedure is None or procedure.table_bytes != event.values["table"]:
            where = in_event(event, block)
            self.findings.add("procedure.unknown", f"table {digest.hex()}", "registered on chain", **where)

    def _take_statement(self, event: Event, block: BlockRef) -> None:
        subject = f"statement {event.values['digest'].hex()}"
        where = in_event(event, block)
        with self.findings.noting("audit.chain_invalid", subject, **where):
            signed = parse_signed_statement(event.values["statement"], event.values["signatures"])
            place = OnChain(event.values["signatures"], block, transaction=event.log.transaction)
            self.statements[signed.digest] = place
            told = (event.values["digest"], event.values["caseId"], event.values["subject"])
            statement = signed.statement
            self.touched.add(statement.case)
            if told != (signed.digest, statement.case, statement.subject):
                raise VerificationFailed("chain.record_mismatch", detail="topics")
            self._verify(signed, self.deployment.registry.id, subject, where)
            before = self.cases.get(statement.case)
            table = statement.previous if before is None else before.table
            procedure = self.procedures.get(table)
            if procedure is None:
                raise VerificationFailed("procedure.unknown", got=table)
            step = check_step(procedure, before, signed, self, self.book, at_seconds=block.time)
            self.book.take(step)
            self.taken(signed, place, step.state)

    def _take_batch(self, event: Event, block: BlockRef) -> None:
        operator, number = event.values["operator"], event.values["batch"]
        where = in_event(event, block)
        with self.findings.noting("audit.chain_invalid", f"batch {number} of {operator}", **where):
            header = parse_batch_header(event.values["header"])
            seal = Signature.parse(event.values["signature"])
            if event.values["headerDigest"] != header.digest:
                raise VerificationFailed("chain.record_mismatch", detail="header digest")
            check_follows(self.last_headers.get(operator), header)
            self.last_headers[operator] = header
            check_seal(header, seal, self.public_key(seal), self.deployment.batch.id)
            self._decided_signatures += 1
            if self.deployment.batch.address in self.closed:
                raise VerificationFailed("contract.closed")
            if operator != self.deployment.operator:
                return
            self.batches[header.batch] = AnchoredBatch(header, seal, block, event.log.transaction)
            self.fresh.add(header.batch)
            self._use(seal, f"batch {header.batch}", block)
            self._read_leaves(self.batches[header.batch])

    def _read_leaves(self, batch: AnchoredBatch) -> None:
        """Hold the published file to the anchored header, and verify each of its statements."""
        header = batch.header
        subject = f"leaves {header.batch:06d}"
        leaves: list[SignedStatement] = []
        try:
            with self.open_leaves(header.batch) as reader:
                file = read_leaves(reader)
                if (file.header, file.signature) != (header, batch.signature):
                    raise VerificationFailed(
                        "audit.leaves_mismatch", expected=header.digest, got=file.header.digest, detail="header or seal"
                    )
                leaves.extend(file.leaves)
        except NotFound:
            self.findings.add("audit.leaves_missing", subject, "", **batch.evidence)
            return
        except TiezhengError as error:
            told = {"reason": error.code, "expected": error.expected, "got": error.got}
            self.findings.add("audit.leaves_mismatch", subject, describe(error), **{**batch.evidence, **told})
            return
        for index, signed in enumerate(leaves):
            self._take_leaf(batch, index, signed)

    def _take_leaf(self, batch: AnchoredBatch, index: int, signed: SignedStatement) -> None:
        header, block, statement = batch.header, batch.block, signed.statement
        subject = f"statement {signed.digest.hex()}"
        place = OnChain(signed.signatures_bytes, block, header.batch, index, batch.transaction)
        if signed.digest in self.statements or statement.case in self.cases:
            told = f"repeated, leaf {index} of batch {header.batch}"
            self.findings.add("audit.chain_invalid", subject, told, **place.evidence)
            return
        self.statements[signed.digest] = place
        with self.findings.noting("audit.chain_invalid", subject, **place.evidence):
            self._verify(signed, self.deployment.batch.id, subject, place.evidence)
            for signature in signed.signatures:
                self._use(signature, subject, block)
            procedure = self.procedures.get(statement.previous)
            if procedure is None or statement.previous not in self.tables:
                raise VerificationFailed("procedure.unknown", got=statement.previous)
            step = check_batch_step(procedure, signed, self, at_seconds=block.time)
            self.book.cases[statement.case] = step.state
            self.taken(signed, place, step.state)

    def _verify(self, signed: SignedStatement, contract_id: bytes, subject: str, where: dict[str, object]) -> None:
        count = len(signed.signatures)
        for signature in signed.signatures:
            message = message_for(signed.statement, contract_id, signature.signer, signature.role, count)
            claim = Claim("audit.chain_invalid", subject, signature.signer, where)
            self._checks.add(self.public_key(signature), message, signature.r_s, claim)

    def _use(self, signature: Signature, subject: str, block: BlockRef) -> None:
        self._uses.append(((signature.signer, signature.key_index), subject, block.time))

    def _judge_uses(self, last_time: int) -> None:
        """In a batch a key must outlive the block (SPEC §12, step 9); a later block ends none that stood earlier."""
        for place, subject, time in self._uses:
            if self.keys[place].valid_until <= time:
                told = {"block_time": time, "signer": place[0], "key_index": place[1]}
                self.findings.add("audit.chain_invalid", subject, f"key.not_valid_then: {place[0]}", **told)
        self._uses = [use for use in self._uses if use[2] >= last_time]
