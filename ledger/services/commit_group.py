"""Group commit: statements that arrive together share their checks, one transaction and one receipt signature for each
contract.

Guaranteed: a caller gets its receipt only after the transaction is durable, and the receipt that was stored; a
statement that fails harms no neighbour; after a crash there is either no trace of a group or all of it. Not guaranteed:
an order among statements that arrive together, but for those of one case, which are taken in order of sequence.

1. A caller hands in what it prepared and waits.
2. The committer takes what waits, at most `GROUP_MAX`, after a few milliseconds of company, and checks it.
3. In one write transaction it judges each by the state of its case, and builds all receipts; the root of each accepting
   contract's receipts is signed; rows are written; commit.
4. Each caller gets its receipt, or its own refusal.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Final

from ledger.domain.life import due
from ledger.domain.limits import GROUP_MAX, GROUP_WAIT_SECONDS
from ledger.domain.records import NewStatement, new_statement
from ledger.ports import Clock, OperatorSigner, Store, Tables, Vault
from ledger.services.check_group import CONTENT_LABEL, Accepted, GroupCheck, Prepared
from ledger.services.judge_group import Backlog, GroupJudge, Judged
from ledger.services.sign_receipts import sign_receipts
from tiezheng.errors import NotFound, TiezhengError, Unavailable
from tiezheng.trust import Trust

# How long a caller waits for its group before it hears that the service is busy.
ANSWER_SECONDS: Final = 60.0


def _unwatched(_statements: int, _seconds: float) -> None:
    """Nobody counts groups."""


class GroupCommitter:
    """One thread that commits groups. `close` lets it finish what waits.

    `watch` is told of each group how many statements it had and how many seconds it took.
    """

    def __init__(self, store: Store, vault: Vault, clock: Clock, signer: OperatorSigner, trust: Trust) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._signer = signer
        self._trust = trust
        self._check = GroupCheck(store, vault, trust)
        self._backlog = Backlog()
        self._waiting: SimpleQueue[Prepared | None] = SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self.watch: Callable[[int, float], None] = _unwatched
        self._thread = threading.Thread(target=self._run, name="group-committer", daemon=True)
        self._thread.start()

    def put(self, prepared: Prepared) -> "Future[Accepted]":
        """Let it join the next group. Raises Unavailable `service.unavailable` when closing."""
        with self._gate:
            if self._closed:
                raise Unavailable("service.unavailable", detail="closing")
            self._waiting.put(prepared)
        return prepared.outcome

    def close(self) -> None:
        """Commit what waits, then stop. Harmless when repeated."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._waiting.put(None)
        self._thread.join()
        self._check.close()

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
            standing = self._check.pass_on(ordered, self._clock.now_ms())
            answers = self._write(standing) if standing else []
        except Unavailable as error:
            # The database is busy or away, for all alike: one by one would wait for it as often as there are callers.
            _fail(ordered, error)
            return
        except Exception as error:  # noqa: BLE001  any failure is handed to the callers that it belongs to
            if len(group) == 1:
                _fail(group, error)
                return
            # The transaction was rolled back as a whole: one by one, so that only the cause fails.
            for item in ordered:
                if not item.outcome.done():
                    self._settle([item])
            return
        for item, answer in zip(standing, answers, strict=True):
            if isinstance(answer, Accepted):
                item.outcome.set_result(answer)
            else:
                item.outcome.set_exception(answer)

    def _write(self, group: Sequence[Prepared]) -> list[Accepted | TiezhengError]:
        now = self._clock.now_ms()
        refused: dict[int, TiezhengError] = {}
        with self._store.write() as tables:
            judge = GroupJudge(tables, self._trust, group, now, self._backlog.room(tables))
            for at, item in enumerate(group):
                try:
                    judge.add(item)
                except TiezhengError as error:
                    refused[at] = error
            accepted = [one.prepared.signed for one in judge.judged.values()]
            receipts = sign_receipts(self._signer, self._trust, accepted, now)
            if judge.judged:
                self._keep_keys(tables, [one.prepared for one in judge.judged.values()])
                tables.statements.add(
                    [_new_statement(one, receipts[digest], now) for digest, one in judge.judged.items()]
                )
            self._attach(tables, [item for item in group if item.attaches and item.signed.digest in judge.stored])
        self._backlog.take(len(judge.judged))
        answers: list[Accepted | TiezhengError] = []
        for at, item in enumerate(group):
            digest = item.signed.digest
            if at in refused:
                answers.append(refused[at])
            elif digest in judge.stored and item.attaches and item.fault is not None:
                answers.append(item.fault)
            elif digest in judge.stored:
                answers.append(item.accepted(judge.stored[digest], new=False))
            else:
                answers.append(item.accepted(receipts[digest], new=judge.judged[digest].prepared is item))
        return answers

    def _attach(self, tables: Tables, group: Sequence[Prepared]) -> None:
        """Contents that come after their statements: lost in a restore, or withheld at first."""
        self._keep_keys(tables, [item for item in group if item.sealed is not None])
        for item in group:
            if item.sealed is not None:
                tables.statements.put_content(item.signed.digest, item.sealed, item.not_held)

    def _keep_keys(self, tables: Tables, group: Sequence[Prepared]) -> None:
        """Store the keys of new cases; a content whose case got another key meanwhile is sealed again under that.

        Raises NotFound `content.erased` where a key was destroyed meanwhile: nobody could open what was sealed.
        """
        fresh = {item.signed.statement.case: item.fresh_key for item in group if item.fresh_key is not None}
        kept = tables.case_keys.add(fresh)
        for case in fresh.keys() - kept.keys():
            raise NotFound("content.erased", got=case)
        for item in group:
            case = item.signed.statement.case
            if item.private is not None and case in kept and kept[case] != fresh[case]:
                label = CONTENT_LABEL + item.signed.digest
                item.sealed, _ = self._vault.seal_first(case, label, item.private, kept[case])


def _fail(group: Sequence[Prepared], error: Exception) -> None:
    for item in group:
        if not item.outcome.done():
            item.outcome.set_exception(error)


def _new_statement(judged: Judged, receipt: bytes, now: int) -> NewStatement:
    item = judged.prepared
    stored = item.statement, item.signatures
    return new_statement(item.signed, stored, now, due(now), receipt, judged.after, item.sealed, item.not_held)
