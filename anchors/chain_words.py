"""Words of the ledger's contracts at one block, each proven under its header: what a stranger with a node relies on.

Guaranteed: the chain is the trust file's, contracts have the pinned code, and a word is given only with its proof. Not
guaranteed: that the block is final.
"""

from collections.abc import Iterable

from anchors.chains.port import Chain, Slot, StateProof
from anchors.contracts import INSTITUTIONS, artifact
from tiezheng.bundle import AccountProof, ChainProof, SlotProof
from tiezheng.errors import IntegrityFault, Malformed, TiezhengError
from tiezheng.evm.account import verify_account, verify_storage
from tiezheng.evm.header import Header, parse_header
from tiezheng.signature import PublicKey, z_value
from tiezheng.storage_words import KeyWord, key_record_slot
from tiezheng.trust import Trust, TrustedContract
from tiezheng.verify.proven import NamedKey


def check_ledger(chain: Chain, trust: Trust) -> None:
    """The node's chain is the trust file's. Raises IntegrityFault `chain.wrong`."""
    ledger = trust.ledger
    chain_id = chain.chain_id()
    if chain_id != ledger.chain_id:
        raise IntegrityFault("chain.wrong", expected=ledger.chain_id, got=chain_id, detail="chain id")
    genesis = chain.block(0)
    if genesis is None or genesis.hash != ledger.genesis:
        raise IntegrityFault("chain.wrong", expected=ledger.genesis, detail="block 0")


class ChainWords:
    """The state at one block. Raises Unavailable `chain.no_history` where the node no longer has it."""

    def __init__(self, chain: Chain, trust: Trust, height: int | None = None) -> None:
        self._chain = chain
        self._trust = trust
        self.header: Header = parse_header(chain.header(chain.head().number if height is None else height))

    def words(self, contract: TrustedContract, positions: Iterable[bytes]) -> dict[bytes, bytes | None]:
        """Each position's word, None where it is unset. Raises IntegrityFault `chain.code_hash`, what a proof fails."""
        wanted = sorted(set(positions))
        root, proof = self._prove(contract, wanted)
        return {slot.position: _word(root, slot) for slot in proof.slots}

    def key(self, number: int, key_index: int) -> tuple[NamedKey, KeyWord] | None:
        """A member's key with its record, proven; None where nobody has it."""
        contract = artifact(INSTITUTIONS)
        call = contract.call("keyAt", number, key_index)
        _, x, y, _ = contract.result(
            "keyAt", self._chain.call(self._trust.institutions.address, call, self.header.number)
        )
        try:
            public = PublicKey(x, y)
        except TiezhengError:
            return None  # the contract gives zeros for a key that is not there
        slot = key_record_slot(z_value(public), key_index)
        word = self.words(self._trust.institutions, [slot])[slot]
        if word is None:
            return None
        record = KeyWord.parse(word)
        if (record.number, record.key_index) != (number, key_index):
            return None
        return NamedKey(number, key_index, public), record

    def proof(self, wanted: dict[TrustedContract, list[bytes]]) -> ChainProof:
        """The member `chain` of a proof file with these slots."""
        accounts = []
        for contract, positions in sorted(wanted.items(), key=lambda item: item[0].address):
            _, proof = self._prove(contract, sorted(positions))
            slots = tuple(SlotProof(slot.position, slot.nodes) for slot in proof.slots)
            accounts.append(AccountProof(contract.address, proof.nodes, slots))
        return ChainProof(self.header.raw, tuple(accounts))

    def _prove(self, contract: TrustedContract, positions: list[bytes]) -> tuple[bytes, StateProof]:
        proof = self._chain.proof(contract.address, positions, self.header.number)
        account = verify_account(self.header.state_root, contract.address, proof.nodes)
        if account.code_hash != contract.code_hash:
            raise IntegrityFault("chain.code_hash", expected=contract.code_hash, got=account.code_hash)
        return account.storage_root, proof


def _word(root: bytes, slot: Slot) -> bytes | None:
    """The word. The embedded chain keeps a leaf of zero, against the rule, for a slot that was read."""
    try:
        return verify_storage(root, slot.position, slot.nodes)
    except Malformed as error:
        if error.code == "storage.value" and error.got == 0:
            return None
        raise
