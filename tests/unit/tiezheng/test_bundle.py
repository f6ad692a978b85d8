"""Bundles as files: one encoding, strict parts, and builders held to the same rules as parsers."""

from dataclasses import replace

import pytest

from tests.support.attacks import good
from tests.support.world import INSTITUTIONS
from tiezheng.bundle import MAX_BUNDLE_SIZE, Bundle, SlotProof, parse_bundle
from tiezheng.canonical import loads_strict
from tiezheng.errors import Malformed, TiezhengError, TooLarge

CASES = ("deposit", "matter", "bulk")


def bundle(case: str) -> Bundle:
    return parse_bundle(good(case)[2])


@pytest.mark.parametrize("case", CASES)
def test_a_bundle_comes_back_from_its_bytes(case: str) -> None:
    parsed = bundle(case)
    assert parsed.to_bytes() == good(case)[2]
    assert parse_bundle(parsed.to_bytes()) == parsed


def test_the_members_are_those_of_the_page() -> None:
    value = loads_strict(good("bulk")[2], MAX_BUNDLE_SIZE)
    assert isinstance(value, dict)
    assert set(value) == {"chain", "format", "ledger", "signers", "statements", "target", "witnesses"}
    (statement,) = value["statements"]  # type: ignore[misc]
    assert set(statement) == {"anchor", "content", "signatures", "statement"}  # type: ignore[arg-type]
    assert set(statement["anchor"]) == {"header", "index", "lane", "path", "signature"}  # type: ignore[call-overload, index, arg-type]


def test_the_target_is_found_among_the_statements() -> None:
    parsed = bundle("matter")
    assert parsed.target_statement is parsed.statements[-1]
    first = replace(parsed, target=parsed.statements[0].signed.digest)
    assert first.target_statement is first.statements[0]


def test_a_pending_bundle_has_no_chain_and_no_witnesses() -> None:
    pending = replace(bundle("deposit"), chain=None, witnesses=())
    assert parse_bundle(pending.to_bytes()) == pending


def test_a_pending_bundle_of_the_batch_lane_has_no_anchor() -> None:
    parsed = bundle("bulk")
    waiting = replace(parsed.statements[0], batch=None)
    office = tuple(signer for signer in parsed.signers if signer.number == waiting.signed.signatures[0].signer)
    pending = replace(parsed, statements=(waiting,), signers=office, chain=None, witnesses=())
    assert parse_bundle(pending.to_bytes()) == pending


def test_builders_are_held_to_the_rules_of_parsers() -> None:
    parsed, other = bundle("matter"), bundle("deposit")
    assert parsed.chain is not None
    account = parsed.chain.accounts[0]
    slots = replace(account, slots=(account.slots[0], account.slots[0]))
    wrong: list[tuple[dict[str, object], str]] = [
        ({"statements": ()}, "bundle.mismatch"),
        ({"statements": parsed.statements[::-1]}, "json.order"),
        ({"statements": parsed.statements + parsed.statements[-1:]}, "json.order"),
        ({"statements": (*other.statements, *parsed.statements[1:])}, "bundle.case"),
        ({"target": bytes(32)}, "bundle.target"),
        ({"signers": parsed.signers[::-1]}, "json.order"),
        ({"witnesses": parsed.witnesses[::-1]}, "json.order"),
        ({"chain": None}, "bundle.unused"),
        ({"chain": replace(parsed.chain, accounts=parsed.chain.accounts[::-1])}, "json.order"),
        ({"chain": replace(parsed.chain, accounts=(slots,))}, "json.order"),
        ({"statements": parsed.statements[:1], "target": parsed.statements[0].signed.digest}, "bundle.unused"),
    ]
    for changes, code in wrong:
        with pytest.raises(Malformed) as caught:
            replace(parsed, **changes)  # type: ignore[arg-type]
        assert caught.value.code == code


def test_lanes_do_not_mix() -> None:
    registry, batch = bundle("deposit").statements[0], bundle("bulk").statements[0]
    with pytest.raises(Malformed, match="lane"):
        replace(bundle("deposit"), statements=(replace(registry, batch=batch.batch),))
    with pytest.raises(Malformed, match=r"bundle\.mismatch"):
        replace(bundle("bulk"), statements=(replace(batch, batch=None),))


def test_size_is_bounded_before_anything_is_read() -> None:
    with pytest.raises(TooLarge) as caught:
        parse_bundle(b"[" * (MAX_BUNDLE_SIZE + 1))
    assert caught.value.code == "bundle.too_large"


def test_node_lists_are_bounded() -> None:
    parsed = bundle("deposit")
    assert parsed.chain is not None
    accounts = [
        replace(account, slots=(SlotProof(bytes(32), (b"\x01" * 40,) * 66),))
        if account.address == INSTITUTIONS
        else account
        for account in parsed.chain.accounts
    ]
    data = replace(parsed, chain=replace(parsed.chain, accounts=tuple(accounts))).to_bytes()
    with pytest.raises(TiezhengError) as caught:
        parse_bundle(data)
    assert caught.value.code == "json.list_length"
