"""What Python says about the contracts, held against the committed artifacts."""

import json
from pathlib import Path
from typing import Any

import pytest

from tiezheng.errors import CATALOGUE
from tiezheng.evm.keccak import keccak256
from tiezheng.refusals import REASONS, REASONS_BY_NUMBER, reason_of

ARTIFACTS = Path(__file__).resolve().parents[2] / "anchors" / "artifacts"
CONTRACTS = ("Institutions", "CaseRegistry", "BatchAnchor", "Sm2Keys")
# Of the chain itself, not of what was asked: a precompiled contract is missing, or the gas was too little.
NO_REASON = {"KeyNotCreated()", "ModexpUnavailable()"}
RETIRED = {69}


def artifact(contract: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ARTIFACTS / f"{contract}.json").read_text(encoding="utf-8"))
    return loaded


def custom_errors() -> set[str]:
    return {
        f"{item['name']}({','.join(argument['type'] for argument in item['inputs'])})"
        for contract in CONTRACTS
        for item in artifact(contract)["abi"]
        if item["type"] == "error"
    }


def test_every_custom_error_has_a_reason_and_every_reason_an_error() -> None:
    assert {reason.signature for reason in REASONS.values()} == custom_errors() - NO_REASON


def test_selectors_are_those_of_the_signatures() -> None:
    for reason in REASONS.values():
        assert reason.selector == keccak256(reason.signature.encode())[:4]


def test_numbers_run_from_one_without_those_retired_and_codes_are_distinct_and_in_the_catalogue() -> None:
    assert list(REASONS_BY_NUMBER) == [one for one in range(1, 1 + max(REASONS_BY_NUMBER)) if one not in RETIRED]
    codes = [reason.code for reason in REASONS.values()]
    assert len(set(codes)) == len(codes)
    assert set(codes) <= set(CATALOGUE)


def test_a_number_once_given_stays() -> None:
    known = {1: "StatementLength", 13: "AlreadyRecorded", 48: "HeaderLength", 55: "FounderCount", 72: "DomainRange"}
    assert {number: REASONS_BY_NUMBER[number].error for number in known} == known
    assert REASONS_BY_NUMBER[88].error == "TableHandlers"
    assert REASONS_BY_NUMBER[89].error == "VerifierWithoutCode"
    assert (REASONS_BY_NUMBER[90].error, REASONS_BY_NUMBER[133].error) == ("IrregularNotAllowed", "CompromisedSince")


def test_a_revert_is_told_by_its_selector() -> None:
    data = keccak256(b"CaseSequence(uint256,uint256)")[:4] + bytes(64)
    found = reason_of(data)
    assert found is not None
    assert found.code == "statement.sequence"
    assert reason_of(b"") is None
    assert reason_of(data[:3]) is None
    assert reason_of(bytes.fromhex("4e487b71") + bytes(32)) is None  # Panic(uint256)


@pytest.mark.parametrize(
    ("contract", "expected"),
    [
        ("Institutions", {"_records": "0", "_identityRoots": "1"}),
        ("CaseRegistry", {"_records": "0", "_cases": "1", "_tables": "2"}),
        ("BatchAnchor", {"_records": "0"}),
    ],
)
def test_the_compiler_puts_proven_storage_where_the_specification_says(contract: str, expected: dict[str, str]) -> None:
    layout = artifact(contract)["storageLayout"]
    places = {entry["label"]: entry for entry in layout["storage"]}
    for label, slot in expected.items():
        assert places[label]["slot"] == slot
        assert places[label]["offset"] == 0
        assert layout["types"][places[label]["type"]]["key"] == ("t_uint256" if label == "_tables" else "t_bytes32")


def test_a_case_is_five_words_in_the_order_of_the_specification() -> None:
    layout = artifact("CaseRegistry")["storageLayout"]
    cases = next(entry for entry in layout["storage"] if entry["label"] == "_cases")
    members = layout["types"][layout["types"][cases["type"]]["value"]]["members"]
    assert [(member["label"], member["slot"], member["offset"]) for member in members] == [
        ("head", "0", 0),
        ("progress", "1", 0),
        ("guests", "2", 0),
        ("handlers", "3", 0),
        ("holding", "4", 0),
    ]
