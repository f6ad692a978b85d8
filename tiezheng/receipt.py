"""Receipts and refusals: the operator's signed promise about a statement, and its signed "no" (spec/SPEC.md §7).

Guaranteed: a receipt file that `check_receipt` passes binds the operator to this statement, these signatures and this
time. Not guaranteed: that the promise was kept; the chain or a refusal shows that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from tiezheng.canonical import dumps, loads_strict
from tiezheng.digest import DIGEST_SIZE, sm3
from tiezheng.errors import Malformed, VerificationFailed
from tiezheng.json_members import read_constant, read_hex, read_integer, read_list, read_object
from tiezheng.merkle import Tree, root_from_path
from tiezheng.signature import RECORD_SIZE, ROLE_INSTITUTION, PublicKey, Signature, Tag, signed_message, verify
from tiezheng.statement import SignedStatement

RECEIPT_SIZE: Final = 77
RECEIPT_FORMAT: Final = "tiezheng/receipt/1"
REFUSAL_FORMAT: Final = "tiezheng/refusal/1"
# One commit group; far above what a service accepts within one transaction.
MAX_GROUP: Final = 1 << 20
MAX_FILE_SIZE: Final = 16_384
_U48: Final = 1 << 48
_RECEIPT_MEMBERS: Final = frozenset({"count", "format", "index", "path", "receipt", "signature"})
_REFUSAL_MEMBERS: Final = frozenset({"block_hash", "block_number", "format", "reason", "signature", "statement"})


class Lane(IntEnum):
    """How a statement reaches the chain."""

    REGISTRY = 1
    BATCH = 2


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the operator promises: by `due` (ms) this statement, received at `received`, is anchored or refused.

    Raises Malformed `receipt.due`, `receipt.lane`, `digest.length`.
    """

    statement: bytes
    signatures: bytes
    received: int
    due: int
    lane: Lane

    def __post_init__(self) -> None:
        for value in (self.statement, self.signatures):
            if len(value) != DIGEST_SIZE:
                raise Malformed("digest.length", expected=DIGEST_SIZE, got=len(value))
        if not 0 <= self.received <= self.due < _U48:
            raise Malformed("receipt.due", expected=f"{self.received} to {_U48 - 1}", got=self.due)
        if self.lane not in set(Lane):
            raise Malformed("receipt.lane", expected="1 or 2", got=int(self.lane))
        object.__setattr__(self, "lane", Lane(self.lane))

    def to_bytes(self) -> bytes:
        """The 77 bytes of §7.1."""
        times = self.received.to_bytes(6, "big") + self.due.to_bytes(6, "big")
        return self.statement + self.signatures + times + bytes([self.lane])

    def leaf_hash(self) -> bytes:
        """SM3(0x00 ‖ receipt) (§7.2)."""
        return sm3(b"\x00", self.to_bytes())


def receipt_for(signed: SignedStatement, received: int, due: int, lane: Lane) -> Receipt:
    """The receipt of a signed statement; times in ms."""
    return Receipt(signed.digest, signed.signatures_digest, received, due, lane)


def parse_receipt(data: bytes) -> Receipt:
    """The receipt in 77 bytes. Raises Malformed `receipt.length` and what `Receipt` raises."""
    if len(data) != RECEIPT_SIZE:
        raise Malformed("receipt.length", expected=RECEIPT_SIZE, got=len(data))
    if data[76] not in set(Lane):
        raise Malformed("receipt.lane", expected="1 or 2", got=data[76])
    received, due = int.from_bytes(data[64:70], "big"), int.from_bytes(data[70:76], "big")
    return Receipt(bytes(data[:32]), bytes(data[32:64]), received, due, Lane(data[76]))


def group_receipts(receipts: Sequence[Receipt]) -> tuple[bytes, list[list[bytes]]]:
    """Root over a commit group's receipts, and each receipt's path. Raises Malformed `merkle.empty`."""
    tree = Tree([receipt.leaf_hash() for receipt in receipts])
    return tree.root, [tree.path(index) for index in range(len(receipts))]


def receipt_message(root: bytes, operator: int, contract_id: bytes) -> bytes:
    """The 81 bytes that the operator signs for a group (tag 2)."""
    return signed_message(Tag.RECEIPT, ROLE_INSTITUTION, 1, operator, contract_id, root)


@dataclass(frozen=True, slots=True)
class ReceiptFile:
    """A receipt with its place in the group and the operator's signature over the group's root (§7.2)."""

    receipt: Receipt
    index: int
    count: int
    path: tuple[bytes, ...]
    signature: Signature

    def __post_init__(self) -> None:
        self.root()

    def root(self) -> bytes:
        """The group's root that receipt and path lead to. Raises Malformed `merkle.*`."""
        return root_from_path(self.receipt.leaf_hash(), self.index, self.count, self.path)

    def to_bytes(self) -> bytes:
        """The receipt file: canonical JSON."""
        return dumps(
            {
                "count": self.count,
                "format": RECEIPT_FORMAT,
                "index": self.index,
                "path": [node.hex() for node in self.path],
                "receipt": self.receipt.to_bytes().hex(),
                "signature": self.signature.to_bytes().hex(),
            }
        )


def parse_receipt_file(data: bytes) -> ReceiptFile:
    """Strictly from canonical JSON. Raises Malformed `json.*`, `receipt.*`, `merkle.*`, `signature.*`."""
    value = read_object(loads_strict(data, MAX_FILE_SIZE), _RECEIPT_MEMBERS, "receipt file")
    read_constant(value["format"], RECEIPT_FORMAT, "format", "receipt.format")
    return ReceiptFile(
        receipt=parse_receipt(read_hex(value["receipt"], "receipt", RECEIPT_SIZE)),
        index=read_integer(value["index"], "index", MAX_GROUP),
        count=read_integer(value["count"], "count", MAX_GROUP, 1),
        path=tuple(read_hex(node, "path", DIGEST_SIZE) for node in read_list(value["path"], "path", 32)),
        signature=Signature.parse(read_hex(value["signature"], "signature", RECORD_SIZE)),
    )


def check_receipt(
    file: ReceiptFile, operator_key: PublicKey, contract_id: bytes, signed: SignedStatement | None = None
) -> Receipt:
    """The receipt, if the operator's signature covers it and, where `signed` is given, it is for that statement.

    Raises VerificationFailed `signature.role`, `signature.invalid`, `receipt.mismatch`.
    """
    _check_role(file.signature)
    message = receipt_message(file.root(), file.signature.signer, contract_id)
    if not verify(operator_key, message, file.signature.r_s):
        raise VerificationFailed("signature.invalid", detail="receipt")
    if signed is not None:
        expected = (signed.digest, signed.signatures_digest)
        if (file.receipt.statement, file.receipt.signatures) != expected:
            raise VerificationFailed("receipt.mismatch", expected=signed.digest, got=file.receipt.statement)
    return file.receipt


@dataclass(frozen=True, slots=True)
class RefusalFile:
    """The operator's signed refusal: why the chain did not take the statement, as seen at one block (§7.3).

    `reason` is a number of the table of refusals. Raises Malformed `receipt.refusal`, `digest.length`.
    """

    statement: bytes
    reason: int
    block_number: int
    block_hash: bytes
    signature: Signature

    def __post_init__(self) -> None:
        check_refusal_numbers(self.reason, self.block_number)
        for value in (self.statement, self.block_hash):
            if len(value) != DIGEST_SIZE:
                raise Malformed("digest.length", expected=DIGEST_SIZE, got=len(value))

    def digest(self) -> bytes:
        """What is signed under tag 9."""
        return refusal_digest(self.statement, self.reason, self.block_number, self.block_hash)

    def to_json(self) -> dict[str, str | int]:
        """The refusal file's members."""
        return {
            "block_hash": self.block_hash.hex(),
            "block_number": self.block_number,
            "format": REFUSAL_FORMAT,
            "reason": self.reason,
            "signature": self.signature.to_bytes().hex(),
            "statement": self.statement.hex(),
        }

    def to_bytes(self) -> bytes:
        """The refusal file: canonical JSON."""
        return dumps(self.to_json())


def check_refusal_numbers(reason: int, block_number: int) -> None:
    """Refuse numbers that do not fit: Malformed `receipt.refusal`."""
    if not 1 <= reason < 1 << 16 or not 0 <= block_number < _U48:
        raise Malformed("receipt.refusal", got=reason)


def refusal_digest(statement: bytes, reason: int, block_number: int, block_hash: bytes) -> bytes:
    """SM3(statement digest ‖ reason u16 ‖ block number u48 ‖ block hash) (§7.3)."""
    check_refusal_numbers(reason, block_number)
    return sm3(statement, reason.to_bytes(2, "big"), block_number.to_bytes(6, "big"), block_hash)


def refusal_message(digest: bytes, operator: int, contract_id: bytes) -> bytes:
    """The 81 bytes that the operator signs for a refusal (tag 9)."""
    return signed_message(Tag.REFUSAL, ROLE_INSTITUTION, 1, operator, contract_id, digest)


def parse_refusal_file(data: bytes) -> RefusalFile:
    """Strictly from canonical JSON. Raises Malformed `json.*`, `receipt.*`, `signature.*`."""
    value = read_object(loads_strict(data, MAX_FILE_SIZE), _REFUSAL_MEMBERS, "refusal file")
    read_constant(value["format"], REFUSAL_FORMAT, "format", "receipt.format")
    return RefusalFile(
        statement=read_hex(value["statement"], "statement", DIGEST_SIZE),
        reason=read_integer(value["reason"], "reason", (1 << 16) - 1, 1),
        block_number=read_integer(value["block_number"], "block_number", _U48 - 1),
        block_hash=read_hex(value["block_hash"], "block_hash", DIGEST_SIZE),
        signature=Signature.parse(read_hex(value["signature"], "signature", RECORD_SIZE)),
    )


def check_refusal(
    file: RefusalFile, operator_key: PublicKey, contract_id: bytes, statement: bytes | None = None
) -> None:
    """The operator signed this refusal, of this statement where its digest is given.

    Raises VerificationFailed `signature.role`, `signature.invalid`, `receipt.mismatch`.
    """
    _check_role(file.signature)
    if not verify(operator_key, refusal_message(file.digest(), file.signature.signer, contract_id), file.signature.r_s):
        raise VerificationFailed("signature.invalid", detail="refusal")
    if statement is not None and file.statement != statement:
        raise VerificationFailed("receipt.mismatch", expected=statement, got=file.statement)


def _check_role(signature: Signature) -> None:
    if signature.role != ROLE_INSTITUTION:
        raise VerificationFailed("signature.role", expected=ROLE_INSTITUTION, got=signature.role)
