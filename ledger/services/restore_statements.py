"""Statements taken back into a database that was restored from an older backup.

Guaranteed: a row is written only with the state that the kernel gave its case, a receipt that was checked, and a place
that nothing else on the chain holds; what the backup still held as pending at that place gets a signed refusal. Not
guaranteed: contents, which come from bundles or from their institution.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ledger.domain.chain_records import BlockRef, RefusalRow
from ledger.domain.life import PENDING
from ledger.domain.records import CaseRow, NewStatement, new_statement
from ledger.ports import Clock, OperatorSigner, Store, Tables, Vault
from ledger.services.case_states import block_seconds, case_after, next_step
from ledger.services.check_group import CONTENT_LABEL
from ledger.services.check_statement import check_content, check_signatures, procedure_for
from ledger.services.known_members import KnownMembers
from ledger.services.known_records import KnownRecords
from ledger.services.record_refusal import record_refusal
from tiezheng.content import Content, to_private_json
from tiezheng.errors import IntegrityFault
from tiezheng.procedures import CaseState, kind_of
from tiezheng.receipt import Receipt, RefusalFile
from tiezheng.refusals import REASONS
from tiezheng.statement import SignedStatement, plan_of
from tiezheng.trust import Trust


@dataclass(frozen=True, slots=True)
class Restored:
    """A statement to be taken back: its case's state after it, its receipt with the file, where it is anchored."""

    signed: SignedStatement
    after: CaseState
    receipt: Receipt
    file: bytes
    block: BlockRef | None


def make_room(
    store: Store, clock: Clock, signer: OperatorSigner, trust: Trust, anchored: SignedStatement, block: BlockRef
) -> list[bytes]:
    """Refuse what the database holds as pending where the chain has `anchored`; says what was refused.

    Raises IntegrityFault `recover.conflict` where the database has something else anchored there.
    """
    statement = anchored.statement
    with store.read() as tables:
        standing = tables.statements.of_case(statement.case)
    behind = [row for row in standing if row.sequence >= statement.sequence]
    if not behind:
        return []
    if any(row.status not in PENDING for row in behind):
        raise IntegrityFault("recover.conflict", expected=statement.digest, got=behind[0].digest)
    reason = REASONS["CaseSequence"].number
    return record_refusal(store, clock, signer, trust, behind[0].digest, reason, block)


def add_restored(tables: Tables, group: Sequence[Restored], opened_as: Mapping[bytes, int]) -> None:
    """Write rows in the order of the chain. `opened_as` is the kind that opened each case."""
    tables.statements.add([_new(one, opened_as) for one in group])
    for one in group:
        if one.block is not None:
            tables.statements.mark_anchored(one.signed.digest, one.block)


def take_promised(
    tables: Tables, trust: Trust, signed: SignedStatement, receipt: Receipt, file: bytes, now: int
) -> None:
    """A statement of which only its holder has proof: accepted again, under its own receipt, where its place is free.

    Raises what the rules refuse.
    """
    statement = signed.statement
    before = tables.cases.get(statement.case)
    procedure = procedure_for(trust, statement, None if before is None else before.after.table)
    members = KnownMembers(tables.members)
    records = KnownRecords(tables, trust, statement.domain)
    check_signatures(trust, members, signed)
    step = next_step(procedure, before, signed, members, records, block_seconds(tables, now))
    after = case_after(before, step, statement, receipt.received)
    one = Restored(signed, after.after, receipt, file, None)
    tables.statements.add([_new(one, {statement.case: after.kind})])


def keep_refusal(tables: Tables, file: RefusalFile, now: int) -> bool:
    """A refusal that its holder kept, of a statement that the backup holds as pending; False where nothing changes.

    Raises IntegrityFault `chain.record_mismatch` where it is not the last of its case.
    """
    row = tables.statements.get(file.statement)
    if row is None or row.status not in PENDING:
        return False
    tables.refusals.add(
        RefusalRow(file.statement, file.reason, file.block_number, file.block_hash, file.to_bytes(), now)
    )
    return True


def attach_content(store: Store, vault: Vault, trust: Trust, signed: SignedStatement, content: Content) -> bool:
    """Seal and attach a whole content that somebody disclosed. Raises what the kernel's check of it refuses."""
    statement = signed.statement
    with store.read() as tables:
        case = tables.cases.get(statement.case)
    kind = kind_of(procedure_for(trust, statement, None if case is None else case.after.table), statement)
    check_content(content, statement, kind, plan_of(signed.signatures))
    sealed = vault.seal(statement.case, CONTENT_LABEL + signed.digest, to_private_json(content))
    with store.write() as tables:
        return tables.statements.put_content(signed.digest, sealed, ())


def _new(one: Restored, opened_as: Mapping[bytes, int]) -> NewStatement:
    statement = one.signed.statement
    after = CaseRow(statement.case, one.after, opened_as[statement.case], one.receipt.received)
    stored = statement.to_bytes(), one.signed.signatures_bytes
    return new_statement(one.signed, stored, one.receipt.received, one.receipt.due, one.file, after)
