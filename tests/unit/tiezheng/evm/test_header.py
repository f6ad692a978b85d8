"""Headers: every fork's shape, exact field sizes, the rebuilt form held to the block's own hash."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.tiezheng.evm.trie_builder import keccak_of, rlp
from tiezheng.errors import TiezhengError
from tiezheng.evm.header import Header, parse_header, plain_hash, rebuild_header

NAMES = [
    "parentHash",
    "sha3Uncles",
    "miner",
    "stateRoot",
    "transactionsRoot",
    "receiptsRoot",
    "logsBloom",
    "difficulty",
    "number",
    "gasLimit",
    "gasUsed",
    "timestamp",
    "extraData",
    "mixHash",
    "nonce",
    "baseFeePerGas",
    "withdrawalsRoot",
    "blobGasUsed",
    "excessBlobGas",
    "parentBeaconBlockRoot",
    "requestsHash",
]
SCALARS = {7, 8, 9, 10, 11, 15, 17, 18}
SIZES = {2: 20, 6: 256, 14: 8} | dict.fromkeys((0, 1, 3, 4, 5, 13, 16, 19, 20), 32)


def _fields(count: int) -> list[bytes]:
    return [
        (1_000 + at).to_bytes(2, "big") if at in SCALARS else bytes([at + 1]) * SIZES.get(at, 3) for at in range(count)
    ]


def _json(fields: list[bytes]) -> dict[str, object]:
    block: dict[str, object] = {"hash": "0x" + keccak_of(rlp(fields)).hex(), "size": "0x1"}
    for at, field in enumerate(fields):
        block[NAMES[at]] = hex(int.from_bytes(field, "big")) if at in SCALARS else "0x" + field.hex()
    return block


def _code(call: object, *arguments: object) -> str:
    assert callable(call)
    with pytest.raises(TiezhengError) as caught:
        call(*arguments)
    return caught.value.code


@pytest.mark.parametrize("count", [15, 16, 17, 18, 19, 20, 21, 22, 23, 32])
def test_headers_of_every_fork_are_read(count: int) -> None:
    fields = _fields(count)
    raw = rlp(fields)
    header = parse_header(raw)
    assert (header.number, header.timestamp, header.difficulty) == (1_008, 1_011, 1_007)
    assert (header.gas_limit, header.gas_used) == (1_009, 1_010)
    assert (header.parent_hash, header.state_root, header.miner) == (fields[0], fields[3], fields[2])
    assert (header.transactions_root, header.receipts_root) == (fields[4], fields[5])
    assert (header.extra_data, header.mix_hash, header.nonce) == (fields[12], fields[13], fields[14])
    assert header.base_fee == (1_015 if count > 15 else None)
    assert header.fields == tuple(fields)
    assert header.raw == raw
    assert header.hash == keccak_of(raw)


@pytest.mark.parametrize("count", [0, 1, 14, 33])
def test_other_numbers_of_fields_are_refused(count: int) -> None:
    assert _code(parse_header, rlp([b"\x01"] * count)) == "header.field_count"


@pytest.mark.parametrize("at", sorted(SIZES))
def test_fields_of_another_size_are_refused(at: int) -> None:
    for change in (lambda field: field[:-1], lambda field: field + b"\x00", lambda _: b""):
        fields = _fields(21)
        fields[at] = change(fields[at])
        assert _code(parse_header, rlp(fields)) == "header.field"


@pytest.mark.parametrize("at", sorted(SCALARS))
def test_numbers_out_of_form_are_refused(at: int) -> None:
    for wrong in (b"\x00", b"\x00\x01", b"\x01" * 33):
        fields = _fields(21)
        fields[at] = wrong
        assert _code(parse_header, rlp(fields)) == "rlp.integer"


def test_timestamps_and_numbers_beyond_64_bits_are_refused() -> None:
    for at in (8, 9, 10, 11):
        fields = _fields(15)
        fields[at] = b"\x01" * 9
        assert _code(parse_header, rlp(fields)) == "rlp.integer"


def test_nested_lists_trailing_bytes_and_oversize_are_refused() -> None:
    fields: list[object] = [*_fields(15)]
    assert _code(parse_header, rlp([*fields[:12], [b"x"], *fields[13:]])) == "header.field"
    raw = rlp(fields)
    assert _code(parse_header, raw + b"\x00") == "rlp.trailing"
    assert _code(parse_header, raw[:-1]) == "rlp.truncated"
    assert _code(parse_header, rlp([*fields[:12], bytes(70_000), *fields[13:]])) == "rlp.too_large"
    assert _code(parse_header, rlp(b"x" * 600)) == "rlp.shape"


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_another_extra_data_changes_nothing_else(extra: bytes) -> None:
    fields = _fields(17)
    assert parse_header(rlp(fields)).with_extra_data(extra) == rlp([*fields[:12], extra, *fields[13:]])


@pytest.mark.parametrize("count", [15, 16, 17, 19, 20, 21])
def test_a_header_is_rebuilt_from_the_json_block(count: int) -> None:
    fields = _fields(count)
    assert rebuild_header(_json(fields)) == rlp(fields)
    assert rebuild_header(_json(fields) | dict.fromkeys(NAMES[count:])) == rlp(fields)


def test_a_header_is_rebuilt_from_decoded_values() -> None:
    fields = _fields(17)
    block: dict[str, object] = {
        NAMES[at]: int.from_bytes(field, "big") if at in SCALARS else field for at, field in enumerate(fields)
    }
    assert rebuild_header(block | {"hash": keccak_of(rlp(fields))}) == rlp(fields)


@pytest.mark.parametrize("name", [*NAMES, "hash"])
def test_an_altered_json_field_is_noticed(name: str) -> None:
    block = _json(_fields(21))
    text = block[name]
    assert isinstance(text, str)
    block[name] = text[:-1] + ("0" if text[-1] != "0" else "1")
    assert _code(rebuild_header, block) == "header.rebuilt_hash"


@pytest.mark.parametrize("wrong", [None, "", "0x", "0xzz", "0x1", "12", 1.5, True, "0x 11", "0x" + "11" * 31])
def test_an_unreadable_state_root_or_hash_is_refused(wrong: object) -> None:
    for name in ("stateRoot", "hash"):
        code = _code(rebuild_header, _json(_fields(17)) | {name: wrong})
        assert code in ("header.json", "header.field", "header.rebuilt_hash")


@pytest.mark.parametrize(
    "wrong", [None, "", "0x", "0xzz", "12", 1.5, True, -1, "0x1_0", "0x-1", "0x\u0661", "0x" + "1" * 65]
)
def test_an_unreadable_number_is_refused(wrong: object) -> None:
    assert _code(rebuild_header, _json(_fields(17)) | {"number": wrong}) == "header.json"


def test_the_hash_rule_of_the_consensus_decides() -> None:
    fields = _fields(17)

    def without_extra(header: Header) -> bytes:
        return keccak_of(header.with_extra_data(b""))

    block = _json(fields) | {"hash": "0x" + keccak_of(rlp([*fields[:12], b"", *fields[13:]])).hex()}
    assert rebuild_header(block, without_extra) == rlp(fields)
    assert _code(rebuild_header, block) == "header.rebuilt_hash"
    assert plain_hash(parse_header(rlp(fields))) == keccak_of(rlp(fields))
