"""The bundle's form (§10): what step 1 of §12 asks for, and nothing of what the parts say."""

from dataclasses import dataclass
from typing import Any

from tests.plain import canonical
from tests.plain.content import Content, read_content
from tests.plain.formats import (
    BATCH_LANE,
    FOREVER,
    PRACTITIONER,
    BatchHeader,
    Signature,
    Statement,
    read_batch_header,
    read_signature,
    read_signatures,
    read_statement,
)  # fmt: skip
from tests.plain.refusal import need
from tests.plain.sm import public_key, z_of
from tests.plain.trust import Ledger, read_ledger

LARGEST_FILE = 16 * 2**20


@dataclass(frozen=True, slots=True)
class BatchAnchor:
    header: BatchHeader
    index: int
    path: list[bytes]
    seal: Signature


@dataclass(frozen=True, slots=True)
class Entry:
    """One statement with what came with it; `anchor` is None in the registry lane and while pending."""

    statement: Statement
    signatures: list[Signature]
    content: Content | None
    anchor: BatchAnchor | None


@dataclass(frozen=True, slots=True)
class Signer:
    number: int
    key_index: int
    key: bytes
    z: bytes
    card: Content | None


@dataclass(frozen=True, slots=True)
class Account:
    """Proofs of an account and of its slots, as they came."""

    address: bytes
    nodes: list[bytes]
    slots: dict[bytes, list[bytes]]  # by position


@dataclass(frozen=True, slots=True)
class Bundle:
    """`header` is None while pending. Witnesses are (seen, signature)."""

    ledger: Ledger
    target: bytes
    entries: list[Entry]
    signers: dict[tuple[int, int], Signer]  # by number and key index
    header: bytes | None
    accounts: list[Account]
    witnesses: list[tuple[int, Signature]]

    @property
    def in_batch(self) -> bool:
        return bool(self.entries[0].statement.flags & BATCH_LANE)


def read_bundle(data: bytes) -> Bundle:
    """The bundle, refused unless it keeps §10."""
    form, ledger, target, statements, signers, chain, witnesses = canonical.members(
        canonical.read(data, LARGEST_FILE), "format", "ledger", "target", "statements", "signers", "chain", "witnesses"
    )
    need(form == "tiezheng/bundle/1", "another format")
    place = read_ledger(*canonical.members(ledger, "chain_id", "founding", "genesis"))
    entries = [_read_entry(one, chain is None) for one in canonical.entries(statements, 1, 256)]
    _check_together([entry.statement for entry in entries])
    wanted = canonical.octets(target, 32)
    need(wanted in [entry.statement.digest for entry in entries], "the target is not here")
    keys = [_read_signer(one) for one in canonical.entries(signers, 0, 2049)]
    canonical.ascending([(one.number, one.key_index) for one in keys], "signers")
    used = {(one.signer, one.key_index) for entry in entries for one in entry.signatures}
    used |= {(entry.anchor.seal.signer, entry.anchor.seal.key_index) for entry in entries if entry.anchor}
    need({(one.number, one.key_index) for one in keys} <= used, "a key that no signature uses")
    header, accounts = None, []
    if chain is not None:
        held, head = canonical.members(chain, "accounts", "header")
        header = canonical.octets(head)
        accounts = [read_account(one) for one in canonical.entries(held, 0, 8)]
        canonical.ascending([one.address for one in accounts], "addresses")
    seen = [read_witness(one) for one in canonical.entries(witnesses, 0, 256)]
    canonical.ascending([signature.signer for _, signature in seen], "witnesses")
    need(chain is not None or not seen, "witnesses while pending")
    return Bundle(place, wanted, entries, {(one.number, one.key_index): one for one in keys}, header, accounts, seen)


def _read_entry(value: Any, pending: bool) -> Entry:
    anchor, content, signatures, statement = canonical.members(value, "anchor", "content", "signatures", "statement")
    one = read_statement(canonical.octets(statement))
    signed = read_signatures([canonical.octets(each) for each in canonical.entries(signatures)])
    disclosed = None if content is None else read_content(content)
    if not one.flags & BATCH_LANE:
        need(anchor == {"lane": "registry"}, "another anchor than the registry's")
        return Entry(one, signed, disclosed, None)
    need((anchor is None) == pending, "an anchor exactly where there is a chain")
    if anchor is None:
        return Entry(one, signed, disclosed, None)
    header, index, lane, path, signature = canonical.members(anchor, "header", "index", "lane", "path", "signature")
    need(lane == "batch", "another anchor than a batch's")
    nodes = [canonical.octets(node, 32) for node in canonical.entries(path, 0, 16)]
    seal = read_signature(canonical.octets(signature, 70))
    batch = BatchAnchor(
        read_batch_header(canonical.octets(header, 88)), canonical.whole(index, 0, 2**32 - 1), nodes, seal
    )
    return Entry(one, signed, disclosed, batch)


def _check_together(statements: list[Statement]) -> None:
    canonical.ascending([one.sequence for one in statements], "sequences")
    need(len({one.case for one in statements}) == 1, "statements of several cases")
    need(len({(one.kind >> 8, one.flags & BATCH_LANE) for one in statements}) == 1, "several case types or lanes")


def _read_signer(value: Any) -> Signer:
    card, key_index, number, x, y = canonical.members(value, "card", "key_index", "number", "x", "y")
    key = canonical.octets(x, 32) + canonical.octets(y, 32)
    public_key(key)
    who = canonical.whole(number, 1, 2**32 - 1)
    need(who % PRACTITIONER, "a signer is nobody")
    disclosed = None if card is None else read_content(card)
    return Signer(who, canonical.whole(key_index, 0, 255), key, z_of(key), disclosed)


def _read_nodes(value: Any) -> list[bytes]:
    nodes = [canonical.octets(node) for node in canonical.entries(value, 0, 65)]
    need(all(len(node) <= 1024 for node in nodes), "a node is too long")
    return nodes


def read_account(value: Any) -> Account:
    address, nodes, slots = canonical.members(value, "address", "nodes", "slots")
    proofs: dict[bytes, list[bytes]] = {}
    for slot in canonical.entries(slots, 0, 4354):
        slot_nodes, position = canonical.members(slot, "nodes", "position")
        canonical.ascending([*list(proofs)[-1:], canonical.octets(position, 32)], "positions")
        proofs[canonical.octets(position, 32)] = _read_nodes(slot_nodes)
    return Account(canonical.octets(address, 20), _read_nodes(nodes), proofs)


def read_witness(value: Any) -> tuple[int, Signature]:
    seen, signature = canonical.members(value, "seen", "signature")
    return canonical.whole(seen, 0, FOREVER), read_signature(canonical.octets(signature, 70))
