"""A witness's memory: the block it stands on, and what it signed. One file, written before each signature.

Guaranteed: a save that returned survives a crash; one process at a time holds the directory; a state of another ledger
or witness, or a damaged one, is refused rather than started anew. Not guaranteed: anything if the file is deleted; a
witness that forgets can be made to sign twice, so it is backed up like a key.
"""

import contextlib
import fcntl
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from anchors.leaves import publish
from tiezheng.canonical import dumps, loads_strict
from tiezheng.errors import IntegrityFault, TiezhengError, Unavailable
from tiezheng.json_members import check_ascending, read_hex, read_integer, read_list, read_object

FORMAT: Final = "tiezheng/witness-state/1"
STATE_FILE: Final = "state.json"
# Signatures that are remembered one by one. Older heights cannot be signed anew: they are ancestors of the position.
SIGNED_MAX: Final = 1_024
_MAX_SIZE: Final = 1 << 20
_STATE: Final = frozenset({"format", "genesis", "number", "position", "signed"})
_PLACE: Final = frozenset({"hash", "height"})
_SIGNED: Final = frozenset({"hash", "height", "seen"})
_WORD: Final = 32
_U48: Final = (1 << 48) - 1


@dataclass(frozen=True, slots=True)
class Place:
    """A block by height and hash."""

    height: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Signed:
    """What was, or was about to be, signed: height, hash, and when it was seen (ms)."""

    height: int
    hash: bytes
    seen: int


@dataclass(frozen=True, slots=True)
class WitnessState:
    """Genesis hash and witness number fix whose memory it is; `signed` ascends by height."""

    genesis: bytes
    number: int
    position: Place
    signed: tuple[Signed, ...] = ()

    def at(self, height: int) -> Signed | None:
        """What was signed at that height."""
        return next((one for one in self.signed if one.height == height), None)

    def with_signed(self, one: Signed) -> "WitnessState":
        """The state after signing. Raises IntegrityFault `witness.fork` for a second hash at one height."""
        before = self.at(one.height)
        if before is not None:
            if before.hash != one.hash:
                raise IntegrityFault("witness.fork", expected=before.hash, got=one.hash, detail=f"height {one.height}")
            return self
        signed = sorted((*self.signed, one), key=lambda item: item.height)
        return replace(self, signed=tuple(signed[-SIGNED_MAX:]))

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return dumps(
            {
                "format": FORMAT,
                "genesis": self.genesis.hex(),
                "number": self.number,
                "position": {"hash": self.position.hash.hex(), "height": self.position.height},
                "signed": [{"hash": one.hash.hex(), "height": one.height, "seen": one.seen} for one in self.signed],
            }
        )


def load_state(directory: Path, genesis: bytes, number: int) -> WitnessState:
    """The kept state, or one that stands on block 0. Raises IntegrityFault `witness.state`."""
    try:
        data = (directory / STATE_FILE).read_bytes()
    except FileNotFoundError:
        return WitnessState(genesis, number, Place(0, genesis))
    try:
        state = _parse(data)
    except TiezhengError as error:
        raise IntegrityFault("witness.state", detail=error.code) from error
    if (state.genesis, state.number) != (genesis, number):
        raise IntegrityFault("witness.state", expected=number, got=state.number, detail="another witness or ledger")
    return state


def save_state(directory: Path, state: WitnessState) -> None:
    """Write the state durably."""
    publish(directory / STATE_FILE, [state.to_bytes()])


@contextlib.contextmanager
def hold(directory: Path, whose: str = "witness") -> Iterator[None]:
    """Hold the directory alone. Raises Unavailable `service.locked`."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Unavailable("service.locked", got=whose) from error
        yield


def _parse(data: bytes) -> WitnessState:
    value = read_object(loads_strict(data, _MAX_SIZE), _STATE, "witness state")
    if value["format"] != FORMAT:
        raise IntegrityFault("witness.state", expected=FORMAT)
    place = read_object(value["position"], _PLACE, "position")
    signed = tuple(_signed(item) for item in read_list(value["signed"], "signed", SIGNED_MAX))
    check_ascending([one.height for one in signed], "signed")
    return WitnessState(
        genesis=read_hex(value["genesis"], "genesis", _WORD),
        number=read_integer(value["number"], "number", (1 << 31) - 1, 1),
        position=Place(read_integer(place["height"], "height"), read_hex(place["hash"], "hash", _WORD)),
        signed=signed,
    )


def _signed(item: object) -> Signed:
    value = read_object(item, _SIGNED, "signed[]")
    return Signed(
        read_integer(value["height"], "height", least=1),
        read_hex(value["hash"], "hash", _WORD),
        read_integer(value["seen"], "seen", most=_U48),
    )
