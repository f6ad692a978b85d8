"""The vectors of `spec/vectors/evm`: real headers and proofs are accepted, each corruption is refused with its code."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tiezheng.errors import TiezhengError
from tiezheng.evm.account import expect_storage, verify_account, verify_storage
from tiezheng.evm.header import parse_header, rebuild_header
from tiezheng.evm.keccak import keccak256
from tiezheng.evm.rlp import Item, decode, encode
from tiezheng.evm.trie import verify_proof

VECTORS = Path(__file__).parents[2] / "spec" / "vectors" / "evm"


def _cases(folder: str) -> list[Any]:
    found = []
    for path in sorted((VECTORS / folder).glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        assert document["topic"] == "evm"
        found += [pytest.param(case, id=f"{path.stem}: {case['name']}") for case in document["cases"]]
    return found


def _nodes(texts: list[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


def _plain(item: Item) -> object:
    return item.hex() if isinstance(item, bytes) else [_plain(member) for member in item]


def _run(given: Mapping[str, Any]) -> object:
    """Carry out one vector's check and return its result in the form of `expect`."""
    match given["check"]:
        case "rlp":
            item = decode(bytes.fromhex(given["data"]))
            assert encode(item).hex() == given["data"]
            return _plain(item)
        case "proof":
            root, key = bytes.fromhex(given["root"]), bytes.fromhex(given["key"])
            value = verify_proof(root, key, _nodes(given["nodes"]))
            return None if value is None else value.hex()
        case "header":
            header = parse_header(bytes.fromhex(given["header"]))
            return {
                "fields": len(header.fields),
                "hash": header.hash.hex(),
                "number": header.number,
                "parent_hash": header.parent_hash.hex(),
                "state_root": header.state_root.hex(),
                "timestamp": header.timestamp,
            }
        case "extra_data":
            header = parse_header(bytes.fromhex(given["header"]))
            changed = header.with_extra_data(bytes.fromhex(given["extra_data"]))
            return {"hash": keccak256(changed).hex(), "header": changed.hex()}
        case "rebuild":
            return rebuild_header(given["block"]).hex()
        case "state":
            return _state(given)
        case other:
            raise AssertionError(other)


def _state(given: Mapping[str, Any]) -> object:
    header = parse_header(bytes.fromhex(given["header"]))
    account = verify_account(header.state_root, bytes.fromhex(given["address"]), _nodes(given["account_nodes"]))
    slot, nodes = bytes.fromhex(given["slot"]), _nodes(given["storage_nodes"])
    if "claim" in given:
        claim = None if given["claim"] is None else bytes.fromhex(given["claim"])
        expect_storage(account.storage_root, slot, claim, nodes)
    value = verify_storage(account.storage_root, slot, nodes)
    return {
        "balance": str(account.balance),
        "block_hash": header.hash.hex(),
        "code_hash": account.code_hash.hex(),
        "nonce": account.nonce,
        "number": header.number,
        "storage_root": account.storage_root.hex(),
        "timestamp": header.timestamp,
        "value": None if value is None else value.hex(),
    }


@pytest.mark.parametrize("case", _cases("ok"))
def test_what_is_right_is_accepted(case: Mapping[str, Any]) -> None:
    assert _run(case["input"]) == case["expect"]


@pytest.mark.parametrize("case", _cases("bad"))
def test_what_is_wrong_is_refused_with_its_code(case: Mapping[str, Any]) -> None:
    with pytest.raises(TiezhengError) as caught:
        _run(case["input"])
    assert caught.value.code == case["error"]


def test_every_flipped_byte_of_a_real_proof_is_refused() -> None:
    document = json.loads((VECTORS / "ok" / "anvil-proof.json").read_text(encoding="utf-8"))
    given = next(case["input"] for case in document["cases"] if case["name"] == "packed word")
    for part in ("account_nodes", "storage_nodes"):
        for at, node in enumerate(given[part]):
            raw = bytes.fromhex(node)
            for byte in range(len(raw)):
                changed = bytearray(raw)
                changed[byte] ^= 1 << (byte % 8)
                nodes = [*given[part][:at], changed.hex(), *given[part][at + 1 :]]
                with pytest.raises(TiezhengError) as caught:
                    _run({**given, part: nodes})
                assert caught.value.code in ("trie.root", "trie.node_hash")
