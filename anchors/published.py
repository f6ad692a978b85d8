"""What a service publishes, as a service over HTTP or a mirror's folder gives it: leaves files and checkpoints.

Guaranteed: a checkpoint's header hashes to what it says, and only cosignatures by pinned witnesses that hold are given.
Not guaranteed: that anything here is on the chain; whoever asks compares it with a node.
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

from anchors.leaves import leaves_path
from tiezheng.bundle import Cosignature
from tiezheng.canonical import dumps, loads_strict
from tiezheng.client import Client
from tiezheng.errors import NotFound, TiezhengError, VerificationFailed
from tiezheng.evm.header import MAX_HEADER_SIZE, Header, parse_header
from tiezheng.json_members import read_hex, read_hex_up_to, read_integer, read_list, read_object
from tiezheng.signature import RECORD_SIZE, Signature
from tiezheng.trust import Trust
from tiezheng.verify.proven import check_cosignature

FORMAT: Final = "tiezheng/checkpoint/1"
LEAVES: Final = "leaves"
CHECKPOINTS: Final = "checkpoints"
MAX_CHECKPOINT: Final = 1 << 20
_MAX_COSIGNATURES: Final = 256
_MEMBERS: Final = frozenset({"cosignatures", "format", "header"})
_COSIGNED: Final = frozenset({"seen", "signature"})


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A block header and the cosignatures of pinned witnesses, ascending by signer."""

    header: Header
    cosignatures: tuple[Cosignature, ...]

    def to_bytes(self) -> bytes:
        """The mirror's file: canonical JSON."""
        listed = [one.to_json() for one in self.cosignatures]
        return dumps({"cosignatures": listed, "format": FORMAT, "header": self.header.raw.hex()})


class Published(Protocol):
    """Where leaves and checkpoints come from."""

    def leaves(self, batch: int) -> BinaryIO | None:
        """The leaves file, None where it is not there."""
        ...

    def latest(self) -> SignedCheckpoint | None:
        """The last checkpoint."""
        ...


class Nothing:
    """No source: a node alone."""

    def leaves(self, batch: int) -> BinaryIO | None:
        """See `Published`."""
        del batch
        return None

    def latest(self) -> SignedCheckpoint | None:
        """See `Published`."""
        return None


class PublishedByService:
    """A service over HTTP."""

    def __init__(self, client: Client, trust: Trust) -> None:
        self._client = client
        self._trust = trust

    def leaves(self, batch: int) -> BinaryIO | None:
        """See `Published`."""
        try:
            return io.BytesIO(self._client.leaves(batch))
        except NotFound:
            return None

    def latest(self) -> SignedCheckpoint | None:
        """See `Published`."""
        try:
            return read_view(self._client.latest_checkpoint(), self._trust)
        except NotFound:
            return None


class PublishedInFolder:
    """A mirror's folder, or one that holds leaves files alone."""

    def __init__(self, folder: Path, trust: Trust) -> None:
        self._folder = folder
        self._trust = trust

    def leaves(self, batch: int) -> BinaryIO | None:
        """See `Published`."""
        for folder in (self._folder / LEAVES, self._folder):
            if leaves_path(folder, batch).is_file():
                return leaves_path(folder, batch).open("rb")
        return None

    def latest(self) -> SignedCheckpoint | None:
        """See `Published`."""
        files = sorted((self._folder / CHECKPOINTS).glob("*.json"))
        return parse_checkpoint(files[-1].read_bytes(), self._trust) if files else None

    def checkpoints(self) -> Iterator[SignedCheckpoint]:
        """All of them, ascending by height."""
        for path in sorted((self._folder / CHECKPOINTS).glob("*.json")):
            yield parse_checkpoint(path.read_bytes(), self._trust)


def parse_checkpoint(data: bytes, trust: Trust) -> SignedCheckpoint:
    """A mirror's checkpoint file. Raises Malformed `json.*`, `header.*`, VerificationFailed `signature.invalid`."""
    item = read_object(loads_strict(data, MAX_CHECKPOINT), _MEMBERS, "checkpoint")
    header = parse_header(read_hex_up_to(item["header"], "header", MAX_HEADER_SIZE))
    listed = [
        read_object(one, _COSIGNED, "cosignatures[]")
        for one in read_list(item["cosignatures"], "cosignatures", _MAX_COSIGNATURES)
    ]
    return SignedCheckpoint(header, _checked(listed, header, trust))


def read_view(view: Mapping[str, Any], trust: Trust) -> SignedCheckpoint:
    """A checkpoint as the service answers. Raises as `parse_checkpoint`, VerificationFailed `header.rebuilt_hash`."""
    header = parse_header(read_hex_up_to(view.get("header"), "header", MAX_HEADER_SIZE))
    told = read_integer(view.get("height"), "height"), read_hex(view.get("hash"), "hash", 32)
    if told != (header.number, header.hash):
        raise VerificationFailed("header.rebuilt_hash", expected=header.hash, got=told[1])
    listed = read_list(view.get("cosignatures"), "cosignatures", _MAX_COSIGNATURES)
    return SignedCheckpoint(header, _checked(listed, header, trust))


def _checked(listed: list[Any], header: Header, trust: Trust) -> tuple[Cosignature, ...]:
    """Those of pinned witnesses; one that does not hold refuses all."""
    found: dict[int, Cosignature] = {}
    for item in listed:
        if not isinstance(item, Mapping):
            raise VerificationFailed("signature.invalid", detail="cosignature")
        signature = Signature.parse(read_hex(item.get("signature"), "signature", RECORD_SIZE))
        one = Cosignature(read_integer(item.get("seen"), "seen", (1 << 48) - 1), signature)
        if check_cosignature(trust, header.number, header.hash, one):
            found[signature.signer] = one
    return tuple(found[number] for number in sorted(found))


def is_published_error(error: TiezhengError) -> bool:
    """Whether what was published does not hold, as opposed to a source that does not answer."""
    return error.code.startswith(("batch.", "merkle.", "header.", "signature.", "json.", "statement.", "audit."))
