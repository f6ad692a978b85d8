"""Proof of a fork: two signed objects that cannot both stand (spec/SPEC.md §14).

Guaranteed: `check_fork` returns only where both objects are signed by the keys that the proof names, differ, and
contradict each other by the rule of their kind; a witness's key is the trust file's, another's is proven under a header
or named as a gap. Not guaranteed: which of the two is true, nor who is to blame where two witnesses disagree: it shows
that one of them was shown another chain.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from tiezheng.batch import HEADER_SIZE, check_seal, parse_batch_header
from tiezheng.bundle import ChainProof, Cosignature, LedgerId, read_chain, read_cosignature, read_ledger
from tiezheng.canonical import dumps, loads_strict
from tiezheng.digest import sm3
from tiezheng.errors import Malformed, VerificationFailed
from tiezheng.json_members import check_ascending, read_hex, read_integer, read_list, read_object
from tiezheng.receipt import check_receipt, parse_receipt_file
from tiezheng.signature import RECORD_SIZE, Signature, verify
from tiezheng.statement import (
    ADDRESS_SIZE,
    MAX_SIGNATURES,
    STATEMENT_SIZE,
    SignedStatement,
    message_for,
    parse_statement,
)
from tiezheng.trust import BATCH, REGISTRY, Trust, TrustedContract
from tiezheng.verify.proven import (
    Gaps,
    NamedKey,
    ProvenState,
    check_cosignature,
    check_finality,
    check_ledger,
    read_key,
)

FORMAT: Final = "tiezheng/fork/1"
# Two receipts with long paths and the proof of one key stay far below.
MAX_SIZE: Final = 1 << 20
MAX_WITNESSES: Final = 256
_MEMBERS: Final = frozenset({"contract", "first", "format", "key", "kind", "ledger", "proof", "second"})
_PROOF: Final = frozenset({"chain", "witnesses"})
_COSIGNED: Final = frozenset({"hash", "height", "seen", "signature"})
_BATCHED: Final = frozenset({"header", "signature"})
_SIGNED: Final = frozenset({"signatures", "statement"})
_RECEIPTED: Final = frozenset({"receipt", "signatures", "statement"})
_HEIGHT: Final = (1 << 48) - 1

Object = Mapping[str, Any]


class Kind(StrEnum):
    """What contradicts what."""

    WITNESS = "witness"
    """Two block hashes at one height, each cosigned by a pinned witness."""
    BATCH = "batch"
    """Two batch headers with one number, sealed by one operator."""
    STATEMENT = "statement"
    """Two statements for one position of a case, signed by one key. Not wrong by itself: the first may have been
    refused; one contract records only one of them."""
    RECEIPT = "receipt"
    """Two receipts of one operator for two statements at one position. Kept only if one of them was refused."""


@dataclass(frozen=True, slots=True)
class KeyProof:
    """Where the key stands on chain: `Institutions` with its record, and cosignatures of the header."""

    chain: ChainProof
    witnesses: tuple[Cosignature, ...]

    def to_json(self) -> dict[str, object]:
        """The member `proof`."""
        return {"chain": self.chain.to_json(), "witnesses": [one.to_json() for one in self.witnesses]}


@dataclass(frozen=True, slots=True)
class ForkProof:
    """The file of §14: `first` and `second` as their kind lays them out, ascending by their canonical bytes.

    `contract` is the accepting contract's address, `key` whose signatures contradict; both None for witnesses. Raises
    Malformed `fork.format`.
    """

    ledger: LedgerId
    kind: Kind
    first: Object
    second: Object
    contract: bytes | None = None
    key: NamedKey | None = None
    proof: KeyProof | None = None

    def __post_init__(self) -> None:
        if not dumps(self.first) < dumps(self.second):
            raise Malformed("fork.format", expected="first before second")
        by_witness = self.kind is Kind.WITNESS
        if (self.contract is None) != by_witness or (self.key is None) != by_witness:
            raise Malformed("fork.format", expected="contract and key, but for witnesses")
        if by_witness and self.proof is not None:
            raise Malformed("fork.format", detail="proof of a key that the trust file pins")

    def to_bytes(self) -> bytes:
        """The canonical bytes."""
        return dumps(
            {
                "contract": None if self.contract is None else self.contract.hex(),
                "first": self.first,
                "format": FORMAT,
                "key": None if self.key is None else self.key.to_json(),
                "kind": self.kind.value,
                "ledger": self.ledger.to_json(),
                "proof": None if self.proof is None else self.proof.to_json(),
                "second": self.second,
            }
        )

    @property
    def digest(self) -> bytes:
        """SM3 of the file, by which copies of one proof are known."""
        return sm3(self.to_bytes())


@dataclass(frozen=True, slots=True)
class Fork:
    """What a proof shows: `about` names the place (`height`, `batch`, or `case` and `sequence`), `signers` who."""

    kind: Kind
    about: Mapping[str, int | str]
    signers: tuple[int, ...]
    gaps: Gaps = field(default_factory=list)


def fork_of(
    ledger: LedgerId,
    kind: Kind,
    one: Object,
    other: Object,
    contract: bytes | None = None,
    key: NamedKey | None = None,
    proof: KeyProof | None = None,
) -> ForkProof:
    """A proof with its two objects in order."""
    first, second = sorted((one, other), key=dumps)
    return ForkProof(ledger, kind, first, second, contract, key, proof)


def cosigned(height: int, block_hash: bytes, seen: int, signature: bytes) -> Object:
    """An object of kind `witness`."""
    return {"hash": block_hash.hex(), "height": height, "seen": seen, "signature": signature.hex()}


def sealed(header: bytes, signature: bytes) -> Object:
    """An object of kind `batch`."""
    return {"header": header.hex(), "signature": signature.hex()}


def parse_fork(data: bytes) -> ForkProof:
    """Strictly from canonical JSON. Raises Malformed `fork.format`, `json.*` and what the parts raise."""
    value = loads_strict(data, MAX_SIZE)
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise Malformed("fork.format", expected=FORMAT)
    item = read_object(value, _MEMBERS, "fork")
    if item["kind"] not in {kind.value for kind in Kind}:
        raise Malformed("fork.format", expected="kind")
    first, second = item["first"], item["second"]
    if not isinstance(first, dict) or not isinstance(second, dict):
        raise Malformed("fork.format", expected="first and second: objects")
    contract, key = item["contract"], item["key"]
    return ForkProof(
        ledger=read_ledger(item["ledger"]),
        kind=Kind(str(item["kind"])),
        first=first,
        second=second,
        contract=None if contract is None else read_hex(contract, "contract", ADDRESS_SIZE),
        key=None if key is None else read_key(key),
        proof=None if item["proof"] is None else _key_proof(item["proof"]),
    )


def check_fork(fork: ForkProof, trust: Trust, at_ms: int) -> Fork:
    """What the proof shows, by the steps of §14. Raises VerificationFailed where nothing contradicts."""
    gaps = check_ledger(fork.ledger, trust, at_ms)
    if fork.kind is Kind.WITNESS:
        return _witnesses(fork, trust, gaps)
    assert fork.key is not None
    contract = trust.contract(fork.contract or b"")
    if contract is None or contract.role not in (BATCH, REGISTRY):
        raise VerificationFailed("trust.contract_unknown", got=fork.contract)
    if fork.proof is None:
        gaps.append(("fork.key_not_proven", str(fork.key.number)))
    else:
        state = ProvenState(fork.proof.chain, trust)
        record = state.key_record(fork.key) if fork.kind is Kind.STATEMENT else state.operator_record(fork.key)
        state.finish([trust.institutions])
        gaps += check_finality(trust, state.header, fork.proof.witnesses)
        assert record.number == fork.key.number
    about = _READERS[fork.kind](fork, fork.key, contract)
    return Fork(fork.kind, about, (fork.key.number,), gaps)


def _witnesses(fork: ForkProof, trust: Trust, gaps: Gaps) -> Fork:
    heights, hashes, signers = set(), set(), []
    for given in (fork.first, fork.second):
        item = read_object(given, _COSIGNED, "cosigned")
        height, block_hash = read_integer(item["height"], "height", _HEIGHT), read_hex(item["hash"], "hash", 32)
        one = read_cosignature({"seen": item["seen"], "signature": item["signature"]})
        if not check_cosignature(trust, height, block_hash, one):
            gaps.append(("finality.witness_unknown", str(one.signature.signer)))
        heights.add(height)
        hashes.add(block_hash)
        signers.append(one.signature.signer)
    if len(heights) != 1 or len(hashes) != 2:
        raise VerificationFailed("fork.no_contradiction", detail="height or hash")
    return Fork(fork.kind, {"height": heights.pop()}, tuple(dict.fromkeys(signers)), gaps)


def _batches(fork: ForkProof, key: NamedKey, contract: TrustedContract) -> Mapping[str, int | str]:
    numbers, digests = set(), set()
    for given in (fork.first, fork.second):
        item = read_object(given, _BATCHED, "batch")
        header = parse_batch_header(read_hex(item["header"], "header", HEADER_SIZE))
        seal = _signature(item["signature"])
        key.check_signer(seal)
        check_seal(header, seal, key.public, contract.id)
        numbers.add(header.batch)
        digests.add(header.digest)
    if len(numbers) != 1 or len(digests) != 2:
        raise VerificationFailed("fork.no_contradiction", detail="batch number or header")
    return {"batch": numbers.pop()}


def _statements(fork: ForkProof, key: NamedKey, contract: TrustedContract) -> Mapping[str, int | str]:
    places = set()
    for given in (fork.first, fork.second):
        item = read_object(given, _SIGNED, "signed")
        signed = _signed(item)
        mine = [one for one in signed.signatures if (one.signer, one.key_index) == (key.number, key.key_index)]
        if not mine:
            raise VerificationFailed("signature.signer", expected=key.number)
        count = len(signed.signatures)
        for one in mine:
            message = message_for(signed.statement, contract.id, one.signer, one.role, count)
            if not verify(key.public, message, one.r_s):
                raise VerificationFailed("signature.invalid", got=one.signer)
        places.add((signed.statement.case, signed.statement.sequence, signed.digest))
    return _one_place(places)


def _receipts(fork: ForkProof, key: NamedKey, contract: TrustedContract) -> Mapping[str, int | str]:
    places = set()
    for given in (fork.first, fork.second):
        item = read_object(given, _RECEIPTED, "receipted")
        signed, file = _signed(item), parse_receipt_file(dumps(item["receipt"]))
        key.check_signer(file.signature)
        check_receipt(file, key.public, contract.id, signed)
        places.add((signed.statement.case, signed.statement.sequence, signed.digest))
    return _one_place(places)


def _one_place(places: set[tuple[bytes, int, bytes]]) -> Mapping[str, int | str]:
    if len(places) != 2 or len({(case, sequence) for case, sequence, _ in places}) != 1:
        raise VerificationFailed("fork.no_contradiction", detail="position or statement")
    case, sequence, _ = places.pop()
    return {"case": case.hex(), "sequence": sequence}


def _signed(item: Object) -> SignedStatement:
    statement = parse_statement(read_hex(item["statement"], "statement", STATEMENT_SIZE))
    listed = read_list(item["signatures"], "signatures", MAX_SIGNATURES, 1)
    return SignedStatement(statement, tuple(_signature(one) for one in listed))


def _signature(value: object) -> Signature:
    return Signature.parse(read_hex(value, "signature", RECORD_SIZE))


def _key_proof(value: object) -> KeyProof:
    item = read_object(value, _PROOF, "proof")
    witnesses = [read_cosignature(one) for one in read_list(item["witnesses"], "witnesses", MAX_WITNESSES)]
    check_ascending([one.signature.signer for one in witnesses], "witnesses")
    chain = read_chain(item["chain"])
    for account in chain.accounts:
        check_ascending([slot.position for slot in account.slots], "slots")
    check_ascending([account.address for account in chain.accounts], "accounts")
    return KeyProof(chain, tuple(witnesses))


_READERS: Final = {Kind.BATCH: _batches, Kind.STATEMENT: _statements, Kind.RECEIPT: _receipts}
