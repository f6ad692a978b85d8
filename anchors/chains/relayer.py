"""The relayer's account: an ordinary secp256k1 key that pays for nothing and is trusted with nothing.

Guaranteed: a signed transaction is complete bytes, with the hash under which a node will know it. Not guaranteed:
authority. Who sends a statement never matters to the contracts; the key only orders this service's transactions.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eth_account import Account
from eth_account.signers.local import LocalAccount

from tiezheng.errors import Malformed, NotFound

_KEY_SIZE: Final = 32


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """Raw bytes, their hash, and the nonce in them."""

    raw: bytes
    hash: bytes
    nonce: int


class Relayer:
    """Signs transactions of one account; its key never shows in repr or errors."""

    __slots__ = ("_account", "address")

    def __init__(self, key: bytes) -> None:
        """`key` has 32 bytes. Raises Malformed `config.value`."""
        try:
            self._account: LocalAccount = Account.from_key(key)
        except Exception:  # noqa: BLE001  the library's errors differ by kind of defect and may quote the key
            raise Malformed("config.value", expected="a secp256k1 key of 32 bytes", detail="relayer key") from None
        self.address: bytes = bytes.fromhex(self._account.address[2:])

    def sign(
        self, *, chain_id: int, nonce: int, to: bytes | None, data: bytes, gas: int, gas_price: int = 0
    ) -> SignedTransaction:
        """A legacy transaction with replay protection (EIP-155); `to` None creates a contract. Price in wei."""
        fields: dict[str, Any] = {
            "chainId": chain_id,
            "nonce": nonce,
            "gas": gas,
            "gasPrice": gas_price,
            "value": 0,
            "data": data,
        }
        if to is not None:
            fields["to"] = to
        signed = self._account.sign_transaction(fields)
        return SignedTransaction(bytes(signed.raw_transaction), bytes(signed.hash), nonce)


def read_relayer(path: Path) -> Relayer:
    """The relayer of a key file (64 hex digits). Raises NotFound `file.not_found`, Malformed `config.value`."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except FileNotFoundError as error:
        raise NotFound("file.not_found", got=path.name) from error
    try:
        return Relayer(bytes.fromhex(text))
    except ValueError:
        raise Malformed("config.value", expected="64 hex digits", detail="relayer key") from None


def create_relayer(path: Path) -> Relayer:
    """Draw a key, write it to a new file of mode 0600, and give its relayer. Raises FileExistsError."""
    key = os.urandom(_KEY_SIZE)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as writer:
        writer.write(key.hex() + "\n")
    return Relayer(key)
