"""Proof that the rebuilt ledger is the chain's state: what the events told, held to a block's state root.

Guaranteed: every word of every case, the record of every statement and batch, every table, key, member, closing and
count of decisions are proven under one header, or reported; so a node that hid an event is found out. Not guaranteed:
that the header is final; the trust file's witnesses say that.
"""

from dataclasses import dataclass

from anchors.chains.port import Chain, Slot
from anchors.deployed_code import code_faults
from anchors.deployment import Deployment
from anchors.findings import Findings
from anchors.governance_words import Word, Words, anchor_words, institutions_words, registry_words
from anchors.replay import Replay
from tiezheng.errors import Malformed, Unavailable
from tiezheng.evm.account import verify_account, verify_storage
from tiezheng.evm.header import parse_header
from tiezheng.procedures import CaseState, Status
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


@dataclass(slots=True)
class Proven:
    """How many words were proven under the header, and how many rest on the proof of an earlier run."""

    words: int = 0
    carried: int = 0


def check_state(
    chain: Chain, deployment: Deployment, replay: Replay, height: int, *, whole: bool = True
) -> Proven | None:
    """Prove the rebuilt state at `height`, which the replay reached; None where the node has no state of it.

    Without `whole`, of a case that nothing touched since the kept state only the head is proven: no statement changes
    a record without moving its case's head, and records of batches never change. Differences are findings. Raises
    VerificationFailed where a proof does not hold at all.
    """
    proven = Proven()
    header = parse_header(chain.header(height))
    try:
        for address, words in wanted_words(deployment, replay, proven, whole=whole).items():
            proof = chain.proof(address, sorted(words), height)
            account = verify_account(header.state_root, address, proof.nodes)
            for slot in proof.slots:
                word = words[slot.position]
                held = _held(account.storage_root, slot)
                if held[word.skip :] != word.expected[word.skip :]:
                    got = held.hex() if any(held) else "nothing"
                    replay.findings.add(
                        "audit.chain_invalid",
                        word.subject,
                        f"state holds {got}, events say {word.expected.hex()}",
                        block=height,
                        block_hash=header.hash,
                        address=address,
                        position=slot.position,
                        expected=word.expected,
                        got=held,
                    )
                proven.words += 1
    except Unavailable as error:
        if error.code != "chain.no_history":
            raise
        return None
    return proven


def wanted_words(deployment: Deployment, replay: Replay, proven: Proven, *, whole: bool) -> dict[bytes, Words]:
    """By contract: every word that has to be proven. What is left out is counted in `proven.carried`."""
    members = institutions_words(replay)
    for row in replay.keys.values():
        named = f"{row.number}/{row.key_index}"
        members[key_record_slot(row.z, row.key_index)] = Word(row.word.to_bytes(), f"key {named}")
        members[identity_root_slot(row.z, row.key_index)] = Word(row.identity_root, f"identity of {named}")
    batches = anchor_words(replay)
    for number, batch in replay.batches.items():
        if not whole and number not in replay.fresh:
            proven.carried += 1
            continue
        record = RecordWord(batch.block.time, batch.block.number, Status.IN_FORCE)
        batches[record_slot(batch.header.digest)] = Word(record.to_bytes(), f"batch {number}")
    return {
        deployment.institutions.address: members,
        deployment.registry.address: registry_words(replay) | _case_words(replay, proven, whole=whole),
        deployment.batch.address: batches,
    }


def _held(storage_root: bytes, slot: Slot) -> bytes:
    """The word that is proven. The embedded chain keeps a leaf of zero, against the rule, for a slot that was read."""
    try:
        return verify_storage(storage_root, slot.position, slot.nodes) or bytes(32)
    except Malformed as error:
        if error.code == "storage.value" and error.got == 0:
            return bytes(32)
        raise


def _case_words(replay: Replay, proven: Proven, *, whole: bool) -> Words:
    """Every word that the registry has to hold of tables, statements and cases (SPEC §8.5)."""
    words: Words = {}
    for row in replay.tables.values():
        words[table_slot(row.index)] = Word(row.digest, f"table {row.digest.hex()}")
    for digest, recorded in replay.book.records.items():
        if not whole and recorded.case not in replay.touched:
            proven.carried += 1
            continue
        record = replay.record_word(digest)
        if record is not None:
            words[record_slot(digest)] = Word(record.to_bytes(), f"statement {digest.hex()}")
    for case, state in replay.cases.items():
        last = replay.statements.get(state.head)
        if last is None or last.batch is not None:
            continue
        held = _held_of(replay, case, state)
        slots = case_slots(case)
        if not whole and case not in replay.touched:
            slots = {"head": slots["head"]}
            proven.carried += len(held) - 1
        words |= {slot: Word(held[name], f"case {case.hex()}: {name}") for name, slot in slots.items()}
    return words


def _held_of(replay: Replay, case: bytes, state: CaseState) -> dict[str, bytes]:
    assert state.participants[0] == case_owner(case)
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
    return {
        "head": state.head,
        "progress": progress.to_bytes(),
        "guests": numbers_word(state.participants[1:]),
        "handlers": numbers_word(state.handlers),
        "holding": holding_word(state.quantity, state.unit),
    }
