"""Somebody takes the disk without the master key: names, contents and evidence on it are sealed."""

import shutil
from pathlib import Path

import pytest

from api.bootstrap import open_rooms
from api.settings import Home, Settings
from tests.support.populated import Populated
from tests.support.served import PASSWORD
from tests.support.world import FILE
from tiezheng.errors import TiezhengError


def test_nothing_that_a_person_wrote_stands_on_the_disk(filled: Populated) -> None:
    secrets = [text.encode() for text in ("作品一", "公证员", "测试 Test")] + [FILE[:64]]
    looked = 0
    for path in filled.service.home.root.rglob("*"):
        if path.is_file():
            looked += 1
            data = path.read_bytes()
            assert not [secret for secret in secrets if secret in data], path.name
    assert looked > 6


def test_without_its_master_key_a_home_does_not_open(filled: Populated, tmp_path: Path) -> None:
    home = Home(tmp_path / "copy")
    shutil.copytree(filled.service.home.root, home.root)
    home.master_key.write_text("ab" * 16 + "\n")
    with pytest.raises(TiezhengError) as caught:
        open_rooms(Settings(home, password=PASSWORD))
    assert caught.value.code == "config.disagree"
