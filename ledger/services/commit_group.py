"""Group commit: statements that arrive together share one transaction and one receipt signature for each contract.

Guaranteed: a caller gets its receipt only after the transaction is durable, and the receipt that was stored; a
statement that fails harms no neighbour; after a crash there is either no trace of a group or all of it. Not guaranteed:
an order among statements that arrive together, but for those of one case, which are taken in order of sequence.

1. A caller hands in what it prepared and waits.
2. The committer takes what waits, at most `GROUP_MAX`, after a few milliseconds of company.
3. In one write transaction it judges each by the state of its case, and builds all receipts; the root of each accepting
   contract's receipts is signed; rows are written; commit.
4. Each caller gets its receipt, or its own refusal.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Final

from ledger.domain.accepting import accepting_contract
from ledger.domain.life import due, lane_of
from ledger.domain.limits import BACKLOG_MAX, BACKLOG_RETRY_SECONDS, GROUP_MAX, GROUP_WAIT_SECONDS
from ledger.domain.records import CaseRow, NewStatement
from ledger.ports import Clock, OperatorSigner, Store, Tables
from ledger.services.case_states import block_seconds, case_after, check_position, next_step
from ledger.services.check_statement import check_attachments, procedure_for
from ledger.services.known_members import KnownMembers
from ledger.services.known_records import KnownRecords
from tiezheng.content import Content
from tiezheng.errors import Conflict, TiezhengError, Unavailable
from tiezheng.receipt import ReceiptFile, group_receipts, receipt_for, receipt_message
from tiezheng.signature import ROLE_INSTITUTION, Signature
from tiezheng.statement import SignedStatement
from tiezheng.trust import Trust

# How long a caller waits for its group before it hears that the service is busy.
ANSWER_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Accepted:
    """The outcome: evidence id, receipt file, and whether it is new."""

    digest: bytes
    receipt: bytes
    new: bool


@dataclass(slots=True)
class Prepared:
    """A statement whose signatures and content hold, waiting for its place. `sealed` is the encrypted content."""

    signed: SignedStatement
    statement: bytes
    signatures: bytes
    content: Content | None
    sealed: bytes | None
    not_held: tuple[bytes, ...]
    outcome: "Future[Accepted]" = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class _Judged:
    prepared: Prepared
    after: CaseRow


def _unwatched(_statements: int, _seconds: float) -> None:
    """Nobody counts groups."""


class GroupCommitter:
    """One thread that commits groups. `close` lets it finish what waits.

    `watch` is told of each group how many statements it had and how many seconds it took.
    """

    def __init__(self, store: Store, clock: Clock, signer: OperatorSigner, trust: Trust) -> None:
        self._store = store
        self._clock = clock
        self._signer = signer
        self._trust = trust
        self._waiting: SimpleQueue[Prepared | None] = SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self.watch: Callable[[int, float], None] = _unwatched
        self._thread = threading.Thread(target=self._run, name="group-committer", daemon=True)
        self._thread.start()

    def commit(self, prepared: Prepared) -> Accepted:
        """Wait for the group. Raises what refuses the statement, Unavailable `service.unavailable` when closing."""
        with self._gate:
            if self._closed:
                raise Unavailable("service.unavailable", detail="closing")
            self._waiting.put(prepared)
        try:
            return prepared.outcome.result(timeout=ANSWER_SECONDS)
        except TimeoutError as error:
            raise Unavailable("service.unavailable", detail="busy; submit the same bytes again") from error

    def close(self) -> None:
        """Commit what waits, then stop. Harmless when repeated."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            group, ended = self._gather()
            if group:
                begun = monotonic()
                self._settle(group)
                self.watch(len(group), monotonic() - begun)
            if ended:
                return

    def _gather(self) -> tuple[list[Prepared], bool]:
        first = self._waiting.get()
        if first is None:
            return [], True
        group = [first]
        until = monotonic() + GROUP_WAIT_SECONDS
        while len(group) < GROUP_MAX:
            try:
                item = self._waiting.get(timeout=max(0.0, until - monotonic()))
            except Empty:
                break
            if item is None:
                return group, True
            group.append(item)
        return group, False

    def _settle(self, group: Sequence[Prepared]) -> None:
        ordered = sorted(group, key=lambda item: (item.signed.statement.case, item.signed.statement.sequence))
        try:
            answers = self._write(ordered)
        except Unavailable as error:
            # The database is busy or away, for all alike: one by one would wait for it as often as there are callers.
            for item in ordered:
                item.outcome.set_exception(error)
            return
        except Exception as error:  # noqa: BLE001  any failure is handed to the callers that it belongs to
            if len(group) == 1:
                group[0].outcome.set_exception(error)
                return
            # The transaction was rolled back as a whole: one by one, so that only the cause fails.
            for item in ordered:
                self._settle([item])
            return
        for item, answer in zip(ordered, answers, strict=True):
            if isinstance(answer, Accepted):
                item.outcome.set_result(answer)
            else:
                item.outcome.set_exception(answer)

    def _write(self, group: Sequence[Prepared]) -> list[Accepted | TiezhengError]:
        now = self._clock.now_ms()
        refused: dict[int, TiezhengError] = {}
        with self._store.write() as tables:
            judging = _Judging(tables, self._trust, now)
            for at, item in enumerate(group):
                try:
                    judging.add(item)
                except TiezhengError as error:
                    refused[at] = error
            receipts = self._receipts([one.prepared.signed for one in judging.judged.values()], now)
            if judging.judged:
                tables.statements.add(
                    [_new_statement(one, receipts[digest], now) for digest, one in judging.judged.items()]
                )
        answers: list[Accepted | TiezhengError] = []
        for at, item in enumerate(group):
            digest = item.signed.digest
            if at in refused:
                answers.append(refused[at])
            elif digest in judging.stored:
                answers.append(Accepted(digest, judging.stored[digest], new=False))
            else:
                answers.append(Accepted(digest, receipts[digest], new=judging.judged[digest].prepared is item))
        return answers

    def _receipts(self, accepted: Sequence[SignedStatement], now: int) -> dict[bytes, bytes]:
        files: dict[bytes, bytes] = {}
        by_contract: dict[bytes, list[SignedStatement]] = {}
        for signed in accepted:
            by_contract.setdefault(accepting_contract(self._trust, signed.statement).id, []).append(signed)
        for contract_id, group in by_contract.items():
            receipts = [receipt_for(signed, now, due(now), lane_of(signed.statement)) for signed in group]
            root, paths = group_receipts(receipts)
            r_s = self._signer.sign(receipt_message(root, self._signer.number, contract_id))
            signature = Signature(self._signer.number, ROLE_INSTITUTION, self._signer.key_index, r_s)
            for index, (signed, receipt, path) in enumerate(zip(group, receipts, paths, strict=True)):
                file = ReceiptFile(receipt, index, len(group), tuple(path), signature)
                files[signed.digest] = file.to_bytes()
        return files


class _Judging:
    """Judges the statements of one group in turn, each on the state that those before it leave."""

    def __init__(self, tables: Tables, trust: Trust, now: int) -> None:
        self.judged: dict[bytes, _Judged] = {}
        self.stored: dict[bytes, bytes] = {}
        self._tables = tables
        self._trust = trust
        self._now = now
        self._members = KnownMembers(tables.members)
        self._at_seconds = block_seconds(tables, now)
        self._room = BACKLOG_MAX - tables.statements.backlog()
        self._states: dict[bytes, CaseRow | None] = {}
        self._places: dict[tuple[bytes, int], bytes] = {}
        self._known: dict[int, KnownRecords] = {}

    def add(self, item: Prepared) -> None:
        """Judge one; raises what refuses it."""
        statement = item.signed.statement
        if statement.digest in self.judged:
            return
        stored = self._tables.statements.receipt(statement.digest)
        if stored is not None:
            self.stored[statement.digest] = stored
            return
        if statement.case not in self._states:
            self._states[statement.case] = self._tables.cases.get(statement.case)
        before = self._states[statement.case]
        holder = self._places.get((statement.case, statement.sequence))
        if holder is not None:
            raise Conflict("case.position_taken", expected=holder, got=statement.digest)
        check_position(self._tables, before, item.signed)
        procedure = procedure_for(self._trust, statement, before)
        records = self._records(statement.domain)
        step = next_step(procedure, before, item.signed, self._members, records, self._at_seconds)
        after = case_after(before, step, statement, self._now)
        if item.content is not None:
            check_attachments(item.content, statement.case, self._tables.files, item.not_held)
        if len(self.judged) >= self._room:
            raise Unavailable("chain.backlog", retry_after_seconds=BACKLOG_RETRY_SECONDS)
        self.judged[statement.digest] = _Judged(item, after)
        records.take(step)
        self._states[statement.case] = after
        self._places[statement.case, statement.sequence] = statement.digest

    def _records(self, domain: int) -> KnownRecords:
        if domain not in self._known:
            self._known[domain] = KnownRecords(self._tables, self._trust, domain)
        return self._known[domain]


def _new_statement(judged: _Judged, receipt: bytes, now: int) -> NewStatement:
    item = judged.prepared
    statement = item.signed.statement
    return NewStatement(
        digest=statement.digest,
        statement=item.statement,
        signatures=item.signatures,
        lane=lane_of(statement),
        kind=statement.kind,
        case=statement.case,
        sequence=statement.sequence,
        institution=statement.institution,
        counterparty=statement.counterparty,
        subject=statement.subject,
        terms=statement.terms,
        occurred=statement.occurred,
        received=now,
        due=due(now),
        receipt=receipt,
        content=item.sealed,
        state_after=judged.after,
        not_held=item.not_held,
    )
