"""Keccak-256 as Ethereum uses it (original Keccak padding, not FIPS 202 SHA-3).

Guaranteed: the 32-byte digest of exactly the bytes given. It serves only what the chain itself hashes with keccak: trie
nodes, header hashes, addresses, storage positions. Evidence is hashed with SM3 (`tiezheng.digest`), never with this.
"""

from Crypto.Hash import keccak as _keccak


def keccak256(data: bytes) -> bytes:
    """Return the 32-byte Keccak-256 digest of `data` (any length)."""
    return _keccak.new(data=data, digest_bits=256).digest()
