"""What the tests of the command line share: one call that runs it in this process, and a desk to run it at."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tiezheng.cli.main import main


@dataclass(frozen=True)
class Ran:
    """Exit code and what was printed."""

    code: int
    out: str
    err: str

    @property
    def answer(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> str:
        return str(self.answer["error"]["code"])


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIEZHENG_KEY_PASSWORD", "correct horse")
    monkeypatch.setenv("TIEZHENG_LANG", "both")
    monkeypatch.delenv("TIEZHENG_PROFILE", raising=False)

    def call(*arguments: object) -> Ran:
        capsys.readouterr()
        code = main([str(one) for one in arguments])
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err)

    return call
