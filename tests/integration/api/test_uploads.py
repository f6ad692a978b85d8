"""Uploads that go on after a cut, over HTTP: the words of the protocol, real cuts of the line, lies and bounds."""

import json
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from api.sweeping import sweep
from ledger.domain.limits import UPLOAD_LIFE_MS
from tests.support.served import Served, check_problem
from tests.support.world import COURT, OFFICE
from tiezheng.cli.main import main
from tiezheng.digest import FileDigests, sha256, sm3
from tiezheng.statement import new_case_id

MIB = 1 << 20
DATA = os.urandom(5 * MIB + 321)
PIECE = {"Content-Type": "application/partial-upload"}


class Caller:
    """Raw requests of one institution."""

    def __init__(
        self, service: Served, institution: int = OFFICE, scopes: tuple[str, ...] = ("submit", "read")
    ) -> None:
        self.http = service.http
        self.headers = service.as_of(institution, scopes)

    def begin(self, case: bytes, **changes: object) -> httpx.Response:
        body = {"size": len(DATA), "media_type": "video/mp4", **changes}
        return self.http.post(f"/cases/{case.hex()}/uploads", json=body, headers=self.headers)

    def piece(self, where: str, offset: int | str, data: bytes, **more: str) -> httpx.Response:
        headers = {**self.headers, **PIECE, "Upload-Offset": str(offset), **more}
        return self.http.patch(f"/uploads/{where}", content=data, headers=headers)

    def ask(self, method: str, where: str) -> httpx.Response:
        return self.http.request(method, where, headers=self.headers)


def new_case(institution: int = OFFICE) -> bytes:
    return new_case_id(institution, os.urandom(28))


def digests_of(data: bytes) -> dict[str, object]:
    return {"size": len(data), "sm3": sm3(data).hex(), "sha256": sha256(data).hex()}


def test_a_file_arrives_in_pieces_and_ends_as_a_put_ends(service: Served) -> None:
    caller, case = Caller(service), new_case()
    begun = caller.begin(case, sm3=sm3(DATA).hex())
    view = begun.json()
    assert (begun.status_code, begun.headers["location"]) == (201, f"/v1/uploads/{view['id']}")
    assert (view["offset"], view["complete"], view["sm3"], view["sha256"]) == (0, False, sm3(DATA).hex(), None)
    assert "min-append-size=1048576" in begun.headers["upload-limit"]
    upload = view["id"]

    first = caller.piece(upload, 0, DATA[: 2 * MIB], **{"Upload-Complete": "?0"})
    assert (first.status_code, first.content) == (204, b"")
    for method in ("HEAD", "GET"):
        state = caller.ask(method, f"/uploads/{upload}").headers
        told = {name: state[f"upload-{name}"] for name in ("offset", "length", "complete")}
        assert told == {"offset": str(2 * MIB), "length": str(len(DATA)), "complete": "?0"}
        assert state["cache-control"] == "no-store"
    assert caller.ask("GET", f"/cases/{case.hex()}").status_code == 404

    last = caller.piece(upload, 2 * MIB, DATA[2 * MIB :], **{"Upload-Complete": "?1"})
    assert (last.status_code, last.json()) == (201, digests_of(DATA))
    assert last.headers["upload-complete"] == "?1"
    again = caller.piece(upload, len(DATA), b"")
    assert (again.status_code, again.json()) == (200, digests_of(DATA))
    check_problem(caller.piece(upload, len(DATA), b"more"), 409, "upload.complete")
    done = caller.ask("GET", f"/uploads/{upload}").json()
    assert (done["complete"], done["sha256"]) == (True, sha256(DATA).hex())
    assert caller.ask("GET", f"/cases/{case.hex()}/files/{sm3(DATA).hex()}").content == DATA
    assert [one["id"] for one in caller.ask("GET", "/uploads").json()["uploads"]] == [upload]
    assert caller.ask("GET", f"/uploads?case={new_case().hex()}").json() == {"uploads": []}


def cut(service: Served, caller: Caller, upload: str, sent: bytes, reset: bool) -> None:
    """Announce the whole file, send some bytes of it, then break the line: in order, or with a reset."""
    head = (
        f"PATCH /v1/uploads/{upload} HTTP/1.1\r\nHost: x\r\nAuthorization: {caller.headers['Authorization']}\r\n"
        f"Content-Type: application/partial-upload\r\nUpload-Offset: 0\r\nContent-Length: {len(DATA)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(head.encode() + sent)
        if reset:
            time.sleep(0.3)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def offset_of(caller: Caller, upload: str) -> int:
    return int(caller.ask("HEAD", f"/uploads/{upload}").headers["upload-offset"])


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("sent", [1, MIB - 1, MIB + 1, 3 * MIB + 77])
@pytest.mark.parametrize("reset", [True, False])
def test_a_line_that_breaks_costs_no_more_than_what_lay_in_buffers(sent: int, reset: bool, service: Served) -> None:
    caller, case = Caller(service), new_case()
    upload = caller.begin(case).json()["id"]
    cut(service, caller, upload, DATA[:sent], reset)
    # The service may hear of the next request before it has read the one that was cut.
    wait_until(lambda: offset_of(caller, upload) > sent - MIB)
    while True:
        offset = offset_of(caller, upload)
        answer = caller.piece(upload, offset, DATA[offset:])
        if answer.status_code in {200, 201}:
            break
        # Either the service has not noticed the cut yet, or it stored the rest between the question and the piece.
        assert check_problem(answer, 409, answer.json()["code"])["code"] in {"upload.busy", "upload.offset"}
        time.sleep(0.02)
    assert sent - MIB < offset <= sent
    assert b"".join(service.rooms.read_file.open(case, sm3(DATA), OFFICE).pieces) == DATA


def test_lies_and_mistakes_are_refused_with_their_codes_and_change_nothing(service: Served) -> None:
    caller, case = Caller(service), new_case()
    upload = caller.begin(case).json()["id"]
    assert caller.piece(upload, 0, DATA[:MIB]).status_code == 204
    ahead = check_problem(caller.piece(upload, MIB + 1, DATA[MIB + 1 :]), 409, "upload.offset")
    behind = check_problem(caller.piece(upload, 0, DATA[:MIB]), 409, "upload.offset")
    assert {(one["expected"], one["got"]) for one in (ahead, behind)} == {(MIB, MIB + 1), (MIB, 0)}
    long = check_problem(caller.piece(upload, MIB, DATA[MIB:] + b"x"), 400, "upload.size")
    assert long["expected"] == len(DATA) - MIB
    check_problem(caller.piece(upload, MIB, DATA[MIB : 2 * MIB], **{"Upload-Complete": "?1"}), 400, "upload.size")
    check_problem(caller.piece(upload, MIB, DATA[MIB:], **{"Upload-Complete": "?0"}), 400, "upload.size")
    check_problem(caller.piece(upload, MIB, b"short"), 400, "upload.piece")
    for offset in ("", "-1", "x", "1" * 30):
        check_problem(caller.piece(upload, offset, DATA[MIB:]), 400, "request.format")
    check_problem(caller.piece(upload, MIB, DATA[MIB:], **{"Upload-Complete": "1"}), 400, "request.format")
    check_problem(caller.piece(upload, MIB, DATA[MIB:], **{"Content-Type": "video/mp4"}), 400, "request.format")
    check_problem(caller.piece("zz", MIB, b""), 400, "request.hex")
    chunked = caller.http.patch(
        f"/uploads/{upload}", content=iter([DATA[MIB:]]), headers={**caller.headers, **PIECE, "Upload-Offset": str(MIB)}
    )
    check_problem(chunked, 400, "upload.piece")
    assert offset_of(caller, upload) == MIB
    assert caller.piece(upload, MIB, DATA[MIB:]).json() == digests_of(DATA)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"size": 0}, 400, "file.empty"),
        ({"size": 1 << 50}, 413, "file.too_large"),
        ({"size": -1}, 400, "json.integer_range"),
        ({"size": "5"}, 400, "json.member_type"),
        ({"size": 2.5}, 400, "json.float"),
        ({"media_type": 7}, 400, "file.media_type"),
        ({"media_type": "x"}, 400, "file.media_type"),
        ({"sm3": "00"}, 400, "json.hex"),
        ({"name": "x"}, 400, "json.member_unknown"),
        ({"media_type": "a/b" * 500}, 413, "request.too_large"),
    ],
)
def test_what_cannot_be_begun_says_why(changes: dict[str, object], status: int, code: str, steady: Served) -> None:
    check_problem(Caller(steady).begin(new_case(), **changes), status, code)
    assert Caller(steady).ask("GET", "/uploads").json() == {"uploads": []}


def test_a_false_digest_is_refused_and_leaves_nothing(service: Served) -> None:
    caller, before = Caller(service), service.stored()
    upload = caller.begin(new_case(), sm3="01" * 32).json()["id"]
    problem = check_problem(caller.piece(upload, 0, DATA), 422, "file.digest_mismatch")
    assert (problem["expected"], problem["got"]) == ("01" * 32, sm3(DATA).hex())
    check_problem(caller.piece(upload, len(DATA), b""), 404, "upload.not_found")
    assert service.stored() == before


def test_anothers_upload_looks_like_one_that_is_not_there(service: Served) -> None:
    upload = Caller(service).begin(new_case()).json()["id"]
    court = Caller(service, COURT)
    for where in (upload, "00" * 16):
        answers = [court.ask("GET", f"/uploads/{where}"), court.ask("DELETE", f"/uploads/{where}")]
        for answer in [*answers, court.piece(where, 0, DATA)]:
            problem = check_problem(answer, 404, "upload.not_found")
            assert set(problem) == {"type", "title", "title_zh", "status", "code"}
    assert court.ask("HEAD", f"/uploads/{upload}").status_code == 404
    check_problem(court.begin(new_case()), 404, "case.not_found")
    reader = Caller(service, scopes=("read",))
    check_problem(reader.begin(new_case()), 403, "auth.forbidden")
    check_problem(reader.piece(upload, 0, DATA), 403, "auth.forbidden")
    check_problem(service.http.get("/uploads"), 401, "auth.missing")


def test_of_two_that_write_at_once_one_is_told_to_wait(service: Served) -> None:
    caller = Caller(service)
    upload = caller.begin(new_case()).json()["id"]
    held, answers = threading.Event(), list[httpx.Response]()

    def slowly() -> "object":
        yield DATA[: 2 * MIB]
        held.wait(20)
        yield DATA[2 * MIB :]

    def send() -> None:
        headers = {**caller.headers, **PIECE, "Upload-Offset": "0", "Content-Length": str(len(DATA))}
        with httpx.Client(base_url=f"{service.address}/v1", trust_env=False, timeout=30) as http:
            answers.append(http.patch(f"/uploads/{upload}", content=slowly(), headers=headers))  # type: ignore[arg-type]

    thread = threading.Thread(target=send)
    thread.start()
    wait_until(lambda: any(service.home.objects.rglob("*.part")))
    busy = caller.piece(upload, 0, DATA)
    dropped = caller.ask("DELETE", f"/uploads/{upload}")
    held.set()
    thread.join()
    check_problem(busy, 409, "upload.busy")
    check_problem(dropped, 409, "upload.busy")
    assert (answers[0].status_code, answers[0].json()) == (201, digests_of(DATA))


def test_an_upload_that_is_dropped_or_expires_leaves_no_byte_behind(service: Served) -> None:
    caller, before = Caller(service), service.stored()
    dropped, left = (caller.begin(new_case()).json()["id"] for _ in range(2))
    for upload in (dropped, left):
        assert caller.piece(upload, 0, DATA[:MIB]).status_code == 204
    assert caller.ask("DELETE", f"/uploads/{dropped}").status_code == 204
    check_problem(caller.ask("GET", f"/uploads/{dropped}"), 404, "upload.not_found")
    service.clock.now += UPLOAD_LIFE_MS
    sweep(service.rooms)
    service.clock.now -= UPLOAD_LIFE_MS
    check_problem(caller.ask("GET", f"/uploads/{left}"), 404, "upload.not_found")
    assert service.stored() == before


def test_the_quota_is_one_for_both_ways_and_says_what_is_left(service: Served) -> None:
    caller, case = Caller(service), new_case()
    with service.rooms.store.write() as tables:
        tables.files.put_quota(OFFICE, len(DATA) + 10)
    caller.begin(case)
    assert check_problem(caller.begin(case, size=11), 403, "file.quota")["expected"] == 10
    headers = {**caller.headers, "Content-Type": "a/b"}
    put = caller.http.put(f"/cases/{case.hex()}/files", content=b"x" * 11, headers=headers)
    assert check_problem(put, 403, "file.quota")["expected"] == 10
    assert caller.http.put(f"/cases/{case.hex()}/files", content=b"x" * 10, headers=headers).status_code == 201


def test_the_audit_finds_nothing_amiss_in_what_arrived_in_pieces(service: Served, tmp_path: Path) -> None:
    from anchors.audit_files import FileAudit
    from anchors.findings import Findings

    caller, case = Caller(service), new_case()
    upload = caller.begin(case).json()["id"]
    for start, end in ((0, MIB + 5), (MIB + 5, len(DATA))):
        caller.piece(upload, start, DATA[start:end])
    caller.piece(caller.begin(new_case()).json()["id"], 0, DATA[:MIB])
    findings = Findings()
    wanted = {case: {FileDigests(len(DATA), sm3(DATA), sha256(DATA)).sm3}}
    rooms = service.rooms
    audit = FileAudit(rooms.store, rooms.objects, findings)
    audit.run(wanted, lambda _what, _count, _total=None: None)
    assert len(audit.intact) == 1
    assert not findings.found


def test_the_operator_shows_and_sets_a_quota_while_the_service_runs(
    service: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    caller, home = Caller(service), ["--home", str(service.home.root), "--institution", str(OFFICE), "--json"]
    caller.begin(new_case())

    def told(*more: str) -> dict[str, int]:
        capsys.readouterr()
        assert main(["quota", *home, *more]) == 0
        # The service logs to the same place.
        out = capsys.readouterr().out
        answer: dict[str, int] = json.loads(out[out.index("{\n") : out.index("\n}") + 2])
        return answer

    assert told("--gib", "1")["left"] == (1 << 30) - len(DATA)
    check_problem(caller.begin(new_case(), size=1 << 30), 403, "file.quota")
    assert told("--gib", "0")["left"] == 0
    check_problem(caller.begin(new_case(), size=1), 403, "file.quota")
    usual = told("--default")
    assert (usual["quota"], usual["reserved"]) == (4 << 40, len(DATA))
    assert caller.begin(new_case()).status_code == 201
