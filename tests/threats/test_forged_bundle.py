"""Somebody makes a bundle, or changes one: no changed byte is ever valid, and nothing makes the verifier fail."""

import random

from tests.support.attacks import INVALID, edited, good, leaf, never_recorded, staged
from tests.support.world import AT_MS
from tiezheng.verify import Result, verify


def test_no_flipped_byte_is_valid_and_none_raises() -> None:
    world, _, data = good("deposit")
    trust, draw = world.trust(), random.Random(1)
    assert verify(data, trust, AT_MS).result is Result.VALID
    for at in draw.sample(range(len(data)), 40):
        changed = bytearray(data)
        changed[at] ^= 1 << draw.randrange(8)
        assert verify(bytes(changed), trust, AT_MS).result is not Result.VALID, at


def test_hostile_files_get_a_verdict() -> None:
    world, _, data = good("deposit")
    for hostile in (b"", b"{}", b"[" * 100_000, b"\xff" * 1_000, data[:-1], data + b" ", data * 2, b"PK\x03\x04"):
        assert verify(hostile, world.trust(), AT_MS).result is not Result.VALID


def test_a_statement_that_was_never_recorded_is_invalid() -> None:
    data, trust = staged(never_recorded)()
    assert verify(data, trust, AT_MS).result is INVALID


def test_a_disclosed_value_cannot_be_changed() -> None:
    data, trust = edited("deposit", lambda value: leaf(value, "title").update(value="作品二"))()
    verdict = verify(data, trust, AT_MS)
    assert (verdict.result, verdict.step("content").reason_code) == (INVALID, "content.root_mismatch")
