"""Steps 2 to 5: trust file, statements, content, signatures (spec/SPEC.md §12).

Guaranteed: each function enters into its notes every failure and every gap of its step, and raises nothing for bad
evidence.
"""

from itertools import pairwise

from tiezheng.content import ContentType, check_disclosed, check_flag_reason
from tiezheng.errors import VerificationFailed
from tiezheng.procedures import Kind, kind_of, signed_roles_fit
from tiezheng.procedures.roles import COUNTERPARTY_SIDE, IRREGULAR_ROLE, PERSON
from tiezheng.signature import Signature, verify
from tiezheng.statement import Flag, Statement, is_practitioner, message_for, plan_of
from tiezheng.verify.chain_state import Gap
from tiezheng.verify.run import Act, Run, noting
from tiezheng.verify.verdict import Notes


def check_trust(run: Run, notes: Notes) -> None:
    """Step 2: the trust file is for this ledger, and in force at the time of verification and of the block (§11)."""
    if run.bundle.ledger != run.trust.ledger:
        notes.fail("trust.ledger")
        return
    end = int(run.trust.valid_until.timestamp())
    if run.at_ms > end * 1000:
        notes.lack("trust.expired")
    header = None if run.state is None else run.state.header
    if header is not None and header.timestamp > end:
        notes.lack("trust.block_late")


def check_statements(run: Run, notes: Notes) -> None:
    """Step 3: links between neighbours, one trusted procedure, kinds, lanes and flags (§3, §8)."""
    first = run.acts[0].statement
    if first.sequence == 0:
        if run.pinned_table is not None and run.pinned_table != first.previous:
            notes.fail("chain.record_mismatch", "procedure table")
        run.pinned_table = first.previous
    for before, after in pairwise(run.acts):
        if after.statement.sequence != before.statement.sequence + 1:
            run.find(
                "case.statements_between",
                "证据包未包含案件中的全部中间步骤。",
                "The bundle leaves out steps of the case between those that it carries.",
            )
        elif after.statement.previous != before.statement.digest:
            notes.fail("chain.link_mismatch", after.place)
    procedure = None
    if run.pinned_table is None:
        notes.lack("verify.depends", "the table that the case is pinned to is not proven")
    else:
        procedure = run.trust.procedure(run.pinned_table)
        if procedure is None:
            notes.lack("trust.procedure_unknown", run.pinned_table.hex())
    for act in run.acts:
        act.procedure = procedure
        _check_statement(act, notes)


def _check_statement(act: Act, notes: Notes) -> None:
    """Lane, place, flags, counterparty and layout of the terms, as far as statement and table show them."""
    if act.procedure is None:
        return
    act.kind = act.procedure.kind(act.statement.kind)
    with noting(notes, act.place):
        kind_of(act.procedure, act.statement)


def check_content(run: Run, notes: Notes) -> None:
    """Step 4: disclosed leaves prove into the content root, by the schema; `signers` equals the signatures (§4)."""
    for act in run.acts:
        content = act.item.content
        if content is None:
            notes.lack("content.withheld", act.place)
            continue
        if content.type is not ContentType.STATEMENT:
            notes.fail("content.type", act.place)
            continue
        with noting(notes, act.place):
            if act.kind is None:
                act.values = check_disclosed(content, act.statement.content)
                notes.lack("verify.depends", f"{act.place}: schema")
            else:
                schemas = act.kind.record_schemas
                act.values = check_disclosed(content, act.statement.content, act.kind.schema, schemas)
            plan = [value.value for value in act.values if value.name == "signers" and value.record is None]
            if not plan:
                raise Gap("content.signers_undisclosed")
            if plan[0] != plan_of(act.item.signed.signatures):
                raise VerificationFailed("content.signers_mismatch")
            for value in act.values:
                if value.name == "flag_reason" and value.record is None:
                    check_flag_reason(act.statement, value.value)


def check_signatures(run: Run, notes: Notes) -> None:
    """Step 5: each SM2 signature over its message; count, roles and sides as the kind lists (§2)."""
    if run.accepting is None:
        notes.lack("trust.contract_unknown", "no trusted contract accepts this kind of statement")
    for act in run.acts:
        signatures = act.item.signed.signatures
        for signature in signatures:
            _check_side(act.statement, signature, notes)
            signer = run.signers.get((signature.signer, signature.key_index))
            if signer is None:
                notes.lack("bundle.signer_missing", f"{signature.signer}, key {signature.key_index}")
            elif run.accepting is not None:
                message = message_for(
                    act.statement, run.accepting.id, signature.signer, signature.role, len(signatures)
                )
                if not verify(signer.public, message, signature.r_s):
                    notes.fail("signature.invalid", f"{act.place}: {signature.signer}")
        if act.kind is None:
            notes.lack("verify.depends", f"{act.place}: roles")
        else:
            _check_plan(act, act.kind, notes)


def _check_side(statement: Statement, signature: Signature, notes: Notes) -> None:
    """The role's bits say on which side the signer stands, and whether it is a person (§2.4)."""
    person = signature.role != IRREGULAR_ROLE and bool(signature.role & PERSON)
    if person != is_practitioner(signature.signer):
        notes.fail("signature.role", f"{signature.signer}: role {signature.role:#04x}")
        return
    side = side_of(statement, signature.role)
    if side == 0 or (not person and signature.signer != side):
        notes.fail("signature.role", f"{signature.signer}: expected institution {side}")


def side_of(statement: Statement, role: int) -> int:
    """The institution on whose side a role stands; 0 where the statement names no counterparty."""
    return statement.counterparty if role & COUNTERPARTY_SIDE and role != IRREGULAR_ROLE else statement.institution


def _check_plan(act: Act, kind: Kind, notes: Notes) -> None:
    with noting(notes, act.place):
        signed_roles_fit(kind, act.item.signed.signatures, bool(act.statement.flags & Flag.IRREGULAR))
