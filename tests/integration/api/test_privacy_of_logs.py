"""Marked personal data through every endpoint, rightly and wrongly: no mark comes out in a log or a metric."""

import io
import json
import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
import structlog

from api.logs import configure_logs
from tests.support.populated import Populated, populated
from tests.support.world import FILE

MARK = "张三丰3201001990"
PLAIN = "ZhangMarked320100"
DESCRIBED = Path(__file__).resolve().parents[3] / "spec" / "openapi.json"
PATHS: dict[str, dict[str, dict[str, object]]] = json.loads(DESCRIBED.read_text(encoding="utf-8"))["paths"]
ENDPOINTS = [(method.upper(), path) for path, methods in PATHS.items() for method in methods]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What goes to standard error from here on."""
    text = io.StringIO()
    monkeypatch.setattr(sys, "stderr", text)
    return text


@pytest.fixture
def filled(tmp_path: Path, log: io.StringIO) -> Iterator[Populated]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logs()
    with populated(tmp_path / "home") as filled:
        yield filled
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level


def requests(filled: Populated, method: str, path: str) -> Iterator[httpx.Response]:
    """The endpoint, asked with marks in its path, its query, its headers, and bodies right in form and wrong."""
    service = filled.service
    token = service.as_of()
    known = {
        "case": filled.deposit.statement.case.hex(),
        "digest": filled.deposit.statement.digest.hex(),
        "sm3": filled.deposit.statement.subject.hex(),
        "collection": filled.collection,
        "batch": "0",
        "height": "1",
        "signer": "101",
    }
    true, false = path, path
    for name, value in known.items():
        true, false = true.replace(f"{{{name}}}", value), false.replace(f"{{{name}}}", quote(MARK))
    bodies = [
        json.dumps({"content": {"fields": [{"name": MARK, "value": PLAIN}]}, MARK: PLAIN}).encode(),
        f'{{"statement":"{PLAIN}","signatures":["{PLAIN}"],"content":null}}'.encode(),
        f'{{"content": {{"x": "{MARK}"'.encode(),
        MARK.encode() + FILE,
    ]
    named = ("User-Agent", "Referer", "Tiezheng-Sm3", "X-Request-Id", "Tiezheng-Request")
    odd = dict.fromkeys(named, PLAIN)
    address = f"{service.address}/{{}}"
    for headers in (token, {**token, **odd}, {"Authorization": f"Bearer {PLAIN}"}, {}):
        for target in (true, false, f"{true}?limit={quote(MARK)}&{quote(MARK)}=1"):
            for body in bodies if method in {"POST", "PUT", "PATCH"} else [None]:
                kind = {"Content-Type": f"text/plain; name={PLAIN}"} if body is bodies[-1] else {}
                yield service.http.request(
                    method, address.format(target.lstrip("/")), content=body, headers={**headers, **kind}
                )


def test_no_mark_comes_out_in_a_log_or_a_metric(filled: Populated, log: io.StringIO) -> None:
    statuses: set[int] = set()
    for method, path in ENDPOINTS:
        statuses |= {answer.status_code for answer in requests(filled, method, path)}
    assert {200, 400, 401, 404, 405} - statuses <= {405}
    assert 500 not in statuses
    metrics = httpx.get(f"{filled.service.address}/metrics", trust_env=False).text
    lines = [line for line in log.getvalue().splitlines() if line.strip()]
    assert len(lines) > 300, "every request has its line"
    for line in lines:
        event = json.loads(line)
        assert set(event) >= {"event", "level", "timestamp"}
        assert event["event"].count(".") == 1
        assert set(event) <= {
            "event", "level", "timestamp", "request", "method", "route", "status", "ms", "institution", "code", "error",
            "logger", "message",
        }  # fmt: skip
    for told in (*lines, metrics):
        for mark in (MARK, quote(MARK), PLAIN, json.dumps(MARK)[1:-1], "tzt_", "作品一"):
            assert mark not in told


def test_an_answer_names_its_line_in_the_log_by_an_id_of_the_service(filled: Populated, log: io.StringIO) -> None:
    given = [filled.service.http.get("/health", headers={"Tiezheng-Request": PLAIN}) for _ in range(3)]
    ids = [answer.headers["tiezheng-request"] for answer in given]
    assert len(set(ids)) == 3
    assert all(re.fullmatch("[0-9a-f]{16}", one) for one in ids)
    logged = [json.loads(line).get("request") for line in log.getvalue().splitlines()]
    assert logged[-3:] == ids


def test_no_address_has_a_place_for_what_a_person_wrote() -> None:
    """A query stands in the logs of every server on the way: it holds numbers, digests and switches alone."""
    for path, methods in PATHS.items():
        for described in methods.values():
            for parameter in described.get("parameters", []):  # type: ignore[attr-defined]
                schema = parameter["schema"]
                bounded = schema["type"] in {"integer", "boolean"} or "pattern" in schema or "enum" in schema
                assert bounded, (path, parameter)
