"""Block headers as bytes: parsed strictly, hashed, and rebuilt from a node's JSON where it gives no raw header.

Guaranteed: every field of a `Header` is read from `raw`, and `raw` is its one RLP encoding. Not guaranteed: that such a
block exists. `Header.hash` is keccak-256 of `raw`, the block hash on chains that hash the header as it stands; a
consensus that leaves out parts of `extra_data` (QBFT: seals and round) computes its own hashes through
`with_extra_data`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tiezheng.errors import Malformed, VerificationFailed
from tiezheng.evm.keccak import keccak256
from tiezheng.evm.rlp import decode_int, decode_list, encode, encode_int

MAX_HEADER_SIZE: Final = 65_536
MAX_FIELDS: Final = 32

# (name in eth_getBlockByNumber, exact length in bytes, or None for a scalar, or -1 for free length), in header order.
_FIELDS: Final[tuple[tuple[str, int | None], ...]] = (
    ("parentHash", 32),
    ("sha3Uncles", 32),
    ("miner", 20),
    ("stateRoot", 32),
    ("transactionsRoot", 32),
    ("receiptsRoot", 32),
    ("logsBloom", 256),
    ("difficulty", None),
    ("number", None),
    ("gasLimit", None),
    ("gasUsed", None),
    ("timestamp", None),
    ("extraData", -1),
    ("mixHash", 32),
    ("nonce", 8),
    ("baseFeePerGas", None),  # London
    ("withdrawalsRoot", 32),  # Shanghai
    ("blobGasUsed", None),  # Cancun
    ("excessBlobGas", None),
    ("parentBeaconBlockRoot", 32),
    ("requestsHash", 32),  # Prague
)
_REQUIRED: Final = 15
_EXTRA_DATA: Final = 12
# Difficulty and base fee are 256-bit numbers; every other scalar fits into 64 bits.
_WIDE: Final = frozenset({"difficulty", "baseFeePerGas"})


@dataclass(frozen=True, slots=True)
class Header:
    """A parsed header.

    `timestamp` in seconds since 1970 UTC, `fields` every item in order, fields of later forks included.
    """

    parent_hash: bytes
    state_root: bytes
    transactions_root: bytes
    receipts_root: bytes
    miner: bytes
    difficulty: int
    number: int
    gas_limit: int
    gas_used: int
    timestamp: int
    extra_data: bytes
    mix_hash: bytes
    nonce: bytes
    base_fee: int | None
    hash: bytes
    fields: tuple[bytes, ...]
    raw: bytes

    def with_extra_data(self, extra_data: bytes) -> bytes:
        """Return the RLP of this header with another `extraData` and every other field unchanged."""
        return encode((*self.fields[:_EXTRA_DATA], extra_data, *self.fields[_EXTRA_DATA + 1 :]))


def parse_header(raw: bytes) -> Header:
    """Parse the RLP of a header of 15 (before London) to 32 items; items beyond Prague's 21 are kept, unread.

    Raises `Malformed` with `header.field_count`, `header.field` or an `rlp.*` code.
    """
    items = decode_list(raw, max_size=MAX_HEADER_SIZE, max_depth=2)
    if not _REQUIRED <= len(items) <= MAX_FIELDS:
        raise Malformed("header.field_count", expected=f"{_REQUIRED}..{MAX_FIELDS}", got=len(items))
    fields: list[bytes] = []
    numbers: dict[str, int] = {}
    for at, item in enumerate(items):
        if not isinstance(item, bytes):
            raise Malformed("header.field", expected="bytes", got=f"list at {at}")
        fields.append(item)
        if at >= len(_FIELDS):
            continue
        name, size = _FIELDS[at]
        if size is None:
            numbers[name] = decode_int(item, max_bytes=32 if name in _WIDE else 8)
        elif size >= 0 and len(item) != size:
            raise Malformed("header.field", expected=f"{name}: {size} bytes", got=len(item))
    return Header(
        parent_hash=fields[0],
        state_root=fields[3],
        transactions_root=fields[4],
        receipts_root=fields[5],
        miner=fields[2],
        difficulty=numbers["difficulty"],
        number=numbers["number"],
        gas_limit=numbers["gasLimit"],
        gas_used=numbers["gasUsed"],
        timestamp=numbers["timestamp"],
        extra_data=fields[_EXTRA_DATA],
        mix_hash=fields[13],
        nonce=fields[14],
        base_fee=numbers.get("baseFeePerGas"),
        hash=keccak256(raw),
        fields=tuple(fields),
        raw=bytes(raw),
    )


def plain_hash(header: Header) -> bytes:
    """Return keccak-256 of the whole header: the block hash wherever consensus does not define another."""
    return header.hash


def rebuild_header(block: Mapping[str, object], block_hash: Callable[[Header], bytes] = plain_hash) -> bytes:
    """Return the RLP of the header behind an `eth_getBlockByNumber` answer, for nodes without `debug_getRawHeader`.

    Values are JSON-RPC hex strings, or bytes and integers where a client library has decoded them. `block_hash` is the
    consensus's own hash rule. A field that is absent or null ends the header. Raises `Malformed` with `header.json`
    when a required field is absent or unreadable, `VerificationFailed` with `header.rebuilt_hash` when the result does
    not hash to the block's own `hash` (the node uses a fork with fields unknown here, or the answer was altered).
    """
    claimed = _json_bytes(block, "hash")
    fields: list[bytes] = []
    for name, size in _FIELDS:
        if block.get(name) is None:
            if len(fields) < _REQUIRED:
                raise Malformed("header.json", expected=name, got="absent")
            break
        fields.append(encode_int(_json_int(block, name)) if size is None else _json_bytes(block, name))
    header = parse_header(encode(fields))
    actual = block_hash(header)
    if actual != claimed:
        raise VerificationFailed("header.rebuilt_hash", expected=claimed, got=actual)
    return header.raw


def _json_bytes(block: Mapping[str, object], name: str) -> bytes:
    value = block.get(name)
    if isinstance(value, bytes):
        return bytes(value)
    if isinstance(value, str) and value.startswith("0x"):
        try:
            data = bytes.fromhex(value[2:])
        except ValueError:
            data = b""
        # fromhex skips white space, so the lengths are compared too.
        if 2 * len(data) == len(value) - 2:
            return data
    raise Malformed("header.json", expected=f"{name}: 0x and hex digits", got=type(value).__name__)


def _json_int(block: Mapping[str, object], name: str) -> int:
    value = block.get(name)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if (
        isinstance(value, str)
        and value.startswith("0x")
        and len(value) <= 66
        and value.isascii()
        and value[2:].isalnum()
    ):
        try:
            return int(value, 16)
        except ValueError:
            pass
    raise Malformed("header.json", expected=f"{name}: 0x and hex digits", got=type(value).__name__)
