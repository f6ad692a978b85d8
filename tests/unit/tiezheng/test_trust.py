"""Trust files: one encoding, and no file that contradicts itself."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.attacks import good
from tests.support.world import BATCH, COURT, INSTITUTIONS, REGISTRY, World
from tiezheng.canonical import dumps
from tiezheng.errors import TiezhengError
from tiezheng.procedures import load_procedures
from tiezheng.trust import DEV, FinalityRule, Trust, format_time, parse_time, parse_trust, trusted_contract

Json = dict[str, Any]


def trust() -> Trust:
    return good("deposit")[0].trust()


def test_a_trust_file_comes_back_from_its_bytes() -> None:
    assert parse_trust(trust().to_bytes()) == trust()
    dev = replace(trust(), finality=FinalityRule(DEV))
    assert parse_trust(dev.to_bytes()) == dev
    assert json.loads(dev.to_bytes())["finality"] == {"strategy": "dev"}


def test_contracts_procedures_and_witnesses_are_found() -> None:
    world, file = World(), trust()
    assert file.institutions.address == INSTITUTIONS
    assert [contract.address for contract in file.registries(1)] == [REGISTRY]
    assert file.registries(2) == []
    assert [contract.address for contract in file.batches()] == [BATCH]
    assert file.contract(b"\x99" * 20) is None
    assert file.institutions.id == world.contract(INSTITUTIONS)
    for procedure in load_procedures():
        assert file.procedure(procedure.table_digest) == procedure
    witness = file.finality.witness(COURT)
    assert witness is not None
    assert witness.public == world.key(f"witness {COURT}").public
    assert file.finality.witness(999) is None


def test_a_contract_counts_between_its_heights_ends_included() -> None:
    contract = replace(trust().registries(1)[0], from_height=10, until_height=20)
    assert [contract.accepts(height) for height in (9, 10, 20, 21)] == [False, True, True, False]


def test_a_successor_may_follow_but_not_overlap() -> None:
    file = trust()
    old = replace(file.registries(1)[0], until_height=50)
    others = [contract for contract in file.contracts if contract.address != REGISTRY]

    def with_successor(start: int) -> Trust:
        new = trusted_contract(file.ledger, "registry", b"\x44" * 20, bytes(32), domain=1, from_height=start)
        return replace(file, contracts=tuple(sorted([*others, old, new], key=lambda contract: contract.address)))

    assert [contract.from_height for contract in with_successor(51).registries(1)] == [3, 51]
    with pytest.raises(TiezhengError) as caught:
        with_successor(50)
    assert caught.value.code == "trust.contracts"


def edit(change: Callable[[Json], object]) -> bytes:
    value = json.loads(trust().to_bytes())
    change(value)
    return dumps(value)


def contract(value: Json, role: str) -> Json:
    return next(one for one in value["contracts"] if one["role"] == role)


WRONG: list[tuple[str, Callable[[Json], object], str]] = [
    ("another format", lambda v: v.update(format="tiezheng/trust/2"), "trust.format"),
    ("an unknown member", lambda v: v.update(extra=1), "json.member_unknown"),
    ("a missing member", lambda v: v.pop("issue"), "json.member_missing"),
    ("issue zero", lambda v: v.update(issue=0), "json.integer_range"),
    ("a time without zone", lambda v: v.update(issued_at="2026-11-01T08:00:00"), "trust.time"),
    ("a day that does not exist", lambda v: v.update(issued_at="2026-11-31T08:00:00Z"), "trust.time"),
    ("an end before the beginning", lambda v: v.update(valid_until="2026-11-01T07:59:59Z"), "trust.time"),
    ("no name in Chinese", lambda v: v["name"].pop("zh"), "json.member_missing"),
    ("threshold zero", lambda v: v["ledger"].update(threshold=0), "json.integer_range"),
    ("another founding digest", lambda v: v["ledger"].update(founding="11" * 32), "trust.contracts"),
    ("another contract id", lambda v: contract(v, "registry").update(id="11" * 32), "trust.contracts"),
    ("a role that is not known", lambda v: contract(v, "batch").update(role="other"), "trust.contracts"),
    ("a registry without domain", lambda v: contract(v, "registry").update(domain=None), "trust.contracts"),
    ("institutions with a domain", lambda v: contract(v, "institutions").update(domain=1), "trust.contracts"),
    ("heights the wrong way", lambda v: contract(v, "batch").update(until=2), "trust.contracts"),
    ("no institutions", lambda v: v["contracts"].pop(0), "trust.contracts"),
    ("institutions that end", lambda v: contract(v, "institutions").update(until=9), "trust.contracts"),
    ("contracts out of order", lambda v: v["contracts"].reverse(), "json.order"),
    ("a contract twice", lambda v: v["contracts"].append(v["contracts"][-1]), "json.order"),
    ("a procedure twice", lambda v: v["procedures"].append(v["procedures"][0]), "json.order"),
    ("an unreadable procedure", lambda v: v["procedures"][0].update(version="x"), "json.member_type"),
    ("a strategy that is not known", lambda v: v["finality"].update(strategy="hope"), "trust.finality"),
    ("dev with witnesses", lambda v: v["finality"].update(strategy="dev"), "json.member_unknown"),
    ("a threshold above the witnesses", lambda v: v["finality"].update(threshold=4), "trust.finality"),
    ("a threshold of zero", lambda v: v["finality"].update(threshold=0), "json.integer_range"),
    ("witnesses out of order", lambda v: v["finality"]["witnesses"].reverse(), "json.order"),
    ("a person as witness", lambda v: v["finality"]["witnesses"][2].update(number=1 << 31), "json.integer_range"),
    ("a witness key off the curve", lambda v: v["finality"]["witnesses"][0].update(x="11" * 32), "key.off_curve"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change", "code"), WRONG, ids=[row[0] for row in WRONG])
def test_a_trust_file_that_is_wrong_is_refused(name: str, change: Callable[[Json], object], code: str) -> None:
    data = edit(change)
    with pytest.raises(TiezhengError) as caught:
        parse_trust(data)
    assert caught.value.code == code


def test_two_witnesses_with_one_key_are_refused() -> None:
    def same_key(value: Json) -> None:
        first, second = value["finality"]["witnesses"][:2]
        second.update(x=first["x"], y=first["y"])

    data = edit(same_key)
    with pytest.raises(TiezhengError, match=r"trust\.finality"):
        parse_trust(data)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "json.syntax"),
        (b"[]", "trust.format"),
        (b"[" * 100_000, "json.too_deep"),
        (b" " * ((4 << 20) + 1), "json.too_large"),
    ],
)
def test_other_files_are_refused(data: bytes, code: str) -> None:
    with pytest.raises(TiezhengError) as caught:
        parse_trust(data)
    assert caught.value.code == code


def test_other_bytes_for_the_same_file_are_refused() -> None:
    data = trust().to_bytes()
    for other in (data + b"\n", data.replace(b",", b", ", 1), json.dumps(json.loads(data)).encode()):
        with pytest.raises(TiezhengError, match=r"json\.not_canonical"):
            parse_trust(other)


def test_times_are_whole_seconds_in_utc() -> None:
    moment = datetime(2026, 11, 23, 16, tzinfo=timezone(timedelta(hours=8)))
    assert format_time(moment) == "2026-11-23T08:00:00Z"
    assert parse_time("2026-11-23T08:00:00Z", "x") == moment
    for wrong in (datetime(2026, 11, 23, 8), moment.replace(microsecond=1)):  # noqa: DTZ001  a naive time is the point
        with pytest.raises(TiezhengError, match=r"trust\.time"):
            format_time(wrong)


@settings(max_examples=200, deadline=None)
@given(place=st.integers(0, 10**9), byte=st.integers(1, 255))
def test_a_changed_byte_gives_another_trust_file_or_none(place: int, byte: int) -> None:
    data = bytearray(trust().to_bytes())
    data[place % len(data)] ^= byte
    try:
        parsed = parse_trust(bytes(data))
    except TiezhengError:
        return
    assert parsed != trust()
    assert parsed.to_bytes() == bytes(data)
    assert parsed.issued_at.tzinfo is UTC
