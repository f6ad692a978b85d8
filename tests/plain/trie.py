"""Merkle Patricia proofs of Ethereum's state (§10): every node is used once, in order, from the root down."""

from tests.plain.keccak import keccak
from tests.plain.refusal import Refused, need
from tests.plain.rlp import Item, decode_list, encode

EMPTY_ROOT = keccak(b"\x80")


def _nibbles(data: bytes) -> list[int]:
    return [half for byte in data for half in (byte >> 4, byte & 15)]


def _partial_path(item: Item) -> tuple[list[int], bool]:
    """Nibbles of a hex-prefix path, and whether the node is a leaf."""
    if not isinstance(item, bytes) or not item:
        raise Refused("not a hex-prefix path")
    nibbles = _nibbles(item)
    need(nibbles[0] < 4, "unknown flag of a hex-prefix path")
    odd = nibbles[0] & 1
    need(odd or nibbles[1] == 0, "the padding of a hex-prefix path is not zero")
    return nibbles[1 if odd else 2 :], nibbles[0] >= 2


class _Proof:
    """The nodes that are still to come."""

    def __init__(self, nodes: list[bytes]) -> None:
        self.nodes = list(nodes)

    def node(self, reference: Item) -> list[Item]:
        """The node that a reference names: the next one listed, or the short one that stands here itself."""
        if isinstance(reference, list):
            need(len(encode(reference)) < 32, "a node of 32 bytes or more stands inside its parent")
            return reference
        need(len(reference) == 32, "a reference is neither a digest nor a node")
        need(self.nodes, "a node is missing")
        data = self.nodes.pop(0)
        need(keccak(data) == reference, "a node is not the one that its parent names")
        need(len(data) >= 32, "a short node is listed")
        return decode_list(data)

    def value(self, node: list[Item], path: list[int]) -> bytes | None:
        """What stands at the end of the path below this node."""
        need(len(node) in {2, 17}, "a node has 2 or 17 items")
        if len(node) == 17:
            for child in node[:16]:
                need(child == b"" or _is_reference(child), "a branch holds something else than references")
            # Keys have one length, so nothing ends at a branch.
            need(path and node[16] == b"", "a path ends at a branch")
            child = node[path[0]]
            return None if child == b"" else self.value(self.node(child), path[1:])
        partial, is_leaf = _partial_path(node[0])
        if is_leaf:
            need(len(partial) == len(path), "a leaf's path has another length")
            need(isinstance(node[1], bytes) and node[1], "a leaf without a value")
            return bytes(node[1]) if partial == path and isinstance(node[1], bytes) else None
        need(0 < len(partial) < len(path), "an extension's path has no such length")
        need(_is_reference(node[1]), "an extension leads nowhere")
        if partial != path[: len(partial)]:
            return None
        below = self.node(node[1])
        need(len(below) == 17, "an extension does not lead to a branch")
        return self.value(below, path[len(partial) :])


def _is_reference(item: Item) -> bool:
    return isinstance(item, list) or len(item) == 32


def prove(root: bytes, key: bytes, nodes: list[bytes]) -> bytes | None:
    """The value at keccak-hashed `key` (32 bytes) under the root; None where the proof shows that nothing is there."""
    if root == EMPTY_ROOT:
        need(not nodes, "the empty trie has no nodes")
        return None
    need(nodes, "a node is missing")
    proof = _Proof(nodes[1:])
    need(keccak(nodes[0]) == root, "the root is not the digest of the first node")
    value = proof.value(decode_list(nodes[0]), _nibbles(key))
    need(not proof.nodes, "nodes that the path does not use")
    return value
