"""Batches: many signed statements under one Merkle root that the operator signs (spec/SPEC.md §6).

Guaranteed: a leaves file that `read_leaves` reads to its end has exactly the leaves that its header's root commits to.
Not guaranteed: that the header is anchored, or that the statements' own signatures verify.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from tiezheng.digest import DIGEST_SIZE, Reader, sm3
from tiezheng.errors import Malformed, VerificationFailed
from tiezheng.merkle import Tree, verify_path
from tiezheng.merkle import root as tree_root
from tiezheng.signature import (
    MAX_STATEMENT_SIGNATURES,
    RECORD_SIZE,
    ROLE_INSTITUTION,
    PublicKey,
    Signature,
    Tag,
    signed_message,
    verify,
)
from tiezheng.statement import (
    STATEMENT_SIZE,
    ZERO,
    Flag,
    SignedStatement,
    is_institution,
    parse_signed_statement,
)

HEADER_SIZE: Final = 88
# A leaves file of the largest batch stays below 50 MB, and a path below 16 nodes.
MAX_LEAVES: Final = 65_536
_HEAD: Final = struct.Struct(">IQQI")
_U64: Final = 1 << 64
_BATCH: Final = int(Flag.BATCH)


@dataclass(frozen=True, slots=True)
class BatchHeader:
    """Header of one batch: `first` is the operator's number of leaves before, `previous` SM3 of the header before.

    Raises Malformed `batch.*`, `statement.institution`, `digest.length`.
    """

    operator: int
    batch: int
    first: int
    count: int
    root: bytes
    previous: bytes
    digest: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not is_institution(self.operator):
            raise Malformed("statement.institution", expected="1 to 2147483647", got=self.operator)
        if not 1 <= self.count <= MAX_LEAVES:
            raise Malformed("batch.count", expected=f"1 to {MAX_LEAVES}", got=self.count)
        if not 0 <= self.batch < _U64 or not 0 <= self.first < _U64 - self.count:
            raise Malformed("batch.contiguous", expected="64 bits")
        for value in (self.root, self.previous):
            if len(value) != DIGEST_SIZE:
                raise Malformed("digest.length", expected=DIGEST_SIZE, got=len(value))
        if self.root == ZERO:
            raise Malformed("batch.root", got="zero")
        is_first = (self.batch == 0, self.first == 0, self.previous == ZERO)
        # Each batch has at least one leaf, so the three are true together or not at all.
        if len(set(is_first)) != 1 or self.first < self.batch:
            raise Malformed("batch.contiguous", got=self.batch)
        object.__setattr__(self, "digest", sm3(self.to_bytes()))

    def to_bytes(self) -> bytes:
        """The 88 bytes of §6."""
        return _HEAD.pack(self.operator, self.batch, self.first, self.count) + self.root + self.previous

    def message(self, contract_id: bytes) -> bytes:
        """The 81 bytes that the operator signs (tag 4)."""
        return signed_message(Tag.BATCH, ROLE_INSTITUTION, 1, self.operator, contract_id, self.digest)


def parse_batch_header(data: bytes) -> BatchHeader:
    """The header in 88 bytes. Raises Malformed `batch.length` and what `BatchHeader` raises."""
    if len(data) != HEADER_SIZE:
        raise Malformed("batch.length", expected=HEADER_SIZE, got=len(data))
    operator, batch, first, count = _HEAD.unpack_from(data)
    return BatchHeader(operator, batch, first, count, bytes(data[24:56]), bytes(data[56:88]))


def leaf_hash(signed: SignedStatement) -> bytes:
    """SM3(0x00 ‖ statement ‖ count ‖ signatures).

    Raises Malformed `statement.lane` for a statement without the batch lane's flag.
    """
    _require_lane(signed)
    return sm3(b"\x00", signed.to_bytes())


def _require_lane(signed: SignedStatement) -> None:
    if not int(signed.statement.flags) & _BATCH:
        raise Malformed("statement.lane", expected=int(Flag.BATCH), got=int(signed.statement.flags))


def build_batch(
    operator: int, previous: BatchHeader | None, statements: Sequence[SignedStatement]
) -> tuple[BatchHeader, Tree]:
    """The next batch of an operator and its tree, which gives each leaf's path. Raises Malformed `batch.*`."""
    if not 1 <= len(statements) <= MAX_LEAVES:
        raise Malformed("batch.count", expected=f"1 to {MAX_LEAVES}", got=len(statements))
    if previous is not None and previous.operator != operator:
        raise Malformed("batch.contiguous", expected=operator, got=previous.operator)
    tree = Tree([leaf_hash(signed) for signed in statements])
    header = BatchHeader(
        operator=operator,
        batch=0 if previous is None else previous.batch + 1,
        first=0 if previous is None else previous.first + previous.count,
        count=len(statements),
        root=tree.root,
        previous=ZERO if previous is None else previous.digest,
    )
    return header, tree


def check_follows(previous: BatchHeader | None, header: BatchHeader) -> None:
    """Refuse a header that is not the next one after `previous`: VerificationFailed `batch.contiguous`."""
    expected = (
        (0, 0, ZERO) if previous is None else (previous.batch + 1, previous.first + previous.count, previous.digest)
    )
    if (header.batch, header.first, header.previous) != expected or (
        previous is not None and previous.operator != header.operator
    ):
        raise VerificationFailed("batch.contiguous", expected=expected[0], got=header.batch)


def check_seal(header: BatchHeader, signature: Signature, operator_key: PublicKey, contract_id: bytes) -> None:
    """The operator's signature over the header.

    Raises VerificationFailed `signature.signer`, `signature.role`, `signature.invalid`.
    """
    if signature.signer != header.operator:
        raise VerificationFailed("signature.signer", expected=header.operator, got=signature.signer)
    if signature.role != ROLE_INSTITUTION:
        raise VerificationFailed("signature.role", expected=ROLE_INSTITUTION, got=signature.role)
    if not verify(operator_key, header.message(contract_id), signature.r_s):
        raise VerificationFailed("signature.invalid", detail="batch header")


def check_leaf(header: BatchHeader, signed: SignedStatement, index: int, path: Sequence[bytes]) -> None:
    """The signed statement stands at `index` of the batch. Raises as `verify_path` and `leaf_hash`."""
    verify_path(leaf_hash(signed), index, header.count, path, header.root)


def write_leaves(header: BatchHeader, signature: Signature, statements: Iterable[SignedStatement]) -> Iterator[bytes]:
    """The leaves file (§6) in parts: header ‖ operator's signature ‖ leaves."""
    yield header.to_bytes() + signature.to_bytes()
    for signed in statements:
        yield signed.to_bytes()


@dataclass(frozen=True, slots=True)
class LeavesFile:
    """An opened leaves file: header, the operator's signature, and the leaves, which can be read once."""

    header: BatchHeader
    signature: Signature
    leaves: Iterator[SignedStatement]


def read_leaves(reader: Reader) -> LeavesFile:
    """Open a leaves file; a leaf is in memory only while it is looked at (its hash until the end).

    The iterator ends normally only if there were exactly `count` leaves under the header's root and nothing after them.
    Raises Malformed `batch.*`, `statement.*`, `signature.*`; the iterator also VerificationFailed
    `merkle.root_mismatch`.
    """
    header = parse_batch_header(_exactly(reader, HEADER_SIZE))
    signature = Signature.parse(_exactly(reader, RECORD_SIZE))
    return LeavesFile(header, signature, _iterate(reader, header))


def hold_leaves(reader: Reader) -> tuple[BatchHeader, Signature]:
    """Header and seal of a leaves file whose bytes lead to the header's root, without a look into the statements.

    For files whose statements were verified before; several times as fast as `read_leaves`. Raises as that does, but
    for what only a statement's parts show.
    """
    header = parse_batch_header(_exactly(reader, HEADER_SIZE))
    seal = Signature.parse(_exactly(reader, RECORD_SIZE))
    hashes = []
    for _ in range(header.count):
        head = _exactly(reader, STATEMENT_SIZE + 1)
        hashes.append(sm3(b"\x00", head, _exactly(reader, _signatures_size(head))))
    _end(reader, header, hashes)
    return header, seal


def _signatures_size(head: bytes) -> int:
    count = head[STATEMENT_SIZE]
    if not 1 <= count <= MAX_STATEMENT_SIGNATURES:
        raise Malformed("batch.leaf", expected=f"1 to {MAX_STATEMENT_SIGNATURES} signatures", got=count)
    return count * RECORD_SIZE


def _end(reader: Reader, header: BatchHeader, hashes: Sequence[bytes]) -> None:
    if reader.read(1):
        raise Malformed("batch.trailing", expected=header.count)
    got = tree_root(hashes)
    if got != header.root:
        raise VerificationFailed("merkle.root_mismatch", expected=header.root, got=got)


def _iterate(reader: Reader, header: BatchHeader) -> Iterator[SignedStatement]:
    hashes = []
    for _ in range(header.count):
        head = _exactly(reader, STATEMENT_SIZE + 1)
        signatures = _exactly(reader, _signatures_size(head))
        signed = parse_signed_statement(head[:STATEMENT_SIZE], signatures)
        _require_lane(signed)
        # The bytes that were read are the leaf's: parsing takes no others.
        hashes.append(sm3(b"\x00", head, signatures))
        yield signed
    _end(reader, header, hashes)


def _exactly(reader: Reader, size: int) -> bytes:
    """`size` bytes, however the stream cuts them. Raises Malformed `batch.truncated`."""
    parts, missing = [], size
    while missing:
        part = reader.read(missing)
        if not part:
            raise Malformed("batch.truncated", expected=size, got=size - missing)
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
