"""What a verdict says: facts, findings, missing parts, files; and that caches change nothing."""

import json
from dataclasses import replace

import pytest

from tests.support.attacks import good
from tests.support.made_procedures import slot
from tests.support.world import (
    APPROVER,
    AT_MS,
    COURT,
    FILE,
    NOTARY,
    OFFICE,
    REGULATOR,
    START,
    World,
    digests_of,
    procedure_of,
)
from tests.unit.tiezheng.test_verify_attacks import STEPS
from tiezheng.bundle import parse_bundle
from tiezheng.digest import sha256
from tiezheng.errors import CATALOGUE
from tiezheng.identity import practitioner_card
from tiezheng.procedures import parse_procedure
from tiezheng.trust import DEV, FinalityRule
from tiezheng.verify import RULES, STRATEGIES, LabelledFile, Result, Status, Verdict, Verifier, verify

DEPOSIT = "deposit"


def valid(case: str = DEPOSIT, *files: LabelledFile) -> Verdict:
    world, _, data = good(case)
    return verify(data, world.trust(), AT_MS, files)


def test_the_headline_says_unaltered_since_and_never_true() -> None:
    verdict = valid()
    assert verdict.zh == "有效：自 2026-11-18T11:08:20Z 上链时起未发现篡改。"
    assert verdict.en == "VALID: no alteration found since it went on chain at 2026-11-18T11:08:20Z."
    assert "true" not in verdict.en
    assert "真实" not in verdict.zh
    unanswered = {item["code"] for item in verdict.facts["unanswered"]}
    assert {"trail_before_chain", "truth_of_content", "original_at_hand"} <= unanswered


def test_the_steps_are_those_of_the_page_in_its_order() -> None:
    names = ["format", "trust", "statements", "content", "signatures", "header", "contracts", "anchor", "keys"]
    assert [rule.id for rule in RULES] == [*names, "identity", "finality", "time", "files"]
    assert [step.id for step in valid().steps] == [rule.id for rule in RULES]


def test_the_facts_name_kind_persons_custody_times_witnesses_and_block() -> None:
    facts = valid("matter").facts
    issue = facts["statements"][-1]
    assert issue["kind"]["zh"]
    assert issue["kind"]["en"]
    assert issue["anchored"]["time"] == START + 100
    assert issue["anchored"]["gap_ms"] == 40_000
    assert [one["role"]["en"] for one in issue["signatures"]] == ["institution (seal)", "notary"]
    notary = next(one for one in facts["signers"] if one["number"] == NOTARY)
    assert notary["card"] == {"code": f"A{NOTARY:010}", "name": None}
    assert notary["record"]["custody"] == {"number": 1, "zh": "自持", "en": "self"}
    assert notary["record"]["institution"] == OFFICE
    office = next(one for one in facts["signers"] if one["number"] == OFFICE)
    assert office["card"]["name"] == f"示范机构{OFFICE}"
    assert office["record"]["role"]["zh"] == "公证机构"
    assert [(one["number"], one["valid"]) for one in facts["witnesses"]] == [(REGULATOR, True), (COURT, True)]
    assert facts["witnesses"][0]["name"]["zh"] == f"见证方{REGULATOR}"
    assert facts["as_of"]["block_number"] == 120
    assert {one["role"] for one in facts["contracts"]} == {"institutions", "registry"}


def test_a_verdict_is_canonical_and_repeatable() -> None:
    assert valid("bulk").to_bytes() == valid("bulk").to_bytes()
    assert json.loads(valid().to_bytes())["result"] == "VALID"


def test_every_reason_of_a_step_is_a_sentence_in_both_languages() -> None:
    world, _, data = good(DEPOSIT)
    verdict = verify(data, replace(world.trust(), finality=FinalityRule(DEV)), AT_MS)
    step = verdict.step("finality")
    assert step.status is Status.NOT_CHECKED
    assert step.zh == "未核验：" + CATALOGUE["finality.dev"][0]
    assert step.en == "Not checked: " + CATALOGUE["finality.dev"][1]


def test_a_pending_bundle_is_inconclusive_and_says_what_is_missing_and_where_to_get_it() -> None:
    world, _, data = good(DEPOSIT)
    bundle = replace(parse_bundle(data), chain=None, witnesses=())
    verdict = verify(bundle.to_bytes(), world.trust(), AT_MS)
    assert verdict.result is Result.INCONCLUSIVE
    passed = {step.id for step in verdict.steps if step.status is Status.PASSED}
    assert passed == {"format", "trust", "statements", "content", "signatures"}
    (missing,) = verdict.missing
    assert missing.code == "bundle.pending"
    assert "重新取得" in missing.zh
    assert "Obtain" in missing.en


def test_a_block_after_the_trust_files_end_is_inconclusive() -> None:
    world = World(time=START + 900 * 86_400)
    verdict = verify(world.bundle([world.deposit()]).to_bytes(), world.trust(), AT_MS)
    assert verdict.result is Result.INCONCLUSIVE
    assert verdict.step("trust").reason_code == "trust.block_late"
    assert "time.block_ahead" in {finding.code for finding in verdict.findings}


def test_under_another_ledgers_trust_file_nothing_else_is_checked() -> None:
    verdict = verify(good(DEPOSIT)[2], World(seed="other").trust(), AT_MS)
    assert verdict.result is Result.INVALID
    assert {step.status for step in verdict.steps[2:]} == {Status.NOT_CHECKED}


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"custody": 3}, "key.hosted"), ({"compromised": START}, "key.compromised_since")],
)
def test_findings_stand_beside_the_verdict_and_never_change_it(changes: dict[str, int], code: str) -> None:
    world = World()
    filed = world.deposit()
    world.change(OFFICE, **changes)
    verdict = verify(world.bundle([filed]).to_bytes(), world.trust(), AT_MS)
    assert verdict.result is Result.VALID
    assert code in {finding.code for finding in verdict.findings}


def test_late_by_time_and_irregular_seen_are_findings() -> None:
    world = World()
    filed = world.deposit()
    world.record(filed, status=0b0100_1001)
    verdict = verify(world.bundle([filed]).to_bytes(), world.trust(), AT_MS)
    assert verdict.result is Result.VALID
    assert {"status.late", "status.irregular_seen"} <= {finding.code for finding in verdict.findings}


def test_a_batch_bundle_says_that_order_is_not_checked() -> None:
    assert "order.not_checked" in {finding.code for finding in valid("bulk").findings}


def test_a_bundle_with_gaps_in_the_case_says_so() -> None:
    world, filed, _ = good("matter")
    verdict = verify(world.bundle([filed[0], filed[-1]]).to_bytes(), world.trust(), AT_MS)
    assert verdict.result is Result.VALID
    assert "case.statements_between" in {finding.code for finding in verdict.findings}


def test_a_later_step_alone_is_valid_under_the_table_that_the_chain_pins() -> None:
    world, filed, _ = good("matter")
    assert verify(world.bundle(filed[-1:]).to_bytes(), world.trust(), AT_MS).result is Result.VALID


def test_the_original_file_matches_subject_and_attachment() -> None:
    verdict = valid(DEPOSIT, LabelledFile("作品.txt", digests_of(FILE)))
    assert verdict.step("files").status is Status.PASSED
    (row,) = verdict.facts["files"]
    assert row["matches"] == ["statement 0: subject", "statement 0: attachments[0] work.txt"]


def test_an_altered_file_makes_the_verdict_invalid() -> None:
    verdict = valid(DEPOSIT, LabelledFile("a", digests_of(FILE)), LabelledFile("b", digests_of(FILE + b"!")))
    assert verdict.result is Result.INVALID
    assert [step.id for step in verdict.failed] == ["files"]
    assert [row["status"] for row in verdict.facts["files"]] == ["PASSED", "FAILED"]


def test_no_file_leaves_the_verdict_as_it_is_and_lists_the_attachment() -> None:
    verdict = valid()
    assert (verdict.result, verdict.step("files").status) == (Result.VALID, Status.NOT_CHECKED)
    assert verdict.facts["files"] == [
        {"label": None, "matches": ["statement 0: attachments[0] work.txt"], "status": "NOT CHECKED"}
    ]


def test_a_work_of_a_lot_matches_the_digests_of_its_record() -> None:
    work = FILE + bytes(1)
    verdict = valid("bulk", LabelledFile("work 1", digests_of(work)))
    assert verdict.result is Result.VALID
    assert verdict.facts["files"][0]["matches"] == ["statement 0: records[1].file_sm3"]
    forged = replace(digests_of(work), sha256=sha256(b"other"))
    assert valid("bulk", LabelledFile("work 1", forged)).result is Result.INVALID


def test_caches_change_no_verdict() -> None:
    """Every attack in one verifier per trust file, twice and between good bundles, against a fresh one each time."""
    world, _, data = good(DEPOSIT)
    shared = Verifier(world.trust())
    for _, attack, _, _, _ in STEPS:
        attacked, trust = attack()
        kept = shared if trust == world.trust() else Verifier(trust)
        expected = Verifier(trust, cache_size=0).verify(attacked, AT_MS).to_bytes()
        assert kept.verify(data, AT_MS).to_bytes() == Verifier(trust, 0).verify(data, AT_MS).to_bytes()
        assert kept.verify(attacked, AT_MS).to_bytes() == expected
        assert kept.verify(attacked, AT_MS).to_bytes() == expected


def test_a_full_cache_forgets_and_still_answers() -> None:
    world = World()
    bundles = [bundle.to_bytes() for bundle in world.bundles([world.deposit() for _ in range(4)])]
    small = Verifier(world.trust(), cache_size=1)
    assert {small.verify(data, AT_MS).result for data in bundles * 2} == {Result.VALID}


def test_a_bundle_object_is_verified_as_its_bytes_are() -> None:
    world, _, data = good("bulk")
    assert verify(parse_bundle(data), world.trust(), AT_MS).to_bytes() == valid("bulk").to_bytes()


def test_each_strategy_of_a_trust_file_has_its_check() -> None:
    assert set(STRATEGIES) == {"dev", "witness"}


def test_a_file_name_that_is_no_text_is_shown_as_far_as_it_goes() -> None:
    verdict = valid(DEPOSIT, LabelledFile("e\u0301\udcff.txt", digests_of(FILE)))
    assert verdict.facts["files"][0]["label"] == "\u00e9?.txt"
    assert verdict.to_bytes()


@pytest.mark.parametrize(
    ("functions", "result", "mismatched"),
    [
        ((1, 2), Result.VALID, []),
        ((2, 1), Result.INVALID, [NOTARY, APPROVER]),
        ((1, 1), Result.INVALID, [APPROVER]),
        ((2, 2), Result.INVALID, [NOTARY]),
        ((3, 2), Result.INVALID, [NOTARY]),
    ],
)
def test_two_slots_of_one_role_are_taken_in_the_order_of_the_signatures(
    functions: tuple[int, int], result: Result, mismatched: list[int]
) -> None:
    document = json.loads(procedure_of(1).canonical_bytes)
    document["kinds"][0]["slots"] = [slot("notary", "notary"), slot("notary", "appraiser")]
    procedure, world = parse_procedure(document), World("slots")
    for number, function in zip((NOTARY, APPROVER), functions, strict=True):
        card = practitioner_card(number, "A1", "某人", function, OFFICE, draw_salt=world.salt)
        world.change(number, role=function, card=card)
    values = {"title": "作品一", "given_by": "party", "owner": "甲"}
    filed = world.file(procedure.by_step[1], procedure, values, [(NOTARY, 0x41), (APPROVER, 0x41)])
    world.record(filed)
    verdict = verify(world.bundle([filed]), world.trust(procedures=(procedure,)), AT_MS)
    assert verdict.result is result
    assert [step.reason_code for step in verdict.failed] == ["key.record_mismatch"] * bool(mismatched)
    told = "".join(step.detail or "" for step in verdict.failed)
    assert [number for number in (NOTARY, APPROVER) if f"{number}, key 0: expected role" in told] == mismatched
