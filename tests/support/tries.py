"""A trie of the independent builder, encoded once, so that thousands of proofs of one state stay cheap."""

from collections.abc import Mapping

from tests.unit.tiezheng.evm.trie_builder import build, is_leaf, keccak_of, rlp


class Trie:
    """Maps keys (already hashed, 32 bytes) to values (already RLP)."""

    def __init__(self, pairs: Mapping[bytes, bytes]) -> None:
        self._top = build({key.hex(): value for key, value in pairs.items()})
        self._encoded: dict[int, bytes] = {}
        self.root = keccak_of(b"\x80" if self._top is None else self._encode(self._top))

    def _encode(self, node: list[object]) -> bytes:
        if id(node) not in self._encoded:
            self._encoded[id(node)] = rlp([self._reference(member) for member in node])
        return self._encoded[id(node)]

    def _reference(self, member: object) -> object:
        if not isinstance(member, list):
            return member
        raw = self._encode(member)
        return keccak_of(raw) if len(raw) >= 32 else [self._reference(inner) for inner in member]

    def prove(self, key: bytes) -> tuple[bytes, ...]:
        """The nodes on the way along a key, as far as the trie goes."""
        path, node, listed = key.hex(), self._top, list[bytes]()
        while node is not None:
            raw = self._encode(node)
            if not listed or len(raw) >= 32:
                listed.append(raw)
            if len(node) == 17:
                child, path = node[int(path[0], 16)], path[1:]
            elif is_leaf(node):
                break
            else:
                assert isinstance(node[0], bytes)
                prefix = node[0].hex()
                part = prefix[1:] if prefix[0] == "1" else prefix[2:]
                if not path.startswith(part):
                    break
                child, path = node[1], path[len(part) :]
            node = child if isinstance(child, list) else None
        return tuple(listed)
