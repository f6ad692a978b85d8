"""The vectors of bundles and trust files."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.support.edits import apply
from tiezheng.digest import FileDigests
from tiezheng.errors import Malformed
from tiezheng.trust import Trust, parse_trust
from tiezheng.verify import LabelledFile, Status, verify

VECTORS = Path(__file__).parents[2] / "spec" / "vectors"


@cache
def document(topic: str, folder: str) -> Any:
    return json.loads((VECTORS / topic / folder / f"{topic}.json").read_text(encoding="utf-8"))


def cases(topic: str, folder: str) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in document(topic, folder)["cases"]]


def trust_text(name: str) -> str:
    case = next(case for case in document("trust", "ok")["cases"] if case["name"] == name)
    return str(case["input"]["trust"])


@cache
def trust(name: str) -> Trust:
    return parse_trust(trust_text(name).encode())


@pytest.mark.parametrize("case", cases("trust", "ok"))
def test_a_trust_file_gives_the_contract_ids_and_tables_of_its_vector(case: dict[str, Any]) -> None:
    parsed = parse_trust(case["input"]["trust"].encode())
    assert {one.role: one.id.hex() for one in parsed.contracts} == case["expect"]["ids"]
    assert [one.table_digest.hex() for one in parsed.procedures] == case["expect"]["tables"]


@pytest.mark.parametrize("case", cases("bundle", "ok"))
def test_a_good_bundle_has_the_verdict_of_its_vector(case: dict[str, Any]) -> None:
    given = case["input"]
    verdict = verify(given["bundle"].encode(), trust(given["trust"]), given["at"])
    assert verdict.result.value == case["expect"]["result"]
    assert {step.id: step.status.value for step in verdict.steps} == case["expect"]["steps"]


def test_the_file_of_the_deposit_matches() -> None:
    given, file = document("bundle", "ok")["cases"][0]["input"], document("bundle", "ok")["file"]
    digests = FileDigests(file["size"], bytes.fromhex(file["sm3"]), bytes.fromhex(file["sha256"]))
    verdict = verify(given["bundle"].encode(), trust("world"), given["at"], [LabelledFile("work.txt", digests)])
    assert verdict.step("files").status is Status.PASSED


@pytest.mark.parametrize("case", cases("bundle", "bad"))
def test_a_spoiled_bundle_has_the_verdict_of_its_vector(case: dict[str, Any]) -> None:
    given, expect = case["input"], case["expect"]
    base = next(one for one in document("bundle", "ok")["cases"] if one["name"] == given["base"])
    data = apply(base["input"]["bundle"], given["edits"]).encode()
    relied_on = parse_trust(apply(trust_text(given["trust"]), given.get("trust_edits", [])).encode())
    files = [
        LabelledFile("file", FileDigests(file["size"], bytes.fromhex(file["sm3"]), bytes.fromhex(file["sha256"])))
        for file in given.get("files", [])
    ]
    verdict = verify(data, relied_on, given["at"], files)
    assert verdict.result.value == expect["result"] != "VALID"
    assert {step.id: step.status.value for step in verdict.steps} == expect["steps"]
    assert verdict.step(expect["step"]).reason_code == expect["code"]


STATES = json.loads((VECTORS / "bundle" / "bad" / "state.json").read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in STATES])
def test_a_bundle_of_a_wrong_state_has_the_verdict_of_its_vector(case: dict[str, Any]) -> None:
    given, expect = case["input"], case["expect"]
    verdict = verify(given["bundle"].encode(), trust(given["trust"]), given["at"])
    assert verdict.result.value == expect["result"] != "VALID"
    assert {step.id: step.status.value for step in verdict.steps} == expect["steps"]
    assert verdict.step(expect["step"]).reason_code == expect["code"]


@pytest.mark.parametrize("case", cases("trust", "bad"))
def test_a_spoiled_trust_file_is_refused_with_its_code(case: dict[str, Any]) -> None:
    with pytest.raises(Malformed) as caught:
        parse_trust(apply(trust_text(case["input"]["base"]), case["input"]["edits"]).encode())
    assert caught.value.code == case["error"]
