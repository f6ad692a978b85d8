"""Steps 6 to 8: header, contracts, anchor (spec/SPEC.md §12, §6, §8.5).

Guaranteed: each function enters into its notes every failure and every gap of its step, and raises nothing for bad
evidence; positions are computed here, never read from the bundle.
"""

from contextlib import suppress
from typing import Final

from tiezheng.batch import check_leaf
from tiezheng.bundle import BatchProof
from tiezheng.errors import TiezhengError, VerificationFailed
from tiezheng.procedures import Status
from tiezheng.statement import Flag
from tiezheng.storage_words import RecordBit, RecordWord, case_tag, record_slot, table_slot
from tiezheng.trust import TrustedContract
from tiezheng.verify.chain_state import ChainState, Gap
from tiezheng.verify.run import Act, Run, describe, noting
from tiezheng.verify.verdict import Notes

_STATUS_FINDINGS: Final = {
    Status.CORRECTED: ("status.corrected", "该声明此后已被更正。", "This statement was corrected afterwards."),
    Status.SUSPENDED: ("status.suspended", "该声明此后已被中止。", "This statement was suspended afterwards."),
    Status.REVOKED: ("status.revoked", "该声明此后已被撤销。", "This statement was revoked afterwards."),
    Status.PARTLY_REVOKED: (
        "status.partly_revoked",
        "该声明此后已被部分撤销。",
        "This statement was revoked in part afterwards.",
    ),
    Status.SUSPENDED_PARTLY_REVOKED: (
        "status.suspended_partly_revoked",
        "该声明此后已被部分撤销并中止。",
        "This statement was revoked in part and suspended afterwards.",
    ),
}
_BIT_FINDINGS: Final = {
    RecordBit.LATE_BY_TIME: (
        "status.late",
        "该步骤超过规定时限才上链。",
        "This step was recorded after its time limit.",
    ),
    RecordBit.FLAG_LATE: (
        "status.filled_in_late",
        "该步骤为事后补录。",
        "This step was filled in after later ones.",
    ),
    RecordBit.IRREGULAR: (
        "status.irregular",
        "该步骤不合程序，已按违规记录。",
        "This step did not keep to the procedure and is recorded as irregular.",
    ),
    RecordBit.IRREGULAR_SEEN: (
        "status.irregular_seen",
        "案件中有不合规的在先步骤。",
        "An earlier step of the case was irregular.",
    ),
    RecordBit.SUPPLEMENTED: (
        "status.supplemented",
        "该声明此后已有补正或补充。",
        "This statement was supplemented afterwards.",
    ),
}


def resolve(run: Run) -> None:
    """Before the steps: which contract accepted the statements, and which table the case is pinned to."""
    domain = run.acts[0].statement.domain
    candidates = run.trust.batches() if run.in_batch else run.trust.registries(domain)
    state = run.state
    if state is None:
        open_ones = [contract for contract in candidates if contract.until_height is None]
        run.accepting = open_ones[-1] if open_ones else None
        return
    proven = [contract for contract in candidates if state.holds(contract)]
    run.accepting = proven[0] if proven else (candidates[-1] if candidates else None)
    if run.in_batch or run.accepting is None:
        return
    if state.header is None:
        run.table_errors.lack("verify.depends", "header")
        return
    run.table_index = _table_index(run, state, run.accepting)
    if run.table_index is None:
        run.table_errors.lack("verify.depends", "table of the case: no record")
        return
    with noting(run.table_errors, "table of the case"):
        run.pinned_table = state.word(run.accepting, table_slot(run.table_index))
        if run.pinned_table is None:
            raise VerificationFailed("storage.absent")


def _table_index(run: Run, state: ChainState, contract: TrustedContract) -> int | None:
    """What the first record that is proven names; step 8 holds the others to it, and says what is wrong with any."""
    for act in run.acts:
        with suppress(Gap, TiezhengError):
            word = state.word(contract, record_slot(act.statement.digest))
            if word is not None:
                return RecordWord.parse(word).table_index
    return None


def check_header(run: Run, notes: Notes) -> None:
    """Step 6: the header parses; its hash, which step 11 uses, is computed from its bytes (§9)."""
    if run.state is None:
        notes.lack("bundle.pending")
    elif run.state.header_error is not None:
        notes.fail(run.state.header_error.code, describe(run.state.header_error))


def check_contracts(run: Run, notes: Notes) -> None:
    """Step 7: every account proof holds, for a contract that the trust file pins with its code (§11)."""
    state = _state(run, notes)
    if state is None:
        return
    needed = [run.trust.institutions]
    if run.accepting is None:
        notes.lack("trust.contract_unknown", "no trusted contract accepts this kind of statement")
    else:
        needed.append(run.accepting)
    for contract in needed:
        if not state.holds(contract):
            notes.lack("bundle.proof_missing", f"{contract.role} {contract.address.hex()}")
    for address in state.addresses():
        error = state.account_errors.get(address)
        if error is not None:
            notes.fail(error.code, f"{address.hex()}: {describe(error) or ''}")
        elif address not in {contract.address for contract in needed}:
            notes.fail("bundle.unused", f"account {address.hex()}")


def check_anchor(run: Run, notes: Notes) -> None:
    """Step 8: each statement is recorded in the registry, or stands in a recorded batch that the operator signed."""
    state = _state(run, notes)
    if state is None:
        return
    if run.accepting is None:
        notes.lack("verify.depends", "contract")
        return
    for act in run.acts:
        with noting(notes, act.place):
            if act.item.batch is None:
                act.record = _registry_record(run, state, run.accepting, act)
            else:
                act.record = _batch_record(run, state, run.accepting, act, act.item.batch)
    notes.failures += run.table_errors.failures
    notes.gaps += run.table_errors.gaps
    if run.table_index is None and not run.in_batch:
        return  # which slot the case's table stands in is not known
    for position in state.unused_slots(run.accepting):
        notes.fail("bundle.unused", f"slot {position.hex()}")


def _state(run: Run, notes: Notes) -> ChainState | None:
    if run.state is None:
        notes.lack("bundle.pending")
        return None
    if run.state.header is None:
        notes.lack("verify.depends", "header")
        return None
    return run.state


def _registry_record(run: Run, state: ChainState, contract: TrustedContract, act: Act) -> RecordWord:
    word = state.word(contract, record_slot(act.statement.digest))
    record = _read_record(state, contract, word)
    flags = act.statement.flags
    for bit, flag in ((RecordBit.FLAG_LATE, Flag.LATE), (RecordBit.IRREGULAR, Flag.IRREGULAR)):
        if bool(record.bits & bit) != bool(flags & flag):
            raise VerificationFailed("chain.record_shape", got=word, detail=f"flag {flag.name}")
    if record.table_index != run.table_index or record.table_index == 0:
        raise VerificationFailed(
            "chain.record_mismatch", expected=run.table_index, got=record.table_index, detail="table"
        )
    if record.case_tag != case_tag(act.statement.case):
        raise VerificationFailed("chain.record_mismatch", got=word, detail="case")
    if act.procedure is not None and act.kind is not None and record.position != act.procedure.position(act.kind):
        raise VerificationFailed("chain.record_mismatch", got=record.position, detail="kind")
    for bit, finding in _BIT_FINDINGS.items():
        if record.bits & bit:
            run.find(*finding)
    if record.status in _STATUS_FINDINGS:
        run.find(*_STATUS_FINDINGS[record.status])
    return record


def _batch_record(run: Run, state: ChainState, contract: TrustedContract, act: Act, proof: BatchProof) -> RecordWord:
    # The record is needed whatever else holds; what is wrong with its proof is said below.
    with suppress(Gap, TiezhengError):
        state.word(contract, record_slot(proof.header.digest))
    # 1. The leaf, signatures included, stands under the header's root.
    check_leaf(proof.header, act.item.signed, proof.index, proof.path)
    # 2. The operator signed the header.
    seal = proof.signature
    if seal.signer != proof.header.operator:
        raise VerificationFailed("batch.operator", expected=proof.header.operator, got=seal.signer)
    if seal.role != 0:
        raise VerificationFailed("signature.role", expected=0, got=seal.role)
    signer = run.signers.get((seal.signer, seal.key_index))
    if signer is None:
        raise Gap("bundle.signer_missing", f"{seal.signer}, key {seal.key_index}")
    if not run.caches.signed(signer.public, proof.header.message(contract.id), seal.r_s):
        raise VerificationFailed("signature.invalid", detail="batch header")
    # 3. The header is recorded.
    word = state.word(contract, record_slot(proof.header.digest))
    record = _read_record(state, contract, word)
    if record != RecordWord(record.block_time, record.block_number, Status.IN_FORCE):
        raise VerificationFailed("chain.record_shape", got=word)
    return record


def _read_record(state: ChainState, contract: TrustedContract, word: bytes | None) -> RecordWord:
    if word is None:
        raise VerificationFailed("storage.absent")
    record = RecordWord.parse(word)
    assert state.header is not None
    # 4. What stands in a block's state was written in that block or before.
    if not 0 < record.block_number <= state.header.number or not 0 < record.block_time <= state.header.timestamp:
        raise VerificationFailed("chain.record_shape", got=word, detail="later than the block")
    if not contract.accepts(record.block_number):
        raise VerificationFailed("trust.contract_height", got=record.block_number)
    return record
