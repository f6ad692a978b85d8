"""The entry point: help, languages, exit codes, commands that are not installed, defects."""

import pytest

from tests.unit.tiezheng.cli.conftest import Run
from tiezheng.cli import main as entry
from tiezheng.cli import server_rooms
from tiezheng.cli.language import Language, language_of_environment
from tiezheng.errors import Malformed


def test_without_a_command_it_lists_all_of_them(run: Run) -> None:
    told = run()
    assert all(name in told.out + told.err for name in (*entry.COMMANDS, *server_rooms.KNOWN))


@pytest.mark.parametrize("command", list(entry.COMMANDS))
def test_every_command_explains_itself(run: Run, command: str) -> None:
    told = run(command, "--help")
    assert (told.code, told.err) == (0, "")
    assert "Usage" in told.out


def test_an_unknown_command_is_a_usage_error(run: Run) -> None:
    assert run("frobnicate").code == 2


@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_the_language_may_be_given_anywhere(run: Run, at: int) -> None:
    words = ["key", "show", "missing.pem"]
    words[at:at] = ["--lang", "en"]
    told = run(*words)
    assert "Error file.not_found: " in told.err
    assert "错误" not in told.err


def test_both_languages_say_what_is_wrong(run: Run) -> None:
    told = run("key", "show", "missing.pem")
    assert told.code == 1
    assert "错误 file.not_found：" in told.err
    assert "Error file.not_found: " in told.err
    assert "missing.pem" in told.err
    assert "Traceback" not in told.err


@pytest.mark.parametrize("words", [("--lang", "fr"), ("--lang=",), ("--lang",)])
def test_an_unknown_language_is_a_usage_error(run: Run, words: tuple[str, ...]) -> None:
    assert run("key", "show", "x", *words).code == 2


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"LANG": "zh_CN.UTF-8"}, Language.ZH),
        ({"LANG": "en_GB.UTF-8"}, Language.EN),
        ({"LANG": "C.UTF-8"}, Language.BOTH),
        ({}, Language.BOTH),
        ({"LC_ALL": "en_US.UTF-8", "LANG": "zh_CN.UTF-8"}, Language.EN),
        ({"TIEZHENG_LANG": "both", "LANG": "zh_CN.UTF-8"}, Language.BOTH),
    ],
)
def test_the_locale_chooses_the_language(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: Language
) -> None:
    for name in ("TIEZHENG_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert language_of_environment() is expected


def test_an_error_for_programs_is_one_json_object_on_standard_output(run: Run) -> None:
    told = run("key", "show", "missing.pem", "--json")
    assert told.answer["error"]["code"] == "file.not_found"
    assert {"title", "title_zh", "status", "type", "got"} <= told.answer["error"].keys()
    assert told.err == ""


def test_a_command_of_a_room_that_is_not_installed_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_rooms, "entry_points", lambda **_: [])
    told = run("serve", "--port", "1")
    assert told.code == 2
    assert "config.dependency" in told.err
    assert "tiezheng[server]" in told.err


def test_a_room_whose_libraries_are_missing_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    class Point:
        name = "audit"

        @staticmethod
        def load() -> None:
            raise ModuleNotFoundError("No module named 'web3'", name="web3")

    monkeypatch.setattr(server_rooms, "entry_points", lambda **_: [Point])
    told = run("audit")
    assert told.code == 2
    assert "tiezheng[server]" in told.err
    assert "web3" in told.err


def test_a_defect_is_neither_a_verdict_nor_a_refusal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_name: str | None) -> None:
        raise RuntimeError("defect")

    monkeypatch.setattr(entry, "_application", broken)
    assert run("verify", "x").code == 70


def test_an_error_before_any_verdict_is_not_the_exit_code_of_invalid(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_name: str | None) -> None:
        raise Malformed("trust.format")

    monkeypatch.setattr(entry, "_application", refused)
    assert run("verify", "x").code == 2
    assert run("lookup", "x").code == 1


def test_an_interruption_has_the_usual_code(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_name: str | None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(entry, "_application", interrupted)
    assert run("lookup", "x").code == 130
