"""A mirror: copies of what a service publishes, each verified, and a witness to what it shows later.

Guaranteed: nothing is stored that the kernel did not check (leaves under their header, headers in a row, seals,
cosignatures); a thing that changes or vanishes is a conflict, kept with both versions, and a proof of a fork where both
are signed. Not guaranteed: that the copy is complete at any moment, nor, without a node, that the operator's key is the
chain's.

1. Batches, oldest first. 2. Checkpoints with cosignatures, against the node's headers. 3. Forks that witnesses left.
A first round compares everything that is listed with what is kept; later ones look at what is new.
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from anchors.batch_history import BatchHistory
from anchors.chain_words import ChainWords, check_ledger
from anchors.chains.port import Chain
from anchors.mirror_folder import MirrorFolder
from anchors.published import SignedCheckpoint, read_view
from tiezheng.batch import BatchHeader, check_follows, check_seal, parse_batch_header, read_leaves
from tiezheng.canonical import dumps
from tiezheng.client import Client
from tiezheng.errors import NotFound, TiezhengError, VerificationFailed
from tiezheng.json_members import read_hex
from tiezheng.signature import RECORD_SIZE, PublicKey, Signature, z_value
from tiezheng.storage_words import key_record_slot
from tiezheng.trust import Trust
from tiezheng.verify.fork import ForkProof, KeyProof, Kind, check_fork, cosigned, fork_of, parse_fork, sealed
from tiezheng.verify.proven import NamedKey

PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Conflict:
    """What is shown now against what was kept: `code` says of what sort, `fork` is the proof's file if there is one."""

    code: str
    name: str
    kept: Path
    fork: Path | None = None


@dataclass(slots=True)
class Mirror:
    """One mirror. `open` first; hold the folder's lock meanwhile. `recheck`: fetch kept leaves anew."""

    client: Client
    folder: MirrorFolder
    trust: Trust
    now_ms: Callable[[], int]
    chain: Chain | None = None
    recheck: bool = False
    conflicts: list[Conflict] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: {"batches": 0, "checkpoints": 0, "cosignatures": 0})
    _keys: dict[tuple[int, int], NamedKey] = field(default_factory=dict)
    _whole: bool = True

    def open(self) -> None:
        """Raises Refused `mirror.other_ledger`, IntegrityFault `chain.wrong`."""
        self.folder.open()
        if self.chain is not None:
            check_ledger(self.chain, self.trust)

    def round(self) -> int:
        """One look; says how much is new. Raises Unavailable where service or node do not answer."""
        before = sum(self.counts.values()) + len(self.conflicts)
        self._batches()
        if self.chain is not None:
            self._hold_batches_to_chain(self.chain)
        self._checkpoints()
        self._forks()
        self._whole = False
        return sum(self.counts.values()) + len(self.conflicts) - before

    # Batches --------------------------------------------------------------------------------------------------------

    def _batches(self) -> None:
        kept = self.folder.batches()
        last = kept[-1] if kept else -1
        listed = list(self._listed(self.client.batches, "number", -1 if self._whole else last - 1))
        seen = {item["number"] for item in listed}
        if self._whole:
            for number in kept:
                if number not in seen:
                    self._vanished(f"batch-{number:06d}", _head(self.folder.batch(number)))
        for item in reversed(listed):
            self._batch(item)

    def _batch(self, item: dict[str, Any]) -> None:
        header = parse_batch_header(read_hex(item.get("header"), "header", 88))
        seal = Signature.parse(read_hex(item.get("signature"), "signature", RECORD_SIZE))
        key = self._key(seal.signer, seal.key_index)
        contract = self.trust.batches()[-1]
        check_seal(header, seal, key.public, contract.id)
        kept = self.folder.batch(header.batch)
        shown = header.to_bytes() + seal.to_bytes()
        if kept is not None:
            if kept[0] != header:
                self._two_headers(kept, (header, seal), key)
            elif self.recheck:
                self._leaves(header, seal, check_only=True)
            return
        before = self.folder.batch(header.batch - 1) if header.batch else None
        try:
            check_follows(None if before is None else before[0], header)
        except VerificationFailed:
            self._conflict("batch.contiguous", f"batch-{header.batch:06d}", _head(before), shown)
            return
        self._leaves(header, seal)

    def _leaves(self, header: BatchHeader, seal: Signature, *, check_only: bool = False) -> None:
        name = f"batch-{header.batch:06d}"
        try:
            data = self.client.leaves(header.batch)
        except NotFound:
            if check_only:
                self._vanished(name, header.to_bytes())
            return  # published a moment later, or asked for again in the next round
        try:
            file = read_leaves(io.BytesIO(data))
            if (file.header, file.signature) != (header, seal):
                raise VerificationFailed("audit.leaves_mismatch", got=header.batch)
            for _ in file.leaves:
                pass
        except TiezhengError as error:
            self._conflict(error.code, f"leaves-{header.batch:06d}", header.to_bytes() + seal.to_bytes(), data)
            return
        if not check_only:
            self.folder.put_leaves(header.batch, data)
            self.counts["batches"] += 1

    def _two_headers(
        self, kept: tuple[BatchHeader, Signature], shown: tuple[BatchHeader, Signature], key: NamedKey
    ) -> None:
        one, other = (sealed(header.to_bytes(), seal.to_bytes()) for header, seal in (kept, shown))
        fork = None
        if (kept[1].signer, kept[1].key_index) == (key.number, key.key_index):
            contract = self.trust.batches()[-1].address
            fork = fork_of(self.trust.ledger, Kind.BATCH, one, other, contract, key, self._proof_of(key))
        self._conflict("mirror.conflict", f"batch-{kept[0].batch:06d}", _head(kept), _head(shown), fork)

    def _hold_batches_to_chain(self, chain: Chain) -> None:
        """Each batch on the chain is the one that is kept; one that is kept and not there yet is no conflict."""
        words = ChainWords(chain, self.trust)
        for operator in {number for number, _ in self._keys}:
            history = BatchHistory.read(chain, words, self.trust.batches()[-1], operator)
            for header in history.headers:
                kept = self.folder.batch(header.batch)
                if kept is not None and kept[0] != header:
                    self._conflict("chain.record_mismatch", f"batch-{header.batch:06d}", _head(kept), header.to_bytes())

    # Checkpoints ----------------------------------------------------------------------------------------------------

    def _checkpoints(self) -> None:
        kept = self.folder.heights()
        waiting = [height for height in kept if self._wants_more(height)]
        oldest = min(waiting, default=kept[-1] if kept else 0)
        listed = list(self._listed(self.client.checkpoints, "height", -1 if self._whole else oldest - 1))
        if self._whole:
            seen = {item["height"] for item in listed}
            for height in kept:
                if height not in seen:
                    self._vanished(f"checkpoint-{height}", self._kept_header(height))
        for item in reversed(listed):
            self._checkpoint(item)

    def _checkpoint(self, item: dict[str, Any]) -> None:
        shown = read_view(item, self.trust)
        height = shown.header.number
        kept = self.folder.checkpoint(height)
        if kept is not None and kept.header.hash != shown.header.hash:
            fork = self._two_blocks(kept, shown)
            self._conflict("mirror.conflict", f"checkpoint-{height}", kept.header.raw, shown.header.raw, fork)
            return
        signed = {one.signature.signer: one for one in (() if kept is None else kept.cosignatures)}
        more = [one for one in shown.cosignatures if one.signature.signer not in signed]
        if kept is None or more:
            signed |= {one.signature.signer: one for one in more}
            cosignatures = tuple(signed[number] for number in sorted(signed))
            self.folder.put_checkpoint(SignedCheckpoint(shown.header, cosignatures))
            self.counts["checkpoints"] += kept is None
            self.counts["cosignatures"] += len(more)
        if self.chain is not None and (kept is None or self._whole):
            self._hold_to_node(self.chain, shown)

    def _hold_to_node(self, chain: Chain, shown: SignedCheckpoint) -> None:
        height = shown.header.number
        if chain.head().number < height:
            return  # the node is behind; asked again in the next whole round
        raw = chain.header(height)
        before = self.folder.node_header(height)
        if before is None:
            self.folder.put_node_header(height, raw)
        elif before != raw:
            self._conflict("chain.reorganised", f"node-{height}", before, raw)
        if raw != shown.header.raw:
            self._conflict("chain.reorganised", f"node-and-service-{height}", shown.header.raw, raw)

    def _two_blocks(self, kept: SignedCheckpoint, shown: SignedCheckpoint) -> ForkProof | None:
        """A proof where witnesses signed both, by the same witness if there is one."""
        for one in kept.cosignatures:
            others = sorted(shown.cosignatures, key=lambda item: item.signature.signer != one.signature.signer)
            for other in others[:1]:
                height = kept.header.number
                return fork_of(
                    self.trust.ledger,
                    Kind.WITNESS,
                    cosigned(height, kept.header.hash, one.seen, one.signature.to_bytes()),
                    cosigned(height, shown.header.hash, other.seen, other.signature.to_bytes()),
                )
        return None

    def _forks(self) -> None:
        for item in self.client.forks():
            fork = parse_fork(dumps(item))
            check_fork(fork, self.trust, self.now_ms())
            path = self.folder.put_fork(fork)
            if path not in {one.fork for one in self.conflicts}:
                self.conflicts.append(Conflict("witness.fork", path.stem, path, path))

    # What both need -------------------------------------------------------------------------------------------------

    def _listed(self, page: Callable[..., list[dict[str, Any]]], name: str, after: int) -> Iterator[dict[str, Any]]:
        """Entries above `after`, latest first."""
        before: int | None = None
        while True:
            items = page(before=before, limit=PAGE)
            for item in items:
                if item[name] <= after:
                    return
                yield item
            if len(items) < PAGE:
                return
            before = items[-1][name]

    def _key(self, number: int, key_index: int) -> NamedKey:
        """The operator's key: from the chain where there is a node, else the service's word."""
        place = number, key_index
        if place not in self._keys:
            if self.chain is not None:
                found = ChainWords(self.chain, self.trust).key(number, key_index)
                if found is None:
                    raise VerificationFailed("key.unknown", got=number)
                self._keys[place] = found[0]
            else:
                keys = {one["key_index"]: one for one in self.client.signer(number)["keys"]}
                if key_index not in keys:
                    raise VerificationFailed("key.unknown", got=number)
                one = keys[key_index]
                public = PublicKey.parse(read_hex(one["x"], "x", 32) + read_hex(one["y"], "y", 32))
                self._keys[place] = NamedKey(number, key_index, public)
        return self._keys[place]

    def _proof_of(self, key: NamedKey) -> KeyProof | None:
        """The key's record, at the last cosigned checkpoint if the node still has that state."""
        if self.chain is None:
            return None
        slot = key_record_slot(z_value(key.public), key.key_index)
        heights = self.folder.heights()
        latest = self.folder.checkpoint(heights[-1]) if heights else None
        if latest is not None:
            try:
                words = ChainWords(self.chain, self.trust, latest.header.number)
                if words.header.hash == latest.header.hash:
                    return KeyProof(words.proof({self.trust.institutions: [slot]}), latest.cosignatures)
            except TiezhengError as error:
                if error.code != "chain.no_history":
                    raise
        return KeyProof(ChainWords(self.chain, self.trust).proof({self.trust.institutions: [slot]}), ())

    def _kept_header(self, height: int) -> bytes:
        kept = self.folder.checkpoint(height)
        return b"" if kept is None else kept.header.raw

    def _wants_more(self, height: int) -> bool:
        kept = self.folder.checkpoint(height)
        return kept is not None and len(kept.cosignatures) < len(self.trust.finality.witnesses)

    def _vanished(self, name: str, kept: bytes) -> None:
        self._conflict("mirror.conflict", name, kept, None)

    def _conflict(self, code: str, name: str, kept: bytes, shown: bytes | None, fork: ForkProof | None = None) -> None:
        path = self.folder.put_conflict(name, kept, shown)
        proof = None if fork is None else self.folder.put_fork(fork)
        if path not in {one.kept for one in self.conflicts}:
            self.conflicts.append(Conflict(code, name, path, proof))


def _head(batch: tuple[BatchHeader, Signature] | None) -> bytes:
    return b"" if batch is None else batch[0].to_bytes() + batch[1].to_bytes()
