"""What stands on chain: headers, accounts, slot positions and the words at them (§5.3, §6, §8.5, §9, §10)."""

from dataclasses import dataclass

from tests.plain import rlp
from tests.plain.formats import FOREVER, PRACTITIONER, split
from tests.plain.keccak import keccak
from tests.plain.refusal import Refused, need
from tests.plain.sm import sm3
from tests.plain.trie import prove

LAST_SECOND = 253402300799  # 9999-12-31T23:59:59Z


@dataclass(frozen=True, slots=True)
class Header:
    """`timestamp` in seconds."""

    fields: int
    hash: bytes
    parent_hash: bytes
    state_root: bytes
    number: int
    timestamp: int


def read_header(data: bytes) -> Header:
    need(len(data) <= 65536, "the header is too long")
    items = rlp.decode_list(data)
    need(15 <= len(items) <= 32, "a header has 15 to 32 items")
    parent, state = items[0], items[3]
    if not isinstance(parent, bytes) or not isinstance(state, bytes) or len(parent) != 32 or len(state) != 32:
        raise Refused("parent hash and state root have 32 bytes")
    number, timestamp = rlp.number(items[8], 6), rlp.number(items[11], 6)
    need(timestamp <= LAST_SECOND, "a timestamp after the year 9999")
    return Header(len(items), keccak(data), parent, state, number, timestamp)


def prove_account(state_root: bytes, address: bytes, nodes: list[bytes]) -> tuple[int, int, bytes, bytes]:
    """Nonce, balance, storage root and code hash of an account that exists."""
    value = prove(state_root, keccak(address), nodes)
    if value is None:
        raise Refused("there is no such account")
    items = rlp.decode_list(value)
    need(len(items) == 4, "an account has four items")
    storage, code = items[2], items[3]
    if not isinstance(storage, bytes) or not isinstance(code, bytes) or len(storage) != 32 or len(code) != 32:
        raise Refused("storage root and code hash have 32 bytes")
    return rlp.number(items[0], 8), rlp.number(items[1], 32), storage, code


def prove_word(storage_root: bytes, position: bytes, nodes: list[bytes]) -> bytes | None:
    """The word at a position; None where it is unset."""
    value = prove(storage_root, keccak(position), nodes)
    if value is None:
        return None
    number = rlp.number(rlp.decode(value), 32)
    need(number, "a word of zero is not stored")
    return number.to_bytes(32)


def _at(*words: bytes | int) -> bytes:
    """keccak of words, integers as u256."""
    return keccak(b"".join(word.to_bytes(32) if isinstance(word, int) else word for word in words))


def key_record_position(z: bytes, key_index: int) -> bytes:
    return _at(key_index, _at(z, 0))


def identity_root_position(z: bytes, key_index: int) -> bytes:
    return _at(key_index, _at(z, 1))


def record_position(digest: bytes) -> bytes:
    """Of a statement's digest in a registry, or of a batch header's in `BatchAnchor`."""
    return _at(digest, 0)


def table_position(index: int) -> bytes:
    return _at(index, 2)


def case_position(case: bytes, word: int) -> bytes:
    """Head, progress, guests, handlers, holding: words 0 to 4 of a case."""
    return ((int.from_bytes(_at(case, 1)) + word) % 2**256).to_bytes(32)


def case_tag(case: bytes) -> bytes:
    """What a record keeps of its case."""
    return keccak(case)[:16]


@dataclass(frozen=True, slots=True)
class Record:
    """Of a statement or a batch; times in seconds. `rest` is what only a registry writes."""

    time: int
    number: int
    status: int
    rest: bytes

    @property
    def table_index(self) -> int:
        return int.from_bytes(self.rest[:2])


def read_record(word: bytes) -> Record:
    time, number, status, rest = split(word, 6, 6, 1, 19)
    need(1 <= status[0] & 7 <= 6, "unknown status")
    return Record(int.from_bytes(time), int.from_bytes(number), status[0], rest)


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """§5.3; times in seconds. `role` is the function of a practitioner."""

    number: int
    institution: int
    role: int
    key_index: int
    custody: int
    valid_from: int
    valid_until: int
    compromised_since: int
    ended_by: int


def read_key_record(word: bytes) -> KeyRecord:
    """The record, refused where no contract would write it."""
    *fields, rest = map(int.from_bytes, split(word, 4, 4, 1, 1, 1, 6, 6, 6, 1, 2))
    record = KeyRecord(*fields)
    need(rest == 0, "the last bytes of a key record are not zero")
    need(record.ended_by <= 4, "unknown end of a key")
    need((record.ended_by == 0) == (record.valid_until == FOREVER), "ended by nothing exactly while it is open")
    need(
        record.number >= PRACTITIONER or record.institution == record.number,
        "an institution's key of another institution",
    )
    return record


def witness_digest(genesis: bytes, height: int, block_hash: bytes, seen: int) -> bytes:
    return sm3(genesis + height.to_bytes(8) + block_hash + seen.to_bytes(6))
