"""What an auditor keeps from one audit to the next, in a file of its own.

Guaranteed: the first line is the SM3 of the rest, so a damaged or altered file is refused; it is of one version, one
deployment and one trust file, names the block at which it stands, and appears whole or not at all. Not guaranteed:
protection against whoever can write the auditor's own disk.

Rebuilt: keys, institutions, tables, closings, cases, records, splits, statements with their signatures, batches, what
was decided. Kept beside it: fingerprints of database rows and files in which nothing was found.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from enum import Enum
from pathlib import Path
from typing import Any, Final

from anchors.leaves import publish
from anchors.replay import AnchoredBatch, OnChain, Replay
from ledger.domain.chain_records import BlockRef
from ledger.domain.records import InstitutionRow, KeyRow, MemberStatus, TableRow
from tiezheng.batch import parse_batch_header
from tiezheng.digest import sm3
from tiezheng.errors import IntegrityFault, TiezhengError
from tiezheng.procedures import CaseState, Holding, Recorded, Split, Status
from tiezheng.signature import PublicKey, Signature

FORMAT: Final = "tiezheng/audit-state/1"
NAME: Final = "audit-state.json"
_MEMBERS: Final = frozenset({"basis", "block", "clean", "files", "format", "replay", "wanted"})
_REPLAY: Final = frozenset(
    {
        "batches",
        "cases",
        "closed",
        "compromised",
        "decided",
        "changes",
        "institutions",
        "keys",
        "last_headers",
        "records",
        "recovery",
        "registered",
        "signatures",
        "splits",
        "statements",
        "suspended",
        "tables",
    }
)


@dataclass(slots=True)
class Kept:
    """What an earlier audit left. `basis` binds deployment, trust file, procedures and software."""

    block: BlockRef
    replay: dict[str, Any]
    clean: set[bytes] = field(default_factory=set)
    files: frozenset[bytes] = frozenset()
    wanted: dict[bytes, set[bytes]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Memory:
    """The file. `full` leaves what is there unread; it is replaced at the end all the same."""

    path: Path
    basis: bytes
    full: bool = False

    def load(self) -> Kept | None:
        """What is kept for this basis, None where nothing is. Raises IntegrityFault `audit.state_invalid`."""
        if self.full or not self.path.exists():
            return None
        first, _, body = self.path.read_bytes().partition(b"\n")
        if sm3(body).hex().encode() != first:
            raise IntegrityFault("audit.state_invalid", expected=first.decode("ascii", "replace"), got=sm3(body))
        try:
            whole = json.loads(body)
            if whole["format"] != FORMAT or whole.keys() != _MEMBERS or whole["replay"].keys() != _REPLAY:
                raise IntegrityFault("audit.state_invalid", expected=FORMAT)
            if bytes.fromhex(whole["basis"]) != self.basis:
                return None
            return Kept(
                block=BlockRef(*_values(whole["block"])),
                replay=whole["replay"],
                clean={bytes.fromhex(one) for one in whole["clean"]},
                files=frozenset(bytes.fromhex(one) for one in whole["files"]),
                wanted={bytes.fromhex(case): set(_values(listed)) for case, listed in whole["wanted"].items()},
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise IntegrityFault("audit.state_invalid", detail=type(error).__name__) from error

    def save(self, kept: Kept) -> None:
        """Put this in the place of what was there."""
        whole = {
            "basis": self.basis.hex(),
            "block": _packed(kept.block),
            "clean": sorted(one.hex() for one in kept.clean),
            "files": sorted(one.hex() for one in kept.files),
            "format": FORMAT,
            "replay": kept.replay,
            "wanted": {case.hex(): _packed(sorted(kept.wanted[case])) for case in sorted(kept.wanted)},
        }
        body = json.dumps(whole, sort_keys=True, separators=(",", ":")).encode("ascii")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        publish(self.path, [sm3(body).hex().encode(), b"\n", body])

    def set_aside(self, block_hash: bytes) -> Path:
        """Keep what is there under another name: evidence of a chain that is no longer shown."""
        kept = self.path.with_name(f"{self.path.name}.{block_hash.hex()[:16]}.kept")
        self.path.replace(kept)
        return kept


def dump_replay(replay: Replay) -> dict[str, Any]:
    """The rebuilt ledger as JSON values."""
    decided, book = replay.decisions, replay.book
    return {
        "batches": [
            _packed((one.header.to_bytes(), one.signature.to_bytes(), one.block, one.transaction))
            for _, one in sorted(replay.batches.items())
        ],
        "cases": _pairs(book.cases.items()),
        "changes": _pairs(decided.changes.items()),
        "closed": _pairs(replay.closed.items()),
        "compromised": _pairs(decided.compromised_at.items()),
        "decided": [decided.threshold, decided.decisions, _packed(decided.decided_action)],
        "institutions": [_packed(row) for row in replay.institutions.values()],
        "keys": [_packed(row) for row in replay.keys.values()],
        "last_headers": [_packed(header.to_bytes()) for header in replay.last_headers.values()],
        "records": _pairs((digest, (*_packed(one),)) for digest, one in book.records.items()),
        "recovery": _pairs((number, key.to_bytes()) for number, key in decided.recovery_keys.items()),
        "registered": _pairs((place, sorted(values.items())) for place, values in decided.registrations.items()),
        "signatures": replay.kept_signatures + replay.signatures_checked,
        "splits": _pairs((digest, (one.holding, one.used)) for digest, one in book.splits.items()),
        "statements": _pairs(replay.statements.items()),
        "suspended": sorted(decided.suspended),
        "tables": [_packed(row) for row in replay.tables.values()],
    }


def load_replay(replay: Replay, kept: dict[str, Any]) -> None:
    """Put a kept ledger into an empty replay. Raises IntegrityFault `audit.state_invalid`."""
    try:
        _load(replay, {name: _value(value) for name, value in kept.items()})
    except (ValueError, KeyError, TypeError, TiezhengError) as error:
        raise IntegrityFault("audit.state_invalid", detail=type(error).__name__) from error


def _load(replay: Replay, kept: dict[str, Any]) -> None:
    decided, book = replay.decisions, replay.book
    for header, seal, block, transaction in kept["batches"]:
        parsed = parse_batch_header(header)
        batch = AnchoredBatch(parsed, Signature.parse(seal), BlockRef(*block), transaction)
        replay.batches[parsed.batch] = batch
    book.cases = {case: CaseState(*state) for case, state in kept["cases"]}
    decided.changes = Counter(dict(kept["changes"]))
    replay.closed = dict(kept["closed"])
    book.closed = replay.deployment.registry.address in replay.closed
    decided.compromised_at = dict(kept["compromised"])
    decided.threshold, decided.decisions, decided.decided_action = kept["decided"]
    for number, role, voter, status in kept["institutions"]:
        replay.institutions[number] = InstitutionRow(number, role, voter, MemberStatus(status))
    for key in kept["keys"]:
        replay.keys[key[0], key[1]] = KeyRow(*key)
    for packed in kept["last_headers"]:
        header = parse_batch_header(packed)
        replay.last_headers[header.operator] = header
    for digest, (case, position, status, *bits) in kept["records"]:
        book.records[digest] = Recorded(case, position, Status(status), *bits)
    decided.recovery_keys = {number: PublicKey.parse(key) for number, key in kept["recovery"]}
    decided.registrations = {(number, index): dict(values) for (number, index), values in kept["registered"]}
    replay.kept_signatures = kept["signatures"]
    book.splits = {digest: Split(Holding(*holding), used) for digest, (holding, used) in kept["splits"]}
    for digest, (signatures, block, batch_number, index, transaction) in kept["statements"]:
        replay.statements[digest] = OnChain(signatures, BlockRef(*block), batch_number, index, transaction)
    decided.suspended = set(kept["suspended"])
    for table in kept["tables"]:
        row = TableRow(*table)
        replay.tables[row.digest] = row
        book.register(row.digest, row.valid_from, row.valid_until)


def _pairs(items: Iterable[tuple[object, object]]) -> list[Any]:
    return [[_packed(name), _packed(value)] for name, value in items]


def _packed(value: object) -> Any:
    """As JSON: bytes as 0x and hex, records as lists of their members."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (list, tuple)):
        return [_packed(one) for one in value]
    if hasattr(value, "__dataclass_fields__"):
        return [_packed(getattr(value, one.name)) for one in fields(value) if one.init]  # type: ignore[arg-type]
    return value


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return bytes.fromhex(value[2:]) if value.startswith("0x") else value
    return tuple(_value(one) for one in value) if isinstance(value, list) else value


def _values(listed: list[Any]) -> tuple[Any, ...]:
    return tuple(_value(one) for one in listed)
