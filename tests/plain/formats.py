"""Bytes of fixed layout: signatures (§2), statements (§3), batches (§6), receipts (§7)."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.plain import canonical, merkle
from tests.plain.refusal import need
from tests.plain.sm import sm3, verifies

PROTOCOL = b"tiezheng/1"
PRACTITIONER = 0x80000000
ZERO = bytes(32)
IRREGULAR = 0xFF
FOREVER = 2**48 - 1

LATE, IS_IRREGULAR, CONFIDENTIAL, BATCH_LANE = 1, 2, 4, 8
CONTINUE_STEP = 0xFF


def split(data: bytes, *sizes: int) -> list[bytes]:
    """The bytes cut into parts of these sizes, which they must fill exactly."""
    need(len(data) == sum(sizes), f"{sum(sizes)} bytes were asked for, not {len(data)}")
    parts, at = [], 0
    for size in sizes:
        parts.append(data[at : at + size])
        at += size
    return parts


def institution(number: int) -> int:
    """A number, refused unless it is an institution's."""
    need(0 < number < PRACTITIONER, "not the number of an institution")
    return number


def contract_id(chain_id: int, address: bytes, founding: bytes) -> bytes:
    """§2.5."""
    return sm3(PROTOCOL + chain_id.to_bytes(32) + address + founding)


def signed_message(tag: int, role: int, signatures: int, signer: int, contract: bytes, digest: bytes) -> bytes:
    """The 81 bytes that are signed (§2.2)."""
    return PROTOCOL + bytes([tag, role, signatures]) + signer.to_bytes(4) + contract + digest


def read_message(data: bytes) -> tuple[int, int, int, int, bytes, bytes]:
    """Tag, role, number of signatures, signer, contract id and digest of a signed message."""
    prefix, tag, role, count, signer, contract, digest = split(data, 10, 1, 1, 1, 4, 32, 32)
    need(prefix == PROTOCOL, "not a message of this protocol")
    need(1 <= tag[0] <= 9, "unknown tag")
    need(tag[0] == 1 or role[0] == 0, "a role where none is due")
    need(1 <= count[0] <= {1: 8, 5: 255}.get(tag[0], 1), "a number of signatures that the tag does not allow")
    number = int.from_bytes(signer)
    need(number % PRACTITIONER, "the signer is nobody")
    return tag[0], role[0], count[0], number, contract, digest


@dataclass(frozen=True, slots=True)
class Signature:
    """§2.3."""

    signer: int
    role: int
    key_index: int
    rs: bytes

    @property
    def wire(self) -> bytes:
        return self.signer.to_bytes(4) + bytes([self.role, self.key_index]) + self.rs


def read_signature(data: bytes) -> Signature:
    signer, role, key_index, rs = split(data, 4, 1, 1, 64)
    number = int.from_bytes(signer)
    need(number % PRACTITIONER, "the signer is nobody")
    return Signature(number, role[0], key_index[0], rs)


def read_signatures(parts: Sequence[bytes]) -> list[Signature]:
    """The list of an object: 1 to 8, ascending by signer."""
    need(1 <= len(parts) <= 8, "not 1 to 8 signatures")
    signatures = [read_signature(part) for part in parts]
    canonical.ascending([one.signer for one in signatures], "signers")
    return signatures


def counted(signatures: Sequence[Signature]) -> bytes:
    return bytes([len(signatures)]) + b"".join(one.wire for one in signatures)


def read_counted(data: bytes) -> list[Signature]:
    need(data and (len(data) - 1) == 70 * data[0], "not as many signatures as counted")
    return read_signatures([data[at : at + 70] for at in range(1, len(data), 70)])


@dataclass(frozen=True, slots=True)
class Statement:
    """§3; `occurred` in milliseconds."""

    data: bytes
    kind: int
    flags: int
    sequence: int
    institution: int
    counterparty: int
    occurred: int
    case: bytes
    previous: bytes
    subject: bytes
    content: bytes
    terms: bytes

    @property
    def digest(self) -> bytes:
        return sm3(self.data)

    @property
    def domain(self) -> int:
        return self.kind >> 12

    @property
    def case_type(self) -> int:
        return self.kind >> 8 & 15

    @property
    def step(self) -> int:
        return self.kind & 255


def read_statement(data: bytes) -> Statement:
    """The fields, refused as the table of §3 says."""
    parts = split(data, 1, 2, 2, 4, 4, 4, 6, 32, 32, 32, 32, 32)
    version, kind, flags, sequence, recorder, counterparty, occurred = map(int.from_bytes, parts[:7])
    one = Statement(data, kind, flags, sequence, recorder, counterparty, occurred, *parts[7:])
    need(version == 1, "unknown version")
    need(one.step, "step zero")
    need(flags < 16, "unknown flags")
    institution(recorder)
    need(counterparty < PRACTITIONER, "the counterparty is a practitioner")
    need(counterparty != recorder, "the counterparty is the institution itself")
    opener = institution(int.from_bytes(one.case[:4]))
    need(sequence > 0 or opener == recorder or one.step == CONTINUE_STEP, "opened by another institution")
    need(one.previous != ZERO, "previous is zero")
    need(one.subject == ZERO or not flags & CONFIDENTIAL, "a confidential statement with a subject")
    need(one.content != ZERO, "content is zero")
    need(not flags & BATCH_LANE or sequence == 0, "a statement in a batch has sequence 0")
    return one


def statement_messages(one: Statement, signatures: Sequence[Signature], contract: bytes) -> list[bytes]:
    """What each signer of a statement signs."""
    count = len(signatures)
    return [signed_message(1, each.role, count, each.signer, contract, one.digest) for each in signatures]


@dataclass(frozen=True, slots=True)
class BatchHeader:
    """§6."""

    operator: int
    batch: int
    first: int
    count: int
    root: bytes
    previous: bytes
    digest: bytes


def read_batch_header(data: bytes) -> BatchHeader:
    parts = split(data, 4, 8, 8, 4, 32, 32)
    operator, batch, first, count = map(int.from_bytes, parts[:4])
    institution(operator)
    need(1 <= count <= 65536, "not 1 to 65,536 leaves")
    need(parts[4] != ZERO, "the root is zero")
    need((batch == 0) == (parts[5] == ZERO) == (first == 0), "batch 0, and no other, has nothing before it")
    return BatchHeader(operator, batch, first, count, parts[4], parts[5], sm3(data))


def check_by_operator(tag: int, digest: bytes, signature: Signature, key: bytes, contract: bytes, signer: int) -> None:
    """One signature with role 0, as operators and witnesses give it."""
    need(signature.signer == signer, "signed by another")
    need(signature.role == 0, "signed in a role")
    message = signed_message(tag, 0, 1, signer, contract, digest)
    need(verifies(key, message, signature.rs), "the signature does not hold")


def batch_leaf(one: Statement, signatures: Sequence[Signature]) -> bytes:
    need(one.flags & BATCH_LANE, "a statement of the registry lane in a batch")
    return sm3(b"\x00" + one.data + counted(signatures))


def read_leaves_file(data: bytes) -> tuple[BatchHeader, Signature, list[Statement]]:
    """Header, seal and statements of a leaves file whose leaves have the header's root."""
    header, seal = read_batch_header(data[:88]), read_signature(data[88:158])
    at, statements, leaves = 158, [], []
    for _ in range(header.count):
        need(at + 184 <= len(data), "the leaves file ends too early")
        one = read_statement(data[at : at + 183])
        end = at + 184 + 70 * data[at + 183]
        statements.append(one)
        leaves.append(batch_leaf(one, read_counted(data[at + 183 : end])))
        at = end
    need(at == len(data), "bytes after the last leaf")
    need(merkle.root(leaves) == header.root, "the leaves have another root")
    return header, seal, statements


@dataclass(frozen=True, slots=True)
class Receipt:
    """§7.1; times in milliseconds."""

    statement: bytes
    signatures: bytes
    received: int
    due: int
    lane: int


def check_receipt_file(data: bytes, key: bytes, contract: bytes) -> tuple[Receipt, bytes]:
    """The receipt of a receipt file, and the root that its operator signed; the reader compares what it is about."""
    count, form, index, path, receipt, signature = canonical.members(
        canonical.read(data, 2**20), "count", "format", "index", "path", "receipt", "signature"
    )
    need(form == "tiezheng/receipt/1", "another format")
    octets = canonical.octets(receipt, 77)
    statement, signatures, *times, lane = split(octets, 32, 32, 6, 6, 1)
    received, due = map(int.from_bytes, times)
    need(received <= due, "due before received")
    need(lane[0] in {1, 2}, "unknown lane")
    nodes = [canonical.octets(node, 32) for node in canonical.entries(path, 0, 32)]
    root = merkle.root_from_path(sm3(b"\x00" + octets), canonical.whole(index), canonical.whole(count, 1, 2**20), nodes)
    seal = read_signature(canonical.octets(signature, 70))
    check_by_operator(2, root, seal, key, contract, institution(seal.signer))
    return Receipt(statement, signatures, received, due, lane[0]), root


def check_refusal_file(data: bytes, key: bytes, contract: bytes) -> tuple[bytes, bytes]:
    """The statement digest that a refusal file is about, and the digest that its operator signed."""
    block_hash, block_number, form, reason, signature, statement = canonical.members(
        canonical.read(data, 2**20), "block_hash", "block_number", "format", "reason", "signature", "statement"
    )
    need(form == "tiezheng/refusal/1", "another format")
    about = canonical.octets(statement, 32)
    number = canonical.whole(block_number, 0, FOREVER).to_bytes(6)
    why = canonical.whole(reason, 1, 65535).to_bytes(2)
    digest = sm3(about + why + number + canonical.octets(block_hash, 32))
    seal = read_signature(canonical.octets(signature, 70))
    check_by_operator(9, digest, seal, key, contract, institution(seal.signer))
    return about, digest
