"""The error tree and its catalogue."""

import re

import pytest

from tiezheng import errors
from tiezheng.errors import CATALOGUE, Conflict, IntegrityFault, Malformed, Refused, TiezhengError, Unavailable

FAMILIES = {
    "Malformed": 400,
    "Unauthorised": 401,
    "Refused": 403,
    "NotFound": 404,
    "Conflict": 409,
    "TooLarge": 413,
    "VerificationFailed": 422,
    "TooMany": 429,
    "IntegrityFault": 500,
    "Unavailable": 503,
}


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_code_has_a_chinese_and_an_english_sentence_that_also_says_what_to_do(code: str) -> None:
    zh, en = CATALOGUE[code]
    assert re.fullmatch(r"[a-z0-9_]+\.[a-z0-9_]+", code)
    assert re.search(r"[\u4e00-\u9fff]", zh)
    assert zh.endswith("。")
    assert en.isascii() or "±" in en or "‖" in en or "…" in en or "§" in en or "×" in en
    assert en.endswith(".")
    assert en.count(". ") + en.count("; ") + en.count(": ") >= 1


@pytest.mark.parametrize(("name", "status"), FAMILIES.items())
def test_a_family_has_its_http_status(name: str, status: int) -> None:
    family = getattr(errors, name)
    error = family("statement.length", expected=183, got=182)
    assert isinstance(error, TiezhengError)
    assert error.http_status == status
    assert error.to_problem()["status"] == status


def test_a_conflict_is_a_refusal_and_an_integrity_fault_is_not() -> None:
    assert issubclass(Conflict, Refused)
    assert not issubclass(IntegrityFault, (Refused, Malformed))


def test_a_problem_has_the_members_of_the_standard_and_ours() -> None:
    assert Malformed("statement.length", expected=183, got=b"\x0a\xff", detail="x").to_problem() == {
        "type": "urn:tiezheng:error:statement.length",
        "title": CATALOGUE["statement.length"][1],
        "title_zh": CATALOGUE["statement.length"][0],
        "status": 400,
        "code": "statement.length",
        "expected": 183,
        "got": "0aff",
        "detail": "x",
    }


def test_a_problem_leaves_out_what_is_not_known_but_keeps_zero() -> None:
    problem = Malformed("merkle.empty", expected=1, got=0).to_problem()
    assert problem["got"] == 0
    assert "detail" not in problem


def test_an_unavailable_error_says_when_to_try_again() -> None:
    assert Unavailable("chain.backlog", retry_after_seconds=7).to_problem()["retry_after_seconds"] == 7


def test_a_code_outside_the_catalogue_is_a_programming_error() -> None:
    with pytest.raises(AssertionError):
        Malformed("statement.no_such_code")


def test_the_text_of_an_error_names_code_and_values() -> None:
    text = str(Malformed("statement.length", expected=183, got=1))
    assert "statement.length" in text
    assert "183" in text
