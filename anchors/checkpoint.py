"""Checkpoints: the header and the proofs for everything anchored by then, fetched at once and kept.

Guaranteed: what is stored was proven under that header by the kernel, word by word, and says what the database says; a
node that cannot prove at this height leaves everything as it is for the next checkpoint. Not guaranteed: finality,
which witnesses add.

For each statement the earlier ones of its case are proven at the same height, so that one header serves a whole case.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from anchors.chains.port import Chain
from anchors.deployment import Deployment
from anchors.follow import STREAM
from ledger.domain.accepting import Slot, accepting_contract, key_slots, record_at
from ledger.domain.chain_records import AccountProof, Checkpoint, SlotProof
from ledger.domain.records import KeyRow, StatementRow
from ledger.ports import Store, Tables
from ledger.services.needed_slots import batches_of, needed_slots, used_keys, with_earlier
from tiezheng.errors import IntegrityFault, Unavailable, VerificationFailed
from tiezheng.evm.account import verify_account, verify_storage
from tiezheng.evm.header import Header, parse_header
from tiezheng.receipt import Lane
from tiezheng.statement import parse_statement
from tiezheng.trust import WITNESS, Trust

# Statements that one round proves; more wait for the next round at the same height.
ROUND_MAX: Final = 512
# A checkpoint that lacks cosignatures for so long, while witnesses signed a later one, is given up: its statements are
# proven again. As long as no witness is there, new proofs would only fill the disk.
PATIENCE_SECONDS: Final = 120
# Witnesses do not reach back without end: beyond this a checkpoint is given up in any case.
PATIENCE_BLOCKS: Final = 10_000
# A proof of another block's state is asked for again; three times in a row is no coincidence.
PROOF_ATTEMPTS: Final = 3

Expected = Mapping[Slot, bytes]


def take_checkpoint(store: Store, chain: Chain, deployment: Deployment, trust: Trust) -> int:
    """Prove what is anchored and not yet proven at the last checkpoint height; says how many statements.

    Raises IntegrityFault `chain.record_mismatch`, `chain.code_hash`, VerificationFailed where a proof does not hold.
    """
    with store.read() as tables:
        position = tables.chain.position(STREAM)
        if position is None:
            return 0
        height = position.number - position.number % deployment.checkpoint_interval
        rows = tables.statements.unproven(height, ROUND_MAX) if height > 0 else []
        if trust.finality.strategy == WITNESS:
            rows += _given_up(tables, trust, height, position.time, ROUND_MAX - len(rows))
        if not rows:
            return 0
        together = with_earlier(tables, rows, height)
        slots = needed_slots(tables, trust, together)
        expected = _expected(tables, trust, together)
    try:
        header, accounts, proofs = _fetch(chain, trust, slots, expected, height)
    except Unavailable as error:
        if error.code != "chain.no_history":
            raise
        return 0  # after a restart some nodes prove at their last block only
    with store.write() as tables:
        tables.proofs.put_checkpoint(Checkpoint(height, header.hash, header.raw, header.timestamp))
        for account in accounts:
            tables.proofs.put_account(account)
        tables.proofs.put_slots(proofs)
        tables.statements.mark_proven([row.digest for row in rows], height)
    return len(rows)


def record_prefix(block_time: int, block_number: int) -> bytes:
    """The first 12 bytes of a record word (SPEC §6, §8.5); time in seconds."""
    return block_time.to_bytes(6, "big") + block_number.to_bytes(6, "big")


def key_prefix(key: KeyRow) -> bytes:
    """The first 17 bytes of a key record: all up to the start of its period (SPEC §5.3)."""
    numbers = key.number.to_bytes(4, "big") + key.institution.to_bytes(4, "big")
    return numbers + bytes([key.role, key.key_index, key.custody]) + key.valid_from.to_bytes(6, "big")


def _given_up(tables: Tables, trust: Trust, height: int, now: int, room: int) -> list[StatementRow]:
    """Statements proven at earlier checkpoints that witnesses passed by; `now` in seconds of the chain."""
    rows: list[StatementRow] = []
    pending = [old for old in tables.statements.pending_heights() if old < height]
    if not pending:
        return rows
    signed = tables.proofs.last_cosigned(trust.finality.threshold) or 0
    for old in pending:
        kept = tables.proofs.checkpoint(old)
        passed_by = old < signed or height - old > PATIENCE_BLOCKS
        if kept is None or not passed_by or now - kept.time < PATIENCE_SECONDS or room <= len(rows):
            continue
        found = (tables.statements.get(digest) for digest in tables.statements.not_final(old, room - len(rows)))
        rows += [row for row in found if row is not None]
    return rows


def _expected(tables: Tables, trust: Trust, rows: Iterable[StatementRow]) -> Expected:
    """How the words must begin, by what the database says; the table of a case may be any that is set."""
    kept = list(rows)
    words: dict[Slot, bytes] = {}
    for key in used_keys(tables, kept):
        record, identity = key_slots(trust, [key])
        words[record] = key_prefix(key)
        words[identity] = key.identity_root
    batches = batches_of(tables, kept)
    for row in kept:
        if row.block_number is None or row.block_time is None:
            raise IntegrityFault("chain.record_mismatch", got=row.digest, detail="anchored nowhere")
        contract = accepting_contract(trust, parse_statement(row.statement))
        prefix = record_prefix(row.block_time, row.block_number)
        if row.lane is Lane.REGISTRY:
            words[record_at(contract, row.digest)] = prefix
            continue
        if row.batch is None:
            raise IntegrityFault("chain.record_mismatch", got=row.digest, detail="batch")
        words[record_at(contract, batches[row.batch].digest)] = prefix
    return words


def _fetch(
    chain: Chain, trust: Trust, slots: Iterable[Slot], expected: Expected, height: int
) -> tuple[Header, list[AccountProof], list[SlotProof]]:
    """Header and proofs that hold together. A node that makes a block at this very moment may prove its state in the
    place of the one before; one that does so each time is a VerificationFailed."""
    for attempt in range(1, PROOF_ATTEMPTS + 1):
        header = parse_header(chain.header(height))
        try:
            return header, *_prove(chain, trust, slots, expected, header)
        except VerificationFailed:
            if attempt == PROOF_ATTEMPTS:
                raise
    raise AssertionError


def _prove(
    chain: Chain, trust: Trust, slots: Iterable[Slot], expected: Expected, header: Header
) -> tuple[list[AccountProof], list[SlotProof]]:
    """Fetch and check. Every word must be set, and begin as expected."""
    positions: dict[bytes, list[bytes]] = {}
    for address, position in slots:
        positions.setdefault(address, []).append(position)
    accounts: list[AccountProof] = []
    proofs: list[SlotProof] = []
    for address, wanted in positions.items():
        contract = trust.contract(address)
        proof = chain.proof(address, wanted, header.number)
        account = verify_account(header.state_root, address, proof.nodes)
        if contract is None or account.code_hash != contract.code_hash:
            raise IntegrityFault("chain.code_hash", got=account.code_hash, detail=address.hex())
        accounts.append(AccountProof(header.number, address, proof.nodes))
        for slot in proof.slots:
            word = verify_storage(account.storage_root, slot.position, slot.nodes)
            prefix = expected.get((address, slot.position), b"")
            if word is None or not word.startswith(prefix):
                raise IntegrityFault("chain.record_mismatch", expected=prefix, got=word, detail="proven word")
            proofs.append(SlotProof(header.number, address, slot.position, slot.nodes))
    return accounts, proofs
