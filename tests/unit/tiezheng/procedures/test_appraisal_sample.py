"""What the custody of a sample takes and refuses, step by step through the rules of the registry."""

from collections.abc import Callable

import pytest

from tests.support.cast import DAY_MS, HOUR_MS, Cast, Play, person, play, register
from tests.support.docket import Key, Register
from tiezheng.errors import Malformed
from tiezheng.procedures import Custody, Holding, Status, Unit, holding_terms
from tiezheng.statement import ZERO, Flag

COURT, LAB, SECOND, PROCURATORATE, REGULATOR, HOSPITAL = 201, 301, 302, 401, 501, 601
CLERK, ONE, TWO, KEEPER, COURIER, OTHERS, DOCTOR, BAILIFF, PORTER = (person(number) for number in range(1, 10))
MEMBERS = register(
    {COURT: 4, LAB: 2, SECOND: 2, PROCURATORATE: 5, REGULATOR: 6, HOSPITAL: 7},
    {
        CLERK: (COURT, 4), ONE: (LAB, 2), TWO: (LAB, 2), KEEPER: (LAB, 4), COURIER: (LAB, 4), OTHERS: (SECOND, 2),
        DOCTOR: (HOSPITAL, 4), BAILIFF: (COURT, 4), PORTER: (SECOND, 4),
    },
)  # fmt: skip
CASTS: dict[int, Cast] = {
    COURT: {"keeper": CLERK, "releaser": CLERK, "receiver": BAILIFF},
    LAB: {"keeper": KEEPER, "releaser": COURIER, "receiver": KEEPER, "appraiser": (ONE, TWO)},
    SECOND: {"releaser": OTHERS, "receiver": PORTER, "keeper": OTHERS},
    HOSPITAL: {"releaser": DOCTOR, "receiver": DOCTOR},
}
START = 1_795_000_000_000
GRAMS = 100


def amount(quantity: int, holder: int, unit: int = Unit.GRAM) -> bytes:
    return holding_terms(Holding(quantity, unit, holder))


def sealed() -> Play:
    case = play(2, 2, COURT, MEMBERS, CASTS, START)
    case.take("seal", START, terms=amount(GRAMS, COURT))
    return case


def received() -> Play:
    case = sealed()
    case.take("receive", counterparty=LAB, terms=amount(GRAMS, LAB))
    return case


def opened() -> Play:
    case = received()
    case.take("unseal", institution=LAB)
    return case


def supervised(start: Callable[[], Play] = opened) -> Play:
    case = start()
    for guest in (PROCURATORATE, REGULATOR):
        case.take("invite", counterparty=guest)
    return case


def held(case: Play) -> tuple[int, int]:
    assert case.state is not None
    return case.state.quantity, case.state.holder


def test_a_sample_goes_from_its_sealing_to_its_disposal() -> None:
    case = received()
    for code in ("store", "check_seal", "internal_transfer", "unseal"):
        case.take(code, institution=LAB)
    case.take("consume", institution=LAB, terms=amount(30, LAB))
    case.take("consent")
    case.take("consume_destructive", institution=LAB, terms=amount(10, LAB))
    case.take("reseal", institution=LAB)
    case.take("retain", institution=LAB)
    assert (case.at(), held(case)) == ("retained", (60, LAB))
    state = case.take("dispose", counterparty=LAB)
    assert (state.closed, state.irregular, held(case)) == (True, False, (0, 0))
    case.take("correct_custody", institution=LAB, terms=case.digests["store"])
    case.take("supplement", institution=LAB, terms=case.digests["retain"])
    case.refuse("case.closed", "store", institution=LAB)


def test_a_sample_that_comes_back_is_ended_by_the_commissioner_alone() -> None:
    case = received()
    case.refuse("sample.holder", "conclude")
    case.take("return", institution=LAB, counterparty=COURT, terms=amount(GRAMS, COURT))
    assert held(case) == (GRAMS, COURT)
    case.refuse("procedure.recorder", "unseal", institution=LAB)
    case.take("receive", counterparty=LAB, terms=amount(GRAMS, LAB))
    case.take("return", institution=LAB, counterparty=COURT, terms=amount(GRAMS, COURT))
    assert case.take("conclude").closed


def test_a_sample_may_be_sealed_and_handed_over_in_one_step() -> None:
    case = play(2, 2, COURT, MEMBERS, CASTS, START)
    case.refuse("sample.holder", "hand_in", counterparty=LAB, terms=amount(GRAMS, COURT))
    case.refuse("signature.count", "hand_in", counterparty=LAB, terms=amount(GRAMS, LAB), cast={"counterparty": ()})
    case.refuse("signature.institution_role", "hand_in", counterparty=HOSPITAL, terms=amount(GRAMS, HOSPITAL))
    case.take("hand_in", counterparty=LAB, terms=amount(GRAMS, LAB))
    assert held(case) == (GRAMS, LAB)
    case.take("unseal", institution=LAB)


@pytest.mark.parametrize(
    ("code", "quantity", "unit", "holder", "reason"),
    [
        ("consume", GRAMS + 1, Unit.GRAM, LAB, "sample.exceeded"),
        ("consume", 1, Unit.MILLIGRAM, LAB, "sample.unit"),
        ("consume", 1, Unit.GRAM, COURT, "sample.holder"),
        ("split", GRAMS + 1, Unit.GRAM, LAB, "sample.exceeded"),
        ("split", 1, Unit.ITEM, LAB, "sample.unit"),
        ("split", 1, Unit.GRAM, SECOND, "sample.holder"),
    ],
)
def test_no_more_is_used_than_is_left(code: str, quantity: int, unit: int, holder: int, reason: str) -> None:
    """Scenario: consumed beyond the rest; no flag helps."""
    case = opened()
    terms = amount(quantity, holder, unit)
    case.refuse(reason, code, institution=LAB, terms=terms)
    case.refuse(reason, code, institution=LAB, terms=terms, flags=Flag.IRREGULAR)
    case.refuse("procedure.late", code, institution=LAB, terms=terms, flags=Flag.LATE)


def test_what_is_used_up_is_used_up() -> None:
    case = opened()
    case.take("consume", institution=LAB, terms=amount(GRAMS, LAB))
    assert held(case) == (0, LAB)
    case.refuse("sample.exceeded", "consume", institution=LAB, terms=amount(1, LAB))
    case.take("dispose", counterparty=LAB)


@pytest.mark.parametrize("code", ["transfer", "return", "receive"])
def test_only_the_holder_moves_a_sample_and_both_sides_sign(code: str) -> None:
    """Scenario: moved by somebody who does not hold it."""
    case = received()
    to = COURT if code == "return" else SECOND
    terms = amount(GRAMS, to)
    mover = COURT if to != COURT else LAB
    if mover == COURT:
        case.refuse("procedure.recorder", code, counterparty=to, terms=terms)
    case.refuse("procedure.irregular", code, institution=LAB, counterparty=to, terms=terms, flags=Flag.IRREGULAR)
    case.refuse("procedure.late", code, institution=LAB, counterparty=to, terms=terms, flags=Flag.LATE)
    for left_out in ("releaser", "counterparty_receiver"):
        case.refuse("signature.count", code, institution=LAB, counterparty=to, terms=terms, cast={left_out: ()})
    case.refuse("sample.quantity", code, institution=LAB, counterparty=to, terms=amount(GRAMS - 1, to))
    case.refuse("sample.holder", code, institution=LAB, counterparty=to, terms=amount(GRAMS, HOSPITAL))
    case.refuse("statement.terms_layout", code, institution=LAB, counterparty=to, terms=ZERO)
    case.take(code, institution=LAB, counterparty=to, terms=terms)
    assert held(case) == (GRAMS, to)
    case.refuse("procedure.recorder", code, institution=LAB, counterparty=to, terms=terms)


@pytest.mark.parametrize("code", ["store", "check_seal", "unseal", "internal_transfer", "retain"])
def test_only_the_holder_works_on_a_sample(code: str) -> None:
    case = received()
    case.refuse("procedure.recorder", code)
    case.refuse("case.not_participant", code, institution=SECOND)
    case.take(code, institution=LAB)


@pytest.mark.parametrize(
    ("freeze", "thaw", "by"),
    [
        ("freeze", "thaw", LAB),
        ("freeze", "thaw", COURT),
        ("freeze_by_procuratorate", "thaw_by_procuratorate", PROCURATORATE),
        ("freeze_by_regulator", "thaw_by_regulator", REGULATOR),
    ],
)
def test_a_frozen_sample_is_not_moved_used_nor_split(freeze: str, thaw: str, by: int) -> None:
    """Scenario: moved or consumed while frozen; no flag helps."""
    case = supervised()
    case.take(freeze, institution=by)
    moves = {"transfer": amount(GRAMS, SECOND), "consume": amount(1, LAB), "split": amount(1, LAB)}
    for code, terms in moves.items():
        to = SECOND if code == "transfer" else 0
        case.refuse("case.frozen", code, institution=LAB, counterparty=to, terms=terms)
        if code != "transfer":
            case.refuse("case.frozen", code, institution=LAB, terms=terms, flags=Flag.IRREGULAR)
    case.take("incident", institution=LAB)
    case.take("store", institution=LAB)
    case.take(thaw, institution=by if thaw != "thaw" else COURT)
    case.take("consume", institution=LAB, terms=amount(1, LAB))


def test_what_a_supervisor_froze_only_a_supervisor_thaws() -> None:
    case = supervised()
    case.take("freeze")
    case.take("freeze_by_regulator", institution=REGULATOR)
    case.refuse("procedure.kinds_forbidden", "thaw")
    case.take("freeze_by_procuratorate", institution=PROCURATORATE)
    case.refuse("procedure.kinds_forbidden", "thaw_by_regulator", institution=REGULATOR)
    case.take("thaw_by_procuratorate", institution=PROCURATORATE)
    assert case.state is not None
    assert not case.state.frozen


def test_only_holder_commissioner_and_named_supervisors_freeze() -> None:
    case = supervised()
    case.refuse("procedure.recorder", "freeze", institution=PROCURATORATE)
    case.refuse("case.not_participant", "freeze", institution=SECOND)
    case.refuse("procedure.recorder", "freeze_by_procuratorate")
    for code in ("freeze_by_procuratorate", "thaw_by_procuratorate", "dispose_by_procuratorate"):
        if code.startswith("thaw"):
            case.take("freeze_by_procuratorate", institution=PROCURATORATE)
        for other in (LAB, REGULATOR):
            case.refuse("signature.institution_role", code, institution=other)
            case.refuse("procedure.irregular", code, institution=other, flags=Flag.IRREGULAR)
    case.take("incident", institution=REGULATOR)


@pytest.mark.parametrize(
    ("code", "by"), [("dispose_by_procuratorate", PROCURATORATE), ("dispose_by_regulator", REGULATOR)]
)
def test_a_supervisor_disposes_of_a_sample_even_a_frozen_one(code: str, by: int) -> None:
    case = supervised(received)
    case.take("freeze")
    assert case.take(code, institution=by).closed
    assert held(case) == (0, 0)


def test_disposal_takes_commissioner_and_holder() -> None:
    case = supervised()
    case.refuse("procedure.recorder", "dispose", institution=LAB, counterparty=COURT)
    case.refuse("sample.holder", "dispose", counterparty=SECOND)
    case.refuse("signature.count", "dispose", counterparty=LAB, cast={"counterparty": ()})
    case.refuse("procedure.irregular", "dispose", counterparty=LAB, flags=Flag.IRREGULAR)
    case.take("freeze")
    assert case.take("dispose", counterparty=LAB).closed


def test_destructive_use_needs_the_consent_of_somebody_other_than_the_holder() -> None:
    """Scenario: consumed without the commissioner's consent: refused, or on record as irregular."""
    case = opened()
    terms = amount(60, LAB)
    case.refuse("procedure.kinds_missing", "consume_destructive", institution=LAB, terms=terms)
    case.refuse("procedure.distinct", "consent", institution=LAB)
    case.refuse("procedure.irregular", "consent", institution=LAB, flags=Flag.IRREGULAR)
    case.take("consume_destructive", institution=LAB, terms=terms, flags=Flag.IRREGULAR)
    assert case.own("consume_destructive").irregular
    case.take("consent", START, flags=Flag.LATE)
    assert case.own("consent").late
    case.take("consume_destructive", institution=LAB, terms=amount(40, LAB))
    assert case.own("consume_destructive").irregular_seen


@pytest.mark.parametrize("code", ["unseal", "consume", "split"])
def test_two_appraisers_who_hold_their_keys_themselves_open_use_and_split(code: str) -> None:
    case = received() if code == "unseal" else opened()
    terms = ZERO if code == "unseal" else amount(1, LAB)
    case.refuse("signature.count", code, institution=LAB, terms=terms, cast={"appraiser": ()})
    with pytest.raises(Malformed, match=r"signature\.order"):
        case.take(code, institution=LAB, terms=terms, cast={"appraiser": (ONE, ONE)})
    case.refuse(
        "signature.practitioner_function", code, institution=LAB, terms=terms, cast={"appraiser": (ONE, KEEPER)}
    )
    hosted = {number: Key(LAB, 2, Custody.HOSTED) for number in (ONE, TWO)}
    case.members = Register({**MEMBERS.keys, **hosted})
    case.refuse("key.hosted_alone", code, institution=LAB, terms=terms)
    case.members = MEMBERS
    case.take(code, institution=LAB, terms=terms, cast={"appraiser": ()}, flags=Flag.IRREGULAR)


@pytest.mark.parametrize(
    ("code", "terms"), [("consume", amount(1, LAB)), ("split", amount(1, LAB)), ("reseal", ZERO), ("unseal", ZERO)]
)
def test_a_sample_is_opened_before_it_is_used(code: str, terms: bytes) -> None:
    case = opened() if code == "unseal" else received()
    case.refuse("procedure.order", code, institution=LAB, terms=terms)
    case.take(code, institution=LAB, terms=terms, flags=Flag.IRREGULAR)


def test_a_part_that_was_split_off_has_a_case_of_its_own() -> None:
    case = opened()
    case.take("split", institution=LAB, terms=amount(40, LAB))
    assert held(case) == (60, LAB)
    split = case.digests["split"]
    stranger = case.beside(SECOND, 3)
    stranger.refuse("sample.holder", "child", terms=split)
    child = case.beside(LAB, 4)
    child.refuse("sample.split_unknown", "child", terms=case.digests["unseal"])
    child.take("child", terms=split, counterparty=COURT)
    assert held(child) == (40, LAB)
    case.beside(LAB, 5).refuse("sample.split_used", "child", terms=split)
    child.take("unseal")
    child.refuse("procedure.distinct", "consent")
    child.refuse("procedure.kinds_missing", "consume_destructive", terms=amount(40, LAB))
    child.take("consent", institution=COURT)
    child.take("consume_destructive", terms=amount(30, LAB))
    for code in ("dispose", "conclude"):
        child.refuse("procedure.kinds_forbidden", code, counterparty=COURT if code == "dispose" else 0)
    child.refuse("sample.holder", "child_dispose", counterparty=COURT)
    assert child.take("child_dispose", institution=COURT, counterparty=LAB).closed
    case.refuse("procedure.kinds_missing", "child_dispose", counterparty=LAB)


def test_a_part_that_went_to_the_commissioner_is_disposed_of_by_both() -> None:
    case = opened()
    case.take("split", institution=LAB, terms=amount(40, LAB))
    child = case.beside(LAB, 4)
    child.take("child", terms=case.digests["split"])
    child.take("return", counterparty=COURT, terms=amount(40, COURT))
    assert child.take("child_dispose", counterparty=COURT).closed


def test_custody_that_is_recorded_after_a_day_is_late_by_time() -> None:
    case = received()
    case.now += (DAY_MS + HOUR_MS) // 1000
    case.take("store", START, institution=LAB)
    assert case.own("store").late_by_time
    case.take("store", START, institution=LAB, flags=Flag.LATE)
    assert (case.own("store").late, case.own("store").late_by_time) == (True, True)
    case.take("unseal", institution=LAB)
    assert not case.own("unseal").late_by_time


def test_corrections_change_no_holder_and_keep_to_their_side() -> None:
    case = received()
    case.take("unseal", institution=LAB)
    case.refuse("target.kind", "correct", terms=case.digests["unseal"])
    case.refuse("procedure.recorder", "correct", institution=LAB, terms=case.digests["seal"])
    case.refuse("target.kind", "correct_custody", institution=LAB, terms=case.digests["seal"])
    case.refuse("signature.institution_role", "correct_custody", terms=case.digests["unseal"])
    case.take("correct", terms=case.digests["seal"])
    case.take("correct_custody", institution=LAB, terms=case.digests["receive"])
    assert case.status("receive") is Status.CORRECTED
    assert held(case) == (GRAMS, LAB)
