"""Problem documents, joined answers and log lines, without a server."""

import json

import pytest

from api.answers import with_file
from api.bodies import bytes_of, flag, members_of, path_number, with_content
from api.logs import configure_logs, describe
from api.problems import internal_fault, problem_of
from tiezheng.canonical import dumps
from tiezheng.errors import IntegrityFault, Malformed, TiezhengError, Unauthorised, Unavailable

REQUIRED = frozenset({"statement"})
NONE: frozenset[str] = frozenset()


def test_a_problem_has_code_sentences_and_what_was_expected() -> None:
    answer = problem_of(Malformed("statement.length", expected=183, got=1))
    assert (answer.status_code, answer.media_type) == (400, "application/problem+json")
    problem = json.loads(bytes(answer.body))
    assert (problem["expected"], problem["got"], problem["type"]) == (183, 1, "urn:tiezheng:error:statement.length")


def test_a_problem_says_when_to_come_back_and_how_to_authenticate() -> None:
    assert problem_of(Unavailable("chain.backlog", retry_after_seconds=60)).headers["retry-after"] == "60"
    assert problem_of(Unauthorised("auth.missing")).headers["www-authenticate"] == "Bearer"


def test_a_lone_surrogate_in_a_problem_leaves_as_an_escape() -> None:
    body = bytes(problem_of(Malformed("json.member_unknown", got="\ud800")).body)
    assert json.loads(body)["got"] == "\ud800"


def test_an_integrity_fault_and_a_defect_tell_no_detail() -> None:
    for answer in (problem_of(IntegrityFault("object.corrupt", got="name", detail="place")), internal_fault()):
        assert set(json.loads(bytes(answer.body))) == {"type", "title", "title_zh", "status", "code"}


def test_a_file_is_joined_into_an_answer_byte_for_byte() -> None:
    stored = dumps({"z": [1], "甲": "乙"})
    assert stored in bytes(with_file({"a": 1}, "receipt", stored).body)
    assert json.loads(bytes(with_file({}, "receipt", stored).body)) == {"receipt": {"z": [1], "甲": "乙"}}
    assert json.loads(bytes(with_file({"a": 1}, "receipt", None).body)) == {"a": 1}


@pytest.mark.parametrize("content", [{"a": [1, {"b": "甲"}]}, {}, [], "text", 7, True])
def test_a_content_comes_out_as_its_canonical_bytes_in_whatever_form_it_came(content: object) -> None:
    value = {"content": content, "statement": "00"}
    for body in (dumps(value), json.dumps(value, indent=2).encode(), json.dumps(value, ensure_ascii=True).encode()):
        rest, raw = with_content(body, REQUIRED, NONE)
        assert rest == {"statement": "00"}
        assert raw is not None
        assert (raw.data, raw.value) == (dumps(content), content)


def test_a_content_that_is_null_is_none_and_one_that_is_absent_is_refused() -> None:
    assert with_content(b'{"content":null,"statement":"00"}', REQUIRED, NONE) == ({"statement": "00"}, None)
    with pytest.raises(Malformed) as caught:
        with_content(b'{"statement":"00"}', REQUIRED, NONE)
    assert caught.value.code == "json.member_missing"


@pytest.mark.parametrize("body", [b'{"statement":"00","x":1}', b"[]", b"", b'{"statement":"00"', b"null"])
def test_a_body_with_other_members_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        members_of(body, REQUIRED)


@pytest.mark.parametrize("value", ["0x00", "AA", "a", "", None, 7, "é", "00" * 1025])
def test_what_is_no_hexadecimal_is_refused(value: object) -> None:
    with pytest.raises(Malformed) as caught:
        bytes_of(value, "statement")
    assert caught.value.code == "json.hex"


def test_flags_and_numbers_have_one_form() -> None:
    assert (flag("true"), flag("false"), path_number("007", 7)) == (True, False, 7)
    for text in ("True", "1", ""):
        with pytest.raises(Malformed):
            flag(text)
    for text in ("8", "", "-1", "+1", " 1", "1_0", "٧"):
        with pytest.raises(Malformed):
            path_number(text, 7)


def fail() -> None:
    try:
        raise ValueError("张三")
    except ValueError as error:
        raise TiezhengError("internal.fault", detail="张三") from error


def test_an_error_is_described_by_types_and_places_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(TiezhengError) as caught:
        fail()
    told = describe(caught.value)
    assert [line.split()[0] for line in told] == ["TiezhengError", "ValueError"]
    assert "张三" not in str(told)


def test_log_lines_are_json_without_messages_of_errors(capsys: pytest.CaptureFixture[str]) -> None:
    import logging

    import structlog

    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    try:
        configure_logs()
        try:
            fail()
        except TiezhengError:
            structlog.get_logger("x").exception("thing.failed", count=3)
            logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
        logging.getLogger("sqlalchemy").warning("values 张三")
        logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    finally:
        structlog.reset_defaults()
        logging.getLogger().handlers[:] = handlers
        logging.getLogger().setLevel(level)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["thing.failed", *["library.spoke"] * 3]
    assert lines[0]["error"][0].startswith("TiezhengError")
    assert "张三" not in json.dumps(lines, ensure_ascii=False)
    assert lines[3]["message"] == "Invalid HTTP request received."
