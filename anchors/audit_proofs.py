"""Kept proofs and cosignatures, verified again: what bundles will be built from in years to come.

Guaranteed: for each final or proven statement its header, account and slot proofs are checked by the kernel, say what
the replay says, and enough cosignatures by pinned witnesses stand beside them. Not guaranteed: more than the trust file
asks for.
"""

from dataclasses import dataclass, field
from typing import Final

from anchors.findings import Findings
from anchors.replay import Replay
from ledger.domain.chain_records import Checkpoint
from ledger.domain.life import ON_CHAIN, Status
from ledger.domain.records import StatementRow
from ledger.ports import Store, Tables
from ledger.services.needed_slots import needed_slots
from tiezheng.errors import TiezhengError, VerificationFailed
from tiezheng.evm.account import verify_account, verify_storage
from tiezheng.evm.header import Header, parse_header
from tiezheng.signature import ROLE_INSTITUTION, Signature, verify
from tiezheng.trust import WITNESS, Trust
from tiezheng.verify import witness_digest, witness_message

_RECORD_PREFIX: Final = 12


@dataclass(slots=True)
class ProofAudit:
    """One audit of proofs; headers, accounts and slots that statements share are checked once."""

    store: Store
    trust: Trust
    replay: Replay
    proven: int = 0
    _headers: dict[int, Header | None] = field(default_factory=dict)
    _roots: dict[tuple[int, bytes], bytes | None] = field(default_factory=dict)
    _words: dict[tuple[int, bytes, bytes], bytes] = field(default_factory=dict)
    _final: set[int] = field(default_factory=set)

    @property
    def findings(self) -> Findings:
        """Where differences go."""
        return self.replay.findings

    def check(self, row: StatementRow) -> None:
        """The proofs of one statement, if the database says that there are any."""
        subject = f"statement {row.digest.hex()}"
        if row.status not in ON_CHAIN or row.proof_height is None:
            if row.status is Status.FINAL:
                self.findings.add("audit.proof_altered", subject, "final without a proof")
            return
        place = self.replay.statements.get(row.digest)
        if place is None:
            return  # already a finding: on chain only by the database's word
        record = place.block.time.to_bytes(6, "big") + place.block.number.to_bytes(6, "big")
        with self.store.read() as tables, self.findings.noting("audit.proof_altered", subject):
            slots = needed_slots(tables, self.trust, [row])
            words = [self._word(tables, row.proof_height, address, position) for address, position in slots]
            if None not in words and all(word is None or word[:_RECORD_PREFIX] != record for word in words):
                raise VerificationFailed("chain.record_mismatch", detail="no proven word holds its record")
            self.proven += 1
        if row.status is Status.FINAL:
            self._finality(row.proof_height)

    def _header(self, tables: Tables, height: int) -> Header | None:
        """The checkpoint's header, None after a finding about it."""
        if height not in self._headers:
            self._headers[height] = None
            kept = tables.proofs.checkpoint(height)
            subject = f"checkpoint {height}"
            if kept is None:
                self.findings.add("audit.proof_altered", subject, "missing")
                return None
            try:
                self._headers[height] = _parse(kept)
            except TiezhengError as error:
                self.findings.add("audit.proof_altered", subject, error.code)
        return self._headers[height]

    def _root(self, tables: Tables, height: int, address: bytes) -> bytes | None:
        place = (height, address)
        if place not in self._roots:
            self._roots[place] = None
            header, kept = self._header(tables, height), tables.proofs.account(height, address)
            if header is None:
                return None
            subject = f"account {address.hex()} at {height}"
            if kept is None:
                self.findings.add("audit.proof_altered", subject, "missing")
                return None
            with self.findings.noting("audit.proof_altered", subject):
                account = verify_account(header.state_root, address, kept.nodes)
                contract = self.trust.contract(address)
                if contract is None or contract.code_hash != account.code_hash:
                    raise VerificationFailed("chain.code_hash", got=account.code_hash)
                self._roots[place] = account.storage_root
        return self._roots[place]

    def _word(self, tables: Tables, height: int, address: bytes, position: bytes) -> bytes | None:
        if (known := self._words.get((height, address, position))) is not None:
            return known
        root = self._root(tables, height, address)
        if root is None:
            return None
        kept = tables.proofs.slot(height, address, position)
        if kept is None:
            raise VerificationFailed("bundle.proof_missing", got=position)
        word = verify_storage(root, position, kept.nodes)
        if word is None:
            raise VerificationFailed("storage.absent", got=position)
        self._words[height, address, position] = word
        return word

    def _finality(self, height: int) -> None:
        """Enough valid cosignatures, and no other; once for each height."""
        if height in self._final or self.trust.finality.strategy != WITNESS:
            return
        self._final.add(height)
        subject = f"checkpoint {height}"
        with self.store.read() as tables:
            kept, rows = tables.proofs.checkpoint(height), tables.proofs.cosignatures(height)
        if kept is None:
            return
        valid = 0
        for row in rows:
            with self.findings.noting("audit.proof_altered", f"{subject}, cosignature of {row.signer}"):
                signature = Signature.parse(row.signature)
                witness = self.trust.finality.witness(signature.signer)
                digest = witness_digest(self.trust.ledger.genesis, height, kept.hash, row.seen)
                message = witness_message(signature.signer, self.trust.institutions.id, digest)
                named = row.signer == signature.signer and signature.role == ROLE_INSTITUTION
                if witness is None or not named or not verify(witness.public, message, signature.r_s):
                    raise VerificationFailed("signature.invalid", got=row.signer)
                valid += 1
        if valid < self.trust.finality.threshold:
            self.findings.add("audit.proof_altered", subject, f"{valid} of {self.trust.finality.threshold} witnesses")


def _parse(kept: Checkpoint) -> Header:
    header = parse_header(kept.header)
    if (header.hash, header.number, header.timestamp) != (kept.hash, kept.height, kept.time):
        raise VerificationFailed("header.rebuilt_hash", expected=kept.hash, got=header.hash)
    return header
