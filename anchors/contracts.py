"""Calls, constructors, events and code of the ledger's contracts, by their exported ABI and bytes.

Guaranteed: encodings follow `anchors/artifacts`, which the build holds to the sources; an event that does not decode
is an error, never skipped. Not guaranteed: that a contract at some address is this one; `anchors.deployment` compares
code.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError

from anchors.chains.port import Log
from tiezheng.errors import IntegrityFault
from tiezheng.evm.keccak import keccak256

INSTITUTIONS: Final = "Institutions"
REGISTRY: Final = "CaseRegistry"
BATCH: Final = "BatchAnchor"
VERIFIER: Final = "Sm2Verifier"
KEYS: Final = "Sm2Keys"
SHAPES: Final = "TableShapes"
EFFECTS: Final = "CaseEffects"
_WORD: Final = 32


@dataclass(frozen=True, slots=True)
class _Entry:
    """One function, event or constructor: types in order, and for events which are indexed."""

    name: str
    names: tuple[str, ...]
    types: tuple[str, ...]
    indexed: tuple[bool, ...]
    outputs: tuple[str, ...]

    @property
    def hash(self) -> bytes:
        return keccak256(f"{self.name}({','.join(self.types)})".encode("ascii"))


@dataclass(frozen=True, slots=True)
class Artifact:
    """A compiled contract: creation code without arguments, deployed code with zeros where immutables go.

    `immutables` tells for each by name where its 32 bytes stand in the deployed code.
    """

    name: str
    bytecode: bytes
    deployed: bytes
    immutables: Mapping[str, tuple[int, ...]]
    functions: Mapping[str, _Entry]
    events: Mapping[bytes, _Entry]
    constructor: tuple[str, ...]

    def creation(self, *arguments: object) -> bytes:
        """Data of the transaction that creates the contract."""
        return self.bytecode + encode(self.constructor, arguments)

    def call(self, function: str, *arguments: object) -> bytes:
        """Data of a call."""
        entry = self.functions[function]
        return entry.hash[:4] + encode(entry.types, arguments)

    def result(self, function: str, data: bytes) -> tuple[Any, ...]:
        """What a call returned."""
        return tuple(decode(self.functions[function].outputs, data))

    def is_code(self, code: bytes) -> bool:
        """Whether deployed code is this contract's, whatever its immutables hold."""
        return self._filled(code, dict.fromkeys(self.immutables, bytes(_WORD))) == self.deployed

    def code(self, immutables: Mapping[str, bytes]) -> bytes:
        """The deployed code with these immutables, each of at most 32 bytes; every one has to be given."""
        if immutables.keys() != self.immutables.keys():
            raise IntegrityFault("chain.code_hash", expected=sorted(self.immutables), got=sorted(immutables))
        return self._filled(self.deployed, immutables)

    def _filled(self, code: bytes, immutables: Mapping[str, bytes]) -> bytes:
        filled = bytearray(code)
        for name, starts in self.immutables.items():
            for start in starts:
                filled[start : start + _WORD] = immutables[name].rjust(_WORD, b"\0")
        return bytes(filled)


@dataclass(frozen=True, slots=True)
class Event:
    """A decoded event with its values by name."""

    name: str
    values: Mapping[str, Any]
    log: Log


@cache
def artifact(name: str) -> Artifact:
    """The exported contract of that name."""
    data = json.loads(resources.files("anchors").joinpath("artifacts", f"{name}.json").read_text(encoding="utf-8"))
    functions: dict[str, _Entry] = {}
    events: dict[bytes, _Entry] = {}
    constructor: tuple[str, ...] = ()
    for item in data["abi"]:
        entry = _entry(item)
        if item["type"] == "function":
            functions[entry.name] = entry
        elif item["type"] == "event":
            events[entry.hash] = entry
        elif item["type"] == "constructor":
            constructor = entry.types
    immutables = {
        name: tuple(int(place["start"]) for place in places) for name, places in data["immutableReferences"].items()
    }
    return Artifact(
        name=name,
        bytecode=_code(data["bytecode"]),
        deployed=_code(data["deployedBytecode"]),
        immutables=immutables,
        functions=functions,
        events=events,
        constructor=constructor,
    )


def decode_event(contract: Artifact, log: Log) -> Event:
    """The event in a log of this contract. Raises IntegrityFault `chain.record_mismatch`."""
    entry = contract.events.get(log.topics[0]) if log.topics else None
    if entry is None:
        raise IntegrityFault("chain.record_mismatch", got=log.transaction, detail="unknown event")
    try:
        plain = [kind for kind, indexed in zip(entry.types, entry.indexed, strict=True) if not indexed]
        body = iter(decode(plain, log.data))
        topics = iter(log.topics[1:])
        values = {
            name: decode([kind], next(topics))[0] if indexed else next(body)
            for name, kind, indexed in zip(entry.names, entry.types, entry.indexed, strict=True)
        }
    except (DecodingError, StopIteration) as error:
        raise IntegrityFault("chain.record_mismatch", got=log.transaction, detail=entry.name) from error
    return Event(entry.name, values, log)


def _entry(item: Mapping[str, Any]) -> _Entry:
    inputs: Sequence[Mapping[str, Any]] = item.get("inputs", [])
    return _Entry(
        name=str(item.get("name", "")),
        names=tuple(str(one["name"]) for one in inputs),
        types=tuple(_type(one) for one in inputs),
        indexed=tuple(bool(one.get("indexed", False)) for one in inputs),
        outputs=tuple(_type(one) for one in item.get("outputs", [])),
    )


def _type(item: Mapping[str, Any]) -> str:
    """The canonical type; a tuple is written out with its members."""
    kind = str(item["type"])
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_type(one) for one in item['components'])}){kind[len('tuple') :]}"


def _code(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
