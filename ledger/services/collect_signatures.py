"""Collect the signatures of several signers over one statement.

Guaranteed: the first request fixes the bytes and the plan (who signs in which role, hence how many); each signature is
checked when it comes, so none can be re-roled or counted twice; the last one submits. Signatures may come in any order.
A collection ends after 7 days. Not guaranteed: the position; another statement may take it meanwhile, and then the
submission is refused and signers must sign anew on the new head (`stale` shows it early).
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from ledger.domain.limits import COLLECTION_LIFE_MS, COLLECTIONS_OPEN_MAX
from ledger.domain.records import CollectionRow, CollectionState, PlannedSigner
from ledger.ports import Clock, Store, Tables, Vault
from ledger.services.case_states import block_seconds, check_position
from ledger.services.check_group import Accepted
from ledger.services.check_statement import (
    check_attachments,
    check_content,
    check_signature,
    parse_content,
    procedure_for,
    unused_claims,
)
from ledger.services.known_members import KnownMembers
from ledger.services.submit_statement import SubmitStatement
from tiezheng.errors import Conflict, Malformed, NotFound, Refused
from tiezheng.procedures import Kind, check_occurred, kind_of, signed_roles_fit
from tiezheng.refusals import REASONS
from tiezheng.signature import Signature
from tiezheng.statement import MAX_SIGNATURES, Flag, SignedStatement, Statement, parse_statement
from tiezheng.trust import Trust

ID_SIZE: Final = 16
_LABEL: Final = b"tiezheng/collection"

Plan = Sequence[tuple[int, int]]
"""[(signer, role), …], strictly ascending by signer."""


@dataclass(frozen=True, slots=True)
class CollectionView:
    """A collection as a planned signer's institution sees it: with the private content to recompute the root from.

    `stale` says that the case has moved on, so that these signatures will not be accepted.
    """

    row: CollectionRow
    content: bytes | None
    stale: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """The collection after a request, and the receipt once the last signature has come."""

    row: CollectionRow
    accepted: Accepted | None


class CollectSignatures:
    """Collections of signatures, over the one way in."""

    def __init__(self, store: Store, vault: Vault, clock: Clock, trust: Trust, submit: SubmitStatement) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._trust = trust
        self._submit = submit

    def open(
        self,
        institution: int,
        statement: bytes,
        plan: Plan,
        content: bytes | None,
        signatures: Sequence[bytes] = (),
        not_held: Sequence[bytes] = (),
    ) -> Progress:
        """Start a collection for the caller's institution, with the signatures that are there already (70 bytes each).

        Raises Refused `auth.forbidden`, `collection.too_many`, `key.not_valid_then`, Malformed `collection.plan`, and
        the errors of the checks of statement, content and signatures.
        """
        parsed_statement = parse_statement(statement)
        if parsed_statement.institution != institution:
            raise Refused("auth.forbidden", expected=parsed_statement.institution, got=institution)
        _check_plan_form(plan)
        parsed = None if content is None else parse_content(content)
        unused_claims(parsed, not_held)
        now = self._clock.now_ms()
        with self._store.read() as tables:
            if tables.collections.count_open(institution, now) >= COLLECTIONS_OPEN_MAX:
                raise Refused("collection.too_many", expected=COLLECTIONS_OPEN_MAX)
            kind = self._kind(tables, parsed_statement)
            _check_plan(kind, parsed_statement, plan)
            members = KnownMembers(tables.members)
            places = tuple(PlannedSigner(signer, role, _institution_of(tables, signer)) for signer, role in plan)
            if parsed is not None:
                check_content(parsed, parsed_statement, kind, [list(place) for place in plan])
                check_attachments(parsed, parsed_statement.case, tables.files, not_held)
            at_seconds = block_seconds(tables, now)
            for raw in signatures:
                self._check(members, at_seconds, parsed_statement, places, Signature.parse(raw))
        row = CollectionRow(
            id=secrets.token_bytes(ID_SIZE),
            digest=parsed_statement.digest,
            statement=bytes(statement),
            institution=institution,
            case=parsed_statement.case,
            plan=places,
            content=None,
            created=now,
            expires=now + COLLECTION_LIFE_MS,
            not_held=tuple(not_held),
        )
        sealed = None if content is None else self._vault.seal(row.case, _LABEL + row.id, content)
        with self._store.write() as tables:
            tables.collections.expire(now)
            tables.collections.add(_with_content(row, sealed))
            for raw in signatures:
                tables.collections.put_signature(row.id, raw)
        return self._advance(row.id)

    def sign(self, collection: bytes, signature: bytes, institution: int | None = None) -> Progress:
        """Add one signature (70 bytes). The same signer again is no change, unless the key of the signature that is
        there has ended since. `institution` is the caller's, if it is to be held to its own signers.

        Raises NotFound `collection.not_found`, Conflict `collection.closed`, Refused `collection.not_planned`,
        `key.not_valid_then`, VerificationFailed `signature.invalid`, and as the submission where it is the last one.
        """
        given = Signature.parse(signature)
        now = self._clock.now_ms()
        with self._store.read() as tables:
            row = self._find(tables, collection)
            if row.state is CollectionState.SUBMITTED:
                return self._advance(collection)
            _check_open(row, now)
            members, at_seconds = KnownMembers(tables.members), block_seconds(tables, now)
            self._check(members, at_seconds, parse_statement(row.statement), row.plan, given, institution)
        with self._store.write() as tables:
            row = self._find(tables, collection)
            _check_open(row, now)
            if _wanted(KnownMembers(tables.members), at_seconds, row, given.signer):
                tables.collections.put_signature(collection, signature)
        return self._advance(collection)

    def view(self, collection: bytes, institution: int) -> CollectionView:
        """For the opener and the planned signers' institutions. Raises NotFound `collection.not_found`, also for
        everyone else."""
        with self._store.read() as tables:
            row = self._find(tables, collection)
            if institution not in {row.institution, *(place.institution for place in row.plan)}:
                raise NotFound("collection.not_found")
            stale = _is_stale(tables, row)
        content = None if row.content is None else self._vault.open(row.case, _LABEL + row.id, row.content)
        return CollectionView(row, content, stale)

    def waiting(self, institution: int) -> list[CollectionRow]:
        """Open collections that the institution started or that wait for one of its signers, without contents."""
        with self._store.read() as tables:
            return tables.collections.waiting_for(institution, self._clock.now_ms())

    def withdraw(self, collection: bytes, institution: int) -> None:
        """End an open collection of one's own. Raises NotFound `collection.not_found`, Conflict `collection.closed`."""
        with self._store.write() as tables:
            row = self._find(tables, collection)
            if row.institution != institution:
                raise NotFound("collection.not_found")
            _check_open(row, self._clock.now_ms())
            tables.collections.put_state(collection, CollectionState.WITHDRAWN)

    def _advance(self, collection: bytes) -> Progress:
        # The submission is idempotent by digest, so a crash between it and the mark is healed by the next request.
        with self._store.read() as tables:
            row = self._find(tables, collection)
            receipt = tables.statements.receipt(row.digest) if row.state is CollectionState.SUBMITTED else None
        if receipt is not None:
            return Progress(row, Accepted(row.digest, receipt, new=False, institution=row.institution))
        if row.missing:
            return Progress(row, None)
        joined = b"".join(place.signature for place in row.plan if place.signature is not None)
        content = None
        if row.content is not None:
            content = self._vault.open(row.case, _LABEL + row.id, row.content)
        accepted = self._submit.submit(row.statement, joined, content, row.not_held)
        if row.state is CollectionState.OPEN:
            with self._store.write() as tables:
                tables.collections.put_state(collection, CollectionState.SUBMITTED)
                row = self._find(tables, collection)
        return Progress(row, accepted)

    def _kind(self, tables: Tables, statement: Statement) -> Kind:
        before = tables.cases.get(statement.case)
        table = None if before is None else before.after.table
        kind = kind_of(procedure_for(self._trust, statement, table), statement)
        check_occurred(kind, statement.occurred)
        # The position is judged with any signature in place; form and keys come with the signatures.
        if before is not None and statement.sequence <= before.after.sequence:
            placeholder = SignedStatement(statement, (Signature(statement.institution, 0, 0, bytes(64)),))
            check_position(tables, before, placeholder)
            raise Conflict("statement.recorded", got=statement.digest)
        if before is not None and statement.previous != before.after.head:
            raise Conflict("statement.previous", expected=before.after.head, got=statement.previous)
        return kind

    def _check(
        self,
        members: KnownMembers,
        at_seconds: int,
        statement: Statement,
        places: Sequence[PlannedSigner],
        signature: Signature,
        institution: int | None = None,
    ) -> None:
        place = next((place for place in places if place.signer == signature.signer), None)
        if place is None or place.role != signature.role:
            raise Refused("collection.not_planned", got=f"{signature.signer}/{signature.role}")
        if institution is not None and place.institution != institution:
            raise Refused("auth.forbidden", expected=place.institution, got=institution)
        check_signature(self._trust, members, statement, signature, len(places))
        if not _key_valid(members, at_seconds, signature):
            raise Refused(REASONS["KeyNotValid"].code, got=signature.signer)

    def _find(self, tables: Tables, collection: bytes) -> CollectionRow:
        row = tables.collections.get(collection)
        if row is None:
            raise NotFound("collection.not_found")
        return row


def _check_plan_form(plan: Plan) -> None:
    if not 1 <= len(plan) <= MAX_SIGNATURES:
        raise Malformed("collection.plan", expected=f"1 to {MAX_SIGNATURES}", got=len(plan))
    signers = [signer for signer, _ in plan]
    if signers != sorted(set(signers)):
        raise Malformed("collection.plan", detail="signers ascend and do not repeat")


def _check_plan(kind: Kind, statement: Statement, plan: Plan) -> None:
    """The roles fit, as the statement's signatures will have to."""
    planned = [Signature(signer, role, 0, bytes(64)) for signer, role in sorted(plan)]
    try:
        signed_roles_fit(kind, planned, bool(statement.flags & Flag.IRREGULAR))
    except Refused as error:
        raise Malformed("collection.plan", expected=error.expected, got=error.got) from error


def _institution_of(tables: Tables, signer: int) -> int:
    keys = tables.members.keys(signer)
    if not keys:
        raise NotFound("key.unknown", got=signer)
    return keys[-1].institution


def _key_valid(members: KnownMembers, at_seconds: int, signature: Signature) -> bool:
    key = members.key(signature.signer, signature.key_index)
    return key is not None and key.valid(at_seconds)


def _wanted(members: KnownMembers, at_seconds: int, row: CollectionRow, signer: int) -> bool:
    """Whether the signer's place is free, or holds a signature that the submission would refuse by now."""
    held = next((place.signature for place in row.plan if place.signer == signer), None)
    return held is None or not _key_valid(members, at_seconds, Signature.parse(held))


def _check_open(row: CollectionRow, now: int) -> None:
    if row.state is not CollectionState.OPEN or now >= row.expires:
        raise Conflict("collection.closed", got=row.state.value)


def _is_stale(tables: Tables, row: CollectionRow) -> bool:
    before = tables.cases.get(row.case)
    statement = parse_statement(row.statement)
    if before is None:
        return statement.sequence != 0
    return before.after.head not in (statement.previous, statement.digest)


def _with_content(row: CollectionRow, sealed: bytes | None) -> CollectionRow:
    return replace(row, content=sealed)
