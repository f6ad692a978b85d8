"""Words, numbers and example values as the simulated world writes them."""

from collections.abc import Mapping, Sequence

from tests.support.tries import Trie
from tests.unit.tiezheng.evm.trie_builder import keccak_of, rlp
from tiezheng.digest import FileDigests, sha256, sm3
from tiezheng.procedures import JsonValue


def digests_of(data: bytes) -> FileDigests:
    return FileDigests(len(data), sm3(data), sha256(data))


def word(position: int) -> bytes:
    return position.to_bytes(32, "big")


def packed(*parts: tuple[int, int]) -> bytes:
    """Numbers with their sizes in bytes, left to right, zeros up to 32 bytes."""
    return b"".join(number.to_bytes(size, "big") for number, size in parts).ljust(32, b"\0")


def example(kind: str, choices: Sequence[str]) -> JsonValue:
    """Some value that a required field accepts."""
    values: dict[str, JsonValue] = {
        "text": choices[0] if choices else "示例", "integer": 3, "decimal": "1.5", "date": "2026-11-18",
        "time": "2026-11-18T00:00:00Z", "digest": sm3(b"example").hex(), "boolean": True, "list": [], "object": {},
    }  # fmt: skip
    return values[kind]


def number_bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def storage_trie(slots: Mapping[bytes, bytes]) -> Trie:
    return Trie({keccak_of(at): rlp(value.lstrip(b"\0")) for at, value in slots.items() if any(value)})
