"""Where the contracts keep what proofs show, and how those words are laid out (spec/SPEC.md §5.3, §6, §8.5).

Guaranteed: positions follow from digests, cases, keys and indices alone; `parse` accepts exactly what `to_bytes` can
give, else Malformed `chain.record_shape`. Not guaranteed: that a word stands anywhere; a proof shows that.
"""

import struct
from dataclasses import dataclass
from enum import IntFlag
from typing import Any, Final, Self

from tiezheng.errors import Malformed
from tiezheng.evm.keccak import keccak256
from tiezheng.procedures import Status

WORD: Final = 32
# `valid until` of a key that nothing has ended.
OPEN_END: Final = (1 << 48) - 1
# Position, in a record, of the kind that continues a case; tables have at most 32 kinds.
CONTINUE_POSITION: Final = 255
CASE_WORDS: Final = ("head", "progress", "guests", "handlers", "holding")
CASE_TAG_SIZE: Final = 16

_KEYS, _IDENTITIES = 0, 1
_RECORDS, _CASES, _TABLES = 0, 1, 2
_LAST: Final = 1  # of `BatchAnchor`
_KEY: Final = struct.Struct(">IIBBB6s6s6sB2x")
_RECORD: Final = struct.Struct(">6s6sBHB16s")
_PROGRESS: Final = struct.Struct(">IBBI6s6sHIB3x")
_MAX_END_REASON: Final = 4


def _mapping_slot(key: bytes, position: int) -> bytes:
    """keccak(key ‖ u256 position): where a mapping keeps the entry of a 32-byte key."""
    return keccak256(key + position.to_bytes(WORD, "big"))


def _index_slot(index: int, mapping: bytes) -> bytes:
    return keccak256(index.to_bytes(WORD, "big") + mapping)


def key_record_slot(z: bytes, key_index: int) -> bytes:
    """Of `Institutions`: the record of a key period."""
    return _index_slot(key_index, _mapping_slot(z, _KEYS))


def identity_root_slot(z: bytes, key_index: int) -> bytes:
    """Of `Institutions`: the identity root that was fixed with the period."""
    return _index_slot(key_index, _mapping_slot(z, _IDENTITIES))


def record_slot(digest: bytes) -> bytes:
    """Of a registry or batch anchor: the record of a statement or batch header, by its SM3."""
    return _mapping_slot(digest, _RECORDS)


def last_batch_slots(operator: int) -> tuple[bytes, bytes]:
    """Of `BatchAnchor` (§6): the digest of an operator's last header, and how many batches and leaves it anchored."""
    first = _mapping_slot(operator.to_bytes(WORD, "big"), _LAST)
    return first, ((_number(first) + 1) % (1 << 256)).to_bytes(WORD, "big")


def batch_counts(word: bytes) -> tuple[int, int]:
    """Batches and leaves in the second of `last_batch_slots`. Raises Malformed `chain.record_shape`."""
    if len(word) != WORD or any(word[:16]):
        raise Malformed("chain.record_shape", got=word)
    return _number(word[24:]), _number(word[16:24])


def table_slot(table_index: int) -> bytes:
    """Of a registry: the digest of the table with this index."""
    return _mapping_slot(table_index.to_bytes(WORD, "big"), _TABLES)


def case_slots(case: bytes) -> dict[str, bytes]:
    """Of a registry: the five words of a case, by the names of CASE_WORDS."""
    first = int.from_bytes(_mapping_slot(case, _CASES), "big")
    return {name: ((first + at) % (1 << 256)).to_bytes(WORD, "big") for at, name in enumerate(CASE_WORDS)}


def case_tag(case: bytes) -> bytes:
    """What a record keeps of its case: the first 16 bytes of keccak(case)."""
    return keccak256(case)[:CASE_TAG_SIZE]


@dataclass(frozen=True, slots=True)
class KeyWord:
    """A key record. Times in seconds; `valid_until` is OPEN_END while open, `compromised` 0 where not suspect."""

    number: int
    institution: int
    role: int
    key_index: int
    custody: int
    valid_from: int
    valid_until: int = OPEN_END
    compromised: int = 0
    ended_by: int = 0

    @classmethod
    def parse(cls, word: bytes) -> Self:
        """From 32 bytes."""
        number, institution, role, key_index, custody, start, end, compromised, reason = _unpack(_KEY, word)
        times = _number(start), _number(end), _number(compromised)
        record = cls(number, institution, role, key_index, custody, *times, reason)
        is_open = record.valid_until == OPEN_END
        if record.to_bytes() != word or record.ended_by > _MAX_END_REASON or is_open != (record.ended_by == 0):
            raise Malformed("chain.record_shape", got=word)
        return record

    def to_bytes(self) -> bytes:
        """32 bytes."""
        times = (_u48(one) for one in (self.valid_from, self.valid_until, self.compromised))
        head = (self.number, self.institution, self.role, self.key_index, self.custody)
        return _KEY.pack(*head, *times, self.ended_by)


class RecordBit(IntFlag):
    """The other bits of a record's status byte."""

    LATE_BY_TIME = 8
    FLAG_LATE = 16
    IRREGULAR = 32
    IRREGULAR_SEEN = 64
    SUPPLEMENTED = 128


NO_BITS: Final = RecordBit(0)
_STATUS_BITS: Final = 7


@dataclass(frozen=True, slots=True)
class RecordWord:
    """The record of a statement; of a batch header all after `status` is zero. Block time in seconds."""

    block_time: int
    block_number: int
    status: Status
    bits: RecordBit = NO_BITS
    table_index: int = 0
    position: int = 0
    case_tag: bytes = bytes(CASE_TAG_SIZE)

    @classmethod
    def parse(cls, word: bytes) -> Self:
        """From 32 bytes."""
        time, number, status, table_index, position, tag = _unpack(_RECORD, word)
        try:
            kept = Status(status & _STATUS_BITS)
        except ValueError as error:
            raise Malformed("chain.record_shape", got=word) from error
        bits = RecordBit(status & ~_STATUS_BITS)
        return cls(_number(time), _number(number), kept, bits, table_index, position, tag)

    def to_bytes(self) -> bytes:
        """32 bytes."""
        status = self.status | self.bits
        numbers = _u48(self.block_time), _u48(self.block_number)
        return _RECORD.pack(*numbers, status, self.table_index, self.position, self.case_tag)


class CaseFlag(IntFlag):
    """The flags of a case's progress."""

    CLOSED = 1
    PAUSED = 2
    FROZEN = 4
    IRREGULAR_SEEN = 8
    CONTINUED = 16


@dataclass(frozen=True, slots=True)
class ProgressWord:
    """The progress of a case. `last_main` and `end` in ms, `end` 0 where none; `holder` 0 where none."""

    sequence: int
    state: int
    flags: CaseFlag
    kinds_seen: int
    last_main: int
    end: int
    table_index: int
    holder: int
    guests: int

    def to_bytes(self) -> bytes:
        """32 bytes."""
        head = (self.sequence, self.state, self.flags, self.kinds_seen, _u48(self.last_main), _u48(self.end))
        return _PROGRESS.pack(*head, self.table_index, self.holder, self.guests)


def numbers_word(numbers: tuple[int, ...]) -> bytes:
    """Up to eight u32 from the left: guests, handlers."""
    return b"".join(number.to_bytes(4, "big") for number in numbers).ljust(WORD, b"\x00")


def holding_word(quantity: int, unit: int) -> bytes:
    """quantity u64 ‖ unit u16 ‖ 22 zero bytes."""
    return (quantity.to_bytes(8, "big") + unit.to_bytes(2, "big")).ljust(WORD, b"\x00")


def _unpack(layout: struct.Struct, word: bytes) -> tuple[Any, ...]:
    if len(word) != WORD:
        raise Malformed("digest.length", expected=WORD, got=len(word))
    return layout.unpack(word)


def _number(value: bytes) -> int:
    return int.from_bytes(value, "big")


def _u48(value: int) -> bytes:
    return value.to_bytes(6, "big")
