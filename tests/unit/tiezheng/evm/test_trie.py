"""Trie proofs over tries from an independent builder: inclusion, exclusion, and no corruption that passes."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.tiezheng.evm.trie_builder import build, closed, hex_prefix, keccak_of, prove, rlp, root_of
from tiezheng.errors import TiezhengError
from tiezheng.evm.trie import EMPTY_ROOT, canonical_nodes, verify_proof

KEYS = st.binary(min_size=1, max_size=2).map(lambda tail: bytes(32 - len(tail)) + tail) | st.binary(
    min_size=32, max_size=32
)
# The crowded keys share 30 bytes: long extensions and nodes small enough to be embedded in their parents.
TRIES = st.dictionaries(KEYS, st.binary(min_size=1, max_size=40), min_size=1, max_size=24)


def _outcome(root: bytes, key: bytes, nodes: list[bytes]) -> bytes | str | None:
    try:
        return verify_proof(root, key, nodes)
    except TiezhengError as error:
        return error.code


def _trie(pairs: dict[bytes, bytes]) -> list[object] | None:
    return build({key.hex(): value for key, value in pairs.items()})


def _sixteen() -> tuple[list[object] | None, dict[bytes, bytes]]:
    pairs = {keccak_of(bytes([at])): bytes([at + 1]) * 40 for at in range(40)}
    return _trie(pairs), pairs


# Five accounts and the root of their trie over hashed addresses: ethereum/tests (MIT), TrieTests.
EMPTY = "a056e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
NO_CODE = "a0c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
KNOWN = {
    "a94f5374fce5edbc8e2a8697c15331677e6ebf0b": "f848018405f446a7" + EMPTY + NO_CODE,
    "095e7baea6a6c7c4c2dfeb977efac326af552d87": "f8440101"
    + EMPTY
    + "a004bccc5d94f4d1f99aab44369a910179931772f2a5c001c3229f57831c102769",
    "d2571607e241ecf590ed94b12d87c94babe36db6": "f8440180"
    "a0ba4b47865c55a341a4a78759bb913cd15c3ee8eaf30a62fa8d1c8863113d84e8" + NO_CODE,
    "62c01474f089b07dae603491675dc5b5748f7049": "f8448080" + EMPTY + NO_CODE,
    "2adc25665018aa1fe0e6bc666dac8fc2697ff9ba": "f8478083019a59" + EMPTY + NO_CODE,
}
KNOWN_ROOT = "730a444e08ab4b8dee147c9b232fc52d34a223d600031c1e9d25bfc985cbd797"


def test_published_root_is_built_and_every_account_proved() -> None:
    pairs = {keccak_of(bytes.fromhex(address)): bytes.fromhex(leaf) for address, leaf in KNOWN.items()}
    trie = _trie(pairs)
    assert root_of(trie).hex() == KNOWN_ROOT
    for key, value in pairs.items():
        assert verify_proof(bytes.fromhex(KNOWN_ROOT), key, prove(trie, key.hex())) == value


@settings(deadline=None)
@given(TRIES, st.lists(KEYS, max_size=8))
def test_every_key_is_proved_present_or_absent(pairs: dict[bytes, bytes], others: list[bytes]) -> None:
    trie = _trie(pairs)
    root = root_of(trie)
    for key in [*pairs, *others]:
        assert verify_proof(root, key, prove(trie, key.hex())) == pairs.get(key)


@settings(max_examples=25, deadline=None)
@given(TRIES, KEYS, st.integers(1, 255))
def test_no_flipped_byte_of_any_node_changes_the_answer(pairs: dict[bytes, bytes], key: bytes, mask: int) -> None:
    trie = _trie(pairs)
    root = root_of(trie)
    for path in [*list(pairs)[:3], key]:
        nodes = prove(trie, path.hex())
        for at, node in enumerate(nodes):
            for byte in range(len(node)):
                changed = node[:byte] + bytes([node[byte] ^ mask]) + node[byte + 1 :]
                outcome = _outcome(root, path, [*nodes[:at], changed, *nodes[at + 1 :]])
                assert outcome in ("trie.root", "trie.node_hash", "trie.wrong_nibble")


@settings(deadline=None)
@given(TRIES, KEYS, st.data())
def test_no_rearrangement_of_the_nodes_is_accepted(pairs: dict[bytes, bytes], key: bytes, data: st.DataObject) -> None:
    trie = _trie(pairs)
    root = root_of(trie)
    path = data.draw(st.sampled_from([*pairs, key]))
    nodes = prove(trie, path.hex())
    pool = [*nodes, *prove(trie, data.draw(st.sampled_from(list(pairs))).hex()), b"", b"\x80"]
    other = data.draw(st.lists(st.sampled_from(pool), max_size=len(nodes) + 2))
    outcome = _outcome(root, path, other)
    if other == nodes:
        assert outcome == pairs.get(path)
    else:
        assert isinstance(outcome, str)


@settings(deadline=None)
@given(TRIES, KEYS)
def test_a_proof_for_one_key_never_gives_another_value_for_another(pairs: dict[bytes, bytes], key: bytes) -> None:
    trie = _trie(pairs)
    root = root_of(trie)
    for path in pairs:
        outcome = _outcome(root, key, prove(trie, path.hex()))
        assert isinstance(outcome, str) or outcome == pairs.get(key)


def test_the_empty_trie_proves_absence_with_no_nodes_only() -> None:
    assert root_of(None) == EMPTY_ROOT
    assert verify_proof(EMPTY_ROOT, bytes(32), []) is None
    assert _outcome(EMPTY_ROOT, bytes(32), [b"\x80"]) == "trie.unused_nodes"
    assert _outcome(keccak_of(b"x"), bytes(32), []) == "trie.missing_node"


def test_each_defect_has_its_own_code() -> None:
    trie, pairs = _sixteen()
    root = root_of(trie)
    key, other = list(pairs)[:2]
    nodes = prove(trie, key.hex())
    assert len(nodes) >= 3
    assert _outcome(root, key, nodes) == pairs[key]
    assert _outcome(root, key, nodes[:-1]) == "trie.missing_node"
    assert _outcome(root, key, [*nodes, nodes[-1]]) == "trie.unused_nodes"
    assert _outcome(root, key, [nodes[0], nodes[2], nodes[1]]) == "trie.node_hash"
    assert _outcome(root, key, nodes[1:]) == "trie.root"
    assert _outcome(root, other, nodes) == "trie.wrong_nibble"
    assert _outcome(keccak_of(b"another"), key, nodes) == "trie.root"
    assert _outcome(root[:31], key, nodes) == "trie.input"
    assert _outcome(root, key + b"\x00", nodes) == "trie.input"
    assert _outcome(root, key, nodes * 30) == "trie.too_large"
    assert _outcome(root, key, [nodes[0], bytes(1_025)]) == "trie.too_large"


def test_embedded_nodes_are_followed_and_may_not_be_listed() -> None:
    pairs = {bytes(31) + bytes([tail]): b"\x05" for tail in (0x11, 0x12, 0x13)}
    trie = _trie(pairs)
    key = next(iter(pairs))
    root, nodes = root_of(trie), prove(trie, key.hex())
    assert len(nodes) == 1
    assert verify_proof(root, key, nodes) == b"\x05"
    assert verify_proof(root, bytes(31) + b"\x14", nodes) is None
    leaf = rlp([hex_prefix("", True), b"\x05"])
    assert _outcome(root, key, [*nodes, leaf]) == "trie.unused_nodes"
    assert verify_proof(root, key, canonical_nodes([*nodes, leaf])) == b"\x05"
    assert canonical_nodes([b"\x80"]) == ()


def test_the_deepest_embedding_is_followed() -> None:
    pairs = {bytes(30) + tail: b"\x05" for tail in (b"\x00\x00", b"\x00\x01", b"\x12\x34")}
    trie = _trie(pairs)
    for key in pairs:
        nodes = prove(trie, key.hex())
        assert len(nodes) == 2
        assert verify_proof(root_of(trie), key, nodes) == b"\x05"


def test_a_short_node_may_not_stand_behind_a_hash() -> None:
    short = rlp([hex_prefix("", True), b"\x05"])
    top: list[object] = [b""] * 17
    top[0], top[1] = keccak_of(short), keccak_of(b"y")
    assert _outcome(keccak_of(rlp(top)), bytes(32), [rlp(top), short]) == "trie.embedded"


def test_a_long_node_may_not_be_embedded() -> None:
    top: list[object] = [b""] * 17
    top[0], top[1] = [hex_prefix("0" * 63, True), b"\x05" * 33], keccak_of(b"y")
    assert _outcome(keccak_of(rlp(top)), bytes(32), [rlp(top)]) == "trie.embedded"


HASH = keccak_of(b"child")


def _branch(**changes: object) -> list[object]:
    branch: list[object] = [b""] * 17
    branch[0], branch[1] = HASH, HASH
    for name, value in changes.items():
        branch[int(name[1:])] = value
    return branch


@pytest.mark.parametrize(
    ("node", "code"),
    [
        ([], "trie.shape"),
        ([b"\x20"], "trie.shape"),
        ([b"\x20", b"\x01", b"\x01"], "trie.shape"),
        ([*_branch(), b""], "trie.shape"),
        (_branch()[:16], "trie.shape"),
        (_branch(_16=b"value"), "trie.shape"),
        (_branch(_1=b""), "trie.shape"),
        (_branch(_7=b"\x01"), "trie.reference"),
        (_branch(_7=HASH[:31]), "trie.reference"),
        (_branch(_7=HASH + b"\x00"), "trie.reference"),
        ([hex_prefix("0", False), HASH[:31]], "trie.reference"),
        ([hex_prefix("0", False), b""], "trie.reference"),
        ([b"", b"\x01"], "trie.hex_prefix"),
        ([b"\x40" + bytes(32), b"\x01"], "trie.hex_prefix"),
        ([b"\x21" + bytes(32), b"\x01"], "trie.hex_prefix"),
        ([b"\x01" + bytes(3), HASH], "trie.hex_prefix"),
        ([[b"\x20"], b"\x01"], "trie.hex_prefix"),
        ([hex_prefix("0" * 63, True), b"\x01"], "trie.path_length"),
        ([hex_prefix("0" * 65, True), b"\x01"], "trie.path_length"),
        ([hex_prefix("1" * 63, True), b"\x01"], "trie.path_length"),
        ([hex_prefix("", False), HASH], "trie.path_length"),
        ([hex_prefix("0" * 64, False), HASH], "trie.path_length"),
        ([hex_prefix("0" * 64, True), b""], "trie.shape"),
        ([hex_prefix("0" * 64, True), [b"\x01"]], "trie.shape"),
        ([hex_prefix("0", False), [hex_prefix("0", False), [b"\x20", b"\x01"]]], "trie.shape"),
        ([hex_prefix("0", False), [hex_prefix("0" * 3, True), b"\x01"]], "trie.shape"),
    ],
)
def test_nodes_that_no_trie_has_are_refused_although_the_root_names_them(node: list[object], code: str) -> None:
    raw = rlp(node)
    assert _outcome(keccak_of(raw), bytes(32), [raw]) == code


def test_a_branch_below_the_end_of_the_path_is_refused() -> None:
    # Root: 63 zero nibbles, then a branch whose child 0 is again a branch where only a leaf can stand.
    bottom = rlp(_branch())
    lower = rlp([keccak_of(bottom), HASH, *[b""] * 15])
    top = rlp([hex_prefix("0" * 63, False), keccak_of(lower)])
    assert _outcome(keccak_of(top), bytes(32), [top, lower, bottom]) == "trie.path_length"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda raw: raw + b"\x00", "rlp.trailing"),
        (lambda raw: raw[:-1], "rlp.truncated"),
        (lambda raw: b"\x80" + raw, "rlp.trailing"),
        (lambda raw: rlp(raw), "rlp.shape"),
    ],
)
def test_nodes_that_are_no_rlp_list_are_refused_although_the_root_names_them(
    change: Callable[[bytes], bytes], code: str
) -> None:
    raw = change(rlp(closed([hex_prefix("0" * 64, True), b"\x01"])))
    assert _outcome(keccak_of(raw), bytes(32), [raw]) == code
