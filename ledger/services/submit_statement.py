"""Accept a signed statement: check it, store it durably, answer with a signed receipt.

Guaranteed: idempotent by digest (the same bytes again give the same receipt, also after a crash before the answer); the
bytes that were signed are stored as received, never rebuilt. Not guaranteed: that the chain takes the statement; by the
receipt's `due` it is anchored, or there is a signed refusal.
"""

from collections.abc import Callable, Sequence
from typing import Final

from ledger.domain.accepting import accepting_contract
from ledger.ports import Clock, OperatorSigner, Store, Vault
from ledger.services.case_states import block_seconds, check_position, next_step
from ledger.services.check_statement import (
    check_attachments,
    check_content,
    check_signatures,
    parse_content,
    procedure_for,
    unused_claims,
)
from ledger.services.commit_group import Accepted, GroupCommitter, Prepared
from ledger.services.known_members import KnownMembers
from ledger.services.known_records import KnownRecords
from tiezheng.errors import Refused
from tiezheng.procedures import check_occurred, kind_of
from tiezheng.statement import parse_signed_statement, plan_of
from tiezheng.trust import Trust

CONTENT_LABEL: Final = b"tiezheng/content"


class SubmitStatement:
    """The one way into the ledger. Called from many threads; `close` when the service stops."""

    def __init__(self, store: Store, vault: Vault, clock: Clock, signer: OperatorSigner, trust: Trust) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._trust = trust
        self._committer = GroupCommitter(store, clock, signer, trust)

    def submit(
        self,
        statement: bytes,
        signatures: bytes,
        content: bytes | None = None,
        not_held: Sequence[bytes] = (),
        institution: int | None = None,
    ) -> Accepted:
        """Statement (183 bytes), joined signatures (70 bytes each), private content (canonical JSON) or None.

        `not_held` are SM3s of attachments that the institution keeps itself. `institution` is the caller's, who may
        submit its own statements alone; None for a caller that is trusted to have checked. Raises the errors of the
        checks, Conflict `case.position_taken`, Refused, Unavailable `chain.backlog`.
        """
        # 1. Form.
        signed = parse_signed_statement(statement, signatures)
        own = signed.statement.institution
        if institution is not None and institution != own:
            raise Refused("auth.forbidden", expected=own, got=institution)
        parsed = None if content is None else parse_content(content)
        unused_claims(parsed, not_held)
        now = self._clock.now_ms()
        with self._store.read() as tables:
            # 2. The same again.
            stored = tables.statements.receipt(signed.digest)
            if stored is not None:
                return Accepted(signed.digest, stored, new=False)
            # 3. Place, order, keys, by the kernel's rules; judged again in the transaction that writes.
            members = KnownMembers(tables.members)
            before = tables.cases.get(signed.statement.case)
            accepting_contract(self._trust, signed.statement)
            procedure = procedure_for(self._trust, signed.statement, before)
            kind = kind_of(procedure, signed.statement)
            check_occurred(kind, signed.statement.occurred)
            check_position(tables, before, signed)
            if before is None or signed.statement.sequence == before.after.sequence + 1:
                records = KnownRecords(tables, self._trust, signed.statement.domain)
                next_step(procedure, before, signed, members, records, block_seconds(tables, now))
            # 4. Signatures.
            check_signatures(self._trust, members, signed)
            # 5. Content.
            if parsed is not None:
                check_content(parsed, signed.statement, kind, plan_of(signed.signatures))
                check_attachments(parsed, signed.statement.case, tables.files, not_held)
        # 6. Sealed before the transaction, which a new case key must not wait for.
        case = signed.statement.case
        sealed = None if content is None else self._vault.seal(case, CONTENT_LABEL + signed.digest, content)
        return self._committer.commit(
            Prepared(signed, bytes(statement), bytes(signatures), parsed, sealed, tuple(not_held))
        )

    def watch_groups(self, watch: Callable[[int, float], None]) -> None:
        """Have `watch` told of each commit group: statements, seconds."""
        self._committer.watch = watch

    def close(self) -> None:
        """Finish what waits and stop the committer."""
        self._committer.close()
