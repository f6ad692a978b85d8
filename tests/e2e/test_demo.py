"""`scripts/demo.py`: its main path with a person's own files, and what an interruption leaves."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.chain, pytest.mark.slow]
DEMO = Path(__file__).parents[2] / "scripts" / "demo.py"


def _processes_with(text: str) -> list[str]:
    """Command lines of living processes that name `text`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in words:
            found.append(words)
    return found


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "tmp").mkdir()
    return {**os.environ, "TMPDIR": str(tmp_path / "tmp"), "PYTHONUNBUFFERED": "1"}


def test_the_whole_story_goes_as_it_should_and_leaves_nothing(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "合同 contract.txt").write_text("甲方与乙方约定……\n", encoding="utf-8")
    (tmp_path / "photo.bin").write_bytes(os.urandom(100_000))
    done = subprocess.run(
        [sys.executable, DEMO, tmp_path / "合同 contract.txt", tmp_path / "photo.bin"],
        env=environment,
        capture_output=True,
        timeout=280,
        check=False,
    )
    told = done.stdout.decode()
    assert done.returncode == 0, told[-4000:] + done.stderr.decode()[-2000:]
    assert all(f"Act {number}" in told for number in range(1, 6))
    assert "✗" not in told
    for words in ("INVALID: files", "INVALID: content", "INVALID: signatures", "INCONCLUSIVE: finality"):
        assert words in told
    assert list((tmp_path / "tmp").iterdir()) == []
    assert _processes_with(str(tmp_path / "tmp")) == []


def test_an_interrupted_story_leaves_nothing(tmp_path: Path, environment: dict[str, str]) -> None:
    process = subprocess.Popen([sys.executable, DEMO], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    for line in process.stdout:
        if b"Act 2" in line:
            break
    time.sleep(1)
    assert _processes_with(str(tmp_path / "tmp")) != []
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "清理" in errors.decode()
    assert list((tmp_path / "tmp").iterdir()) == []
    assert _processes_with(str(tmp_path / "tmp")) == []


def test_a_file_that_is_not_there_ends_the_story_with_a_sentence(tmp_path: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, DEMO, tmp_path / "absent.pdf"], env=environment, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 1
    assert "file.not_found" in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()
    assert list((tmp_path / "tmp").iterdir()) == []
