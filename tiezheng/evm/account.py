"""Accounts and storage slots, proved against a state root (Ethereum Yellow Paper §4.1; `eth_getProof`, EIP-1186).

Guaranteed: what is returned stood in the state with that root, strictly decoded. Not guaranteed: that the state root
belongs to a final block, nor that the code behind `code_hash` is the expected one; the caller compares it with the
trust file.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tiezheng.errors import Malformed, VerificationFailed
from tiezheng.evm.keccak import keccak256
from tiezheng.evm.rlp import decode, decode_int, decode_list
from tiezheng.evm.trie import verify_proof

_ADDRESS_SIZE = 20
_WORD = 32
_MAX_LEAF = 128


@dataclass(frozen=True, slots=True)
class Account:
    """One account: nonce (u64), balance in wei (u256), root of its storage trie (32 bytes), keccak of its code (32
    bytes).
    """

    nonce: int
    balance: int
    storage_root: bytes
    code_hash: bytes


def decode_account(leaf: bytes) -> Account:
    """Decode the value of an account's leaf. Raises `Malformed` with `account.shape` or an `rlp.*` code."""
    items = decode_list(leaf, max_size=_MAX_LEAF, max_depth=1)
    if len(items) != 4:
        raise Malformed("account.shape", expected="4 items", got=len(items))
    storage_root, code_hash = items[2], items[3]
    if not isinstance(storage_root, bytes) or len(storage_root) != _WORD:
        raise Malformed("account.shape", expected="storage root of 32 bytes", got="another length")
    if not isinstance(code_hash, bytes) or len(code_hash) != _WORD:
        raise Malformed("account.shape", expected="code hash of 32 bytes", got="another length")
    return Account(decode_int(items[0], max_bytes=8), decode_int(items[1]), storage_root, code_hash)


def verify_account(state_root: bytes, address: bytes, nodes: Sequence[bytes]) -> Account:
    """Return the account at `address` (20 bytes) in the state `state_root`, from `accountProof` nodes.

    Raises `VerificationFailed` with `account.absent` when the nodes prove that there is no such account; `Malformed`
    with `account.address`; otherwise as `verify_proof` and `decode_account`.
    """
    if len(address) != _ADDRESS_SIZE:
        raise Malformed("account.address", expected=_ADDRESS_SIZE, got=len(address))
    leaf = verify_proof(state_root, keccak256(address), nodes)
    if leaf is None:
        raise VerificationFailed("account.absent", expected="an account", got="proof of absence")
    return decode_account(leaf)


def verify_storage(storage_root: bytes, slot: bytes, nodes: Sequence[bytes]) -> bytes | None:
    """Return the word (32 bytes, left-padded, never zero) at `slot` (32 bytes), or None when it is proven to be unset.

    Raises `Malformed` with `storage.slot` or `storage.value`; otherwise as `verify_proof`.
    """
    if len(slot) != _WORD:
        raise Malformed("storage.slot", expected=_WORD, got=len(slot))
    leaf = verify_proof(storage_root, keccak256(slot), nodes)
    if leaf is None:
        return None
    number = decode_int(decode(leaf, max_size=_WORD + 1, max_depth=0))
    if number == 0:
        raise Malformed("storage.value", expected="a word other than zero", got=0)
    return number.to_bytes(_WORD, "big")


def expect_storage(storage_root: bytes, slot: bytes, value: bytes | None, nodes: Sequence[bytes]) -> None:
    """Check a claim: `slot` holds exactly `value` (32 bytes, not zero), or with None, is unset.

    Raises `VerificationFailed` with `storage.absent` (claimed set, proven unset) or `storage.mismatch` (proven to hold
    another word), `Malformed` with `storage.value` for a claim that is no such word; otherwise as `verify_storage`.
    """
    if value is not None and (len(value) != _WORD or not any(value)):
        raise Malformed("storage.value", expected="32 bytes, not zero", got=value)
    held = verify_storage(storage_root, slot, nodes)
    if held == value:
        return
    if held is None:
        raise VerificationFailed("storage.absent", expected=value, got="proof of absence")
    raise VerificationFailed("storage.mismatch", expected=value or "unset", got=held)
