"""Accept a signed statement: check it, store it durably, answer with a signed receipt.

Guaranteed: idempotent by digest (the same bytes again give the same receipt, also after a crash before the answer); the
bytes that were signed are stored as received, never rebuilt. Not guaranteed: that the chain takes the statement; by the
receipt's `due` it is anchored, or there is a signed refusal.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final

from ledger.ports import Clock, OperatorSigner, Store, Vault
from ledger.services.check_group import CONTENT_LABEL, Accepted, Prepared
from ledger.services.check_statement import check_content, parse_content, procedure_for, unused_claims
from ledger.services.commit_group import ANSWER_SECONDS, GroupCommitter
from tiezheng.content import Content
from tiezheng.errors import Refused, Unavailable
from tiezheng.procedures import kind_of
from tiezheng.statement import parse_signed_statement, plan_of
from tiezheng.trust import Trust

__all__ = ["CONTENT_LABEL", "Accepted", "SubmitStatement"]

# A larger content is held to its kind in its caller's thread, so that nobody's group waits for a long record set.
GROUP_CONTENT_MAX: Final = 64 << 10


class SubmitStatement:
    """The one way into the ledger. Called from many threads; `close` when the service stops."""

    def __init__(self, store: Store, vault: Vault, clock: Clock, signer: OperatorSigner, trust: Trust) -> None:
        self._store = store
        self._trust = trust
        self._committer = GroupCommitter(store, vault, clock, signer, trust)

    def submit(
        self,
        statement: bytes,
        signatures: bytes,
        content: bytes | None = None,
        not_held: Sequence[bytes] = (),
        institution: int | None = None,
    ) -> Accepted:
        """As `hand_in`, and wait for the outcome. Raises what refuses the statement."""
        return wait(self.hand_in(statement, signatures, content, not_held, institution))

    def hand_in(
        self,
        statement: bytes,
        signatures: bytes,
        content: bytes | None = None,
        not_held: Sequence[bytes] = (),
        institution: int | None = None,
        credential: bytes | None = None,
        parsed: Content | None = None,
    ) -> "Future[Accepted]":
        """Statement (183 bytes), joined signatures (70 bytes each), private content (canonical JSON) or None.

        `parsed` is what the content's bytes say, where the caller has read them already. `not_held` are SM3s of
        attachments that the institution keeps itself. `institution` is the caller's, who may submit its own statements
        alone; None for a caller that is trusted to have checked; with `credential`, the SM3 of a token, the group finds
        out whose it is. Raises the errors of form; the outcome raises those of the checks, Conflict
        `case.position_taken`, Refused, Unauthorised `auth.invalid`, Unavailable `chain.backlog`.
        """
        signed = parse_signed_statement(statement, signatures)
        own = signed.statement.institution
        if institution is not None and institution != own:
            raise Refused("auth.forbidden", expected=own, got=institution)
        if content is not None and parsed is None:
            parsed = parse_content(content)
        unused_claims(parsed, not_held)
        prepared = Prepared(
            signed,
            bytes(statement),
            bytes(signatures),
            private=content,
            content=parsed,
            not_held=tuple(not_held),
            credential=credential,
            institution=institution,
        )
        if content is not None and len(content) > GROUP_CONTENT_MAX:
            self._check_long_content(prepared)
        return self._committer.put(prepared)

    def watch_groups(self, watch: Callable[[int, float], None]) -> None:
        """Have `watch` told of each commit group: statements, seconds."""
        self._committer.watch = watch

    def close(self) -> None:
        """Finish what waits and stop the committer."""
        self._committer.close()

    def _check_long_content(self, prepared: Prepared) -> None:
        statement = prepared.signed.statement
        with self._store.read() as tables:
            if tables.statements.receipt(statement.digest) is not None:
                return
            before = tables.cases.get(statement.case)
        table = None if before is None else before.after.table
        kind = kind_of(procedure_for(self._trust, statement, table), statement)
        assert prepared.content is not None
        check_content(prepared.content, statement, kind, plan_of(prepared.signed.signatures))
        prepared.checked = True


def wait(outcome: "Future[Accepted]") -> Accepted:
    """The outcome of a hand-in. Raises what refuses it, Unavailable `service.unavailable` after too long a wait."""
    try:
        return outcome.result(timeout=ANSWER_SECONDS)
    except TimeoutError as error:
        raise Unavailable("service.unavailable", detail="busy; submit the same bytes again") from error
