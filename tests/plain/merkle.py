"""Trees in the shape of RFC 6962 (§1.6), over SM3 unless another hash is given."""

from collections.abc import Callable, Sequence

from tests.plain.refusal import need
from tests.plain.sm import sm3

Hash = Callable[[bytes], bytes]


def root(leaves: Sequence[bytes], digest: Hash = sm3) -> bytes:
    """Root over leaf digests."""
    need(leaves, "empty trees do not exist")
    if len(leaves) == 1:
        return leaves[0]
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return digest(b"\x01" + root(leaves[:left], digest) + root(leaves[left:], digest))


def root_from_path(leaf: bytes, index: int, count: int, path: Sequence[bytes], digest: Hash = sm3) -> bytes:
    """Root that the inclusion path gives for the leaf at `index` of `count`: the same split, from the top."""
    need(0 <= index < count, "the index is not below the count")
    need(len(leaf) == 32 and all(len(node) == 32 for node in path), "nodes have 32 bytes")
    if count == 1:
        need(not path, "the path is too long")
        return leaf
    need(path, "the path is too short")
    left = 1 << (count - 1).bit_length() - 1
    if index < left:
        return digest(b"\x01" + root_from_path(leaf, index, left, path[:-1], digest) + path[-1])
    return digest(b"\x01" + path[-1] + root_from_path(leaf, index - left, count - left, path[:-1], digest))
