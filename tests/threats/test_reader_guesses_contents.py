"""Whoever reads chain, look-up, log or a bundle tries to learn what a content says: salts and digests tell nothing."""

import os

import pytest

from tests.support.populated import Populated
from tests.support.world import World, procedure_of
from tiezheng.content import ContentType, build_content, disclose
from tiezheng.digest import sm3


def test_equal_contents_have_unequal_roots_and_a_guess_cannot_be_checked() -> None:
    kind = procedure_of(1).by_step[1]
    values = {spec.name: None for spec in kind.schema.fields} | {"title": "离婚协议", "given_by": "party"}
    values["signers"] = [[101, 0]]  # type: ignore[assignment]

    def salt() -> bytes:
        return os.urandom(16)

    first, second = (
        build_content(ContentType.STATEMENT, kind.schema, values, (), (), draw_salt=salt) for _ in range(2)
    )
    assert first.root != second.root
    assert not set(first.leaf_hashes) & set(second.leaf_hashes), "a null field cannot be told from a filled one"


def test_what_is_not_disclosed_is_not_in_the_bundle() -> None:
    world = World()
    filed = world.deposit()
    assert "作品一" in world.bundle([filed]).to_bytes().decode()
    closed = world.bundle([filed], fields=("signers",)).to_bytes().decode()
    for secret in ("作品一", "甲"):
        assert secret not in closed
    assert disclose(filed.content, ("signers",)) is not None


def test_look_up_and_log_tell_nothing_of_a_content(filled: Populated, capsys: pytest.CaptureFixture[str]) -> None:
    http = filled.service.http
    told = http.get(f"/lookup/{filled.ids['sm3']}").text + http.get(f"/signers/{filled.ids['signer']}").text
    told += http.get(f"/cases/{filled.ids['case']}?name=张三", headers=filled.service.as_of()).request.method
    told += "".join(capsys.readouterr())
    assert sm3(b"").hex() not in told
    for secret in ("作品一", "甲", "张三", "公证员", filled.ids["case"]):
        assert secret not in told
