"""Calls and events by the exported ABI: what goes in comes out, and what does not decode is an error."""

from dataclasses import replace

import pytest
from eth_abi.abi import decode, encode

from anchors.chains.port import Log
from anchors.contracts import BATCH, INSTITUTIONS, REGISTRY, VERIFIER, artifact, decode_event
from anchors.deployed_code import created_address
from tiezheng.errors import IntegrityFault
from tiezheng.evm.keccak import keccak256

RECORDED = keccak256(b"StatementRecorded(bytes32,bytes32,bytes32,bytes,bytes)")
LOG = Log(
    address=bytes(20),
    topics=(RECORDED, b"\1" * 32, b"\2" * 32, b"\3" * 32),
    data=encode(["bytes", "bytes"], [b"s" * 183, b"g" * 70]),
    block_number=1,
    block_hash=bytes(32),
    transaction=bytes(32),
    index=0,
)


def test_a_call_is_selector_and_arguments() -> None:
    data = artifact(REGISTRY).call("record", b"s" * 183, b"g" * 70)
    assert data[:4] == keccak256(b"record(bytes,bytes)")[:4]
    assert decode(["bytes", "bytes"], data[4:]) == (b"s" * 183, b"g" * 70)


def test_a_struct_is_written_out_in_the_selector() -> None:
    struct = (1, 2, 3, 1, 5, 6, bytes(32))
    data = artifact(INSTITUTIONS).call("admitPractitioner", struct, b"", b"")
    signature = b"admitPractitioner((uint32,uint32,uint8,uint8,uint256,uint256,bytes32),bytes,bytes)"
    assert data[:4] == keccak256(signature)[:4]


def test_creation_code_carries_its_arguments() -> None:
    contract = artifact(BATCH)
    assert contract.creation(b"\7" * 20) == contract.bytecode + bytes(12) + b"\7" * 20
    assert artifact(VERIFIER).creation() == artifact(VERIFIER).bytecode


def test_deployed_code_is_recognised_whatever_its_immutables_hold() -> None:
    contract = artifact(BATCH)
    start, length = contract.immutables["institutions"][0], 32
    code = bytearray(contract.deployed)
    code[start : start + length] = b"\x11" * length
    assert contract.is_code(bytes(code))
    code[0] ^= 1
    assert not contract.is_code(bytes(code))
    assert not contract.is_code(b"")


def test_an_event_gives_its_values_by_name() -> None:
    event = decode_event(artifact(REGISTRY), LOG)
    assert event.name == "StatementRecorded"
    assert event.values["digest"] == b"\1" * 32
    assert event.values["caseId"] == b"\2" * 32
    assert event.values["statement"] == b"s" * 183
    assert event.values["signatures"] == b"g" * 70


@pytest.mark.parametrize(
    "log",
    [
        replace(LOG, topics=()),
        replace(LOG, topics=(b"\0" * 32, *LOG.topics[1:])),
        replace(LOG, topics=LOG.topics[:3]),
        replace(LOG, data=LOG.data[:-64]),
        replace(LOG, data=b""),
    ],
)
def test_a_log_that_does_not_decode_is_an_integrity_fault(log: Log) -> None:
    with pytest.raises(IntegrityFault):
        decode_event(artifact(REGISTRY), log)


def test_the_address_of_a_created_contract_is_that_of_the_chain() -> None:
    # The first contract of the well-known first account of development chains.
    sender = bytes.fromhex("f39fd6e51aad88f6f4ce6ab8827279cfffb92266")
    assert created_address(sender, 0).hex() == "5fbdb2315678afecb367f032d93f642f64180aa3"
    assert created_address(sender, 1).hex() == "e7f1725e7734ce288f8367e1bb143e90bb3f0512"
