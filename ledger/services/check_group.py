"""The checks of a group of statements before the transaction that takes them: who calls, signatures, contents.

Guaranteed: what passes without a fault has a caller who may submit it, signatures that the accepting contract will find
valid, and a content that its root, its kind's schema and its plan of signers agree with, sealed; whatever fails harms
no neighbour. Not guaranteed: its place in the case, which the writing transaction judges.

1. One read transaction answers for the whole group: callers, receipts of what came before, cases, keys, case keys.
2. Signatures are verified side by side on all cores; the library lets the interpreter go meanwhile.
3. Contents are checked and sealed.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from ledger.domain.accepting import accepting_contract
from ledger.domain.records import CaseRow, Scope
from ledger.ports import Store, Tables, Vault
from ledger.services.case_states import check_position
from ledger.services.check_statement import check_attachments, check_content, check_signatures, procedure_for
from ledger.services.known_members import KnownMembers
from ledger.services.manage_tokens import Caller, caller_of
from ledger.services.permissions import check_participant
from tiezheng.content import Content
from tiezheng.errors import NotFound, Refused, TiezhengError
from tiezheng.procedures import check_occurred, kind_of
from tiezheng.statement import SignedStatement, Statement, plan_of
from tiezheng.trust import Trust

CONTENT_LABEL: Final = b"tiezheng/content"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The outcome: evidence id, receipt file, whether it is new, and the institution that it is of."""

    digest: bytes
    receipt: bytes
    new: bool
    institution: int


@dataclass(slots=True)
class Prepared:
    """A statement that was handed in, on its way through a group.

    `credential` is the SM3 of a token still to be looked up; `institution` the caller's, None for one that is trusted
    to have checked. `private` is the content's canonical JSON; `checked` says that it was held to its kind already.
    `attaches`: the statement is there already, without the content that comes now. The checks fill in `verified`,
    `sealed`, `fresh_key` (the wrapped key of a case that has none yet) and `fault`, what refuses the statement unless a
    rule about its place does so first.
    """

    signed: SignedStatement
    statement: bytes
    signatures: bytes
    private: bytes | None = None
    content: Content | None = None
    not_held: tuple[bytes, ...] = ()
    credential: bytes | None = None
    institution: int | None = None
    checked: bool = False
    verified: bool = False
    sealed: bytes | None = None
    fresh_key: bytes | None = None
    fault: TiezhengError | None = None
    attaches: bool = False
    outcome: "Future[Accepted]" = field(default_factory=Future)

    def accepted(self, receipt: bytes, *, new: bool) -> Accepted:
        """The outcome with this receipt."""
        return Accepted(self.signed.digest, receipt, new, self.signed.statement.institution)


class GroupCheck:
    """Checks groups; `close` ends its threads."""

    def __init__(self, store: Store, vault: Vault, trust: Trust) -> None:
        self._store = store
        self._vault = vault
        self._trust = trust
        self._lanes = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._lanes, "signatures")

    def pass_on(self, group: Sequence[Prepared], now: int) -> list[Prepared]:
        """Those that go to the writing transaction; the others have their outcome."""
        with self._store.read() as tables:
            seen = _Seen(tables, group, now)
            standing = []
            for item in group:
                try:
                    if self._look(tables, seen, item):
                        standing.append(item)
                except TiezhengError as error:
                    item.outcome.set_exception(error)
        self._verify(standing, seen.members)
        for item in standing:
            self._seal(seen, item)
        return standing

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()

    def _look(self, tables: Tables, seen: "_Seen", item: Prepared) -> bool:
        """What one read transaction can tell; False where the outcome is there already."""
        statement = item.signed.statement
        if item.credential is not None:
            item.institution = seen.caller(item.credential).institution
            _check_part(tables, statement.case, item.institution)
        if item.institution is not None and item.institution != statement.institution:
            raise Refused("auth.forbidden", expected=statement.institution, got=item.institution)
        stored = seen.receipts.get(item.signed.digest)
        if stored is not None:
            item.attaches = item.content is not None and tables.statements.content(item.signed.digest) is None
            if not item.attaches:
                item.outcome.set_result(item.accepted(stored, new=False))
                return False
        accepting_contract(self._trust, statement)
        kind = kind_of(procedure_for(self._trust, statement, seen.table(statement)), statement)
        check_occurred(kind, statement.occurred)
        check_position(tables, seen.cases.get(statement.case), item.signed)
        for signature in item.signed.signatures:
            seen.members.row(signature.signer, signature.key_index)
        if item.content is not None:
            with _noting(item):
                if not item.checked:
                    check_content(item.content, statement, kind, plan_of(item.signed.signatures))
                check_attachments(item.content, statement.case, tables.files, item.not_held)
        return True

    def _verify(self, group: Sequence[Prepared], members: KnownMembers) -> None:
        """Every signature. All keys were asked for by now, so that no thread asks the database."""

        def verify(part: Sequence[Prepared]) -> None:
            for item in part:
                try:
                    check_signatures(self._trust, members, item.signed)
                    item.verified = True
                except TiezhengError as error:
                    item.fault = error

        if len(group) < 2 * self._lanes:
            verify(group)
        else:
            list(self._pool.map(verify, [group[lane :: self._lanes] for lane in range(self._lanes)]))

    def _seal(self, seen: "_Seen", item: Prepared) -> None:
        if item.private is None or item.fault is not None:
            return
        case = item.signed.statement.case
        label = CONTENT_LABEL + item.signed.digest
        with _noting(item):
            item.sealed, made = self._vault.seal_first(case, label, item.private, seen.case_key(case))
            if made is not None:
                seen.made[case] = made
            # Whoever uses the key carries it: the neighbour that it was made for may be refused.
            item.fresh_key = seen.made.get(case)


@contextmanager
def _noting(item: Prepared) -> Iterator[None]:
    """What a check refuses inside is kept until the rules, whose reasons come first, have been asked."""
    try:
        yield
    except TiezhengError as error:
        item.fault = error


class _Seen:
    """What one read transaction says about a group, asked for once."""

    def __init__(self, tables: Tables, group: Sequence[Prepared], now: int) -> None:
        self._tables = tables
        self._now = now
        self._callers: dict[bytes, Caller] = {}
        self.members = KnownMembers(tables.members)
        self.receipts = tables.statements.receipts([item.signed.digest for item in group])
        ids = {item.signed.statement.case for item in group}
        self.cases: dict[bytes, CaseRow] = tables.cases.get_many(sorted(ids))
        self._opened = {
            item.signed.statement.case: item.signed.statement.previous
            for item in group
            if item.signed.statement.sequence == 0
        }
        private = {item.signed.statement.case for item in group if item.private is not None}
        self._keys = tables.case_keys.get_many(sorted(private))
        self.made: dict[bytes, bytes] = {}

    def caller(self, credential: bytes) -> Caller:
        """Who may submit with this token. Raises Unauthorised `auth.invalid`, Refused `auth.forbidden`."""
        if credential not in self._callers:
            self._callers[credential] = caller_of(self._tables.tokens.get(credential), self._now)
        caller = self._callers[credential]
        caller.require(Scope.SUBMIT)
        return caller

    def table(self, statement: Statement) -> bytes | None:
        """The table that the case is pinned to, or will be by the opening in the same group; None for no such case."""
        before = self.cases.get(statement.case)
        return self._opened.get(statement.case) if before is None else before.after.table

    def case_key(self, case: bytes) -> bytes | None:
        """The case's wrapped key, or the one just made for a neighbour. Raises NotFound `content.erased`."""
        if case in self._keys:
            wrapped = self._keys[case]
            if wrapped is None:
                raise NotFound("content.erased")
            return wrapped
        return self.made.get(case)


def _check_part(tables: Tables, case: bytes, institution: int) -> None:
    """Another institution's case looks like one that does not exist. Raises NotFound `case.not_found`."""
    try:
        check_participant(tables, case, institution)
    except Refused as error:
        if error.code != "case.not_participant":
            raise
        raise NotFound("case.not_found", got=case) from None
