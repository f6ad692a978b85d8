"""A small trie for the tests, written apart from the code under test: it shares with it nothing but the hash."""

from collections.abc import Mapping

from Crypto.Hash import keccak


def keccak_of(data: bytes) -> bytes:
    return keccak.new(data=data, digest_bits=256).digest()


def rlp(item: object) -> bytes:
    if isinstance(item, bytes):
        return item if len(item) == 1 and item < b"\x80" else _head(item, 0x80) + item
    assert isinstance(item, list)
    body = b"".join(map(rlp, item))
    return _head(body, 0xC0) + body


def _head(body: bytes, base: int) -> bytes:
    if len(body) <= 55:
        return bytes([base + len(body)])
    size = bytes.fromhex(f"{len(body):0{2 * ((len(body).bit_length() + 7) // 8)}x}")
    return bytes([base + 55 + len(size)]) + size


def hex_prefix(nibbles: str, leaf: bool) -> bytes:
    flag = 2 * leaf + len(nibbles) % 2
    return bytes.fromhex(f"{flag:x}" + ("" if len(nibbles) % 2 else "0") + nibbles)


def build(pairs: Mapping[str, bytes]) -> list[object] | None:
    """The root node of the trie that maps hex paths of one length to values; children are nodes, not references."""
    if not pairs:
        return None
    if len(pairs) == 1:
        ((path, value),) = pairs.items()
        return [hex_prefix(path, True), value]
    paths = sorted(pairs)
    shared = 0
    while paths[0][shared] == paths[-1][shared]:
        shared += 1
    if shared:
        return [hex_prefix(paths[0][:shared], False), build({path[shared:]: pairs[path] for path in paths})]
    children: list[object] = [
        build({path[1:]: pairs[path] for path in paths if path[0] == digit}) or b"" for digit in "0123456789abcdef"
    ]
    return [*children, b""]


def is_leaf(node: list[object]) -> bool:
    return len(node) == 2 and isinstance(node[1], bytes)


def closed(node: list[object]) -> list[object]:
    """The node with its children replaced by what stands for them in its encoding: a hash or the node itself."""
    out: list[object] = []
    for member in node:
        if isinstance(member, list):
            inner = closed(member)
            raw = rlp(inner)
            out.append(keccak_of(raw) if len(raw) >= 32 else inner)
        else:
            out.append(member)
    return out


def root_of(node: list[object] | None) -> bytes:
    return keccak_of(b"\x80" if node is None else rlp(closed(node)))


def prove(node: list[object] | None, path: str) -> list[bytes]:
    """The listed nodes on the way along `path`, as far as the trie goes."""
    listed: list[bytes] = []
    while isinstance(node, list):
        raw = rlp(closed(node))
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
    return listed
