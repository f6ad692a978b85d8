"""Another institution looks for a case by its public ids: what it is answered is what nothing is answered."""

from tests.support.populated import Populated
from tests.support.served import check_problem
from tests.support.world import COURT


def test_a_case_of_others_is_answered_like_one_that_does_not_exist(filled: Populated) -> None:
    stranger, http = filled.service.as_of(COURT), filled.service.http
    for address, code in (
        ("/statements/{digest}", "evidence.not_found"),
        ("/statements/{digest}/bundle", "evidence.not_found"),
        ("/cases/{case}", "case.not_found"),
        ("/cases/{case}/files/{sm3}", "case.not_found"),
    ):
        there = address.format(**filled.ids)
        name = "digest" if "{digest}" in address else "case"
        nowhere = address.format(**{**filled.ids, name: filled.ids[name][:8] + "ab" * 28})
        seen, absent = (http.get(one, headers=stranger) for one in (there, nowhere))
        check_problem(seen, 404, code)
        assert seen.text.replace(filled.ids[name], "*") == absent.text.replace(filled.ids[name][:8] + "ab" * 28, "*")
    check_problem(http.get(f"/collections/{filled.collection}", headers=stranger), 404, "collection.not_found")
    for listed in ("/cases", "/collections", "/refusals"):
        assert next(iter(http.get(listed, headers=stranger).json().values())) == []
