"""Evidence files over HTTP; and that others' cases look like cases that do not exist."""

import contextlib
import itertools
import os
import socket
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from tests.support.served import Served, check_problem
from tests.support.world import COURT, FILE, OFFICE, SEAL, World
from tiezheng.digest import FileDigests, digest_file, sm3
from tiezheng.errors import TiezhengError
from tiezheng.statement import new_case_id

TEXT = {"Content-Type": "text/plain"}


def new_case(institution: int = OFFICE) -> bytes:
    return new_case_id(institution, os.urandom(28))


def test_a_file_goes_in_and_comes_out_again_and_its_digests_agree(service: Served, tmp_path: Path) -> None:
    path = tmp_path / "证据.bin"
    path.write_bytes(os.urandom(3 * (1 << 20) + 12_345))
    case, told = new_case(), list[int]()
    with service.client() as client:
        digests = client.upload(case, path, "application/octet-stream", progress=told.append)
        assert digests == digest_file(path)
        assert told[-1] == path.stat().st_size
        assert told == sorted(told)
        out = BytesIO()
        client.download(case, digests.sm3, out)
    assert out.getvalue() == path.read_bytes()
    plain = path.read_bytes()[:64]
    assert not any(plain in one.read_bytes() for one in service.home.objects.rglob("*") if one.is_file())


def test_the_same_file_again_is_kept_once_and_answered_200(service: Served) -> None:
    case = new_case().hex()
    headers = {**service.as_of(), **TEXT}
    first = service.http.put(f"/cases/{case}/files", content=FILE, headers=headers)
    before = service.stored()
    again = service.http.put(f"/cases/{case}/files", content=FILE, headers=headers)
    assert (first.status_code, again.status_code) == (201, 200)
    assert (
        first.json()
        == again.json()
        == {
            "size": len(FILE),
            "sm3": sm3(FILE).hex(),
            "sha256": first.json()["sha256"],
        }
    )
    assert service.stored() == before


def test_a_stored_file_is_for_saving_not_for_showing(service: Served) -> None:
    case = new_case().hex()
    headers = {**service.as_of(), "Content-Type": "text/html; charset=utf-8"}
    digest = service.http.put(f"/cases/{case}/files", content=b"<script>", headers=headers).json()["sm3"]
    answer = service.http.get(f"/cases/{case}/files/{digest}", headers=headers)
    assert answer.headers["content-disposition"] == "attachment"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("headers", "body", "status", "code"),
    [
        ({**TEXT, "Tiezheng-Sm3": "00" * 32}, FILE, 422, "file.digest_mismatch"),
        ({**TEXT, "Tiezheng-Sm3": "zz"}, FILE, 400, "request.hex"),
        (TEXT, b"", 400, "file.empty"),
        ({}, FILE, 400, "file.media_type"),
        ({"Content-Type": "nonsense"}, FILE, 400, "file.media_type"),
        ({"Content-Type": "a/" + "b" * 200}, FILE, 400, "file.media_type"),
        ({**TEXT, "Content-Encoding": "br"}, FILE, 400, "request.format"),
    ],
)
def test_a_file_is_refused_and_leaves_nothing(
    headers: dict[str, str], body: bytes, status: int, code: str, steady: Served
) -> None:
    before = steady.stored()
    answer = steady.http.put(f"/cases/{new_case().hex()}/files", content=body, headers={**steady.as_of(), **headers})
    check_problem(answer, status, code)
    assert steady.stored() == before


def test_a_file_over_its_bound_is_refused_by_announcement_and_while_it_comes(
    service: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.routes.cases.FILE_MAX_BYTES", 1_000)
    before = service.stored()
    path, headers = f"/cases/{new_case().hex()}/files", {**service.as_of(), **TEXT}
    check_problem(service.http.put(path, content=b"x" * 1_001, headers=headers), 413, "request.too_large")
    pieces = (b"x" * 100 for _ in range(11))
    check_problem(service.http.put(path, content=pieces, headers=headers), 413, "request.too_large")
    assert service.http.put(path, content=b"x" * 1_000, headers=headers).status_code == 201
    assert service.stored()["files"] == before["files"] + 1


def test_a_file_that_arrives_in_odd_pieces_is_taken_in_as_it_was(service: Served) -> None:
    data = os.urandom((5 << 20) + 17)
    cuts = [0, 1, 65_537, 65_538, (1 << 20) + 3, (1 << 20) + 4, (4 << 20) + 1, len(data)]
    pieces = (data[start:end] for start, end in itertools.pairwise(cuts))
    path = f"/cases/{new_case().hex()}/files"
    answer = service.http.put(path, content=pieces, headers={**service.as_of(), **TEXT})
    assert (answer.status_code, answer.json()["size"], answer.json()["sm3"]) == (201, len(data), sm3(data).hex())
    assert service.http.get(f"{path}/{sm3(data).hex()}", headers=service.as_of()).content == data


def test_a_refused_file_is_not_read_to_its_end_and_the_refusal_arrives(
    service: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.guard.DRAIN_BYTES", 2 << 20)
    before, length = service.stored(), 1 << 30
    path, token = f"/v1/cases/{new_case(COURT).hex()}/files", service.as_of()["Authorization"]
    head = (f"PUT {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nContent-Type: text/plain\r\n"
            f"Content-Length: {length}\r\n\r\n")  # fmt: skip
    sent, answer, piece = 0, b"", bytes(1 << 18)
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as line:
        line.sendall(head.encode())
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while sent < length:
                sent += line.send(piece)
        with contextlib.suppress(ConnectionResetError):
            while more := line.recv(65_536):
                answer += more
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"connection: close\r\n" in answer.lower()
    assert b"case.not_found" in answer
    assert sent < 256 << 20
    assert service.stored() == before


def test_a_small_refused_request_keeps_its_connection(service: Served) -> None:
    path = f"/cases/{new_case(COURT).hex()}/files"
    answer = service.http.put(path, content=b"x" * 1_000, headers={**service.as_of(), **TEXT})
    check_problem(answer, 404, "case.not_found")
    assert "connection" not in answer.headers


@pytest.mark.parametrize(
    "falsify",
    [
        lambda digests: replace(digests, sm3=b"\1" * 32),
        lambda digests: replace(digests, sha256=b"\1" * 32),
        lambda digests: replace(digests, size=99),
    ],
    ids=["sm3", "sha256", "size"],
)
def test_digests_that_the_file_does_not_have_are_refused(
    falsify: Callable[[FileDigests], FileDigests], service: Served, tmp_path: Path
) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"x" * 100)
    digests = digest_file(path)
    with service.client() as client:
        assert client.upload(new_case(), path, "text/plain", digests=digests) == digests
        with pytest.raises(TiezhengError) as caught:
            client.upload(new_case(), path, "text/plain", digests=falsify(digests))
    assert caught.value.code == "file.digest_mismatch"


def test_a_case_id_of_nobody_is_no_case(steady: Served) -> None:
    for case in ("00" * 32, "ff" * 32, "80000001" + "00" * 28):
        answer = steady.http.put(f"/cases/{case}/files", content=FILE, headers={**steady.as_of(), **TEXT})
        check_problem(answer, 400, "statement.case")


def test_what_another_institution_holds_looks_exactly_like_nothing(service: Served, world: World) -> None:
    filed = world.deposit()
    case, digest = filed.statement.case, filed.statement.digest
    headers = {**service.as_of(), **TEXT}
    stored = service.http.put(f"/cases/{case.hex()}/files", content=FILE, headers=headers).json()["sm3"]
    assert service.post(filed).status_code == 201
    stranger = {**service.as_of(COURT), **TEXT}
    never, nowhere = os.urandom(32), new_case()
    known, unknown = digest.hex(), never.hex()
    for suffix in ("", "/receipt", "/refusal", "/bundle", "/bundle?pending=true"):
        seen = check_problem(
            service.http.get(f"/statements/{known}{suffix}", headers=stranger), 404, "evidence.not_found"
        )
        absent = check_problem(
            service.http.get(f"/statements/{unknown}{suffix}", headers=stranger), 404, "evidence.not_found"
        )
        assert {**seen, "got": ""} == {**absent, "got": ""}
    for method, suffix in (("GET", ""), ("PUT", "/files"), ("GET", f"/files/{stored}"), ("GET", f"/files/{unknown}")):
        body = FILE if method == "PUT" else b""
        seen, absent = (
            check_problem(
                service.http.request(method, f"/cases/{one.hex()}{suffix}", content=body, headers=stranger),
                404,
                "case.not_found",
            )
            for one in (case, nowhere)
        )
        assert {**seen, "got": ""} == {**absent, "got": ""}
    assert service.http.get("/cases", headers=stranger).json()["cases"] == []
    before = service.stored()
    step = replace(filed.statement, institution=COURT, sequence=1, previous=digest)
    meddled = replace(filed, signed=world.sign(step, [(COURT, SEAL)]))
    check_problem(service.post(meddled, content=False, institution=COURT), 404, "case.not_found")
    check_problem(service.post(filed, content=False, institution=COURT), 404, "case.not_found")
    assert service.stored() == before


def test_an_institution_hands_in_nothing_in_the_name_of_another(service: Served, world: World) -> None:
    filed = world.deposit()
    statement = replace(filed.statement, institution=COURT, sequence=1, previous=b"\1" * 32)
    lent = replace(filed, signed=world.sign(statement, [(COURT, SEAL)]))
    check_problem(service.post(lent, content=False), 403, "auth.forbidden")


def test_neither_log_nor_error_nor_lookup_tells_what_a_content_says(
    service: Served, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    filed, other = world.deposit(), world.deposit()
    service.post(filed)
    wrong = service.body(other)
    wrong["content"]["fields"][1]["value"] = "身份证 320100199001011234"
    told = service.http.post("/statements", json=wrong, headers=service.as_of()).text
    wrong["content"]["fields"][0]["extra"] = "320100199001011234"
    told += service.http.post("/statements", json=wrong, headers=service.as_of()).text
    told += service.http.get(f"/lookup/{filed.statement.subject.hex()}").text
    told += service.http.get("/cases?limit=7", headers=service.as_of()).text
    told += service.http.get("/nothing?name=320100199001011234").text
    told += "".join(capsys.readouterr())
    for secret in ("320100199001011234", "作品一", "甲", "work.txt", "limit=7", "tzt_"):
        assert secret not in told
    assert "request.answered" in told
    assert filed.statement.case.hex() not in told.partition("request.answered")[2].partition("\n")[0]


def test_pages_of_cases_follow_one_another(service: Served, world: World) -> None:
    made = []
    for _ in range(5):
        service.clock.now += 1_000
        filed = world.deposit()
        service.post(filed)
        made.append(filed.statement.case.hex())
    first = service.http.get("/cases?limit=2", headers=service.as_of()).json()
    second = service.http.get(f"/cases?limit=2&before_ms={first['next']}", headers=service.as_of()).json()
    third = service.http.get(f"/cases?limit=2&before_ms={second['next']}", headers=service.as_of()).json()
    assert third["next"] is None
    shown = [one["case"] for page in (first, second, third) for one in page["cases"]]
    assert shown == made[::-1]
    kind = filed.statement.kind
    with service.client() as client:
        assert len(client.cases(kind=kind)) == 5
        assert client.cases(kind=kind + 1) == []


def test_the_client_raises_what_the_service_answered(service: Served, tmp_path: Path) -> None:
    with service.client() as client:
        for call in (
            lambda: client.statement(b"\1" * 32),
            lambda: client.receipt(b"\1" * 32),
            lambda: client.bundle(b"\1" * 32),
        ):
            with pytest.raises(TiezhengError) as caught:
                call()
            assert (caught.value.code, caught.value.http_status) == ("evidence.not_found", 404)
        path = tmp_path / "x"
        path.write_bytes(b"x")
        with pytest.raises(TiezhengError) as caught:
            client.upload(new_case(), path, "text/plain", sm3=b"\1" * 32)
        assert caught.value.code == "file.digest_mismatch"
        with pytest.raises(TiezhengError) as caught:
            client.upload(new_case(COURT), path, "text/plain")
        assert caught.value.code == "case.not_found"
