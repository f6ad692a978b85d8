"""Proof that the rebuilt ledger is the chain's state: what the events told, held to a block's state root.

Guaranteed: every word of every case, the record of every statement and batch, every table and every key are proven
under one header, or reported; so a node that hid an event is found out. Not guaranteed: that the header is final; the
trust file's witnesses say that.
"""

from anchors.chains.port import Chain, Slot
from anchors.deployed_code import code_faults
from anchors.deployment import Deployment
from anchors.findings import Findings
from anchors.replay import Replay
from tiezheng.errors import Malformed, Unavailable
from tiezheng.evm.account import verify_account, verify_storage
from tiezheng.evm.header import parse_header
from tiezheng.procedures import Status
from tiezheng.statement import case_owner
from tiezheng.storage_words import (
    CaseFlag,
    ProgressWord,
    RecordWord,
    case_slots,
    holding_word,
    identity_root_slot,
    key_record_slot,
    numbers_word,
    record_slot,
    table_slot,
)


def check_code(chain: Chain, deployment: Deployment, findings: Findings) -> None:
    """The deployed code, immutables included, is what this version of the product deploys for this ledger."""
    for name, detail in code_faults(chain, deployment):
        findings.add("chain.code_hash", name, detail)


def check_state(chain: Chain, deployment: Deployment, replay: Replay, height: int) -> int | None:
    """Prove the rebuilt state at `height`, which the replay reached; says how many words, None where the node cannot.

    Differences are findings. Raises VerificationFailed where a proof does not hold at all.
    """
    wanted: dict[bytes, dict[bytes, tuple[bytes, str]]] = {
        deployment.institutions.address: {},
        deployment.registry.address: {},
        deployment.batch.address: {},
    }
    members = wanted[deployment.institutions.address]
    for row in replay.keys.values():
        named = f"{row.number}/{row.key_index}"
        members[key_record_slot(row.z, row.key_index)] = (row.word.to_bytes(), f"key {named}")
        members[identity_root_slot(row.z, row.key_index)] = (row.identity_root, f"identity of {named}")
    wanted[deployment.registry.address] |= _registry_words(replay)
    for number, batch in replay.batches.items():
        record = RecordWord(batch.block.time, batch.block.number, Status.IN_FORCE)
        at = record_slot(batch.header.digest)
        wanted[deployment.batch.address][at] = (record.to_bytes(), f"batch {number}")
    header = parse_header(chain.header(height))
    proven = 0
    try:
        for address, words in wanted.items():
            proof = chain.proof(address, sorted(words), height)
            account = verify_account(header.state_root, address, proof.nodes)
            for slot in proof.slots:
                expected, subject = words[slot.position]
                held = _held(account.storage_root, slot)
                if held != expected:
                    got = held.hex() if any(held) else "nothing"
                    replay.findings.add(
                        "audit.chain_invalid", subject, f"state holds {got}, events say {expected.hex()}"
                    )
                proven += 1
    except Unavailable as error:
        if error.code != "chain.no_history":
            raise
        return None
    return proven


def _held(storage_root: bytes, slot: Slot) -> bytes:
    """The word that is proven. The embedded chain keeps a leaf of zero, against the rule, for a slot that was read."""
    try:
        return verify_storage(storage_root, slot.position, slot.nodes) or bytes(32)
    except Malformed as error:
        if error.code == "storage.value" and error.got == 0:
            return bytes(32)
        raise


def _registry_words(replay: Replay) -> dict[bytes, tuple[bytes, str]]:
    """Every word that the registry has to hold (SPEC §8.5), and what it is about."""
    words: dict[bytes, tuple[bytes, str]] = {}
    for row in replay.tables.values():
        words[table_slot(row.index)] = (row.digest, f"table {row.digest.hex()}")
    for digest, place in replay.statements.items():
        record = replay.record_word(digest)
        if place.batch is None and record is not None:
            words[record_slot(digest)] = (record.to_bytes(), f"statement {digest.hex()}")
    for case, state in replay.cases.items():
        last = replay.statements.get(state.head)
        if last is None or last.batch is not None:
            continue
        progress = ProgressWord(
            sequence=state.sequence,
            state=state.state,
            flags=CaseFlag(state.flags),
            kinds_seen=state.kinds_seen,
            last_main=state.last_occurred,
            end=state.end,
            table_index=replay.tables[state.table].index,
            holder=state.holder,
            guests=len(state.participants) - 1,
        )
        assert state.participants[0] == case_owner(case)
        held = {
            "head": state.head,
            "progress": progress.to_bytes(),
            "guests": numbers_word(state.participants[1:]),
            "handlers": numbers_word(state.handlers),
            "holding": holding_word(state.quantity, state.unit),
        }
        words |= {slot: (held[name], f"case {case.hex()}: {name}") for name, slot in case_slots(case).items()}
    return words
