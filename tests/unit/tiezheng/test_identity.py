"""Identity cards: what is disclosed, and what stays withheld."""

import pytest

from tests.support import evidence as ev
from tiezheng.content import disclose, parse_disclosed_content
from tiezheng.errors import Malformed, VerificationFailed
from tiezheng.identity import check_card, disclose_card, institution_card, practitioner_card
from tiezheng.procedures import Function


def test_a_card_shows_who_stands_behind_a_number() -> None:
    card = ev.office_card()
    checked = check_card(disclose_card(card), card.root, ev.OFFICE)
    assert (checked.name, checked.role, checked.institution) == ("示例公证处", 1, None)


def test_a_withheld_name_leaves_no_trace() -> None:
    card = ev.notary_card()
    shown = disclose_card(card, withhold_name=True)
    checked = check_card(parse_disclosed_content(shown.to_bytes()), card.root, ev.NOTARY)
    assert (checked.name, checked.code, checked.function, checked.institution) == (None, "13201200010001", 1, ev.OFFICE)
    assert "张" not in shown.to_bytes().decode()
    assert card.get("name").salt.hex() not in shown.to_bytes().decode()


@pytest.mark.parametrize("function", Function)
def test_every_function_has_cards(function: Function) -> None:
    card = practitioner_card(ev.NOTARY, "13201200010001", "张某", function, ev.OFFICE, draw_salt=ev.salts("function"))
    assert check_card(disclose_card(card), card.root, ev.NOTARY).function == function


@pytest.mark.parametrize("number", [ev.APPROVER, ev.OFFICE, 0x8000_0000, 0])
def test_a_card_proves_nothing_about_another_number(number: int) -> None:
    card = ev.notary_card()
    with pytest.raises((VerificationFailed, Malformed)):
        check_card(disclose_card(card), card.root, number)


def test_a_card_that_does_not_say_whose_it_is_is_refused() -> None:
    card = ev.notary_card()
    for names, missing in ((["institution"], "number"), (["number"], "institution")):
        with pytest.raises(VerificationFailed) as caught:
            check_card(disclose(card, names), card.root, ev.NOTARY)
        assert (caught.value.code, caught.value.detail) == ("content.card", missing)


def test_cards_with_impossible_numbers_cannot_be_made() -> None:
    draw = ev.salts("x")
    for make in (
        lambda: institution_card(ev.NOTARY, "x", "x", 1, draw_salt=draw),
        lambda: institution_card(ev.OFFICE, "x", "x", 10, draw_salt=draw),
        lambda: practitioner_card(ev.OFFICE, "x", "x", 1, ev.OFFICE, draw_salt=draw),
        lambda: practitioner_card(ev.NOTARY, "x", "x", 5, ev.OFFICE, draw_salt=draw),
        lambda: practitioner_card(ev.NOTARY, "x", "x", 1, ev.NOTARY, draw_salt=draw),
    ):
        with pytest.raises(Malformed, match=r"content\.card"):
            make()
    with pytest.raises(Malformed, match=r"content\.type"):
        disclose_card(ev.deposit_content())
