"""Merkle trees of the shape of RFC 6962 over leaf hashes, with SM3 nodes unless told otherwise.

Guaranteed: a path is accepted only with the one length that its index and count demand (RFC 9162 §2.1.3.2), so no
second path exists for a leaf, short of a collision. Not guaranteed: domain separation of leaves; leaf hashes come from
the caller, who must hash them under a prefix other than 0x01.
"""

from collections.abc import Callable, Sequence
from typing import Final

from tiezheng.digest import DIGEST_SIZE, sha256, sm3
from tiezheng.errors import Malformed, VerificationFailed

Node = Callable[[bytes, bytes], bytes]
NODE_PREFIX: Final = b"\x01"


def sm3_node(left: bytes, right: bytes) -> bytes:
    """SM3(0x01 ‖ left ‖ right)."""
    return sm3(NODE_PREFIX, left, right)


def sha256_node(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right): the node of RFC 6962, used to hold this module to public vectors."""
    return sha256(NODE_PREFIX, left, right)


SM3_NODE: Final[Node] = sm3_node
SHA256_NODE: Final[Node] = sha256_node


class Tree:
    """All levels of one tree, computed once: n-1 node hashes, then each path costs log n look-ups."""

    __slots__ = ("_levels",)

    def __init__(self, leaves: Sequence[bytes], node: Node = SM3_NODE) -> None:
        """`leaves` are 32-byte hashes in order. Raises Malformed `merkle.empty`, `merkle.leaf_length`."""
        level = _checked(leaves)
        levels = [level]
        while len(level) > 1:
            level = _above(level, node)
            levels.append(level)
        self._levels = levels

    def __len__(self) -> int:
        return len(self._levels[0])

    @property
    def root(self) -> bytes:
        """The root: 32 bytes."""
        return self._levels[-1][0]

    def path(self, index: int) -> list[bytes]:
        """Sibling hashes from leaf to root (RFC 9162 §2.1.3.1). Raises Malformed `merkle.index_range`."""
        _check_index(index, len(self))
        siblings = []
        for level in self._levels[:-1]:
            sibling = index ^ 1
            if sibling < len(level):
                siblings.append(level[sibling])
            index >>= 1
        return siblings


def root(leaves: Sequence[bytes], node: Node = SM3_NODE) -> bytes:
    """The root over leaf hashes; errors as for `Tree`."""
    level = _checked(leaves)
    while len(level) > 1:
        level = _above(level, node)
    return level[0]


def path(leaves: Sequence[bytes], index: int, node: Node = SM3_NODE) -> list[bytes]:
    """The path of one leaf; for many paths of one tree use `Tree`."""
    return Tree(leaves, node).path(index)


def root_from_path(leaf: bytes, index: int, count: int, path: Sequence[bytes], node: Node = SM3_NODE) -> bytes:
    """The root that a path leads to (RFC 9162 §2.1.3.2).

    `index` counts from 0, `count` is the number of leaves. Raises Malformed `merkle.leaf_length`,
    `merkle.node_length`, `merkle.index_range`, `merkle.path_length`.
    """
    if len(leaf) != DIGEST_SIZE:
        raise Malformed("merkle.leaf_length", expected=DIGEST_SIZE, got=len(leaf))
    _check_index(index, count)
    expected = path_length(index, count)
    if len(path) != expected:
        raise Malformed("merkle.path_length", expected=expected, got=len(path))
    position, last, computed = index, count - 1, leaf
    for sibling in path:
        if len(sibling) != DIGEST_SIZE:
            raise Malformed("merkle.node_length", expected=DIGEST_SIZE, got=len(sibling))
        if position & 1 or position == last:
            computed = node(sibling, computed)
            while not position & 1:
                position >>= 1
                last >>= 1
        else:
            computed = node(computed, sibling)
        position >>= 1
        last >>= 1
    return computed


def verify_path(leaf: bytes, index: int, count: int, path: Sequence[bytes], root: bytes, node: Node = SM3_NODE) -> None:
    """Return if the path leads from the leaf to `root`.

    Raises as `root_from_path`, and VerificationFailed `merkle.root_mismatch`.
    """
    computed = root_from_path(leaf, index, count, path, node)
    if computed != root:
        raise VerificationFailed("merkle.root_mismatch", expected=root, got=computed)


def path_length(index: int, count: int) -> int:
    """Number of siblings of leaf `index` in a tree of `count` leaves."""
    _check_index(index, count)
    length, last = 0, count - 1
    while last:
        if index & 1 or index < last:
            length += 1
        index >>= 1
        last >>= 1
    return length


def _check_index(index: int, count: int) -> None:
    if count < 1:
        raise Malformed("merkle.empty", expected="1 or more", got=count)
    if not 0 <= index < count:
        raise Malformed("merkle.index_range", expected=f"0 to {count - 1}", got=index)


def _checked(leaves: Sequence[bytes]) -> list[bytes]:
    if not leaves:
        raise Malformed("merkle.empty", expected="1 or more", got=0)
    for leaf in leaves:
        if len(leaf) != DIGEST_SIZE:
            raise Malformed("merkle.leaf_length", expected=DIGEST_SIZE, got=len(leaf))
    return list(leaves)


def _above(level: list[bytes], node: Node) -> list[bytes]:
    """The next level. An unpaired last node moves up unchanged, which gives the tree that RFC 6962 §2.1 defines."""
    above = [node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
    if len(level) % 2:
        above.append(level[-1])
    return above
