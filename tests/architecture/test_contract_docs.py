"""Every test that the page for auditors names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`(?:\w+: )?([a-z]\w*(?:_\w+){2,})`")
FILES = re.compile(r"`(?:\w+/)*(\w+\.t\.sol)`")


def test_the_page_for_auditors_names_tests_that_exist() -> None:
    page = (ROOT / "docs" / "contracts.md").read_text(encoding="utf-8")
    suites = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "solidity").rglob("*.t.sol")}
    there = set(re.findall(r"function (?:test|testFuzz|invariant)_(\w+)", "\n".join(suites.values())))
    named = set(NAMED.findall(page))
    assert len(named) > 60
    assert named - there == set()
    assert set(FILES.findall(page)) - set(suites) == set()
