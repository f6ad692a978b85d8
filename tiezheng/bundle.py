"""Bundles: the one file that proves a statement offline (spec/SPEC.md §10).

Guaranteed: a `Bundle` that exists has the order, uniqueness, bounds and togetherness that §10 asks for, and
`parse_bundle` accepts only its one canonical encoding: `parse_bundle(x.to_bytes()) == x`, and nothing else gives x. Not
guaranteed: that anything in it is true; `tiezheng.verify` decides that.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from tiezheng.batch import BatchHeader, parse_batch_header
from tiezheng.canonical import dumps, loads_strict
from tiezheng.content import DisclosedContent, parse_disclosed
from tiezheng.errors import Malformed, TooLarge
from tiezheng.evm.header import MAX_HEADER_SIZE
from tiezheng.evm.trie import MAX_NODE_SIZE, MAX_NODES
from tiezheng.json_members import check_ascending, read_hex, read_hex_up_to, read_integer, read_list, read_object
from tiezheng.signature import PublicKey, Signature
from tiezheng.statement import (
    ADDRESS_SIZE,
    MAX_SIGNATURES,
    STATEMENT_SIZE,
    Flag,
    SignedStatement,
    parse_statement,
)

FORMAT: Final = "tiezheng/bundle/1"
# A target with a thousand disclosed records stays far below; the bound is what a browser parses without trouble.
MAX_BUNDLE_SIZE: Final = 16 << 20
MAX_STATEMENTS: Final = 256
MAX_WITNESSES: Final = 256
MAX_ACCOUNTS: Final = 8
MAX_SIGNERS: Final = MAX_STATEMENTS * MAX_SIGNATURES + 1
MAX_SLOTS: Final = 2 * MAX_SIGNERS + MAX_STATEMENTS
MAX_BATCH_PATH: Final = 16
U32: Final = (1 << 32) - 1
U48: Final = (1 << 48) - 1
_WORD: Final = 32

_SIGNATURE: Final = 70
_BATCH_HEADER: Final = 88

_BUNDLE: Final = frozenset({"chain", "format", "ledger", "signers", "statements", "target", "witnesses"})
_LEDGER: Final = frozenset({"chain_id", "founding", "genesis"})
_STATEMENT: Final = frozenset({"anchor", "content", "signatures", "statement"})
_SIGNER: Final = frozenset({"card", "key_index", "number", "x", "y"})
_CHAIN: Final = frozenset({"accounts", "header"})
_ACCOUNT: Final = frozenset({"address", "nodes", "slots"})
_SLOT: Final = frozenset({"nodes", "position"})
_WITNESS: Final = frozenset({"seen", "signature"})
_BATCH: Final = frozenset({"header", "index", "lane", "path", "signature"})
_REGISTRY: Final = frozenset({"lane"})


@dataclass(frozen=True, slots=True)
class LedgerId:
    """Which ledger: chain id, digest of the founding bytes, hash of the genesis block (32 bytes each)."""

    chain_id: int
    founding: bytes
    genesis: bytes

    def to_json(self) -> dict[str, object]:
        """The member `ledger` of §10."""
        return {"chain_id": self.chain_id, "founding": self.founding.hex(), "genesis": self.genesis.hex()}


@dataclass(frozen=True, slots=True)
class BatchProof:
    """Place of a statement in a batch: the header, the operator's signature, index and path of the leaf (§6)."""

    header: BatchHeader
    index: int
    path: tuple[bytes, ...]
    signature: Signature

    def to_json(self) -> dict[str, object]:
        """The member `anchor` of a statement in a batch."""
        return {
            "header": self.header.to_bytes().hex(),
            "index": self.index,
            "lane": "batch",
            "path": [node.hex() for node in self.path],
            "signature": self.signature.to_bytes().hex(),
        }


@dataclass(frozen=True, slots=True)
class BundleStatement:
    """A signed statement, what is disclosed of its content (None: nothing), and its place in a batch.

    `batch` is None in the registry lane, and in the batch lane while nothing is anchored.
    """

    signed: SignedStatement
    content: DisclosedContent | None
    batch: BatchProof | None

    @property
    def in_batch(self) -> bool:
        """Whether the statement is of the batch lane."""
        return bool(self.signed.statement.flags & Flag.BATCH)

    def to_json(self) -> dict[str, object]:
        """An item of `statements`."""
        anchor: dict[str, object] | None = {"lane": "registry"}
        if self.in_batch:
            anchor = None if self.batch is None else self.batch.to_json()
        return {
            "anchor": anchor,
            "content": None if self.content is None else self.content.to_json(),
            "signatures": [signature.to_bytes().hex() for signature in self.signed.signatures],
            "statement": self.signed.statement.to_bytes().hex(),
        }


@dataclass(frozen=True, slots=True)
class BundleSigner:
    """A key that signed in this bundle, and the identity card that was fixed with it (None: withheld)."""

    number: int
    key_index: int
    public: PublicKey
    card: DisclosedContent | None

    @property
    def key(self) -> tuple[int, int]:
        """(number, key index), by which signatures name it."""
        return self.number, self.key_index

    def to_json(self) -> dict[str, object]:
        """An item of `signers`."""
        key = self.public.to_bytes().hex()
        card = None if self.card is None else self.card.to_json()
        return {"card": card, "key_index": self.key_index, "number": self.number, "x": key[:64], "y": key[64:]}


@dataclass(frozen=True, slots=True)
class SlotProof:
    """Trie nodes for one storage position (32 bytes), from the storage root down."""

    position: bytes
    nodes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class AccountProof:
    """Trie nodes for one account (20 bytes) from the state root down, and the proofs of its slots."""

    address: bytes
    nodes: tuple[bytes, ...]
    slots: tuple[SlotProof, ...]

    def to_json(self) -> dict[str, object]:
        """An item of `accounts`."""
        slots = [{"nodes": [node.hex() for node in slot.nodes], "position": slot.position.hex()} for slot in self.slots]
        return {"address": self.address.hex(), "nodes": [node.hex() for node in self.nodes], "slots": slots}


@dataclass(frozen=True, slots=True)
class ChainProof:
    """Raw block header (RLP) and the accounts proved under its state root."""

    header: bytes
    accounts: tuple[AccountProof, ...]

    def to_json(self) -> dict[str, object]:
        """The member `chain`."""
        return {"accounts": [account.to_json() for account in self.accounts], "header": self.header.hex()}


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A witness's signature over the block; `seen` is when it saw it, ms since 1970 (§9)."""

    seen: int
    signature: Signature

    def to_json(self) -> dict[str, object]:
        """An item of `witnesses`."""
        return {"seen": self.seen, "signature": self.signature.to_bytes().hex()}


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle about `target` (digest of one of its statements).

    Raises Malformed `bundle.*`, `json.order`, `statement.lane` where its parts do not belong together.
    """

    ledger: LedgerId
    target: bytes
    statements: tuple[BundleStatement, ...]
    signers: tuple[BundleSigner, ...]
    chain: ChainProof | None
    witnesses: tuple[Cosignature, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.statements) <= MAX_STATEMENTS:
            raise Malformed("bundle.mismatch", expected=f"1 to {MAX_STATEMENTS} statements", got=len(self.statements))
        check_ascending([item.signed.statement.sequence for item in self.statements], "statements")
        check_ascending([signer.key for signer in self.signers], "signers")
        check_ascending([item.signature.signer for item in self.witnesses], "witnesses")
        for before, after in pairwise(item.signed.statement for item in self.statements):
            if (before.case, before.domain, before.case_type) != (after.case, after.domain, after.case_type):
                raise Malformed("bundle.case", expected=before.case, got=after.case)
        if self.target not in {item.signed.digest for item in self.statements}:
            raise Malformed("bundle.target", got=self.target)
        self._check_anchors()
        self._check_signers()
        if self.chain is None and self.witnesses:
            raise Malformed("bundle.unused", detail="witnesses without chain")
        if self.chain is not None:
            check_ascending([account.address for account in self.chain.accounts], "accounts")
            for account in self.chain.accounts:
                check_ascending([slot.position for slot in account.slots], "slots")

    def _check_anchors(self) -> None:
        for item in self.statements:
            if item.in_batch != self.statements[0].in_batch or (item.batch is not None and not item.in_batch):
                raise Malformed("statement.lane", detail="anchor")
            if item.in_batch and (item.batch is None) != (self.chain is None):
                raise Malformed("bundle.mismatch", detail="a batch anchor comes with chain, and only with it")

    def _check_signers(self) -> None:
        used = {(one.signer, one.key_index) for item in self.statements for one in item.signed.signatures}
        sealed = [item.batch.signature for item in self.statements if item.batch is not None]
        used |= {(one.signer, one.key_index) for one in sealed}
        for signer in self.signers:
            if signer.key not in used:
                raise Malformed("bundle.unused", detail=f"signers: {signer.number}, key {signer.key_index}")

    @property
    def target_statement(self) -> BundleStatement:
        """The statement that the bundle is about."""
        return next(item for item in self.statements if item.signed.digest == self.target)

    def to_json(self) -> dict[str, object]:
        """The members of §10."""
        return {
            "chain": None if self.chain is None else self.chain.to_json(),
            "format": FORMAT,
            "ledger": self.ledger.to_json(),
            "signers": [signer.to_json() for signer in self.signers],
            "statements": [item.to_json() for item in self.statements],
            "target": self.target.hex(),
            "witnesses": [item.to_json() for item in self.witnesses],
        }

    def to_bytes(self) -> bytes:
        """The canonical bytes. Raises TooLarge `bundle.too_large` above 16 MiB."""
        data = dumps(self.to_json())
        if len(data) > MAX_BUNDLE_SIZE:
            raise TooLarge("bundle.too_large", expected=MAX_BUNDLE_SIZE, got=len(data))
        return data


def parse_bundle(data: bytes) -> Bundle:
    """The bundle in these bytes.

    Raises Malformed `bundle.*`, `json.*` and what the parsers of its parts raise.
    """
    if len(data) > MAX_BUNDLE_SIZE:
        raise TooLarge("bundle.too_large", expected=MAX_BUNDLE_SIZE, got=len(data))
    value = loads_strict(data, MAX_BUNDLE_SIZE)
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise Malformed("bundle.format", expected=FORMAT)
    bundle = read_object(value, _BUNDLE, "bundle")
    chain = bundle["chain"]
    return Bundle(
        ledger=read_ledger(bundle["ledger"]),
        target=read_hex(bundle["target"], "target", _WORD),
        statements=tuple(_statement(item) for item in read_list(bundle["statements"], "statements", MAX_STATEMENTS)),
        signers=tuple(_signer(item) for item in read_list(bundle["signers"], "signers", MAX_SIGNERS)),
        chain=None if chain is None else read_chain(chain),
        witnesses=tuple(read_cosignature(item) for item in read_list(bundle["witnesses"], "witnesses", MAX_WITNESSES)),
    )


def read_ledger(value: object) -> LedgerId:
    """The member `ledger`, from parsed JSON."""
    ledger = read_object(value, _LEDGER, "ledger")
    return LedgerId(
        chain_id=read_integer(ledger["chain_id"], "chain_id", least=1),
        founding=read_hex(ledger["founding"], "founding", _WORD),
        genesis=read_hex(ledger["genesis"], "genesis", _WORD),
    )


def _statement(value: object) -> BundleStatement:
    item = read_object(value, _STATEMENT, "statements[]")
    statement = parse_statement(read_hex(item["statement"], "statement", STATEMENT_SIZE))
    listed = read_list(item["signatures"], "signatures", MAX_SIGNATURES)
    content = item["content"]
    return BundleStatement(
        signed=SignedStatement(statement, tuple(_signature(one) for one in listed)),
        content=None if content is None else parse_disclosed(content),
        batch=_anchor(item["anchor"], bool(statement.flags & Flag.BATCH)),
    )


def _anchor(value: object, in_batch: bool) -> BatchProof | None:
    if in_batch and value is None:
        return None
    anchor = read_object(value, _BATCH if in_batch else _REGISTRY, "anchor")
    if anchor["lane"] != ("batch" if in_batch else "registry"):
        raise Malformed("statement.lane", detail="anchor")
    if not in_batch:
        return None
    return BatchProof(
        header=parse_batch_header(read_hex(anchor["header"], "header", _BATCH_HEADER)),
        index=read_integer(anchor["index"], "index", most=U32),
        path=tuple(read_hex(node, "path", _WORD) for node in read_list(anchor["path"], "path", MAX_BATCH_PATH)),
        signature=_signature(anchor["signature"]),
    )


def _signature(value: object) -> Signature:
    return Signature.parse(read_hex(value, "signature", _SIGNATURE))


def _signer(value: object) -> BundleSigner:
    signer = read_object(value, _SIGNER, "signers[]")
    card = signer["card"]
    return BundleSigner(
        number=read_integer(signer["number"], "number", least=1, most=U32),
        key_index=read_integer(signer["key_index"], "key_index", most=255),
        public=PublicKey.parse(read_hex(signer["x"], "x", _WORD) + read_hex(signer["y"], "y", _WORD)),
        card=None if card is None else parse_disclosed(card),
    )


def read_chain(value: object) -> ChainProof:
    """The member `chain`, from parsed JSON."""
    chain = read_object(value, _CHAIN, "chain")
    return ChainProof(
        header=read_hex_up_to(chain["header"], "header", MAX_HEADER_SIZE),
        accounts=tuple(_account(item) for item in read_list(chain["accounts"], "accounts", MAX_ACCOUNTS)),
    )


def _account(value: object) -> AccountProof:
    account = read_object(value, _ACCOUNT, "accounts[]")
    return AccountProof(
        address=read_hex(account["address"], "address", ADDRESS_SIZE),
        nodes=_nodes(account["nodes"]),
        slots=tuple(_slot(item) for item in read_list(account["slots"], "slots", MAX_SLOTS)),
    )


def _slot(value: object) -> SlotProof:
    slot = read_object(value, _SLOT, "slots[]")
    return SlotProof(read_hex(slot["position"], "position", _WORD), _nodes(slot["nodes"]))


def _nodes(value: object) -> tuple[bytes, ...]:
    return tuple(read_hex_up_to(node, "nodes", MAX_NODE_SIZE) for node in read_list(value, "nodes", MAX_NODES))


def read_cosignature(value: object) -> Cosignature:
    """An item of `witnesses`, from parsed JSON."""
    witness = read_object(value, _WITNESS, "witnesses[]")
    return Cosignature(read_integer(witness["seen"], "seen", most=U48), _signature(witness["signature"]))
