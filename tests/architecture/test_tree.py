"""The whole tree keeps each rule of `rules`; and each rule finds what it is there to find."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.architecture import rules

ROOT = Path(__file__).parents[2]
NOT_OURS = {".git", ".venv", "node_modules", "out", "cache", "var", "__pycache__"}
BINARY = {".png", ".pdf", ".ttf", ".otf", ".woff2", ".gz", ".zip", ".ico"}

TextRule = Callable[[str, str], Iterator[str]]


def _paths() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        names = listed.stdout.decode().split("\0")
    else:  # an unpacked archive
        names = [path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*")]
    return [name for name in names if name and not NOT_OURS & set(name.split("/")) and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return {
        name: (ROOT / name).read_text(encoding="utf-8", errors="replace")
        for name in _paths()
        if Path(name).suffix not in BINARY and not (ROOT / name).is_symlink()
    }


@pytest.mark.parametrize(
    "rule",
    [
        rules.too_long,
        rules.private_path,
        rules.registry_host,
        rules.package_source,
        rules.environment_use,
        rules.kernel_clock,
        rules.plain_verifier_import,
        rules.randomness_at_import,
    ],
    ids=lambda rule: rule.__name__,
)
def test_no_file_breaks_the_rule(rule: TextRule, texts: dict[str, str]) -> None:
    assert len(texts) > 20
    assert [finding for path, text in texts.items() for finding in rule(path, text)] == []


def test_no_module_has_a_name_that_says_nothing(texts: dict[str, str]) -> None:
    assert [finding for path in texts for finding in rules.vague_name(path)] == []


def test_every_declared_dependency_has_an_exact_version_in_its_range(texts: dict[str, str]) -> None:
    assert list(rules.unpinned(texts["pyproject.toml"], texts["requirements.txt"])) == []


@pytest.mark.parametrize("requirements", ["", "rich==15.0.0\n", "httpx==0.27.0\n"])
def test_a_dependency_without_such_a_version_is_found(requirements: str) -> None:
    project = '[project]\ndependencies = ["rich>=13"]\n[project.optional-dependencies]\naudit = ["httpx>=0.28"]\n'
    assert list(rules.unpinned(project, requirements)) != []
    assert list(rules.unpinned(project, "rich==15.0.0\nhttpx==0.28.1\n")) == []


# Planted paths are put together here, so that this file itself keeps the rule.
HOME = "/".join(["", "home", "alice", "x"])

BROKEN: list[tuple[TextRule, str, str]] = [
    (rules.too_long, "ledger/ports.py", "x\n" * 401),
    (rules.too_long, "contracts/Registry.sol", "x\n" * 401),
    (rules.too_long, "scripts/demo.py", "x\n" * 121),
    (rules.too_long, "tiezheng/cli/verify.py", "x\n" * 151),
    (rules.private_path, "docs/guide.md", f"see {HOME}"),
    (rules.registry_host, "docs/guide.md", "https://" + "registry.example.invalid/a"),
    (rules.package_source, "package-lock.json", '{"packages": {"a": {"resolved": "https://example.invalid/a.tgz"}}}'),
    (rules.package_source, "requirements.txt", "--extra-index-url https://example.invalid/simple\n"),
    (rules.package_source, "requirements.txt", "httpx>=0.28\n"),
    (rules.package_source, "requirements.txt", "httpx @ https://example.invalid/httpx.whl\n"),
    (rules.package_source, ".npmrc", "registry=https://example.invalid/\n"),
    (rules.environment_use, "ledger/services/audit.py", "import os\nos.environ['HOME']\n"),
    (rules.environment_use, "tiezheng/trust.py", "from os import getenv\n"),
    (rules.kernel_clock, "tiezheng/verify.py", "def f():\n    return datetime.now(UTC)\n"),
    (rules.plain_verifier_import, "tests/plain/sm.py", "def f():\n    from tiezheng.digest import sm3\n"),
    (rules.plain_verifier_import, "tests/vectors/test_plain.py", "import json, anchors\n"),
    (rules.randomness_at_import, "tiezheng/content.py", "SALT = secrets.token_bytes(16)\n"),
    (rules.randomness_at_import, "ledger/ports.py", "class A:\n    salt = os.urandom(16)\n"),
]

KEPT: list[tuple[TextRule, str, str]] = [
    (rules.too_long, "ledger/ports.py", "x\n" * 400),
    (rules.too_long, "verifier/dist/verifier.js", "x\n" * 9000),
    (rules.private_path, "docs/guide.md", "see /var/lib/tiezheng and https://example.invalid/home/alice"),
    (rules.package_source, "requirements.txt", "# exact versions\nhttpx==0.28.1\n"),
    (rules.environment_use, "api/settings.py", "import os\nos.environ['HOME']\n"),
    (rules.kernel_clock, "tiezheng/cli/verify.py", "def f():\n    return datetime.now(UTC)\n"),
    (rules.plain_verifier_import, "tests/plain/sm.py", "from tests.plain.refusal import need\nimport json\n"),
    (rules.plain_verifier_import, "tests/vectors/test_sm2.py", "from tiezheng.digest import sm3\n"),
    (rules.randomness_at_import, "tiezheng/content.py", "def salt():\n    return secrets.token_bytes(16)\n"),
]


@pytest.mark.parametrize(("rule", "path", "text"), BROKEN)
def test_a_rule_finds_what_breaks_it(rule: TextRule, path: str, text: str) -> None:
    assert list(rule(path, text)) != []


@pytest.mark.parametrize(("rule", "path", "text"), KEPT)
def test_a_rule_lets_pass_what_keeps_it(rule: TextRule, path: str, text: str) -> None:
    assert list(rule(path, text)) == []


def test_a_vague_name_is_found_in_a_module_and_in_a_folder() -> None:
    assert list(rules.vague_name("ledger/utils.py")) != []
    assert list(rules.vague_name("api/common/pages.py")) != []
    assert list(rules.vague_name("ledger/domain/cases.py")) == []
