"""Options that become the terms of a statement, and the reasons that go with its flags."""

import pytest

from tiezheng.cli.drafts import build_draft, find_kind, find_procedure, opening, plan_signers
from tiezheng.cli.wording import PLAIN, Wording, parse_holding, terms_for
from tiezheng.errors import Malformed
from tiezheng.procedures import Holding, Unit, end_terms, holding_terms
from tiezheng.statement import ZERO, Flag

SAMPLE, MATTER, SENTENCE = find_procedure("sample"), find_procedure("matter"), find_procedure("sentence_change")
HELD = Holding(500, Unit.MILLIGRAM, 501)
TARGET = b"\x07" * 32


@pytest.mark.parametrize("text", ["500 mg 501", "500 毫克 501", f"500 {int(Unit.MILLIGRAM)} 501"])
def test_a_holding_is_read_with_its_unit_by_name_or_number(text: str) -> None:
    assert parse_holding(text) == HELD


def test_no_holding_is_none() -> None:
    assert parse_holding(None) is None


@pytest.mark.parametrize(
    "text", ["", "500 mg", "500 mg 501 more", "-1 mg 501", "500 furlong 501", "五百 mg 501", "1.5 mg 501"]
)
def test_what_is_no_holding_is_refused(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_holding(text)
    assert (caught.value.code, caught.value.detail) == ("statement.terms_layout", "--holding")


def test_each_effect_takes_its_own_option() -> None:
    assert terms_for(find_kind(SAMPLE, "seal"), None, None, HELD) == holding_terms(HELD)
    assert terms_for(find_kind(SAMPLE, "correct"), TARGET, None, None) == TARGET
    assert terms_for(find_kind(SAMPLE, "child"), TARGET, None, None) == TARGET
    assert terms_for(find_kind(SENTENCE, "publish"), None, 1_795_000_000_000, None) == end_terms(1_795_000_000_000)
    assert terms_for(find_kind(MATTER, "accept"), None, None, None) == ZERO


@pytest.mark.parametrize(
    ("step", "target", "end", "holding", "expected", "got"),
    [
        ("seal", None, None, None, "--holding", None),
        ("seal", TARGET, None, HELD, "--holding", "--target"),
        ("correct", None, 5, None, "--target", "--end"),
        ("store", TARGET, 5, HELD, "-", "--target, --end, --holding"),
    ],
)
def test_a_missing_or_useless_option_is_named(
    step: str, target: bytes | None, end: int | None, holding: Holding | None, expected: str, got: str | None
) -> None:
    with pytest.raises(Malformed) as caught:
        terms_for(find_kind(SAMPLE, step), target, end, holding)
    assert (caught.value.code, caught.value.expected, caught.value.got) == ("statement.terms_layout", expected, got)


def test_reasons_set_the_flags_and_stand_in_the_content() -> None:
    assert (PLAIN.flags, PLAIN.reason) == (Flag(0), None)
    both = Wording(late="断网", irregular="无人代签")
    assert (both.flags, both.reason) == (Flag.LATE | Flag.IRREGULAR, "断网；无人代签")
    kind = find_kind(MATTER, "accept")
    plan = plan_signers(kind, 101, [], irregular=True)
    assert plan == ((101, 0xFF),)
    values = {"register_no": "1", "accepted_on": "2026-11-20"}
    draft = build_draft(kind, opening(MATTER, 101), 101, plan, values, 1, wording=both)
    assert draft.statement.flags == both.flags
    assert draft.content.get("flag_reason").value == both.reason
