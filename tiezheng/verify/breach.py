"""Proof of a broken receipt: a signed promise, and the chain's state after its time was up (spec/SPEC.md §13).

Guaranteed: `check_breach` returns only where the operator signed the receipt with a key that the chain knows, and the
chain, at a header later than `due`, has nothing for the statement or something later than `due`; what keeps this from
being conclusive is named in `gaps`. Not guaranteed: that there is no refusal; nobody can prove that. A refusal that
names a block up to `due` answers the proof, and only the operator can sign one.

In the batch lane one word proves nothing: the proof brings all headers of the operator up to the proven last one, and
the reader holds the published leaves against them; without the leaves it stays inconclusive.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import BinaryIO, Final

from tiezheng.batch import HEADER_SIZE, BatchHeader, check_follows, parse_batch_header, read_leaves
from tiezheng.bundle import (
    MAX_BUNDLE_SIZE,
    MAX_WITNESSES,
    ChainProof,
    Cosignature,
    LedgerId,
    read_chain,
    read_cosignature,
    read_ledger,
)
from tiezheng.canonical import dumps, loads_strict
from tiezheng.errors import Malformed, TooLarge, VerificationFailed
from tiezheng.evm.header import MAX_HEADER_SIZE, parse_header
from tiezheng.json_members import (
    check_ascending,
    read_constant,
    read_hex,
    read_hex_up_to,
    read_integer,
    read_list,
    read_object,
)
from tiezheng.receipt import (
    Lane,
    Receipt,
    ReceiptFile,
    RefusalFile,
    check_receipt,
    check_refusal,
    parse_receipt_file,
    parse_refusal_file,
)
from tiezheng.statement import ADDRESS_SIZE
from tiezheng.storage_words import RecordWord, batch_counts, last_batch_slots, record_slot
from tiezheng.trust import BATCH, REGISTRY, Trust, TrustedContract
from tiezheng.verify.proven import (
    Gaps,
    NamedKey,
    ProvenState,
    check_finality,
    check_ledger,
    check_period,
    read_key,
)

FORMAT: Final = "tiezheng/breach/1"
MAX_SIZE: Final = MAX_BUNDLE_SIZE
# As many headers as fit into the file.
MAX_HEADERS: Final = 65_536
_MEMBERS: Final = frozenset(
    {"batches", "chain", "contract", "format", "key", "ledger", "receipt", "refusal", "witnesses"}
)
_BATCHES: Final = frozenset({"found", "headers"})
_REFUSAL: Final = frozenset({"file", "header"})

OpenLeaves = Callable[[int], BinaryIO | None]
"""Opens the leaves file of a batch; None where it is not at hand."""


class Kind(StrEnum):
    """What became of the statement."""

    NOT_ANCHORED = "not_anchored"
    ANCHORED_LATE = "anchored_late"


@dataclass(frozen=True, slots=True)
class Batches:
    """All headers of the operator, from number 0; `found`: in which one the statement stands, None for none."""

    headers: tuple[BatchHeader, ...]
    found: int | None


@dataclass(frozen=True, slots=True)
class LateRefusal:
    """The operator's refusal and the header of the block that it names, whose hash it signed."""

    file: RefusalFile
    header: bytes


@dataclass(frozen=True, slots=True)
class BreachProof:
    """The file of §13. `batches` is None exactly in the registry lane. Raises Malformed `breach.format`."""

    ledger: LedgerId
    contract: bytes
    key: NamedKey
    receipt: ReceiptFile
    refusal: LateRefusal | None
    chain: ChainProof
    witnesses: tuple[Cosignature, ...]
    batches: Batches | None

    def __post_init__(self) -> None:
        if (self.batches is None) != (self.receipt.receipt.lane is Lane.REGISTRY):
            raise Malformed("breach.format", detail="batches and lane")
        check_ascending([one.signature.signer for one in self.witnesses], "witnesses")
        check_ascending([account.address for account in self.chain.accounts], "accounts")
        for account in self.chain.accounts:
            check_ascending([slot.position for slot in account.slots], "slots")

    def to_bytes(self) -> bytes:
        """The canonical bytes. Raises TooLarge `breach.too_large` above 16 MiB."""
        batches = None
        if self.batches is not None:
            headers = [header.to_bytes().hex() for header in self.batches.headers]
            batches = {"found": self.batches.found, "headers": headers}
        refusal = None
        if self.refusal is not None:
            refusal = {"file": _parsed(self.refusal.file.to_bytes()), "header": self.refusal.header.hex()}
        data = dumps(
            {
                "batches": batches,
                "chain": self.chain.to_json(),
                "contract": self.contract.hex(),
                "format": FORMAT,
                "key": self.key.to_json(),
                "ledger": self.ledger.to_json(),
                "receipt": _parsed(self.receipt.to_bytes()),
                "refusal": refusal,
                "witnesses": [one.to_json() for one in self.witnesses],
            }
        )
        if len(data) > MAX_SIZE:
            raise TooLarge("breach.too_large", expected=MAX_SIZE, got=len(data))
        return data


@dataclass(frozen=True, slots=True)
class Breach:
    """What a proof shows. Times: `due` in ms, block times in seconds; `gaps` is empty where it is conclusive."""

    kind: Kind
    receipt: Receipt
    header_time: int
    header_number: int
    block_time: int | None = None
    refused_late: bool = False
    gaps: Gaps = field(default_factory=list)


def parse_breach(data: bytes) -> BreachProof:
    """Strictly from canonical JSON. Raises Malformed `breach.format`, `json.*` and what the parts raise; TooLarge."""
    if len(data) > MAX_SIZE:
        raise TooLarge("breach.too_large", expected=MAX_SIZE, got=len(data))
    value = loads_strict(data, MAX_SIZE)
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise Malformed("breach.format", expected=FORMAT)
    item = read_object(value, _MEMBERS, "breach")
    read_constant(item["format"], FORMAT, "format", "breach.format")
    return BreachProof(
        ledger=read_ledger(item["ledger"]),
        contract=read_hex(item["contract"], "contract", ADDRESS_SIZE),
        key=read_key(item["key"]),
        receipt=parse_receipt_file(dumps(item["receipt"])),
        refusal=None if item["refusal"] is None else _refusal(item["refusal"]),
        chain=read_chain(item["chain"]),
        witnesses=tuple(read_cosignature(one) for one in read_list(item["witnesses"], "witnesses", MAX_WITNESSES)),
        batches=None if item["batches"] is None else _batches(item["batches"]),
    )


def check_breach(proof: BreachProof, trust: Trust, at_ms: int, leaves: OpenLeaves | None = None) -> Breach:
    """What the proof shows, by the steps of §13. Raises VerificationFailed where it shows no breach."""
    # 1. Ledger and trust file.
    gaps = check_ledger(proof.ledger, trust, at_ms)
    contract = trust.contract(proof.contract)
    wanted = REGISTRY if proof.batches is None else BATCH
    if contract is None or contract.role != wanted:
        raise VerificationFailed("trust.contract_unknown", got=proof.contract, detail=wanted)
    # 2. Header, accounts; the operator's key.
    state = ProvenState(proof.chain, trust)
    record = state.operator_record(proof.key)
    # 3. The promise.
    proof.key.check_signer(proof.receipt.signature)
    receipt = check_receipt(proof.receipt, proof.key.public, contract.id)
    check_period(record, receipt.received)
    # 4. The header is later than it.
    header = state.header
    if header.timestamp * 1000 <= receipt.due:
        raise VerificationFailed("breach.not_due", expected=receipt.due // 1000, got=header.timestamp)
    # 5. What the chain has of the statement.
    digest: bytes | None = receipt.statement
    if proof.batches is not None:
        digest = _in_batches(proof, proof.batches, state, contract, leaves, gaps)
    word = None if digest is None else state.word(contract, record_slot(digest))
    state.finish([trust.institutions, contract])
    late = None
    if word is not None:
        late = RecordWord.parse(word).block_time
        if late * 1000 <= receipt.due:
            raise VerificationFailed("breach.kept", expected=receipt.due // 1000, got=late)
    elif proof.batches is not None and digest is not None:
        raise VerificationFailed("storage.absent", detail="batch")
    # 6. A refusal, if one came, was late as well.
    if proof.refusal is not None:
        _check_refusal(proof, proof.refusal, receipt, contract)
    # 7. Finality of the header.
    gaps += check_finality(trust, header, proof.witnesses)
    kind = Kind.NOT_ANCHORED if late is None else Kind.ANCHORED_LATE
    return Breach(kind, receipt, header.timestamp, header.number, late, proof.refusal is not None, gaps)


def _in_batches(
    proof: BreachProof,
    batches: Batches,
    state: ProvenState,
    contract: TrustedContract,
    leaves: OpenLeaves | None,
    gaps: Gaps,
) -> bytes | None:
    """Digest of the header in which the statement stands, None for none, by the leaves of all headers."""
    last, counted = (state.word(contract, slot) for slot in last_batch_slots(proof.key.number))
    before: BatchHeader | None = None
    for header in batches.headers:
        check_follows(before, header)
        before = header
    if before is not None and before.operator != proof.key.number:
        raise VerificationFailed("batch.contiguous", expected=proof.key.number, got=before.operator)
    told = (bytes(32), (0, 0)) if before is None else (before.digest, (before.batch + 1, before.first + before.count))
    if (last or bytes(32), batch_counts(counted or bytes(32))) != told:
        raise VerificationFailed("breach.batches", expected=last, got=told[0])
    found = None
    for header in batches.headers:
        reader = None if leaves is None else leaves(header.batch)
        if reader is None:
            gaps.append(("breach.leaves_missing", f"{header.batch:06d}"))
            continue
        with reader:
            file = read_leaves(reader)
            if file.header != header:
                raise VerificationFailed("audit.leaves_mismatch", got=header.batch)
            holds = [one.digest == proof.receipt.receipt.statement for one in file.leaves]
        if found is None and any(holds):
            found = header.batch
    if batches.found is not None and found is None and gaps:
        found = batches.found  # what the proof says, as long as the leaves are not all there
    if found != batches.found:
        raise VerificationFailed("breach.batches", expected=found, got=batches.found, detail="found")
    return None if found is None else batches.headers[found].digest


def _check_refusal(proof: BreachProof, late: LateRefusal, receipt: Receipt, contract: TrustedContract) -> None:
    proof.key.check_signer(late.file.signature)
    check_refusal(late.file, proof.key.public, contract.id, receipt.statement)
    block = parse_header(late.header)
    if (block.number, block.hash) != (late.file.block_number, late.file.block_hash):
        raise VerificationFailed("breach.refusal_block", expected=late.file.block_hash, got=block.hash)
    if block.timestamp * 1000 <= receipt.due:
        raise VerificationFailed("breach.refused_in_time", expected=receipt.due // 1000, got=block.timestamp)


def _batches(value: object) -> Batches:
    item = read_object(value, _BATCHES, "batches")
    listed = read_list(item["headers"], "headers", MAX_HEADERS)
    headers = tuple(parse_batch_header(read_hex(one, "headers", HEADER_SIZE)) for one in listed)
    if item["found"] is None:
        return Batches(headers, None)
    return Batches(headers, read_integer(item["found"], "found", len(headers) - 1))


def _refusal(value: object) -> LateRefusal:
    item = read_object(value, _REFUSAL, "refusal")
    return LateRefusal(
        parse_refusal_file(dumps(item["file"])), read_hex_up_to(item["header"], "header", MAX_HEADER_SIZE)
    )


def _parsed(data: bytes) -> object:
    return loads_strict(data, len(data))
