"""Where the contracts keep what is decided: members, thresholds, counts, closings, terms of tables, last batches.

Guaranteed: positions and layouts are those of the committed sources (a test compares them on a real chain), so that
an event that a node keeps back shows in one of these words. Not guaranteed: anything for another build; bundles rest
on none of them.
"""

import struct
from typing import Final, NamedTuple

from anchors.replay import Replay
from ledger.domain.records import KEY_OPEN, MemberStatus
from tiezheng.evm.keccak import keccak256
from tiezheng.procedures import OPEN_END
from tiezheng.storage_words import last_batch_slots

WORD: Final = 32
# Institutions: Members.sol. Batch anchor: BatchAnchor.sol. Registry: CaseRegistry.sol.
_MEMBERS, _COUNTS = 3, 5
_ANCHOR_CLOSED: Final = 2
_TERMS, _REGISTRY_CLOSED = 4, 6
_CASE_TYPE: Final = 2
# Solidity fills a word from its low end: the members of a struct stand in reverse order.
_MEMBER: Final = struct.Struct(">IBBBBI")
# Two sets of key indexes stand above these; the key records say the same (SPEC §5.3).
_MEMBER_SKIP: Final = WORD - _MEMBER.size
_COUNTED: Final = struct.Struct(">19xBIQ")
_TERM: Final = struct.Struct(">17x6s6sBH")


class Word(NamedTuple):
    """What has to stand at a position, what it is about, and how many leading bytes are not compared."""

    expected: bytes
    subject: str
    skip: int = 0


Words = dict[bytes, Word]
"""By position."""


def institutions_words(replay: Replay) -> Words:
    """Threshold, number of decisions and of voters; each member's institution, role, status, vote, keys, changes."""
    decided = replay.decisions
    voters = sum(_votes(replay, number) for number in replay.institutions)
    counts = _COUNTED.pack(decided.threshold, voters, decided.decisions)
    words: Words = {_u256(_COUNTS): Word(counts, "decisions")}
    for number in sorted({number for number, _ in replay.keys}):
        words[_mapping(number, _MEMBERS)] = Word(_member(replay, number), f"member {number}", _MEMBER_SKIP)
    return words


def registry_words(replay: Replay) -> Words:
    """Whether it is closed and for whom, how many tables it has, and when each is in force."""
    words: Words = {}
    address = replay.deployment.registry.address
    count = len(replay.tables).to_bytes(2, "big")
    closed = _closing(replay, address)
    words[_u256(_REGISTRY_CLOSED)] = Word((count + closed).rjust(WORD, b"\0"), "closing of the registry")
    for digest, row in replay.tables.items():
        procedure = replay.procedures.get(digest)
        if procedure is None:
            continue  # a finding of its own; its case type is not known
        until = min(row.valid_until, OPEN_END)
        dates = until.to_bytes(6, "big"), row.valid_from.to_bytes(6, "big")
        term = _TERM.pack(*dates, procedure.table_bytes[_CASE_TYPE], row.index)
        words[keccak256(digest + _u256(_TERMS))] = Word(term, f"terms of table {digest.hex()}")
    return words


def anchor_words(replay: Replay) -> Words:
    """Whether it is closed and for whom, and each operator's last batch."""
    closed = _closing(replay, replay.deployment.batch.address).rjust(WORD, b"\0")
    words: Words = {_u256(_ANCHOR_CLOSED): Word(closed, "closing of the batch anchor")}
    for operator in {replay.deployment.operator, *replay.last_headers}:
        last = replay.last_headers.get(operator)
        first, second = last_batch_slots(operator)
        digest = bytes(WORD) if last is None else last.digest
        counts = (0, 0) if last is None else (last.batch + 1, last.first + last.count)
        words[first] = Word(digest, f"last batch of {operator}")
        words[second] = Word(struct.pack(">16xQQ", *reversed(counts)), f"number of batches of {operator}")
    return words


def _member(replay: Replay, number: int) -> bytes:
    first, own = replay.keys[number, 0], replay.institutions.get(number)
    status = MemberStatus.SUSPENDED if number in replay.decisions.suspended else MemberStatus.ACTIVE
    if own is not None:
        status = own.status
    count = sum(holder == number for holder, _ in replay.keys)
    voter = own is not None and own.voter
    numbers = (replay.decisions.changes[number], count, voter, status, first.role, first.institution)
    return _MEMBER.pack(*numbers).rjust(WORD, b"\0")


def _votes(replay: Replay, number: int) -> bool:
    """Whether an institution counts as an active voter: it is one, and has an open key."""
    row = replay.institutions[number]
    has_key = any(key.valid_until == KEY_OPEN for (holder, _), key in replay.keys.items() if holder == number)
    return row.voter and row.status is MemberStatus.ACTIVE and has_key


def _closing(replay: Replay, address: bytes) -> bytes:
    successor = replay.closed.get(address)
    return bytes(21) if successor is None else successor + b"\1"


def _u256(number: int) -> bytes:
    return number.to_bytes(WORD, "big")


def _mapping(number: int, position: int) -> bytes:
    return keccak256(_u256(number) + _u256(position))
