"""`tiezheng verify`: exit codes, what counts as a bundle, files by digest, and what a reader and a program get."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.world import AT_MS, FILE, World
from tests.unit.tiezheng.cli.conftest import Run
from tiezheng.bundle import MAX_BUNDLE_SIZE

AT = "2026-11-23T08:00:00Z"
WORLD = World("cli")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a deposit, a matter, their trust file and the deposited file."""
    folder = tmp_path_factory.mktemp("made")
    deposit, matter = WORLD.deposit(), WORLD.matter()
    bundle = WORLD.bundle([deposit])
    (folder / "deposit.bundle.json").write_bytes(bundle.to_bytes())
    (folder / "bare.bundle.json").write_bytes(replace(bundle, witnesses=()).to_bytes())
    (folder / "matter.bundle.json").write_bytes(WORLD.bundle(matter).to_bytes())
    (folder / "trust.json").write_bytes(WORLD.trust().to_bytes())
    (folder / "other.json").write_bytes(World("another").trust().to_bytes())
    (folder / "work.txt").write_bytes(FILE)
    return folder


def test_the_time_of_these_tests_is_that_of_the_world() -> None:
    assert AT_MS > 0


def test_a_good_bundle_with_its_file_is_valid(run: Run, made: Path) -> None:
    told = run("verify", made / "deposit.bundle.json", made / "work.txt", "--trust", made / "trust.json", "--at", AT)
    assert (told.code, told.err) == (0, "")
    assert "+08:00 上链时起未发现篡改" in told.out
    for words in ("有效 VALID", "通过 PASSED", "自持 self", "见证方", "声称时间", "上链时间", "本核验不能回答的问题"):
        assert words in told.out


def test_a_changed_file_is_invalid_and_named(run: Run, made: Path, tmp_path: Path) -> None:
    (tmp_path / "changed.txt").write_bytes(FILE[:-1] + b"?")
    told = run("verify", made / "deposit.bundle.json", "changed.txt", "--trust", made / "trust.json", "--at", AT)
    assert told.code == 1
    assert "无效 INVALID" in told.out
    assert "changed.txt" in told.out
    assert "verify.file_unknown" in told.out


def test_without_witnesses_it_is_inconclusive_and_says_what_is_missing(run: Run, made: Path) -> None:
    told = run("verify", made / "bare.bundle.json", "--trust", made / "trust.json", "--at", AT)
    assert told.code == 3
    assert "无法判定 INCONCLUSIVE" in told.out
    assert "还缺什么" in told.out
    assert "finality.threshold" in told.out


def test_an_expired_trust_file_is_inconclusive(run: Run, made: Path) -> None:
    told = run("verify", made / "deposit.bundle.json", "--trust", made / "trust.json", "--at", "2031-01-01")
    assert told.code == 3


def test_the_trust_file_of_another_ledger_is_invalid(run: Run, made: Path) -> None:
    told = run("verify", made / "deposit.bundle.json", "--trust", made / "other.json", "--at", AT)
    assert told.code == 1
    assert "trust.ledger" in told.out


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b'"format":"tiezheng/bundle/1"', b'"format":"tiezheng/bundlE/1"'),
        lambda data: data + b"\n",
        lambda data: b"",
        lambda data: b"[" * 100_000,
        lambda data: data[:-1] + b',"zzz":1}',
        lambda data: b" " * (MAX_BUNDLE_SIZE + 1),
    ],
)
def test_a_spoiled_bundle_is_invalid_and_never_passed_over(run: Run, made: Path, tmp_path: Path, spoil: object) -> None:
    data = (made / "deposit.bundle.json").read_bytes()
    (tmp_path / "x.bundle.json").write_bytes(spoil(data))  # type: ignore[operator]
    (tmp_path / "x.dat").write_bytes(spoil(data))  # type: ignore[operator]
    for name in ("x.bundle.json", "x.dat"):
        told = run("verify", name, "--trust", made / "trust.json", "--at", AT, "--json")
        assert told.code == 1
        assert told.answer["verdicts"][0]["verdict"]["steps"][0]["status"] == "FAILED"


def test_many_bundles_and_files_are_matched_by_digest(run: Run, made: Path, tmp_path: Path) -> None:
    bundles = (made / "matter.bundle.json", made / "deposit.bundle.json")
    told = run("verify", *bundles, made / "work.txt", "--trust", made / "trust.json", "--at", AT, "--brief")
    assert told.code == 0
    assert told.out.count("VALID") == 2
    (tmp_path / "stranger.txt").write_bytes(b"stranger")
    told = run("verify", *bundles, "stranger.txt", "--trust", made / "trust.json", "--at", AT, "--brief")
    assert told.code == 1
    assert "stranger.txt" in told.out
    assert told.out.count("有效 VALID") == 2


def test_the_worst_verdict_decides(run: Run, made: Path) -> None:
    bundles = (made / "deposit.bundle.json", made / "bare.bundle.json")
    assert run("verify", *bundles, "--trust", made / "trust.json", "--at", AT).code == 3


def test_a_folder_stands_for_its_files(run: Run, made: Path, tmp_path: Path) -> None:
    (tmp_path / "sent").mkdir()
    for name in ("deposit.bundle.json", "work.txt"):
        (tmp_path / "sent" / name).write_bytes((made / name).read_bytes())
    assert run("verify", "sent", "--trust", made / "trust.json", "--at", AT).code == 0


def test_programs_get_stable_members(run: Run, made: Path) -> None:
    told = run("verify", made / "deposit.bundle.json", "--trust", made / "trust.json", "--at", AT, "--json")
    assert told.answer.keys() == {"result", "unmatched_files", "verdicts"}
    assert told.answer["verdicts"][0].keys() == {"bundle", "verdict"}
    verdict = told.answer["verdicts"][0]["verdict"]
    assert verdict.keys() == {"en", "facts", "findings", "format", "missing", "result", "steps", "zh"}
    assert told.err == ""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("deposit.bundle.json",), None),
        (("deposit.bundle.json", "--trust", "absent.json"), "file.not_found"),
        (("deposit.bundle.json", "--trust", "work.txt"), "json.syntax"),
        (("absent.bundle.json", "--trust", "trust.json"), "file.not_found"),
        (("deposit.bundle.json", "--trust", "trust.json", "--at", "yesterday"), "config.value"),
    ],
)
def test_what_keeps_it_from_a_verdict_is_a_usage_error(
    run: Run, made: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: str | None
) -> None:
    monkeypatch.chdir(made)
    told = run("verify", *arguments, "--json")
    assert told.code == 2
    if code is not None:
        assert told.error == code


def test_it_needs_neither_network_nor_configuration(
    run: Run, made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import socket

    def refuse(*_: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setenv("TIEZHENG_PROFILE", str(tmp_path / "absent.json"))
    told = run("verify", made / "deposit.bundle.json", "--trust", made / "trust.json", "--at", AT)
    assert told.code == 0
