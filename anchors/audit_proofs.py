"""Kept proofs and cosignatures, verified again: what bundles will be built from in years to come.

Guaranteed: for each final or proven statement its header, account and slot proofs are checked by the kernel, say what
the replay says, and enough cosignatures by pinned witnesses stand beside them. Not guaranteed: more than the trust file
asks for.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from anchors.findings import Findings
from anchors.replay import Replay
from ledger.domain.accepting import Slot, accepting_contract, batch_slots, key_slots, registry_slots
from ledger.domain.chain_records import Checkpoint
from ledger.domain.kept_records import KeptProofs
from ledger.domain.life import ON_CHAIN, Status
from ledger.domain.records import KeyRow, StatementRow
from ledger.ports import Store
from tiezheng.digest import sm3
from tiezheng.errors import TiezhengError, VerificationFailed
from tiezheng.evm.account import verify_account, verify_storage
from tiezheng.evm.header import Header, parse_header
from tiezheng.signature import ROLE_INSTITUTION, Signature, verify
from tiezheng.statement import SignedStatement
from tiezheng.trust import WITNESS, Trust
from tiezheng.verify import witness_digest, witness_message

_RECORD_PREFIX: Final = 12
# Heights whose proofs are held in memory at a time; statements come in the order of acceptance, near that of heights.
_HEIGHTS: Final = 8


@dataclass(slots=True)
class _Height:
    """What stands at one height, and what of it was verified; `digest` binds all of it, where it was asked for."""

    kept: KeptProofs
    header: Header | None
    digest: bytes | None = None
    roots: dict[bytes, bytes | None] = field(default_factory=dict)
    words: dict[tuple[bytes, bytes], bytes] = field(default_factory=dict)


@dataclass(slots=True)
class ProofAudit:
    """One audit of proofs; headers, accounts and slots that statements share are checked once."""

    store: Store
    trust: Trust
    replay: Replay
    proven: int = 0
    _heights: OrderedDict[int, _Height] = field(default_factory=OrderedDict)
    _final: set[int] = field(default_factory=set)

    @property
    def findings(self) -> Findings:
        """Where differences go."""
        return self.replay.findings

    def digest(self, height: int) -> bytes:
        """Binds every stored byte of the proofs at that height."""
        at = self._at(height)
        if at.digest is None:
            at.digest = _bind(at.kept)
        return at.digest

    def check(self, row: StatementRow, signed: SignedStatement) -> None:
        """The proofs of one statement, if the database says that there are any."""
        subject, told = f"statement {row.digest.hex()}", {"table": "statements", "row": row.position}
        if row.status not in ON_CHAIN or row.proof_height is None:
            if row.status is Status.FINAL:
                self.findings.add("audit.proof_altered", subject, "final without a proof", **told)
            return
        place = self.replay.statements.get(row.digest)
        if place is None:
            return  # already a finding: on chain only by the database's word
        record = place.block.time.to_bytes(6, "big") + place.block.number.to_bytes(6, "big")
        height = self._at(row.proof_height)
        with self.findings.noting("audit.proof_altered", subject, height=row.proof_height, **told):
            words = [self._word(height, address, position) for address, position in self._slots(row, signed)]
            if None not in words and all(word is None or word[:_RECORD_PREFIX] != record for word in words):
                raise VerificationFailed("chain.record_mismatch", detail="no proven word holds its record")
            self.proven += 1
        if row.status is Status.FINAL:
            self._finality(height)

    def _slots(self, row: StatementRow, signed: SignedStatement) -> list[Slot]:
        """As `ledger.services.needed_slots`, from the replay instead of the database."""
        replay = self.replay
        places = {(one.signer, one.key_index) for one in signed.signatures}
        contract = accepting_contract(self.trust, signed.statement)
        slots: set[Slot] = set()
        if row.batch is None:
            table = replay.tables[replay.cases[row.case].table]
            slots.update(registry_slots(contract, signed.statement, table.index))
        elif (batch := replay.batches.get(row.batch)) is not None:
            places.add((batch.signature.signer, batch.signature.key_index))
            slots.update(batch_slots(contract, batch.header.digest))
        slots.update(key_slots(self.trust, [self._key(*place) for place in sorted(places)]))
        return sorted(slots)

    def _key(self, number: int, key_index: int) -> KeyRow:
        row = self.replay.key_row(number, key_index)
        if row is None:
            raise VerificationFailed("key.unknown", got=f"{number}/{key_index}")
        return row

    def _at(self, number: int) -> _Height:
        if number not in self._heights:
            with self.store.read() as tables:
                kept = tables.kept.proofs(number)
            self._heights[number] = _Height(kept, self._header(kept))
            if len(self._heights) > _HEIGHTS:
                self._heights.popitem(last=False)
        return self._heights[number]

    def _header(self, kept: KeptProofs) -> Header | None:
        """The checkpoint's header, None after a finding about it."""
        subject, told = f"checkpoint {kept.height}", {"table": "checkpoints", "height": kept.height}
        if kept.checkpoint is None:
            self.findings.add("audit.proof_altered", subject, "missing", **told)
            return None
        try:
            return _parse(kept.checkpoint)
        except TiezhengError as error:
            self.findings.add("audit.proof_altered", subject, error.code, **told, reason=error.code)
            return None

    def _root(self, at: _Height, address: bytes) -> bytes | None:
        if address not in at.roots:
            at.roots[address] = None
            if at.header is None:
                return None
            number = at.kept.height
            subject, told = f"account {address.hex()} at {number}", {"table": "account_proofs", "height": number}
            nodes = at.kept.accounts.get(address)
            if nodes is None:
                self.findings.add("audit.proof_altered", subject, "missing", **told)
                return None
            with self.findings.noting("audit.proof_altered", subject, **told):
                account = verify_account(at.header.state_root, address, nodes)
                contract = self.trust.contract(address)
                if contract is None or contract.code_hash != account.code_hash:
                    raise VerificationFailed("chain.code_hash", got=account.code_hash)
                at.roots[address] = account.storage_root
        return at.roots[address]

    def _word(self, at: _Height, address: bytes, position: bytes) -> bytes | None:
        if (known := at.words.get((address, position))) is not None:
            return known
        root = self._root(at, address)
        if root is None:
            return None
        nodes = at.kept.slots.get((address, position))
        if nodes is None:
            raise VerificationFailed("bundle.proof_missing", got=position)
        word = verify_storage(root, position, nodes)
        if word is None:
            raise VerificationFailed("storage.absent", got=position)
        at.words[address, position] = word
        return word

    def _finality(self, at: _Height) -> None:
        """Enough valid cosignatures, and no other; once for each height."""
        height, kept = at.kept.height, at.kept.checkpoint
        if height in self._final or self.trust.finality.strategy != WITNESS or kept is None:
            return
        self._final.add(height)
        subject, told = f"checkpoint {height}", {"table": "cosignatures", "height": height}
        valid = 0
        for row in at.kept.cosignatures:
            with self.findings.noting("audit.proof_altered", f"{subject}, cosignature of {row.signer}", **told):
                signature = Signature.parse(row.signature)
                witness = self.trust.finality.witness(signature.signer)
                digest = witness_digest(self.trust.ledger.genesis, height, kept.hash, row.seen)
                message = witness_message(signature.signer, self.trust.institutions.id, digest)
                named = row.signer == signature.signer and signature.role == ROLE_INSTITUTION
                if witness is None or not named or not verify(witness.public, message, signature.r_s):
                    raise VerificationFailed("signature.invalid", got=row.signer)
                valid += 1
        needed = self.trust.finality.threshold
        if valid < needed:
            detail = f"{valid} of {needed} witnesses"
            self.findings.add("audit.proof_altered", subject, detail, **told, expected=needed, got=valid)


def _parse(kept: Checkpoint) -> Header:
    header = parse_header(kept.header)
    if (header.hash, header.number, header.timestamp) != (kept.hash, kept.height, kept.time):
        raise VerificationFailed("header.rebuilt_hash", expected=kept.hash, got=header.hash)
    return header


def _bind(kept: KeptProofs) -> bytes:
    rows = (kept.checkpoint, sorted(kept.accounts.items()), sorted(kept.slots.items()), kept.cosignatures)
    return sm3(repr(rows).encode("ascii"))
