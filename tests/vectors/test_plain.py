"""Every vector through the plain verifier: no line here or there comes from the product.

What a vector expects is compared word for word; where it expects a refusal, that there is one.
"""

import json
from typing import Any

import pytest
from gmssl import sm2 as gmssl_sm2

from tests.plain import sm
from tests.plain.refusal import Refused
from tests.plain.vectors import CHECKS, VECTORS, cases, check_bundle, unhex

NOT_VERIFIED = {"rebuild", "extra_data"}  # of no use to §12, says the table of vectors


def every(folder: str) -> list[Any]:
    return [
        pytest.param(topic, case, id=f"{topic}: {case['name']}")
        for topic in CHECKS
        for case in cases(topic, folder)
        if case["input"].get("check") not in NOT_VERIFIED
    ]


def test_every_topic_has_its_check() -> None:
    assert {path.name for path in VECTORS.iterdir() if path.is_dir()} == set(CHECKS)


@pytest.mark.parametrize(("topic", "case"), every("ok"))
def test_the_plain_verifier_reads_what_the_vector_expects(topic: str, case: Any) -> None:
    assert CHECKS[topic](case["input"]) == case["expect"]


@pytest.mark.parametrize(("topic", "case"), every("bad"))
def test_the_plain_verifier_refuses_what_the_vector_refuses(topic: str, case: Any) -> None:
    if "error" in case:
        with pytest.raises(Refused):
            CHECKS[topic](case["input"])
    else:
        expected = case["expect"]
        if isinstance(expected, dict):  # which code a step gives is the product's own
            expected = {name: expected[name] for name in ("result", "steps")}
        assert CHECKS[topic](case["input"]) == expected


def test_the_file_of_the_deposit_is_found() -> None:
    document = json.loads((VECTORS / "bundle" / "ok" / "bundle.json").read_text(encoding="utf-8"))
    given = document["cases"][0]["input"] | {"files": [document["file"]]}
    assert check_bundle(given)["steps"]["files"] == "PASSED"


@pytest.mark.parametrize("folder", ["ok", "bad"])
def test_the_arithmetic_agrees_with_gmssl(folder: str) -> None:
    for case in cases("sm2", folder)[:12]:
        given = case["input"]
        if given["check"] == "message" and "error" not in case:
            library = gmssl_sm2.CryptSM2(private_key="", public_key=given["public"])
            e = sm.sm3(sm.z_of(unhex(given["public"])) + unhex(given["message"]))
            assert bool(library.verify(given["signature"], e)) == case["expect"]
