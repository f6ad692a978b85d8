"""Which receipts were kept: each signed promise held against the chain's state (spec/SPEC.md §7, §13).

Guaranteed: kept, late and broken follow from words proven under one header of the caller's own node; the service's word
counts for nothing, its leaves and refusals are checked. Not guaranteed: finality of that header, and that no refusal
exists which nobody shows.

1. The operator's key, proven; the receipt's signature under one of the ledger's contracts. 2. The record of each
statement: registry lane one word, batch lane all batches up to the proven last one and their leaves. 3. Refusals.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from anchors.batch_history import BatchHistory
from anchors.chain_words import ChainWords, check_ledger
from anchors.chains.port import Chain
from anchors.published import Published
from anchors.receipt_folder import Folder
from tiezheng.errors import TiezhengError, VerificationFailed
from tiezheng.procedures import InstitutionRole
from tiezheng.receipt import Lane, Receipt, ReceiptFile, RefusalFile, check_receipt, check_refusal
from tiezheng.signature import Signature
from tiezheng.storage_words import KeyWord, RecordWord, record_slot
from tiezheng.trust import REGISTRY, Trust, TrustedContract
from tiezheng.verify.proven import NamedKey, check_period

# Words asked for in one request; more would be cut by some nodes.
CHUNK: Final = 500
FetchRefusal = Callable[[bytes], RefusalFile | None]
"""Asks the service for a refusal by evidence id."""
Progress = Callable[[int], None]


class State(StrEnum):
    """What became of one receipt."""

    KEPT = "kept"
    REFUSED = "refused"
    LATE = "late"
    BROKEN = "broken"
    PENDING = "pending"
    UNKNOWN = "unknown"
    INVALID = "invalid"


BREACHES: Final = frozenset({State.LATE, State.BROKEN})


@dataclass(frozen=True, slots=True)
class Judged:
    """One file. Block time in seconds; `reason` is the number of a refusal's reason (SPEC §8.4); `code` says why a
    receipt is invalid or unknown."""

    path: Path
    state: State
    file: ReceiptFile | None = None
    contract: TrustedContract | None = None
    key: NamedKey | None = None
    block_number: int | None = None
    block_time: int | None = None
    refusal: RefusalFile | None = None
    code: str | None = None
    detail: str | None = None


@dataclass(slots=True)
class ReceiptChecker:
    """One check at the node's head, as of `at_ms`."""

    chain: Chain
    trust: Trust
    published: Published
    at_ms: int
    fetch_refusal: FetchRefusal = lambda _digest: None
    words: ChainWords = field(init=False)
    histories: dict[tuple[bytes, int], BatchHistory] = field(init=False, default_factory=dict)
    _groups: set[tuple[bytes, bytes, Signature]] = field(init=False, default_factory=set)
    _keys: dict[tuple[int, int], tuple[NamedKey, KeyWord] | None] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        check_ledger(self.chain, self.trust)
        self.words = ChainWords(self.chain, self.trust)

    def check(self, folder: Folder, progress: Progress = lambda _count: None) -> list[Judged]:
        """One answer for each file that is, or says that it is, a receipt."""
        judged = [Judged(path, State.INVALID, code=error.code) for path, error in folder.damaged]
        sound: list[Judged] = []
        for count, (path, file) in enumerate(folder.receipts, 1):
            one = self._signed(path, file)
            (judged if one.state is State.INVALID else sound).append(one)
            progress(count)
        records = self._records(sound)
        judged += [self._judge(one, records, folder) for one in sound]
        return sorted(judged, key=lambda one: str(one.path))

    def _signed(self, path: Path, file: ReceiptFile) -> Judged:
        """The receipt with the contract whose operator signed it."""
        found = self.key(file.signature.signer, file.signature.key_index)
        if found is None:
            return Judged(path, State.INVALID, file, code="key.unknown", detail=str(file.signature.signer))
        key, record = found
        role = (record.role, record.institution)
        if role != (InstitutionRole.OPERATOR, record.number):
            return Judged(path, State.INVALID, file, code="key.record_mismatch")
        lane = file.receipt.lane
        contracts = [c for c in self.trust.contracts if c.role == REGISTRY] if lane is Lane.REGISTRY else []
        for contract in contracts or self.trust.batches():
            try:
                group = contract.id, file.root(), file.signature
                if group not in self._groups:  # the receipts of one commit group share one signature
                    check_receipt(file, key.public, contract.id)
                    self._groups.add(group)
                check_period(record, file.receipt.received)
            except VerificationFailed as error:
                if error.code == "signature.invalid":
                    continue
                return Judged(path, State.INVALID, file, code=error.code)
            return Judged(path, State.PENDING, file, contract, key)
        return Judged(path, State.INVALID, file, code="signature.invalid")

    def key(self, number: int, key_index: int) -> tuple[NamedKey, KeyWord] | None:
        """The operator's key, asked for once."""
        place = number, key_index
        if place not in self._keys:
            self._keys[place] = self.words.key(number, key_index)
        return self._keys[place]

    def _records(self, judged: Sequence[Judged]) -> dict[tuple[bytes, bytes], RecordWord | None]:
        """Record words by contract and statement; a statement is absent where it cannot be said (leaves missing)."""
        records: dict[tuple[bytes, bytes], RecordWord | None] = {}
        registry: dict[TrustedContract, list[bytes]] = {}
        batches: dict[tuple[TrustedContract, int], set[bytes]] = {}
        for one in judged:
            assert one.file is not None
            assert one.contract is not None
            receipt = one.file.receipt
            if receipt.lane is Lane.REGISTRY:
                registry.setdefault(one.contract, []).append(receipt.statement)
            else:
                batches.setdefault((one.contract, one.file.signature.signer), set()).add(receipt.statement)
        for contract, digests in registry.items():
            for digest, word in self._at(contract, digests).items():
                records[contract.address, digest] = word
        for (contract, operator), wanted in batches.items():
            records |= self._in_batches(contract, operator, wanted)
        return records

    def _in_batches(
        self, contract: TrustedContract, operator: int, wanted: set[bytes]
    ) -> dict[tuple[bytes, bytes], RecordWord | None]:
        history = BatchHistory.read(self.chain, self.words, contract, operator)
        history.find(wanted, self.published)
        self.histories[contract.address, operator] = history
        times = self._at(contract, [history.headers[number].digest for number in set(history.found.values())])
        records: dict[tuple[bytes, bytes], RecordWord | None] = {
            (contract.address, digest): times[history.headers[number].digest]
            for digest, number in history.found.items()
        }
        if not history.missing:
            records |= {(contract.address, digest): None for digest in wanted - history.found.keys()}
        return records

    def _at(self, contract: TrustedContract, digests: Iterable[bytes]) -> dict[bytes, RecordWord | None]:
        wanted, found = sorted(set(digests)), dict[bytes, RecordWord | None]()
        for start in range(0, len(wanted), CHUNK):
            slots = {record_slot(digest): digest for digest in wanted[start : start + CHUNK]}
            for slot, word in self.words.words(contract, slots).items():
                found[slots[slot]] = None if word is None else RecordWord.parse(word)
        return found

    def _judge(self, one: Judged, records: dict[tuple[bytes, bytes], RecordWord | None], folder: Folder) -> Judged:
        assert one.file is not None
        assert one.contract is not None
        assert one.key is not None
        receipt = one.file.receipt
        record = records.get((one.contract.address, receipt.statement))
        if record is not None:
            state = State.KEPT if record.block_time * 1000 <= receipt.due else State.LATE
            return replace(one, state=state, block_number=record.block_number, block_time=record.block_time)
        refusal, time = self._refusal(one.key, one.contract, receipt, folder)
        if refusal is not None and time is not None:
            state = State.REFUSED if time * 1000 <= receipt.due else State.LATE
            return replace(one, state=state, refusal=refusal, block_number=refusal.block_number, block_time=time)
        if self.at_ms <= receipt.due:
            return replace(one, state=State.PENDING)
        if (one.contract.address, receipt.statement) not in records:
            missing = self.histories[one.contract.address, one.key.number].missing
            detail = ", ".join(f"{number:06d}.leaves" for number in missing[:8])
            return replace(one, state=State.UNKNOWN, code="breach.leaves_missing", detail=detail)
        return replace(one, state=State.BROKEN)

    def _refusal(
        self, key: NamedKey, contract: TrustedContract, receipt: Receipt, folder: Folder
    ) -> tuple[RefusalFile | None, int | None]:
        """The refusal whose block is earliest, and that block's time; one for a block that the chain lacks is none."""
        given = list(folder.refusals.get(receipt.statement, ()))
        if not given and self.at_ms > receipt.due:
            fetched = self.fetch_refusal(receipt.statement)
            given = [] if fetched is None else [fetched]
        best: tuple[RefusalFile, int] | None = None
        for refusal in given:
            signer = self.key(refusal.signature.signer, refusal.signature.key_index)
            if signer is None or refusal.signature.signer != key.number:
                continue
            try:
                check_refusal(refusal, signer[0].public, contract.id, receipt.statement)
                block = self.chain.block(refusal.block_number)
            except TiezhengError:
                continue
            if block is not None and block.hash == refusal.block_hash and (best is None or block.time < best[1]):
                best = refusal, block.time
        return (None, None) if best is None else best
