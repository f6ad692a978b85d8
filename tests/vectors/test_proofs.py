"""The vectors of proofs of breach and of fork."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.edits import apply
from tests.support.proof_checks import check_proof
from tiezheng.errors import TiezhengError
from tiezheng.verify.breach import parse_breach
from tiezheng.verify.fork import parse_fork

VECTORS = Path(__file__).parents[2] / "spec" / "vectors"
PARSERS: dict[str, Any] = {"breach": parse_breach, "fork": parse_fork}


def document(topic: str, folder: str) -> Any:
    return json.loads((VECTORS / topic / folder / f"{topic}.json").read_text(encoding="utf-8"))


def cases(folder: str) -> list[Any]:
    return [
        pytest.param(topic, case, id=f"{topic}: {case['name']}")
        for topic in PARSERS
        for case in document(topic, folder)["cases"]
    ]


@pytest.mark.parametrize(("topic", "case"), cases("ok"))
def test_a_proof_shows_what_its_vector_says_and_has_one_encoding(topic: str, case: dict[str, Any]) -> None:
    given = case["input"]
    assert check_proof(topic, given) == case["expect"]
    assert PARSERS[topic](given["proof"].encode()).to_bytes() == given["proof"].encode()


@pytest.mark.parametrize(("topic", "case"), cases("bad"))
def test_a_spoiled_proof_is_refused_with_its_code(topic: str, case: dict[str, Any]) -> None:
    bases = {one["name"]: one["input"] for one in document(topic, "ok")["cases"]}
    given = bases[case["input"]["base"]]
    with pytest.raises(TiezhengError) as caught:
        check_proof(topic, {**given, "proof": apply(given["proof"], case["input"]["edits"])})
    assert caught.value.code == case["error"]
