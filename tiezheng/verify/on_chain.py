"""Steps 6 to 8: header, contracts, anchor (spec/SPEC.md §12, §6, §8.5).

Guaranteed: each function enters into its notes every failure and every gap of its step, and raises nothing for bad
evidence; positions are computed here, never read from the bundle.
"""

from typing import Final

from tiezheng.batch import check_leaf
from tiezheng.bundle import BatchProof
from tiezheng.errors import VerificationFailed
from tiezheng.statement import Flag
from tiezheng.trust import TrustedContract
from tiezheng.verify.chain_state import ChainState, Gap, mapping_slot, slot_after
from tiezheng.verify.run import Act, AnchorRecord, Run, describe, noting
from tiezheng.verify.verdict import Notes

IN_FORCE: Final = 1
_STATUS_MASK: Final = 0b0000_0111
_LATE_BY_TIME: Final = 0b0000_1000
_FLAG_LATE: Final = 0b0001_0000
_IRREGULAR: Final = 0b0010_0000
_IRREGULAR_SEEN: Final = 0b0100_0000
_UNKNOWN_BITS: Final = 0b1000_0000
_RECORDS: Final = 0
_CASES: Final = 1
_TABLE_OFFSET: Final = 1


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
    with noting(run.table_errors, "table of the case"):
        position = slot_after(mapping_slot(run.acts[0].statement.case, _CASES), _TABLE_OFFSET)
        run.pinned_table = state.word(run.accepting, position)
        if run.pinned_table is None:
            raise VerificationFailed("storage.absent")


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


def _registry_record(run: Run, state: ChainState, contract: TrustedContract, act: Act) -> AnchorRecord:
    word = state.word(contract, mapping_slot(act.statement.digest, _RECORDS))
    record = _read_record(state, contract, word)
    flags = act.statement.flags
    if bool(record.status & _FLAG_LATE) != bool(flags & Flag.LATE):
        raise VerificationFailed("chain.record_shape", got=record.status, detail="flag late")
    if bool(record.status & _IRREGULAR) != bool(flags & Flag.IRREGULAR):
        raise VerificationFailed("chain.record_shape", got=record.status, detail="flag irregular")
    if record.status & _LATE_BY_TIME:
        run.find("status.late", "该步骤超过规定时限才上链。", "This step was recorded after its time limit.")
    if record.status & _IRREGULAR_SEEN:
        run.find("status.irregular_seen", "案件中有不合规的在先步骤。", "An earlier step of the case was irregular.")
    return record


def _batch_record(run: Run, state: ChainState, contract: TrustedContract, act: Act, proof: BatchProof) -> AnchorRecord:
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
    word = state.word(contract, mapping_slot(proof.header.digest, _RECORDS))
    record = _read_record(state, contract, word)
    if record.status != IN_FORCE:
        raise VerificationFailed("chain.record_shape", expected=IN_FORCE, got=record.status)
    return record


def _read_record(state: ChainState, contract: TrustedContract, word: bytes | None) -> AnchorRecord:
    if word is None:
        raise VerificationFailed("storage.absent")
    record = AnchorRecord(int.from_bytes(word[:6], "big"), int.from_bytes(word[6:12], "big"), word[12])
    if record.status & _STATUS_MASK != IN_FORCE or record.status & _UNKNOWN_BITS or any(word[13:]):
        raise VerificationFailed("chain.record_shape", got=word)
    assert state.header is not None
    # 4. What stands in a block's state was written in that block or before.
    if not 0 < record.block_number <= state.header.number or not 0 < record.block_time <= state.header.timestamp:
        raise VerificationFailed("chain.record_shape", got=word, detail="later than the block")
    if not contract.accepts(record.block_number):
        raise VerificationFailed("trust.contract_height", got=record.block_number)
    return record
