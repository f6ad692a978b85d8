"""Checkpoints: the header and the proofs for everything anchored by then, fetched at once and kept.

Guaranteed: what is stored was proven under that header by the kernel, record by record, and says what the database
says; a node that cannot prove at this height leaves everything as it is for the next checkpoint. Not guaranteed:
finality, which witnesses add.

For each statement the earlier ones of its case are proven at the same height, so that one header serves a whole case.
"""

from dataclasses import dataclass, field
from typing import Final

from anchors.chains.port import Chain
from anchors.deployment import Contract, Deployment
from anchors.follow import STREAM
from ledger.domain.chain_records import AccountProof, Checkpoint, SlotProof
from ledger.domain.life import ON_CHAIN
from ledger.domain.limits import BUNDLE_STATEMENTS_MAX
from ledger.domain.records import KeyRow, StatementRow
from ledger.ports import Store, Tables
from ledger.services.known_members import stored_key
from tiezheng.errors import IntegrityFault, Unavailable
from tiezheng.evm.account import verify_account, verify_storage
from tiezheng.evm.header import Header, parse_header
from tiezheng.receipt import Lane
from tiezheng.signature import RECORD_SIZE, Signature
from tiezheng.verify.chain_state import mapping_slot, slot_after

# Statements that one round proves; more wait for the next round at the same height.
ROUND_MAX: Final = 512
# A checkpoint that lacks cosignatures for so long is given up: its statements are proven again at a later one.
PATIENCE_SECONDS: Final = 120

_RECORDS: Final = 0
_CASES: Final = 1
_TABLE_OFFSET: Final = 1
_IDENTITIES: Final = 1


@dataclass(slots=True)
class _Wanted:
    """Positions to prove, by contract, with the word that must stand there (None: any but zero)."""

    slots: dict[bytes, dict[bytes, bytes | None]] = field(default_factory=dict)

    def add(self, contract: Contract, position: bytes, prefix: bytes | None) -> None:
        self.slots.setdefault(contract.address, {}).setdefault(position, prefix)


def take_checkpoint(store: Store, chain: Chain, deployment: Deployment, *, cosigned: bool) -> int:
    """Prove what is anchored and not yet proven at the last checkpoint height; says how many statements.

    `cosigned`: checkpoints get cosignatures, so one that lacks them for long is given up for a later one.

    Raises IntegrityFault `chain.record_mismatch`, `chain.code_hash`, VerificationFailed where a proof does not hold.
    """
    with store.read() as tables:
        position = tables.chain.position(STREAM)
        if position is None:
            return 0
        height = position.number - position.number % deployment.checkpoint_interval
        rows = tables.statements.unproven(height, ROUND_MAX) if height > 0 else []
        if cosigned:
            rows += _given_up(tables, height, position.time, ROUND_MAX - len(rows))
        if not rows:
            return 0
        wanted = _Wanted()
        for row in rows:
            _want(wanted, tables, deployment, row, height)
    try:
        header = parse_header(chain.header(height))
        accounts, slots = _prove(chain, deployment, wanted, header)
    except Unavailable as error:
        if error.code != "chain.no_history":
            raise
        return 0  # after a restart some nodes prove at their last block only
    with store.write() as tables:
        tables.proofs.put_checkpoint(Checkpoint(height, header.hash, header.raw, header.timestamp))
        for account in accounts:
            tables.proofs.put_account(account)
        tables.proofs.put_slots(slots)
        tables.statements.mark_proven([row.digest for row in rows], height)
    return len(rows)


def record_prefix(block_time: int, block_number: int) -> bytes:
    """The first 12 bytes of a record word (SPEC §6, §8.5)."""
    return block_time.to_bytes(6, "big") + block_number.to_bytes(6, "big")


def key_prefix(key: KeyRow) -> bytes:
    """The first 17 bytes of a key record: all up to the start of its period (SPEC §5.3)."""
    numbers = key.number.to_bytes(4, "big") + key.institution.to_bytes(4, "big")
    return numbers + bytes([key.role, key.key_index, key.custody]) + key.valid_from.to_bytes(6, "big")


def _given_up(tables: Tables, height: int, now: int, room: int) -> list[StatementRow]:
    """Statements proven at earlier checkpoints that nobody cosigned in time; `now` in seconds of the chain."""
    rows: list[StatementRow] = []
    for old in tables.statements.pending_heights():
        kept = tables.proofs.checkpoint(old)
        if old >= height or kept is None or now - kept.time < PATIENCE_SECONDS or room <= len(rows):
            continue
        found = (tables.statements.get(digest) for digest in tables.statements.not_final(old, room - len(rows)))
        rows += [row for row in found if row is not None]
    return rows


def _want(wanted: _Wanted, tables: Tables, deployment: Deployment, row: StatementRow, height: int) -> None:
    """Everything that a bundle about this statement needs (SPEC §10)."""
    if row.lane is Lane.BATCH:
        batch = None if row.batch is None else tables.batches.get(row.batch)
        if batch is None or row.block_number is None or row.block_time is None:
            raise IntegrityFault("chain.record_mismatch", got=row.digest, detail="batch of an anchored statement")
        prefix = record_prefix(row.block_time, row.block_number)
        wanted.add(deployment.batch, mapping_slot(batch.digest, _RECORDS), prefix)
        _want_keys(wanted, tables, deployment, row.signatures + batch.signature)
        return
    wanted.add(deployment.registry, slot_after(mapping_slot(row.case, _CASES), _TABLE_OFFSET), None)
    earlier = [one for one in tables.statements.of_case(row.case) if one.sequence <= row.sequence]
    for one in earlier[-BUNDLE_STATEMENTS_MAX:]:
        if one.status not in ON_CHAIN or one.block_number is None or one.block_time is None:
            raise IntegrityFault("chain.record_mismatch", got=one.digest, detail="anchored behind one that is not")
        if one.block_number <= height:
            prefix = record_prefix(one.block_time, one.block_number)
            wanted.add(deployment.registry, mapping_slot(one.digest, _RECORDS), prefix)
            _want_keys(wanted, tables, deployment, one.signatures)


def _want_keys(wanted: _Wanted, tables: Tables, deployment: Deployment, signatures: bytes) -> None:
    for start in range(0, len(signatures), RECORD_SIZE):
        signature = Signature.parse(signatures[start : start + RECORD_SIZE])
        key = stored_key(tables.members, signature.signer, signature.key_index)
        wanted.add(deployment.institutions, mapping_slot(key.z, _RECORDS), key_prefix(key))
        wanted.add(deployment.institutions, mapping_slot(key.z, _IDENTITIES), key.identity_root)


def _prove(
    chain: Chain, deployment: Deployment, wanted: _Wanted, header: Header
) -> tuple[list[AccountProof], list[SlotProof]]:
    """Fetch and check. Every word must be there and begin as the database says."""
    contracts = {one.address: one for one in (deployment.institutions, deployment.registry, deployment.batch)}
    accounts: list[AccountProof] = []
    slots: list[SlotProof] = []
    for address, positions in sorted(wanted.slots.items()):
        proof = chain.proof(address, sorted(positions), header.number)
        account = verify_account(header.state_root, address, proof.nodes)
        if account.code_hash != contracts[address].code_hash:
            raise IntegrityFault("chain.code_hash", expected=contracts[address].code_hash, got=account.code_hash)
        accounts.append(AccountProof(header.number, address, proof.nodes))
        for slot in proof.slots:
            _check_word(verify_storage(account.storage_root, slot.position, slot.nodes), positions[slot.position])
            slots.append(SlotProof(header.number, address, slot.position, slot.nodes))
    return accounts, slots


def _check_word(word: bytes | None, prefix: bytes | None) -> None:
    if word is None or (prefix is not None and not word.startswith(prefix)):
        raise IntegrityFault("chain.record_mismatch", expected=prefix, got=word, detail="proven word")
