"""What proofs of breach and proofs of fork rest on beside signatures: a key and words proven under one header.

Guaranteed: a key is given only where its record is proven in `Institutions` of the trust file; a cosignature that does
not hold refuses the whole proof; every account and every slot has to be needed. Not guaranteed: finality where `gaps`
names what is missing for it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from tiezheng.bundle import ChainProof, Cosignature, LedgerId
from tiezheng.errors import VerificationFailed
from tiezheng.evm.header import Header
from tiezheng.json_members import read_hex, read_integer, read_object
from tiezheng.procedures import InstitutionRole
from tiezheng.signature import ROLE_INSTITUTION, PublicKey, Signature, verify, z_value
from tiezheng.storage_words import KeyWord, key_record_slot
from tiezheng.trust import WITNESS, Trust, TrustedContract
from tiezheng.verify.chain_state import Caches, ChainState, Gap
from tiezheng.verify.finality import witness_digest, witness_message

# A receipt's clock and the chain's may differ by so much (SPEC §3 allows a statement the same).
TOLERANCE_MS: Final = 300_000
_KEY: Final = frozenset({"key_index", "number", "x", "y"})
_WORD: Final = 32
_U32: Final = (1 << 32) - 1

Gaps = list[tuple[str, str | None]]
"""What keeps a proof from being conclusive: catalogue code and detail."""


@dataclass(frozen=True, slots=True)
class NamedKey:
    """A member's key as a proof brings it."""

    number: int
    key_index: int
    public: PublicKey

    def to_json(self) -> dict[str, object]:
        """The member `key`."""
        key = self.public.to_bytes().hex()
        return {"key_index": self.key_index, "number": self.number, "x": key[:64], "y": key[64:]}

    def check_signer(self, signature: Signature) -> None:
        """The signature names this key, in the role of the institution. Raises VerificationFailed `signature.*`."""
        if (signature.signer, signature.key_index) != (self.number, self.key_index):
            raise VerificationFailed("signature.signer", expected=self.number, got=signature.signer)
        if signature.role != ROLE_INSTITUTION:
            raise VerificationFailed("signature.role", expected=ROLE_INSTITUTION, got=signature.role)


def read_key(value: object) -> NamedKey:
    """The member `key`, from parsed JSON. Raises Malformed `json.*`, `key.*`."""
    key = read_object(value, _KEY, "key")
    return NamedKey(
        number=read_integer(key["number"], "number", _U32, 1),
        key_index=read_integer(key["key_index"], "key_index", 255),
        public=PublicKey.parse(read_hex(key["x"], "x", _WORD) + read_hex(key["y"], "y", _WORD)),
    )


def check_ledger(ledger: LedgerId, trust: Trust, at_ms: int) -> Gaps:
    """The proof is for the trust file's ledger. Raises VerificationFailed `trust.ledger`; the gaps name an old file."""
    if ledger != trust.ledger:
        raise VerificationFailed("trust.ledger", expected=trust.ledger.founding, got=ledger.founding)
    return [("trust.expired", None)] if at_ms > int(trust.valid_until.timestamp()) * 1000 else []


class ProvenState:
    """Words under one header. Raises what is wrong with header or accounts; `finish` when all was asked for."""

    def __init__(self, chain: ChainProof, trust: Trust) -> None:
        self._state = ChainState(chain, trust, Caches(0))
        self._trust = trust
        if self._state.header_error is not None:
            raise self._state.header_error
        for error in self._state.account_errors.values():
            raise error
        assert self._state.header is not None
        self.header: Header = self._state.header

    def word(self, contract: TrustedContract, position: bytes) -> bytes | None:
        """The word, None where it is proven to be unset. Raises VerificationFailed `bundle.proof_missing`, `trie.*`."""
        try:
            return self._state.word(contract, position)
        except Gap as gap:
            raise VerificationFailed(gap.code, detail=gap.detail) from None

    def key_record(self, key: NamedKey) -> KeyWord:
        """The key's record in `Institutions`. Raises VerificationFailed `key.unknown`, `key.record_mismatch`."""
        word = self.word(self._trust.institutions, key_record_slot(z_value(key.public), key.key_index))
        if word is None:
            raise VerificationFailed("key.unknown", got=key.number)
        record = KeyWord.parse(word)
        if (record.number, record.key_index) != (key.number, key.key_index):
            raise VerificationFailed("key.record_mismatch", expected=key.number, got=record.number)
        return record

    def operator_record(self, key: NamedKey) -> KeyWord:
        """As `key_record`, of an institution that runs a platform (role 9)."""
        record = self.key_record(key)
        if record.role != InstitutionRole.OPERATOR or record.institution != record.number:
            raise VerificationFailed(
                "key.record_mismatch", expected=int(InstitutionRole.OPERATOR), got=record.role, detail="role"
            )
        return record

    def finish(self, contracts: Collection[TrustedContract]) -> None:
        """No account or slot beyond what was asked for. Raises VerificationFailed `bundle.unused`."""
        needed = {contract.address for contract in contracts}
        for address in self._state.addresses():
            if address not in needed:
                raise VerificationFailed("bundle.unused", detail=f"account {address.hex()}")
        for contract in contracts:
            for position in self._state.unused_slots(contract):
                raise VerificationFailed("bundle.unused", detail=f"slot {position.hex()}")


def check_period(record: KeyWord, at_ms: int) -> None:
    """The key was valid at a time that its holder claims. Raises VerificationFailed `key.not_valid_then`."""
    if not record.valid_from * 1000 - TOLERANCE_MS <= at_ms < (record.valid_until + 1) * 1000:
        raise VerificationFailed("key.not_valid_then", expected=record.valid_from, got=at_ms // 1000)


def check_finality(trust: Trust, header: Header, cosignatures: Sequence[Cosignature]) -> Gaps:
    """What is missing for the header to be final by the trust file (§9). Raises VerificationFailed `signature.*`."""
    rule, gaps, valid = trust.finality, Gaps(), 0
    if header.timestamp > int(trust.valid_until.timestamp()):
        gaps.append(("trust.block_late", None))
    if rule.strategy != WITNESS:
        return [*gaps, ("finality.dev", None)]
    for one in cosignatures:
        if check_cosignature(trust, header.number, header.hash, one):
            valid += 1
        else:
            gaps.append(("finality.witness_unknown", str(one.signature.signer)))
    if valid < rule.threshold:
        gaps.append(("finality.threshold", f"{valid} of {rule.threshold}"))
    return gaps


def check_cosignature(trust: Trust, height: int, block_hash: bytes, given: Cosignature) -> bool:
    """Whether a pinned witness made it; False for one that the trust file does not list.

    Raises VerificationFailed `signature.role`, `signature.invalid`.
    """
    signature = given.signature
    if signature.role != ROLE_INSTITUTION or signature.key_index != 0:
        raise VerificationFailed("signature.role", detail=f"witness {signature.signer}")
    witness = trust.finality.witness(signature.signer)
    if witness is None:
        return False
    digest = witness_digest(trust.ledger.genesis, height, block_hash, given.seen)
    message = witness_message(signature.signer, trust.institutions.id, digest)
    if not verify(witness.public, message, signature.r_s):
        raise VerificationFailed("signature.invalid", detail=f"witness {signature.signer}")
    return True
