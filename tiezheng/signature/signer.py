"""Whatever holds a private key and signs messages of the protocol.

Guaranteed: a signer signs nothing but well-formed 81-byte messages (SPEC §2.2), so it cannot be led to sign other
data. Not guaranteed: that it shows a person what it signs.
"""

from typing import Protocol

from tiezheng.signature.message import parse_signed_message
from tiezheng.signature.provider import sign
from tiezheng.signature.sm2 import PrivateKey, PublicKey


class Signer(Protocol):
    """A software key, a hosted key or a hardware module."""

    @property
    def public(self) -> PublicKey:
        """The public key."""

    def sign(self, message: bytes) -> bytes:
        """r ‖ s (64 bytes) over an 81-byte message; errors as `parse_signed_message`."""


class KeySigner:
    """A `Signer` over a private key in memory."""

    __slots__ = ("_key",)

    def __init__(self, key: PrivateKey) -> None:
        self._key = key

    def __repr__(self) -> str:
        return f"KeySigner({self.public!r})"

    @property
    def public(self) -> PublicKey:
        return self._key.public

    def sign(self, message: bytes) -> bytes:
        parse_signed_message(message)
        return sign(self._key, message)
