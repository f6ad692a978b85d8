"""The threat model and its tests hold each other: one file a row, one row a file, and each file shows something."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\|(?:[^|\n]+\|){4} `(test_\w+\.py)` \|$", re.MULTILINE)


def test_every_row_has_its_file_and_every_file_its_row() -> None:
    page = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    _, _, attacks = page.partition("## 攻击 / Attacks\n")
    table = [line for line in attacks.partition("\n## ")[0].splitlines() if line.startswith("| ")][2:]
    named = ROW.findall(attacks)
    files = sorted(path.name for path in (ROOT / "tests" / "threats").glob("test_*.py"))
    assert len(named) == len(table), "a row without its five cells"
    assert sorted(named) == files
    assert len(set(named)) == len(named)


def test_every_file_says_what_it_shows_and_has_a_test() -> None:
    for path in (ROOT / "tests" / "threats").glob("test_*.py"):
        text = path.read_text(encoding="utf-8")
        assert text.startswith('"""'), path.name
        assert "\ndef test_" in text, path.name
