"""Malformed bundles, and random damage: what is not exactly a good bundle is never VALID."""

# ruff: noqa: E501  one attack a line
# fmt: off

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.attacks import INVALID, VALID, Case, Json, account, edited, flip, good, raw
from tests.support.world import (
    AT_MS,
    REGISTRY,
    World,
)
from tiezheng.content import ALL
from tiezheng.digest import sm3
from tiezheng.verify import Status, Verifier, verify


def duplicated(data: bytes) -> bytes:
    return data.replace(b'"format":"tiezheng/bundle/1",', b'"format":"tiezheng/bundle/1",' * 2)


def other_case(value: Json) -> None:
    """A statement of another case beside the first."""
    world = World("another")
    other = world.deposit(sequence=1, previous=sm3(b"x"))
    value["statements"].append(world.bundle([other]).to_json()["statements"][0])


def extra_signer(value: Json) -> None:
    value["signers"].append(good("matter")[0].bundle(good("matter")[1]).to_json()["signers"][-1])


FORMAT = [
    ("bytes after the end", raw(lambda data: data + b"\n"), "json.not_canonical"),
    ("white space", raw(lambda data: data.replace(b",", b", ", 1)), "json.not_canonical"),
    ("a repeated member", raw(duplicated), "json.duplicate_key"),
    ("deep nesting", raw(lambda _: b"[" * 200_000), "json.too_deep"),
    ("truncated", raw(lambda data: data[:-40]), "json.syntax"),
    ("empty", raw(lambda _: b""), "json.syntax"),
    ("twenty megabytes", raw(lambda data: data + b" " * 20_000_000), "bundle.too_large"),
    ("not text", raw(lambda _: b"\xff\xfe"), "json.encoding"),
    ("another document", raw(lambda _: good("deposit")[0].trust().to_bytes()), "bundle.format"),
    ("an unknown member", edited("deposit", lambda v: v.update(note="x")), "json.member_unknown"),
    ("a missing member", edited("deposit", lambda v: v.pop("witnesses")), "json.member_missing"),
    ("upper-case hex", edited("deposit", lambda v: v.update(target=v["target"].upper())), "json.hex"),
    ("a short digest", edited("deposit", lambda v: v.update(target=v["target"][2:])), "json.hex"),
    ("a boolean for a number", edited("deposit", lambda v: v["ledger"].update(chain_id=True)), "json.member_type"),
    ("a float", raw(lambda d: d.replace(b'"chain_id":31337', b'"chain_id":31337.0')), "json.float"),
    ("a huge number", raw(lambda d: d.replace(b'"chain_id":31337', b'"chain_id":9007199254740993')), "json.integer_range"),
    ("another version", raw(lambda d: d.replace(b"bundle/1", b"bundle/2")), "bundle.format"),
    ("no statement", edited("deposit", lambda v: v.update(statements=[])), "bundle.mismatch"),
    ("a statement twice", edited("deposit", lambda v: v["statements"].append(v["statements"][0])), "json.order"),
    ("statements out of order", edited("matter", lambda v: v["statements"].reverse()), "json.order"),
    ("statements of two cases", edited("deposit", other_case), "bundle.case"),
    ("a target that is not there", edited("deposit", lambda v: flip(v, "target")), "bundle.target"),
    ("a signer that nothing uses", edited("deposit", extra_signer), "bundle.unused"),
    ("a signer twice", edited("deposit", lambda v: v["signers"].append(v["signers"][0])), "json.order"),
    ("a key off the curve", edited("deposit", lambda v: flip(v, "signers", 0, "y")), "key.off_curve"),
    ("a witness twice", edited("deposit", lambda v: v["witnesses"].append(v["witnesses"][1])), "json.order"),
    ("an account twice", edited("deposit", lambda v: v["chain"]["accounts"].append(v["chain"]["accounts"][1])), "json.order"),
    ("slots out of order", edited("deposit", lambda v: account(v, REGISTRY)["slots"].reverse()), "json.order"),
    ("witnesses without chain", edited("deposit", lambda v: v.update(chain=None)), "bundle.unused"),
    ("a batch anchor in the registry lane", edited("deposit", lambda v: v["statements"][0].update(anchor=None)), "json.member_type"),
    ("a statement's version", edited("deposit", lambda v: flip(v, "statements", 0, "statement", at=1)), "statement.version"),
    ("signatures out of order", edited("matter", lambda v: v["statements"][-1]["signatures"].reverse()), "signature.order"),
    ("an empty trie node", edited("deposit", lambda v: account(v, REGISTRY)["nodes"].append("")), "json.hex"),
]
# fmt: on


@pytest.mark.parametrize(("name", "attack", "code"), FORMAT, ids=[row[0] for row in FORMAT])
def test_a_malformed_bundle_is_invalid_and_nothing_else_is_checked(
    name: str, attack: Callable[[], Case], code: str
) -> None:
    data, trust = attack()
    verdict = verify(data, trust, AT_MS)
    assert verdict.result is INVALID
    assert verdict.step("format").reason_code == code
    assert {step.status for step in verdict.steps[1:]} == {Status.NOT_CHECKED}


CASES = ("deposit", "matter", "bulk")


@pytest.mark.parametrize("case", CASES)
def test_the_good_bundle_of_each_case_is_valid(case: str) -> None:
    world, _, data = good(case)
    assert verify(data, world.trust(), AT_MS).result is VALID


@cache
def verifier(case: str) -> Verifier:
    return Verifier(good(case)[0].trust())


@settings(max_examples=250, deadline=None)
@given(case=st.sampled_from(CASES), place=st.integers(0, 10**9), byte=st.integers(1, 255))
def test_no_single_byte_can_be_changed_unnoticed(case: str, place: int, byte: int) -> None:
    data = bytearray(good(case)[2])
    data[place % len(data)] ^= byte
    assert verifier(case).verify(bytes(data), AT_MS).result is not VALID


@settings(max_examples=150, deadline=None)
@given(case=st.sampled_from(CASES), place=st.integers(0, 10**9), digit=st.sampled_from("0123456789abcdef"))
def test_no_hex_digit_can_be_changed_unnoticed(case: str, place: int, digit: str) -> None:
    data = bytearray(good(case)[2])
    digits = [at for at, one in enumerate(data) if chr(one) in "0123456789abcdef" and chr(one) != digit]
    data[digits[place % len(digits)]] = ord(digit)
    assert verifier(case).verify(bytes(data), AT_MS).result is not VALID


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes_never_raise(data: bytes) -> None:
    assert verifier("deposit").verify(data, AT_MS).result is INVALID


ODD: tuple[object, ...] = (None, 0, -1, True, "", "00", "e\u0301", "é", [], {}, [None], 2**53 - 1, "ff" * 32)


@settings(max_examples=200, deadline=None)
@given(case=st.sampled_from(CASES), odd=st.sampled_from(ODD), data=st.data())
def test_no_member_can_be_replaced_unnoticed_and_nothing_raises(case: str, odd: object, data: st.DataObject) -> None:
    value = json.loads(good(case)[2])
    inner: Any = value
    while True:
        at = data.draw(st.sampled_from(sorted(inner) if isinstance(inner, dict) else range(len(inner))))
        if not isinstance(inner[at], (dict, list)) or not inner[at] or data.draw(st.integers(0, 5)) == 0:
            break
        inner = inner[at]
    before, inner[at] = inner[at], odd
    verdict = verifier(case).verify(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), AT_MS)
    assert verdict.to_bytes()
    assert before == odd or verdict.result is not VALID


@pytest.mark.parametrize(("field", "number"), [("time", 1 << 62), ("number", 1 << 50)])
def test_a_header_with_absurd_numbers_fails_and_the_verdict_can_be_written(field: str, number: int) -> None:
    world = World()
    filed = world.deposit()
    raw_header = world.header(**{field: number.to_bytes(8, "big").lstrip(b"\0")})
    bundle = world.assemble([filed], raw_header, world.tries(), world.cosign(raw_header), ALL)
    verdict = verify(bundle.to_bytes(), world.trust(), AT_MS)
    assert verdict.step("header").reason_code == "header.field"
    assert verdict.result is INVALID
    assert verdict.to_bytes()
