"""Signed refusals over HTTP and on the command line: delivered, listed, checked, never taken again."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from api.logs import configure_logs
from ledger.domain.chain_records import BlockRef
from ledger.services.record_refusal import record_refusal
from tests.support.served import Served, check_problem
from tests.support.world import COURT, OFFICE, OPERATOR, REGISTRY, START, Filed, World
from tiezheng.cli.main import main
from tiezheng.client.refusals import RefusalChecker
from tiezheng.errors import CATALOGUE, NotFound, TiezhengError
from tiezheng.receipt import check_refusal, parse_refusal_file
from tiezheng.refusals import REASONS, REASONS_BY_NUMBER
from tiezheng.signature import Signature

KEY_ENDED = REASONS["KeyNotValid"].number
FOLLOWING = REASONS["CaseSequence"].number


def refuse(service: Served, filed: Filed, reason: int = KEY_ENDED) -> None:
    """As the worker does; a second later than what it did before."""
    rooms = service.rooms
    service.clock.now += 1_000
    block = BlockRef(7, b"\7" * 32, START)
    record_refusal(rooms.store, rooms.clock, rooms.operator, rooms.trust, filed.statement.digest, reason, block)


@contextmanager
def falsified(service: Served) -> Iterator[None]:
    """Within: every stored refusal names another block than was signed."""

    def change(old: bytes, new: bytes) -> None:
        with service.rooms.sql.engine.begin() as connection:
            for digest, file in connection.exec_driver_sql("SELECT digest, file FROM refusals").all():
                values = (file.replace(old, new), digest)
                connection.exec_driver_sql("UPDATE refusals SET file = ? WHERE digest = ?", values)

    change(b'"block_number":7', b'"block_number":8')
    yield
    change(b'"block_number":8', b'"block_number":7')


@pytest.fixture
def world(steady: Served) -> World:
    return steady.world


@pytest.fixture(scope="module")
def refused(steady: Served) -> list[Filed]:
    """A matter's first step, which stands, and three behind it that the chain refused."""
    matter = steady.world.matter()[:4]
    for one in matter:
        assert steady.post(one).status_code == 201
    refuse(steady, matter[1])
    return matter


@pytest.fixture
def profile(steady: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    configure_logs("CRITICAL")
    (tmp_path / "token").write_text(steady.token())
    path = tmp_path / "profile.json"
    members = {"service": steady.address, "token_file": "token", "institution": OFFICE, "signers": {}}
    path.write_text(json.dumps(members))
    monkeypatch.setenv("TIEZHENG_LANG", "both")
    monkeypatch.setenv("COLUMNS", "80")
    return path


def test_every_reason_says_in_both_languages_what_to_do() -> None:
    for reason in REASONS.values():
        zh, en = CATALOGUE[reason.code]
        assert zh.count("。") + zh.count("；") >= 2, reason.code
        assert "请" in zh, reason.code
        assert en.count(". ") + en.count("; ") + en.count(": ") >= 1, reason.code


def test_refusals_are_listed_with_their_reasons_and_their_signatures_hold(
    steady: Served, world: World, refused: list[Filed]
) -> None:
    with steady.client() as client:
        found, following = client.refusals()
        checker = RefusalChecker(client, client.ledger())
        files = [checker.check(one) for one in found]
        assert client.refusal(refused[1].statement.digest) == files[-1].to_bytes()
        assert checker.fetch(refused[1].statement.digest) == files[-1]
    assert following is None
    assert [one["digest"] for one in found] == [one.statement.digest.hex() for one in reversed(refused[1:])]
    assert [file.reason for file in files] == [FOLLOWING, FOLLOWING, KEY_ENDED]
    for told, file in zip(found, files, strict=True):
        reason = REASONS_BY_NUMBER[file.reason]
        assert (told["reason"], told["reason_code"]) == (reason.number, reason.code)
        assert (told["reason_zh"], told["reason_en"]) == CATALOGUE[reason.code]
        key = world.members[OPERATOR, 0].key.public
        check_refusal(file, key, world.contract(REGISTRY), bytes.fromhex(told["digest"]))


def test_pages_of_refusals_follow_one_another_also_within_one_millisecond(steady: Served, refused: list[Filed]) -> None:
    with steady.client() as client:
        whole = [one["digest"] for one in client.refusals()[0]]
        assert len({one["refused"] for one in client.refusals()[0]}) == 1
        paged: list[str] = []
        before: str | None = None
        for _ in range(4):
            page, before = client.refusals(limit=1, before=None if before is None else bytes.fromhex(before))
            paged += [one["digest"] for one in page]
            if before is None:
                break
    assert (len(whole), paged, before) == (3, whole, None)


def test_a_page_asked_for_wrongly_has_its_code(steady: Served, refused: list[Filed]) -> None:
    standing = refused[0].statement.digest.hex()
    for query, status, code in (
        ("before=00", 400, "request.hex"),
        ("limit=201", 400, "request.format"),
        ("after=1", 400, "request.format"),
        (f"before={'ab' * 32}", 404, "evidence.not_found"),
        (f"before={standing}", 404, "evidence.not_found"),
    ):
        check_problem(steady.http.get(f"/refusals?{query}", headers=steady.as_of()), status, code)
    check_problem(steady.http.get("/refusals"), 401, "auth.missing")
    check_problem(steady.http.get("/refusals", headers=steady.as_of(OFFICE, ("submit",))), 403, "auth.forbidden")


def test_another_institution_sees_nothing_of_it(steady: Served, refused: list[Filed]) -> None:
    headers = steady.as_of(COURT)
    assert steady.http.get("/refusals", headers=headers).json() == {"refusals": [], "next": None}
    known = refused[1].statement.digest.hex()
    check_problem(steady.http.get(f"/refusals?before={known}", headers=headers), 404, "evidence.not_found")


def test_who_was_invited_by_a_refused_statement_still_learns_of_its_own(service: Served) -> None:
    opening = service.world.deposit(counterparty=COURT)
    service.post(opening)
    invited = service.http.get("/refusals", headers=service.as_of(COURT)).json()["refusals"]
    refuse(service, opening)
    assert invited == service.http.get("/refusals", headers=service.as_of(COURT)).json()["refusals"] == []
    (own,) = service.http.get("/refusals", headers=service.as_of()).json()["refusals"]
    assert own["digest"] == opening.statement.digest.hex()
    # A statement of its own in that case: the invitation is gone, its receipt and refusal are not.
    rooms, digest = service.rooms, opening.statement.digest
    with rooms.sql.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE statements SET institution = ?", (COURT,))
    (own,) = service.http.get("/refusals", headers=service.as_of(COURT)).json()["refusals"]
    assert own["digest"] == digest.hex()
    for part in ("", "/receipt", "/refusal"):
        answer = service.http.get(f"/statements/{digest.hex()}{part}", headers=service.as_of(COURT))
        assert answer.status_code == 200, part


def test_the_same_statement_again_is_a_conflict_with_the_reason_and_its_receipt_stays(
    steady: Served, refused: list[Filed]
) -> None:
    before = steady.stored()
    problem = check_problem(steady.post(refused[1]), 409, "statement.refused")
    assert (problem["got"], problem["detail"]) == (refused[1].statement.digest.hex(), f"{KEY_ENDED} key.not_valid_then")
    assert steady.stored() == before
    path = f"/statements/{refused[1].statement.digest.hex()}"
    assert steady.http.get(f"{path}/receipt", headers=steady.as_of()).status_code == 200
    for query in ("", "?pending=true"):
        check_problem(steady.http.get(f"{path}/bundle{query}", headers=steady.as_of()), 409, "statement.refused")


def test_a_case_shows_what_was_refused_in_it(steady: Served, refused: list[Filed]) -> None:
    case = refused[0].statement.case
    with steady.client() as client:
        told = client.case(case)
        RefusalChecker(client, client.ledger()).check(told["refused"][0])
    assert [one["sequence"] for one in told["statements"]] == [0]
    assert [(one["sequence"], one["reason"]) for one in told["refused"]] == [
        (1, KEY_ENDED),
        (2, FOLLOWING),
        (3, FOLLOWING),
    ]


def test_a_case_whose_opening_was_refused_says_so(service: Served) -> None:
    opening = service.world.deposit()
    service.post(opening)
    refuse(service, opening)
    path = f"/cases/{opening.statement.case.hex()}"
    check_problem(service.http.get(path, headers=service.as_of()), 404, "case.refused")
    check_problem(service.http.get(path, headers=service.as_of(COURT)), 404, "case.not_found")


def test_a_forged_refusal_does_not_pass(steady: Served, world: World, refused: list[Filed]) -> None:
    with steady.client() as client:
        told = client.refusals()[0][-1]
        checker = RefusalChecker(client, client.ledger())
        checker.check(told)
        true = parse_refusal_file(steady.http.get(
            f"/statements/{told['digest']}/refusal", headers=steady.as_of()
        ).content)  # fmt: skip
        stranger = Signature(OFFICE, true.signature.role, 0, true.signature.r_s)
        later = replace(true, signature=replace(true.signature, key_index=9))
        forged: list[tuple[dict[str, object], str]] = [
            ({"refusal": replace(true, reason=KEY_ENDED + 1).to_json()}, "signature.invalid"),
            ({"refusal": replace(true, block_number=8).to_json()}, "signature.invalid"),
            ({"digest": "ab" * 32}, "receipt.mismatch"),
            ({"lane": "batch"}, "signature.invalid"),
            ({"refusal": replace(true, signature=stranger).to_json()}, "signature.signer"),
            ({"refusal": later.to_json()}, "key.unknown"),
            ({"refusal": None}, "json.member_type"),
        ]
        for changes, code in forged:
            with pytest.raises(TiezhengError) as caught:
                checker.check({**told, **changes})
            assert caught.value.code == code


def test_the_command_line_lists_refusals_with_what_to_do(
    profile: Path, refused: list[Filed], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["refusals", "--profile", str(profile)]) == 0
    told = capsys.readouterr().out
    for words in CATALOGUE["key.not_valid_then"]:
        assert words in told.replace("\n", "")
    assert "请勿原样重交" in told
    assert main(["refusals", "--profile", str(profile), "--limit", "2", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [one["verified"] for one in answer["refusals"]] == [True, True]
    assert answer["next"] == refused[2].statement.digest.hex()
    assert main(["refusals", "--profile", str(profile), "--before", answer["next"], "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert ([one["reason"] for one in answer["refusals"]], answer["next"]) == ([KEY_ENDED], None)


def test_the_command_line_names_a_refusal_whose_signature_does_not_hold(
    steady: Served, profile: Path, refused: list[Filed], capsys: pytest.CaptureFixture[str]
) -> None:
    with falsified(steady):
        assert main(["refusals", "--profile", str(profile), "--json"]) == 1
    printed = capsys.readouterr()
    assert [one["verified"] for one in json.loads(printed.out)["refusals"]] == [False] * 3
    assert "签名无效" in printed.err


def test_a_case_on_the_command_line_shows_refusals(
    profile: Path, refused: list[Filed], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["case", "show", refused[0].statement.case.hex(), "--profile", str(profile)]) == 0
    told = capsys.readouterr().out.replace("\n", "")
    assert "曾被链拒绝" in told
    assert all(words in told for words in CATALOGUE["key.not_valid_then"])


def test_waiting_for_a_bundle_ends_at_once_with_the_reason(
    profile: Path, refused: list[Filed], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    begun = time.monotonic()
    out = tmp_path / "never.json"
    asked = [refused[1].statement.digest.hex(), "--wait", "60", "--out", str(out), "--profile", str(profile)]
    assert main(["bundle", *asked]) == 1
    assert time.monotonic() - begun < 10
    told = capsys.readouterr().err.replace("\n", "")
    assert all(words in told for words in CATALOGUE["key.not_valid_then"])
    assert not out.exists()


def test_waiting_with_a_false_refusal_is_told_as_that(
    steady: Served, profile: Path, refused: list[Filed], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [refused[1].statement.digest.hex(), "--wait", "60", "--profile", str(profile), "--json"]
    with falsified(steady):
        assert main(["bundle", *asked]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "signature.invalid"


def test_a_refusal_that_is_not_there_is_not_found(steady: Served, world: World) -> None:
    filed = world.deposit()
    steady.post(filed)
    with steady.client() as client, pytest.raises(NotFound):
        RefusalChecker(client, client.ledger()).fetch(filed.statement.digest)
