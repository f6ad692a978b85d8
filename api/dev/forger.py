"""A forger, for showing what a forged chain is worth: a header made up, with perfect proofs under its state root.

Guaranteed: the forgery passes every check that rests on the header (contracts, anchor, keys, identity); it fails on
what no forger can make, the witnesses' signatures. Not guaranteed: use to anyone; it has no secrets and needs none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from api.dev.consortium import OFFICE
from api.dev.founding import draw_salt
from tiezheng.bundle import AccountProof, Bundle, BundleSigner, BundleStatement, ChainProof, SlotProof
from tiezheng.content import ALL, ContentType, build_content, disclose
from tiezheng.evm.header import parse_header
from tiezheng.evm.keccak import keccak256
from tiezheng.evm.rlp import decode, encode, encode_int
from tiezheng.founding import Custody, InstitutionRole
from tiezheng.identity import disclose_card, institution_card
from tiezheng.procedures import JsonValue, Status
from tiezheng.signature import Signature, generate, sign, z_value
from tiezheng.statement import SignedStatement, message_for
from tiezheng.storage_words import (
    KeyWord,
    RecordWord,
    case_tag,
    identity_root_slot,
    key_record_slot,
    record_slot,
    table_slot,
)
from tiezheng.trust import Trust

_STATE_ROOT: Final = 3
_YEAR_MS: Final = 365 * 86_400_000
_TABLE: Final = 1
Node = list["bytes | Node"]


def forge(genuine: Bundle, trust: Trust, title: str) -> Bundle:
    """A deposit that never happened, a year back, by a key that the forger drew, in the notary office's name.

    `genuine` is a bundle of a deposit; its cosignatures are kept, as the forger has no others.
    """
    chain, before = genuine.chain, genuine.target_statement.signed.statement
    if chain is None:
        raise AssertionError("a forger starts from a bundle with a header")
    procedure = next(one for one in trust.procedures if one.table_digest == before.previous)
    kind = next(kind for kind in procedure.kinds if kind.opens)
    registry = trust.registries(before.domain)[0]
    # 1. Key, card and statement of the forger's own.
    key = generate()
    card = institution_card(
        OFFICE, "FORGED", "伪造的公证处 Forged office", InstitutionRole.NOTARY_OFFICE, draw_salt=draw_salt
    )
    values: dict[str, JsonValue] = {"signers": [[OFFICE, 0]], "title": title, "given_by": "party"}
    content = build_content(ContentType.STATEMENT, kind.schema, values, draw_salt=draw_salt)
    statement = replace(before, occurred=before.occurred - _YEAR_MS, content=content.root, subject=bytes(32))
    signature = Signature(OFFICE, 0, 0, sign(key, message_for(statement, registry.id, OFFICE, 0, 1)))
    # 2. A state in which the chain knows all that.
    z, moment = z_value(key.public), statement.occurred // 1000 + 2
    number = max(registry.from_height, trust.institutions.from_height)
    key_record = KeyWord(OFFICE, OFFICE, InstitutionRole.NOTARY_OFFICE, 0, Custody.SELF, moment - 86_400)
    position = next(at for at, one in enumerate(procedure.kinds) if one is kind)
    tag = case_tag(statement.case)
    record = RecordWord(moment, number, Status.IN_FORCE, table_index=_TABLE, position=position, case_tag=tag)
    storage = {
        trust.institutions.address: {
            key_record_slot(z, 0): key_record.to_bytes(),
            identity_root_slot(z, 0): card.root,
        },
        registry.address: {
            record_slot(statement.digest): record.to_bytes(),
            table_slot(_TABLE): statement.previous,
        },
    }
    codes = {trust.institutions.address: trust.institutions.code_hash, registry.address: registry.code_hash}
    # 3. A header over it, all else as in the genuine one, and the proofs.
    root, accounts = _prove(storage, codes)
    fields = decode(chain.header)
    assert isinstance(fields, list)
    header = encode([*fields[:_STATE_ROOT], root, *fields[_STATE_ROOT + 1 :]])
    assert parse_header(header).state_root == root
    return Bundle(
        ledger=genuine.ledger,
        target=statement.digest,
        statements=(BundleStatement(SignedStatement(statement, (signature,)), disclose(content, ALL), None),),
        signers=(BundleSigner(OFFICE, 0, key.public, disclose_card(card)),),
        chain=ChainProof(header, accounts),
        witnesses=genuine.witnesses,
    )


def _prove(
    storage: Mapping[bytes, Mapping[bytes, bytes]], codes: Mapping[bytes, bytes]
) -> tuple[bytes, tuple[AccountProof, ...]]:
    """The state root over these contracts, and all proofs under it (Ethereum Yellow Paper, appendix D)."""
    tries, leaves = {}, {}
    for address, slots in storage.items():
        hashed = {keccak256(slot).hex(): encode(value.lstrip(b"\x00")) for slot, value in slots.items()}
        tries[address] = _build(hashed)
        account: list[bytes] = [encode_int(1), b"", _hash(tries[address]), codes[address]]
        leaves[keccak256(address).hex()] = encode(account)
    state = _build(leaves)
    proofs = []
    for address in sorted(storage):
        proven = tuple(
            SlotProof(slot, tuple(_walk(tries[address], keccak256(slot).hex()))) for slot in sorted(storage[address])
        )
        proofs.append(AccountProof(address, tuple(_walk(state, keccak256(address).hex())), proven))
    return _hash(state), tuple(proofs)


def _build(pairs: Mapping[str, bytes]) -> Node:
    """The node over paths (hex digits, one length) and values; a child stands as the node that it is."""
    if len(pairs) == 1:
        ((path, value),) = pairs.items()
        return [_prefix(path, 2), value]
    paths = sorted(pairs)
    shared = next(at for at, (first, last) in enumerate(zip(paths[0], paths[-1], strict=True)) if first != last)
    if shared:
        return [_prefix(paths[0][:shared], 0), _build({path[shared:]: pairs[path] for path in paths})]
    branch: Node = []
    for digit in "0123456789abcdef":
        below = {path[1:]: pairs[path] for path in paths if path[0] == digit}
        branch.append(_build(below) if below else b"")
    return [*branch, b""]


def _prefix(path: str, flag: int) -> bytes:
    odd = len(path) % 2
    return bytes.fromhex(f"{flag + odd:x}{'' if odd else '0'}{path}")


def _closed(node: Node) -> "list[bytes]":
    """Children replaced by their hashes; with values of 32 bytes and more no child is short enough to be embedded."""
    return [_hash(member) if isinstance(member, list) else member for member in node]


def _hash(node: Node) -> bytes:
    return keccak256(encode(_closed(node)))


def _walk(node: Node, path: str) -> Sequence[bytes]:
    """The nodes from this one down to the value at `path`."""
    encoded, member = encode(_closed(node)), node[-1]
    if len(node) > 2:
        member, path = node[int(path[0], 16)], path[1:]
    elif isinstance(member, list):
        skipped = node[0]
        assert isinstance(skipped, bytes)
        path = path[len(skipped.hex()) - (1 if skipped[0] >> 4 & 1 else 2) :]
    return [encoded, *(_walk(member, path) if isinstance(member, list) else [])]
