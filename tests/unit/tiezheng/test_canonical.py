"""Canonical JSON: what is written, what is accepted, what each refusal is called."""

import json
import sys
import time
import unicodedata
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from tiezheng.canonical import MAX_DEPTH, MAX_INTEGER, dumps, loads_loose, loads_strict
from tiezheng.errors import Malformed, TiezhengError, TooLarge

LIMIT = 1 << 24

BAD = {
    "float": (b"1.0", "json.float"),
    "exponent": (b"1e2", "json.float"),
    "huge exponent": (b"[1E999]", "json.float"),
    "NaN": (b"NaN", "json.syntax"),
    "Infinity": (b"[-Infinity]", "json.syntax"),
    "duplicate key": (b'{"a":1,"a":1}', "json.duplicate_key"),
    "duplicate key by escape": (b'{"a":1,"\\u0061":2}', "json.duplicate_key"),
    "space": (b'{"a": 1}', "json.not_canonical"),
    "newline at the end": (b"[]\n", "json.not_canonical"),
    "order of members": (b'{"b":1,"a":1}', "json.not_canonical"),
    "order by code point": ('{"\uff45":1,"\U0001f600":1}'.encode(), "json.not_canonical"),
    "escaped slash": (b'"\\/"', "json.not_canonical"),
    "escaped letter": (b'"\\u0061"', "json.not_canonical"),
    "escape in upper case": (b'"\\u000B"', "json.not_canonical"),
    "escaped pair": (b'"\\ud83d\\ude00"', "json.not_canonical"),
    "minus zero": (b"-0", "json.not_canonical"),
    "lone surrogate": (b'"\\ud800"', "json.surrogate"),
    "lone surrogate in a name": (b'{"\\udc00":1}', "json.surrogate"),
    "not UTF-8": (b'"\xff"', "json.encoding"),
    "surrogate in UTF-8": (b'"\xed\xa0\x80"', "json.encoding"),
    "byte order mark": (b"\xef\xbb\xbf[]", "json.syntax"),
    "not NFC": ('"e\u0301"'.encode(), "json.not_nfc"),
    "name not NFC": ('{"e\u0301":1}'.encode(), "json.not_nfc"),
    "2^53": (str(2**53).encode(), "json.integer_range"),
    "-2^53": (str(-(2**53)).encode(), "json.integer_range"),
    "five thousand digits": (b"9" * 5000, "json.integer_range"),
    "leading zero": (b"01", "json.syntax"),
    "plus": (b"+1", "json.syntax"),
    "nothing": (b"", "json.syntax"),
    "two values": (b"1 2", "json.syntax"),
    "trailing comma": (b"[1,]", "json.syntax"),
    "single quotes": (b"'a'", "json.syntax"),
    "raw control character": (b'"\x01"', "json.syntax"),
    "unterminated": (b'"abc', "json.syntax"),
    "too deep": (b"[" * 33 + b"]" * 33, "json.too_deep"),
}

GOOD = (
    b"null",
    b"true",
    b"0",
    str(MAX_INTEGER).encode(),
    str(-MAX_INTEGER).encode(),
    b'""',
    b'"[[[[{{{{"',
    b'"\\b\\t\\n\\f\\r\\"\\\\\\u0000\\u001f\x7f"',
    '"铁证 €𠮷 \u2028"'.encode(),
    '"\\n\u0303"'.encode(),
    '{"\U0001f600":1,"\uff45":1}'.encode(),
    b'{"":0,"a":[],"b":{}}',
    b"[" * 32 + b"]" * 32,
    b'{"a":' * 32 + b"1" + b"}" * 32,
    b"[" + b",".join([b"[]"] * 100) + b"]",
)

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.text(st.characters(codec="utf-8", exclude_categories=("Cs",))),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=20,
)


@pytest.mark.parametrize("data", GOOD)
def test_canonical_bytes_are_read_and_written_alike(data: bytes) -> None:
    assert dumps(loads_strict(data, LIMIT)) == data


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_canonical_is_refused_with_its_code(name: str) -> None:
    data, code = BAD[name]
    with pytest.raises(TiezhengError) as caught:
        loads_strict(data, LIMIT)
    assert caught.value.code == code


@given(VALUES)
def test_any_value_is_written_as_an_independent_library_writes_it(value: Any) -> None:
    data = rfc8785.dumps(value)
    if not unicodedata.is_normalized("NFC", json.dumps(value, ensure_ascii=False, separators=(" ", " "))):
        with pytest.raises(Malformed, match=r"json\.not_nfc"):
            dumps(value)
        with pytest.raises(Malformed, match=r"json\.not_nfc"):
            loads_strict(data, LIMIT)
        return
    assert dumps(value) == data
    assert loads_strict(data, LIMIT) == value


@given(st.binary(max_size=60) | st.text('[]{}",:\\u019ae.- \n', max_size=40).map(str.encode))
def test_any_bytes_are_read_or_refused_and_never_anything_else(data: bytes) -> None:
    try:
        value = loads_strict(data, LIMIT)
    except TiezhengError:
        return
    assert dumps(value) == data


def test_too_many_bytes_are_refused_before_anything_else() -> None:
    with pytest.raises(TooLarge, match=r"json\.too_large"):
        loads_strict(b"[[[[[", 4)
    assert loads_strict(b"1234", 4) == 1234


@pytest.mark.parametrize(
    "bomb",
    [b"[" * 1_000_000, b'{"a":' * 200_000, b'["' + b'\\"' * 500_000, b'"' + b'\\"' * 500_000 + b"\\", b'"' * 1_000_001],
    ids=["arrays", "objects", "open string", "open escape", "quotes"],
)
def test_a_bomb_is_refused_quickly(bomb: bytes) -> None:
    padded = bomb + b"[" * 40
    started = time.monotonic()
    with pytest.raises(Malformed):
        loads_strict(padded, LIMIT)
    assert time.monotonic() - started < 2


def test_brackets_in_text_are_not_depth() -> None:
    text = json.dumps(["[" * 100, '"[{' * 100, "\\[" * 100], separators=(",", ":")).encode()
    assert loads_strict(text, LIMIT)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (1.0, "json.float"),
        ([float("nan")], "json.float"),
        (2**53, "json.integer_range"),
        ({1: 2}, "json.type"),
        (b"bytes", "json.type"),
        ({"a": {1, 2}}, "json.type"),
        ("\ud800", "json.surrogate"),
        ("e\u0301", "json.not_nfc"),
    ],
)
def test_a_value_that_has_no_canonical_form_is_refused(value: object, code: str) -> None:
    with pytest.raises(Malformed, match=code):
        dumps(value)


def test_a_value_that_contains_itself_is_refused() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(Malformed, match=r"json\.too_deep"):
        dumps(loop)


def test_the_depth_that_is_written_is_the_depth_that_is_read() -> None:
    value: object = 1
    for _ in range(MAX_DEPTH):
        value = [value]
    assert loads_strict(dumps(value), LIMIT) == value
    with pytest.raises(Malformed, match=r"json\.too_deep"):
        dumps([value])
    with pytest.raises(Malformed, match=r"json\.too_deep"):
        loads_strict(b"[[[1]]]", LIMIT, max_depth=2)


def test_loose_reading_bounds_the_depth_whatever_the_interpreters_limit_is() -> None:
    assert loads_loose(b'\xef\xbb\xbf{"a": [1.5, "[[["], "a": null}') == loads_loose('{"a": null}') == {"a": None}
    assert loads_loose("[" * 64 + "]" * 64)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    try:
        for bad in ("[" * 65 + "]" * 65, b"[" * 100_000, '{"a":' * 100_000, b"\xff", "\ud800", "{", ""):
            with pytest.raises(ValueError, match=r"."):
                loads_loose(bad)
        for hidden in ('"\u2222"', "\u2222"):  # in UTF-16 these bytes look like quotation marks
            with pytest.raises(ValueError, match=r"."):
                loads_loose((hidden + "[" * 100_000).encode("utf-16"))
    finally:
        sys.setrecursionlimit(limit)
