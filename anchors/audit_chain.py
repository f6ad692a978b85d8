"""Proof that the rebuilt ledger is the chain's state: what the events told, held to a block's state root.

Guaranteed: the head of every case, the record of every batch and every key are proven under one header, or reported; so
a node that hid an event is found out. Not guaranteed: that the header is final; the trust file's witnesses say that.
"""

from anchors.chains.port import Chain
from anchors.contracts import BATCH, INSTITUTIONS, REGISTRY, VERIFIER, artifact
from anchors.deployment import Deployment
from anchors.findings import Findings
from anchors.replay import Replay
from ledger.domain.records import KeyRow
from tiezheng.errors import Unavailable
from tiezheng.evm.account import verify_account, verify_storage
from tiezheng.evm.header import parse_header
from tiezheng.verify import mapping_slot

_RECORDS = 0
_CASES = 1
_IDENTITIES = 1


def check_code(chain: Chain, deployment: Deployment, findings: Findings) -> None:
    """The deployed code is the code that this version of the product was built with."""
    contracts = {
        INSTITUTIONS: deployment.institutions,
        REGISTRY: deployment.registry,
        BATCH: deployment.batch,
        VERIFIER: deployment.verifier,
    }
    for name, contract in contracts.items():
        if not artifact(name).is_code(chain.code(contract.address)):
            findings.add("chain.code_hash", name, "not the exported code")


def key_word(row: KeyRow) -> bytes:
    """The key's record word (SPEC §5.3)."""
    return (
        row.number.to_bytes(4, "big")
        + row.institution.to_bytes(4, "big")
        + bytes([row.role, row.key_index, row.custody])
        + row.valid_from.to_bytes(6, "big")
        + row.valid_until.to_bytes(6, "big")
        + row.compromised_since.to_bytes(6, "big")
        + bytes(3)
    )


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
        members[mapping_slot(row.z, _RECORDS)] = (key_word(row), f"key {row.number}/{row.key_index}")
        members[mapping_slot(row.z, _IDENTITIES)] = (row.identity_root, f"identity of {row.number}/{row.key_index}")
    in_registry = {digest for digest, place in replay.statements.items() if place.batch is None}
    for case, state in replay.cases.items():
        if state.head in in_registry:
            word = (state.head, f"case {case.hex()}")
            wanted[deployment.registry.address][mapping_slot(case, _CASES)] = word
    for number, batch in replay.batches.items():
        record = batch.block.time.to_bytes(6, "big") + batch.block.number.to_bytes(6, "big") + b"\1" + bytes(19)
        at = mapping_slot(batch.header.digest, _RECORDS)
        wanted[deployment.batch.address][at] = (record, f"batch {number}")
    header = parse_header(chain.header(height))
    proven = 0
    try:
        for address, words in wanted.items():
            proof = chain.proof(address, sorted(words), height)
            account = verify_account(header.state_root, address, proof.nodes)
            for slot in proof.slots:
                expected, subject = words[slot.position]
                held = verify_storage(account.storage_root, slot.position, slot.nodes)
                if held != expected:
                    got = "nothing" if held is None else held.hex()
                    replay.findings.add(
                        "audit.chain_invalid", subject, f"state holds {got}, events say {expected.hex()}"
                    )
                proven += 1
    except Unavailable as error:
        if error.code != "chain.no_history":
            raise
        return None
    return proven
