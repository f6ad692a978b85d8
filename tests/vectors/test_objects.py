"""The vectors of statements, contents, batches, receipts, identity cards, procedures and foundings."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.vector_checks import CHECKS, run
from tiezheng.errors import Malformed, Refused, VerificationFailed

VECTORS = Path(__file__).parents[2] / "spec" / "vectors"


def _cases(folder: str) -> list[Any]:
    found = []
    for topic in CHECKS:
        document = json.loads((VECTORS / topic / folder / f"{topic}.json").read_text(encoding="utf-8"))
        assert document["topic"] == topic
        found += [pytest.param(topic, case, id=f"{topic}: {case['name']}") for case in document["cases"]]
    return found


@pytest.mark.parametrize(("topic", "case"), _cases("ok"))
def test_a_good_object_gives_what_its_vector_says(topic: str, case: dict[str, Any]) -> None:
    assert run(topic, case["input"]) == case["expect"]


@pytest.mark.parametrize(("topic", "case"), _cases("bad"))
def test_a_corrupted_object_is_refused_with_its_code(topic: str, case: dict[str, Any]) -> None:
    with pytest.raises((Malformed, Refused, VerificationFailed)) as caught:
        run(topic, case["input"])
    assert caught.value.code == case["error"]
