"""A mirror's folder: leaves files, checkpoints, block headers, forks and conflicts, each file whole or not there.

    mirror.json            which ledger
    leaves/000000.leaves   batches with header and seal (SPEC §6)
    checkpoints/0…0.json   header and cosignatures, by height
    headers/0…0.rlp        the node's header at that height
    forks/, conflicts/     proofs (SPEC §14), and what was shown against what was kept

Guaranteed: what was kept first stays; what contradicts it is laid beside it. Not guaranteed: anything against whoever
may write into the folder.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from anchors.leaves import leaves_path, publish
from anchors.published import CHECKPOINTS, LEAVES, SignedCheckpoint, parse_checkpoint
from tiezheng.batch import HEADER_SIZE, BatchHeader, parse_batch_header
from tiezheng.canonical import dumps, loads_strict
from tiezheng.errors import Refused
from tiezheng.json_members import read_object
from tiezheng.signature import RECORD_SIZE, Signature
from tiezheng.trust import Trust
from tiezheng.verify.fork import ForkProof

FORMAT: Final = "tiezheng/mirror/1"
HEADERS: Final = "headers"
FORKS: Final = "forks"
CONFLICTS: Final = "conflicts"
_STATE: Final = "mirror.json"
_MEMBERS: Final = frozenset({"format", "ledger"})
_DIGITS: Final = 15


@dataclass(frozen=True, slots=True)
class MirrorFolder:
    """One folder for one ledger."""

    place: Path
    trust: Trust

    def open(self) -> None:
        """Make it, or see that it is this ledger's. Raises Refused `mirror.other_ledger`."""
        path = self.place / _STATE
        mine = dumps({"format": FORMAT, "ledger": self.trust.ledger.to_json()})
        if not path.exists():
            publish(path, [mine])
        kept = read_object(loads_strict(path.read_bytes(), 1 << 16), _MEMBERS, "mirror")
        if dumps(kept) != mine:
            raise Refused("mirror.other_ledger", got=self.place.name)

    def batch(self, number: int) -> tuple[BatchHeader, Signature] | None:
        """Header and seal of a kept leaves file."""
        path = leaves_path(self.place / LEAVES, number)
        if not path.is_file():
            return None
        with path.open("rb") as reader:
            head = reader.read(HEADER_SIZE + RECORD_SIZE)
        return parse_batch_header(head[:HEADER_SIZE]), Signature.parse(head[HEADER_SIZE:])

    def batches(self) -> list[int]:
        """Numbers of the kept leaves files, ascending."""
        return sorted(int(path.stem) for path in (self.place / LEAVES).glob("*.leaves"))

    def put_leaves(self, number: int, data: bytes) -> None:
        """A leaves file that was checked."""
        publish(leaves_path(self.place / LEAVES, number), [data])

    def heights(self) -> list[int]:
        """Heights of the kept checkpoints, ascending."""
        return sorted(int(path.stem) for path in (self.place / CHECKPOINTS).glob("*.json"))

    def checkpoint(self, height: int) -> SignedCheckpoint | None:
        """A kept checkpoint, checked again."""
        path = self._checkpoint(height)
        return parse_checkpoint(path.read_bytes(), self.trust) if path.is_file() else None

    def put_checkpoint(self, checkpoint: SignedCheckpoint) -> None:
        """The first one, or the same block with more cosignatures."""
        publish(self._checkpoint(checkpoint.header.number), [checkpoint.to_bytes()])

    def node_header(self, height: int) -> bytes | None:
        """What the node had there when it was asked first."""
        path = self._header(height)
        return path.read_bytes() if path.is_file() else None

    def put_node_header(self, height: int, raw: bytes) -> None:
        """The node's header."""
        publish(self._header(height), [raw])

    def put_fork(self, fork: ForkProof) -> Path:
        """A proof; the same one again is no change."""
        path = self.place / FORKS / f"{fork.kind.value}-{fork.digest.hex()[:16]}.json"
        if not path.exists():
            publish(path, [fork.to_bytes()])
        return path

    def put_conflict(self, name: str, kept: bytes, shown: bytes | None) -> Path:
        """What was shown (None: nothing any more) against what was kept; the same again is no change."""
        told = dumps({"kept": kept.hex(), "name": name, "shown": None if shown is None else shown.hex()})
        path = self.place / CONFLICTS / f"{name}.json"
        count = 1
        while path.exists() and path.read_bytes() != told:
            count += 1
            path = path.with_name(f"{name}-{count}.json")
        if not path.exists():
            publish(path, [told])
        return path

    def _checkpoint(self, height: int) -> Path:
        return self.place / CHECKPOINTS / f"{height:0{_DIGITS}d}.json"

    def _header(self, height: int) -> Path:
        return self.place / HEADERS / f"{height:0{_DIGITS}d}.rlp"
