"""Proofs of breach and of fork over the simulated world, and what spoils them, for the vectors.

Guaranteed: nothing about outcomes; `scripts/make_proof_vectors.py` writes down what the kernel says. "flip" stands for
a `set` with one hex digit changed.
"""

from typing import Any, Final

from tests.support.world import AT_MS, BATCH, INSTITUTIONS, OFFICE, OPERATOR, REGISTRY, START, World, key_positions
from tests.unit.tiezheng.evm.trie_builder import keccak_of
from tiezheng.batch import build_batch, write_leaves
from tiezheng.bundle import ChainProof
from tiezheng.canonical import loads_strict
from tiezheng.evm.header import parse_header
from tiezheng.receipt import (
    Lane,
    ReceiptFile,
    RefusalFile,
    group_receipts,
    receipt_for,
    receipt_message,
    refusal_digest,
    refusal_message,
)
from tiezheng.signature import Signature, sign, z_value
from tiezheng.statement import SignedStatement
from tiezheng.storage_words import last_batch_slots, record_slot
from tiezheng.verify.breach import Batches, BreachProof, LateRefusal
from tiezheng.verify.fork import ForkProof, KeyProof, Kind, cosigned, fork_of, sealed
from tiezheng.verify.proven import NamedKey

RECEIVED: Final = (START + 50) * 1000
DUE: Final = (START + 90) * 1000
SEAL: Final = 0


class Proving(World):
    """The world with an operator that breaks promises."""

    @property
    def operator(self) -> NamedKey:
        return NamedKey(OPERATOR, 0, self.members[OPERATOR, 0].key.public)

    def by_operator(self, message: bytes) -> Signature:
        return Signature(OPERATOR, 0, 0, sign(self.members[OPERATOR, 0].key, message))

    def promise(self, signed: SignedStatement, lane: Lane = Lane.REGISTRY) -> ReceiptFile:
        receipt = receipt_for(signed, RECEIVED, DUE, lane)
        root, (path,) = group_receipts([receipt])
        contract = self.contract(REGISTRY if lane is Lane.REGISTRY else BATCH)
        return ReceiptFile(receipt, 0, 1, tuple(path), self.by_operator(receipt_message(root, OPERATOR, contract)))

    def key_slot(self) -> bytes:
        return key_positions(z_value(self.operator.public), 0)[0]

    def breach(
        self,
        receipt: ReceiptFile,
        slots: list[bytes],
        refusal: LateRefusal | None = None,
        batches: Batches | None = None,
    ) -> BreachProof:
        address, header = REGISTRY if batches is None else BATCH, self.header()
        accounts = self.prove({INSTITUTIONS: [self.key_slot()], address: slots})
        chain = ChainProof(header, accounts)
        return BreachProof(self.ledger, address, self.operator, receipt, refusal, chain, self.cosign(header), batches)

    def key_proof(self) -> KeyProof:
        header = self.header()
        return KeyProof(ChainProof(header, self.prove({INSTITUTIONS: [self.key_slot()]})), self.cosign(header))


def breaches() -> list[tuple[str, BreachProof, bytes | None]]:
    """Name, proof, and the leaves file for the batch lane."""
    world = Proving()
    late, missing = world.deposit(), world.deposit()
    del world.storage[REGISTRY][record_slot(missing.statement.digest)]
    lots = [world.bulk(1, 0) for _ in range(2)]
    world.storage[BATCH].clear()
    header, _ = build_batch(OPERATOR, None, [lots[0].signed])
    world.record_batch(header)
    first, second = last_batch_slots(OPERATOR)
    world.storage[BATCH] |= {first: header.digest, second: bytes(16) + (1).to_bytes(8, "big") + (1).to_bytes(8, "big")}
    leaves = b"".join(write_leaves(header, world.seal(header), [lots[0].signed]))
    block = parse_header(world.header(number=b"\x78"))
    digest = refusal_digest(missing.statement.digest, 51, block.number, block.hash)
    seal = world.by_operator(refusal_message(digest, OPERATOR, world.contract(REGISTRY)))
    refusal = LateRefusal(RefusalFile(missing.statement.digest, 51, block.number, block.hash, seal), block.raw)
    slot, batch_slots = record_slot(missing.statement.digest), list(last_batch_slots(OPERATOR))
    in_batch, absent = (world.promise(one.signed, Lane.BATCH) for one in lots)
    return [
        ("not anchored", world.breach(world.promise(missing.signed), [slot]), None),
        ("refused late", world.breach(world.promise(missing.signed), [slot], refusal), None),
        ("anchored late", world.breach(world.promise(late.signed), [record_slot(late.statement.digest)]), None),
        ("in no batch", world.breach(absent, batch_slots, None, Batches((header,), None)), leaves),
        (
            "in a late batch",
            world.breach(in_batch, [*batch_slots, record_slot(header.digest)], None, Batches((header,), 0)),
            leaves,
        ),
    ]


def forks() -> list[tuple[str, ForkProof]]:
    """Two of each kind's objects that contradict each other."""
    world = Proving()
    ours, other = world.header(), world.header(extra=b"other")
    (one,), (two,) = world.cosign(ours, [1]), world.cosign(other, [1])
    (elsewhere,) = world.cosign(other, [201])
    height = world.height

    def witnessed(raw: bytes, cosignature: Any) -> Any:
        return cosigned(height, keccak_of(raw), cosignature.seen, cosignature.signature.to_bytes())

    first, second = world.bulk(1, 0), world.bulk(1, 0)
    headers = [build_batch(OPERATOR, None, [made.signed])[0] for made in (first, second)]
    batches = [sealed(header.to_bytes(), world.seal(header).to_bytes()) for header in headers]
    left = world.deposit()
    right = world.deposit(case=left.statement.case)
    office = NamedKey(OFFICE, 0, world.members[OFFICE, 0].key.public)
    signed = [
        {
            "signatures": [signature.to_bytes().hex() for signature in made.signed.signatures],
            "statement": made.statement.to_bytes().hex(),
        }
        for made in (left, right)
    ]
    promised = [
        {**item, "receipt": loads_strict((data := world.promise(made.signed).to_bytes()), len(data))}
        for item, made in zip(signed, (left, right), strict=True)
    ]
    ledger, proof = world.ledger, world.key_proof()
    return [
        ("one witness", fork_of(ledger, Kind.WITNESS, witnessed(ours, one), witnessed(other, two))),
        ("two witnesses", fork_of(ledger, Kind.WITNESS, witnessed(ours, one), witnessed(other, elsewhere))),
        ("two batches", fork_of(ledger, Kind.BATCH, *batches, BATCH, world.operator, proof)),
        ("two batches, key not proven", fork_of(ledger, Kind.BATCH, *batches, BATCH, world.operator)),
        ("two statements", fork_of(ledger, Kind.STATEMENT, *signed, REGISTRY, office)),
        ("two receipts", fork_of(ledger, Kind.RECEIPT, *promised, REGISTRY, world.operator, proof)),
    ]


AT: Final = AT_MS
SLOTS: Final = ["chain", "accounts", 1, "slots"]
BREACH_EDITS: Final[list[tuple[str, str, list[list[Any]]]]] = [
    ("a byte after the end", "not anchored", [["text", "}$", "}\n"]]),
    ("another format", "not anchored", [["set", ["format"], "tiezheng/breach/2"]]),
    ("an unknown member", "not anchored", [["set", ["note"], 1]]),
    ("a member missing", "not anchored", [["delete", ["refusal"]]]),
    ("another ledger", "not anchored", [["set", ["ledger", "chain_id"], 1]]),
    ("an unknown contract", "not anchored", [["flip", ["contract"]]]),
    ("another signature of the receipt", "not anchored", [["flip", ["receipt", "signature"]]]),
    ("another lane", "not anchored", [["flip", ["receipt", "receipt"]]]),
    ("a key that nobody has", "not anchored", [["set", ["key", "key_index"], 1]]),
    ("an altered header", "not anchored", [["flip", ["chain", "header"]]]),
    ("a slot missing", "not anchored", [["delete", [*SLOTS, 0]]]),
    ("an altered node", "not anchored", [["flip", [*SLOTS, 0, "nodes", 0]]]),
    ("an altered cosignature", "not anchored", [["flip", ["witnesses", 0, "signature"]]]),
    ("headers in the registry lane", "not anchored", [["set", ["batches"], {"found": None, "headers": []}]]),
    ("a header of another block", "refused late", [["flip", ["refusal", "header"]]]),
    ("an altered refusal", "refused late", [["set", ["refusal", "file", "reason"], 52]]),
    ("no headers", "in no batch", [["set", ["batches", "headers"], []]]),
    ("found where it is not", "in no batch", [["set", ["batches", "found"], 0]]),
    ("not found where it is", "in a late batch", [["set", ["batches", "found"], None]]),
    ("an altered batch header", "in no batch", [["flip", ["batches", "headers", 0]]]),
]
FORK_EDITS: Final[list[tuple[str, str, list[list[Any]]]]] = [
    ("another format", "one witness", [["set", ["format"], "tiezheng/fork/2"]]),
    ("an unknown kind", "one witness", [["set", ["kind"], "chain"]]),
    ("a contract for witnesses", "one witness", [["set", ["contract"], "00" * 20]]),
    ("another height", "one witness", [["set", ["second", "height"], 121]]),
    ("another time", "one witness", [["set", ["first", "seen"], 1]]),
    ("an altered cosignature", "two witnesses", [["flip", ["second", "signature"]]]),
    ("a repeated member", "two batches", [["text", '"first":{', '"first":{"header":"00",']]),
    ("an altered seal", "two batches", [["flip", ["first", "signature"]]]),
    ("without a key", "two batches", [["set", ["key"], None]]),
    ("a key that nobody has", "two batches", [["set", ["key", "key_index"], 1]]),
    ("an altered node", "two batches", [["flip", ["proof", "chain", "accounts", 0, "nodes", 0]]]),
    ("another ledger", "two batches", [["set", ["ledger", "chain_id"], 1]]),
    ("receipts as statements", "two receipts", [["set", ["kind"], "statement"]]),
    ("an altered statement", "two statements", [["flip", ["first", "statement"]]]),
    ("an altered receipt", "two receipts", [["flip", ["first", "receipt", "signature"]]]),
]
