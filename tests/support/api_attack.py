"""An attack on the whole interface of a running service, by callers of every kind: requests made from its own
description, right and wrong ones, and good requests with one thing spoilt. Answers are held to the description."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.schemas import APIOperation

from tests.support.populated import Populated
from tests.support.served import ALL_SCOPES
from tests.support.world import COURT, OFFICE
from tiezheng.errors import CATALOGUE

DESCRIBED = Path(__file__).resolve().parents[2] / "spec" / "openapi.json"
# What a person might write where it does not belong; no refusal may repeat it.
PERSONAL = "张三 110101199003070000"
HELD = ("作品一", "测试 Test", "公证员")
CHECKED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
# What does not fit the description is refused: of bodies that were made from it, not of good ones that were spoilt.
STRICT = (*CHECKED, "negative_data_rejection")
MODES = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
HOSTILE: tuple[Any, ...] = (
    None, True, 0, -1, 1 << 53, 10**400, 1.5, float("nan"), "", "00", "zz", "a" * 70_000, PERSONAL, "\ud800", "e\u0301",
    "../../etc/passwd", "\0", [], {}, [[]] * 9, {"a": {"a": 1}}, ["00"] * 5_000, {str(n): n for n in range(5_000)},
)  # fmt: skip
RAW = (
    b"", b"{", b"\xff\xfe", b"\xef\xbb\xbf{}", b"[" * 100_000, b'{"a":1,"a":2}', b'{"statement":"\\ud800"}', b"NaN",
    b"null", b'{"statement":' + b"9" * 50_000 + b"}", b"\x1f\x8b\x08\x00", b"--x\r\n\r\n\r\n--x--", b"a=b&c=d",
)  # fmt: skip


@dataclass
class Tally:
    """How many requests were answered how: by status, and by code of a refusal."""

    statuses: Counter[int] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)

    @property
    def requests(self) -> int:
        return self.statuses.total()


def operations() -> list[str]:
    """`GET /v1/health` and so on."""
    paths = json.loads(DESCRIBED.read_text(encoding="utf-8"))["paths"]
    return sorted(f"{method.upper()} {path}" for path, methods in paths.items() for method in methods)


class Attack:
    """The attacker, with a token of every kind."""

    def __init__(self, filled: Populated) -> None:
        load_all_checks()
        schemathesis.serializer.alias("application/partial-upload", "application/octet-stream")
        self._filled = filled
        self._schema = schemathesis.openapi.from_path(str(DESCRIBED))
        self._checks = CHECKS.get_by_names(list(CHECKED))
        self._strict_checks = CHECKS.get_by_names(list(STRICT))
        service = filled.service
        self._tokens = [service.token(), *(service.token(scopes=(scope,)) for scope in ALL_SCOPES)]
        self._tokens += [service.token(COURT), service.token(OFFICE)[:-1], ""]
        self.tally = Tally()
        self._session = requests.Session()
        self._session.trust_env = False

    def close(self) -> None:
        self._session.close()

    def run(self, operation: str, examples: int, number: int = 0) -> None:
        """So many examples against one operation. Raises at the first answer that is not as described."""
        method, path = operation.split(" ")
        described = self._schema[path][method]

        @seed(number)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        @given(data=st.data())
        def once(data: st.DataObject) -> None:
            self._once(data.draw, described, method, path)

        once()

    def _once(self, draw: Callable[..., Any], described: APIOperation, method: str, path: str) -> None:
        case = draw(described.as_strategy(generation_mode=draw(st.sampled_from(MODES))))
        token = self._tokens[0] if draw(st.booleans()) else draw(st.sampled_from(self._tokens))
        names = [name for name in self._filled.ids if f"{{{name}}}" in path]
        for name in names:
            if draw(st.booleans()):
                case.path_parameters[name] = self._filled.ids[name]
        case.headers.update({"Authorization": f"Bearer {token}"} if token else {})
        request = case.as_transport_kwargs(base_url=self._filled.service.address)
        good = self._filled.body(method, path)
        checks = self._strict_checks
        if good is not None and draw(st.booleans()):
            checks = self._checks
            request.pop("json", None)
            request["data"] = draw(spoilt(good))
        answer = self._session.request(**request, timeout=30, allow_redirects=False)
        self.tally.statuses[answer.status_code] += 1
        if answer.status_code == 413:  # refused too, but not by what the tool expects
            checks = self._checks
        case.validate_response(answer, checks=checks)
        self._check(answer, token)

    def _check(self, answer: requests.Response, token: str) -> None:
        """What a refusal may say."""
        if answer.status_code < 400 or answer.request.method == "HEAD":
            return
        problem = answer.json()
        self.tally.codes[problem["code"]] += 1
        assert (problem["title_zh"], problem["title"]) == CATALOGUE[problem["code"]]
        assert problem["status"] == answer.status_code
        for secret in (PERSONAL, *HELD, *([token] if token else [])):
            assert secret not in answer.text, problem["code"]


def spoilt(good: bytes | dict[str, Any]) -> st.SearchStrategy[bytes]:
    """A good body, or one with a member taken away, changed, or written in a way that JSON does not know."""
    if isinstance(good, bytes):
        return st.one_of(st.just(good), st.sampled_from(RAW), st.binary(max_size=200))

    @st.composite
    def changed(draw: st.DrawFn) -> bytes:
        value = json.loads(json.dumps(good))
        at = value
        while True:
            keys = list(at) if isinstance(at, dict) else list(range(len(at)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(at[key], dict | list) and at[key] and draw(st.booleans()):
                at = at[key]
                continue
            action = draw(st.sampled_from(("change", "remove", "add")))
            if action == "remove":
                del at[key]
            elif action == "change":
                at[key] = draw(st.sampled_from(HOSTILE))
            elif isinstance(at, dict):
                at["extra"] = draw(st.sampled_from(HOSTILE))
            else:
                at.append(draw(st.sampled_from(HOSTILE)))
            break
        return json.dumps(value).encode()

    return st.one_of(st.just(json.dumps(good).encode()), changed(), changed(), changed(), st.sampled_from(RAW))
