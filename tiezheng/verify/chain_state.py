"""What a bundle proves of the chain: header, accounts, storage words (spec/SPEC.md §5.3, §6, §8.5, §10).

Guaranteed: a word is returned only from a proof under the header's state root, for a contract that the trust file pins
with its code, at a position computed here; proofs that nothing asked for are reported. Caches are keyed by the exact
bytes that decide the answer, so they change no answer. Not guaranteed: that the header is final.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

from tiezheng.bundle import ChainProof, SlotProof
from tiezheng.errors import TiezhengError, VerificationFailed
from tiezheng.evm.account import Account, verify_account, verify_storage
from tiezheng.evm.header import Header, parse_header
from tiezheng.signature import PublicKey, verify
from tiezheng.trust import Trust, TrustedContract

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
# Enough for the blocks and signers of a long batch run; a full cache holds some tens of megabytes.
CACHE_SIZE: Final = 4096
# Records hold 48 bits of height (§8.5); times end with the calendar. So every number of a verdict is exact in JSON.
MAX_HEIGHT: Final = (1 << 48) - 1
MAX_TIME: Final = 253_402_300_799


class Gap(Exception):
    """Something needed is not there: a catalogue code and a detail. Never leaves this package."""

    def __init__(self, code: str, detail: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


class BoundedCache(Generic[K, V]):
    """The last `size` answers; the one that was not used for longest goes first. Errors are not kept."""

    __slots__ = ("_entries", "_size")

    def __init__(self, size: int = CACHE_SIZE) -> None:
        self._entries: OrderedDict[K, V] = OrderedDict()
        self._size = size

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K, compute: Callable[[], V]) -> V:
        """The kept answer, or a computed one."""
        if key in self._entries:
            self._entries.move_to_end(key)
            return self._entries[key]
        value = compute()
        if self._size > 0:
            self._entries[key] = value
            if len(self._entries) > self._size:
                self._entries.popitem(last=False)
        return value


class Caches:
    """Answers that bundles of one block or one signer share."""

    __slots__ = ("accounts", "headers", "signatures", "words")

    def __init__(self, size: int = CACHE_SIZE) -> None:
        self.headers: BoundedCache[bytes, Header] = BoundedCache(min(size, 256))
        self.accounts: BoundedCache[tuple[bytes, bytes, tuple[bytes, ...]], Account] = BoundedCache(min(size, 1024))
        self.words: BoundedCache[tuple[bytes, bytes, tuple[bytes, ...]], bytes | None] = BoundedCache(size)
        self.signatures: BoundedCache[tuple[PublicKey, bytes, bytes], bool] = BoundedCache(size)

    def header(self, raw: bytes) -> Header:
        """As `parse_header`."""
        return self.headers.get(raw, lambda: parse_header(raw))

    def account(self, root: bytes, address: bytes, nodes: tuple[bytes, ...]) -> Account:
        """As `verify_account`."""
        return self.accounts.get((root, address, nodes), lambda: verify_account(root, address, nodes))

    def word(self, root: bytes, position: bytes, nodes: tuple[bytes, ...]) -> bytes | None:
        """As `verify_storage`."""
        return self.words.get((root, position, nodes), lambda: verify_storage(root, position, nodes))

    def signed(self, public: PublicKey, message: bytes, signature: bytes) -> bool:
        """As `tiezheng.signature.verify`, for signatures that many bundles share."""
        return self.signatures.get((public, message, signature), lambda: verify(public, message, signature))


class ChainState:
    """The chain part of one bundle. `header` is None, with `header_error`, where it does not parse."""

    __slots__ = (
        "_caches",
        "_proofs",
        "_roots",
        "_slots",
        "_trust",
        "_used",
        "account_errors",
        "header",
        "header_error",
    )

    def __init__(self, chain: ChainProof, trust: Trust, caches: Caches) -> None:
        self._caches = caches
        self._trust = trust
        self.header: Header | None = None
        self.header_error: TiezhengError | None = None
        self.account_errors: dict[bytes, TiezhengError] = {}
        self._proofs = {account.address: account for account in chain.accounts}
        self._slots: dict[bytes, dict[bytes, SlotProof]] = {}
        self._roots: dict[bytes, bytes] = {}
        self._used: set[tuple[bytes, bytes]] = set()
        try:
            header = caches.header(chain.header)
            if header.number > MAX_HEIGHT or header.timestamp > MAX_TIME:
                raise VerificationFailed("header.field", detail="number or timestamp beyond 48 bits or the year 9999")
            self.header = header
        except TiezhengError as error:
            self.header_error = error
            return
        for account in chain.accounts:
            self._slots[account.address] = {slot.position: slot for slot in account.slots}
            try:
                self._roots[account.address] = self._storage_root(self.header, account.address, account.nodes)
            except TiezhengError as error:
                self.account_errors[account.address] = error

    def _storage_root(self, header: Header, address: bytes, nodes: tuple[bytes, ...]) -> bytes:
        contract = self._trust.contract(address)
        if contract is None:
            raise VerificationFailed("trust.contract_unknown", got=address)
        account = self._caches.account(header.state_root, address, nodes)
        if account.code_hash != contract.code_hash:
            raise VerificationFailed("chain.code_hash", expected=contract.code_hash, got=account.code_hash)
        if header.number < contract.from_height:
            raise VerificationFailed("trust.contract_height", expected=contract.from_height, got=header.number)
        return account.storage_root

    def holds(self, contract: TrustedContract) -> bool:
        """Whether the bundle brings a proof for this contract's account."""
        return contract.address in self._proofs

    def addresses(self) -> list[bytes]:
        """All accounts of the bundle."""
        return list(self._proofs)

    def word(self, contract: TrustedContract, position: bytes) -> bytes | None:
        """The word (32 bytes) at a position, None where it is proven to be unset.

        Raises `Gap` where no proof is there or the account does not hold, TiezhengError where the proof fails.
        """
        self._used.add((contract.address, position))
        if contract.address not in self._proofs:
            raise Gap("bundle.proof_missing", f"account {contract.address.hex()}")
        root = self._roots.get(contract.address)
        if root is None:
            raise Gap("verify.depends", f"account {contract.address.hex()}")
        proof = self._slots[contract.address].get(position)
        if proof is None:
            raise Gap("bundle.proof_missing", f"slot {position.hex()}")
        return self._caches.word(root, position, proof.nodes)

    def unused_slots(self, contract: TrustedContract) -> list[bytes]:
        """Positions in this contract that nothing asked for."""
        listed = self._slots.get(contract.address, {})
        return [position for position in listed if (contract.address, position) not in self._used]
