"""Merkle-Patricia proofs over paths of 32 bytes (Ethereum Yellow Paper, appendix D): the state trie and storage tries.

Guaranteed: a returned value, or a returned None, is what the trie with this root holds at this path, under the
collision resistance of Keccak-256; and one fact has one accepted list of nodes: every node hashed by its parent is
listed once, in order from the root, nodes embedded in their parent are not listed, nothing is left over. Not
guaranteed: that the root is right.
"""

from collections.abc import Sequence
from typing import Final

from tiezheng.errors import Malformed, VerificationFailed
from tiezheng.evm.keccak import keccak256
from tiezheng.evm.rlp import Item, decode_list, encode

EMPTY_ROOT: Final = keccak256(b"\x80")
MAX_NODES: Final = 65
MAX_NODE_SIZE: Final = 1_024
# Lists nest deepest in branch > extension > branch > leaf: more does not fit into the 31 bytes of an embedded node.
MAX_NODE_DEPTH: Final = 4
_PATH_NIBBLES: Final = 64
_HASH_SIZE: Final = 32


def verify_proof(root: bytes, key: bytes, nodes: Sequence[bytes]) -> bytes | None:
    """Return the value at `key`, or None when the nodes prove that there is none.

    `root` is the trie's root (32 bytes), `key` the path itself (32 bytes, already hashed), `nodes` the RLP of the nodes
    from the root down; for the empty trie, none. Raises `VerificationFailed` with `trie.root`, `trie.node_hash`,
    `trie.wrong_nibble`, `trie.missing_node` or `trie.unused_nodes`, and `Malformed` with `trie.input`,
    `trie.too_large`, `trie.shape`, `trie.reference`, `trie.hex_prefix`, `trie.path_length`, `trie.embedded` or an
    `rlp.*` code.
    """
    _check_input(root, key, nodes)
    if root == EMPTY_ROOT:
        if nodes:
            raise VerificationFailed("trie.unused_nodes", expected=0, got=len(nodes))
        return None
    if not nodes:
        raise VerificationFailed("trie.missing_node", expected=root, got="no nodes")
    top = keccak256(nodes[0])
    if top != root:
        raise VerificationFailed("trie.root", expected=root, got=top)
    value, used = _walk(bytes(key).hex(), nodes)
    if used != len(nodes):
        raise VerificationFailed("trie.unused_nodes", expected=used, got=len(nodes))
    return value


def canonical_nodes(nodes: Sequence[bytes]) -> tuple[bytes, ...]:
    """Bring a node's `eth_getProof` answer into the one accepted form; proves nothing by itself.

    Some clients list embedded nodes (shorter than 32 bytes) once more, and the empty trie as the single node 0x80.
    """
    if len(nodes) == 1 and nodes[0] == b"\x80":
        return ()
    return tuple(node for at, node in enumerate(nodes) if at == 0 or len(node) >= _HASH_SIZE)


def _check_input(root: bytes, key: bytes, nodes: Sequence[bytes]) -> None:
    if len(root) != _HASH_SIZE:
        raise Malformed("trie.input", expected="root of 32 bytes", got=len(root))
    if len(key) != _HASH_SIZE:
        raise Malformed("trie.input", expected="path of 32 bytes", got=len(key))
    if len(nodes) > MAX_NODES:
        raise Malformed("trie.too_large", expected=f"<= {MAX_NODES} nodes", got=len(nodes))
    for node in nodes:
        if len(node) > MAX_NODE_SIZE:
            raise Malformed("trie.too_large", expected=f"<= {MAX_NODE_SIZE} bytes", got=len(node))


def _walk(path: str, nodes: Sequence[bytes]) -> tuple[bytes | None, int]:
    """Follow `path` (64 hex digits) from nodes[0], whose hash was checked; return (value or None, nodes used)."""
    node = decode_list(nodes[0], max_size=MAX_NODE_SIZE, max_depth=MAX_NODE_DEPTH)
    used, position, after_extension = 1, 0, False
    while True:
        if len(node) == 17:
            if position == _PATH_NIBBLES:
                raise Malformed("trie.path_length", expected="leaf at the end of the path", got="branch")
            _check_branch(node)
            child = node[int(path[position], 16)]
            position += 1
            after_extension = False
            if child == b"":
                return None, used
        elif len(node) == 2 and not after_extension:
            is_leaf, part = _hex_prefix(node[0])
            rest = path[position:]
            if is_leaf:
                return _leaf_value(node[1], part, rest), used
            if not part or len(part) >= len(rest):
                raise Malformed("trie.path_length", expected=f"1..{len(rest) - 1} nibbles", got=len(part))
            child = node[1]
            if isinstance(child, bytes) and len(child) != _HASH_SIZE:
                raise Malformed("trie.reference", expected="32 bytes or an embedded node", got=len(child))
            if not rest.startswith(part):
                return None, used
            position += len(part)
            after_extension = True
        else:
            wanted = "17 items after an extension" if after_extension else "2 or 17 items"
            raise Malformed("trie.shape", expected=wanted, got=len(node))
        if isinstance(child, bytes):
            node = _listed_node(child, node, nodes, used)
            used += 1
        else:
            size = len(encode(child))
            if size >= _HASH_SIZE:
                raise Malformed("trie.embedded", expected="< 32 bytes", got=size)
            node = child


def _listed_node(reference: bytes, parent: list[Item], nodes: Sequence[bytes], at: int) -> list[Item]:
    if at >= len(nodes):
        raise VerificationFailed("trie.missing_node", expected=reference, got="end of the list")
    raw = nodes[at]
    if len(raw) < _HASH_SIZE:
        raise Malformed("trie.embedded", expected="only nodes of 32 bytes or more are listed", got=len(raw))
    digest = keccak256(raw)
    if digest != reference:
        code = "trie.wrong_nibble" if len(parent) == 17 and digest in parent else "trie.node_hash"
        raise VerificationFailed(code, expected=reference, got=digest)
    return decode_list(raw, max_size=MAX_NODE_SIZE, max_depth=MAX_NODE_DEPTH)


def _check_branch(node: list[Item]) -> None:
    """All 32-byte paths end in leaves, so a branch holds no value.

    It has two children or more, each a proper reference.
    """
    if node[16] != b"":
        raise Malformed("trie.shape", expected="branch without a value", got="value")
    if node.count(b"") > 15:
        raise Malformed("trie.shape", expected="branch with two children or more", got=17 - node.count(b""))
    for child in node:
        if isinstance(child, bytes) and len(child) not in (0, _HASH_SIZE):
            raise Malformed("trie.reference", expected="0 or 32 bytes or an embedded node", got=len(child))


def _hex_prefix(item: Item) -> tuple[bool, str]:
    """Undo the hex-prefix encoding: (whether it ends in a leaf, the nibbles as hex digits)."""
    if not isinstance(item, bytes):
        raise Malformed("trie.hex_prefix", expected="bytes", got="list")
    digits = item.hex()
    flag = digits[:1]
    if flag in ("1", "3"):
        return flag == "3", digits[1:]
    if flag in ("0", "2") and digits[1] == "0":
        return flag == "2", digits[2:]
    raise Malformed("trie.hex_prefix", expected="00, 1x, 20 or 3x", got=digits[:2])


def _leaf_value(value: Item, part: str, rest: str) -> bytes | None:
    if len(part) != len(rest):
        raise Malformed("trie.path_length", expected=len(rest), got=len(part))
    if not isinstance(value, bytes) or not value:
        raise Malformed("trie.shape", expected="leaf with a value of one byte or more", got="empty or a list")
    return value if part == rest else None
