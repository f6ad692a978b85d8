"""From typed words to drafts: plans of signers, values by schema, tables of works, profiles, times."""

import json
from pathlib import Path

import pytest

from tests.support.world import World
from tiezheng.cli.deposit_table import read_records
from tiezheng.cli.drafts import build_draft, find_kind, find_procedure, opening, plan_signers
from tiezheng.cli.field_values import read_values
from tiezheng.cli.files import write_new
from tiezheng.cli.profile import load_profile, parse_number
from tiezheng.cli.session import _compare
from tiezheng.cli.submit import read_request
from tiezheng.cli.times import local_times, parse_time, show_gap, show_time
from tiezheng.client import LedgerView
from tiezheng.errors import TiezhengError
from tiezheng.statement import Flag

MATTER = find_procedure("matter")
ISSUE = find_kind(MATTER, "issue")
NOTARY = 0x8000_0001


def code_of(call: object) -> str:
    with pytest.raises(TiezhengError) as caught:
        call()  # type: ignore[operator]
    return caught.value.code


def test_a_plan_has_the_institution_by_itself_and_persons_in_their_roles() -> None:
    assert plan_signers(ISSUE, 101, [NOTARY]) == ((101, 0x00), (NOTARY, 0x41))
    assert plan_signers(ISSUE, 101, [101, NOTARY]) == ((101, 0x00), (NOTARY, 0x41))
    assert code_of(lambda: plan_signers(ISSUE, 101, [])) == "signature.count"
    assert code_of(lambda: plan_signers(ISSUE, 101, [NOTARY, NOTARY + 1])) == "signature.count"


def test_a_draft_commits_to_its_content_and_its_plan() -> None:
    plan = plan_signers(MATTER.by_step[1], 101, [])
    values = {"matter_type": "x", "applicant": "y"}
    draft = build_draft(MATTER.by_step[1], opening(MATTER, 101), 101, plan, values, 1)
    assert draft.statement.content == draft.content.root
    assert draft.content.get("signers").value == [[101, 0]]
    assert draft.statement.previous == MATTER.table_digest
    assert not draft.statement.flags & Flag.BATCH
    bulk = find_procedure("bulk_deposit")
    kind = find_kind(bulk, "deposit")
    given = {"title": "t", "given_by": "party"}
    sent = build_draft(kind, opening(bulk, 101), 101, plan_signers(kind, 101, []), given, 1, subject=bytes([1]) * 32)
    assert sent.statement.flags & Flag.BATCH
    hidden = build_draft(kind, opening(bulk, 101), 101, plan, given, 1, subject=bytes([1]) * 32, confidential=True)
    assert hidden.statement.subject == bytes(32)


def test_values_take_the_types_of_the_schema() -> None:
    review = find_kind(MATTER, "review")
    assert read_values(review, ["capacity_ok=true", "matter_ok=否", "opinion=a=b"]) == {
        "capacity_ok": True,
        "matter_ok": False,
        "opinion": "a=b",
    }
    assert code_of(lambda: read_values(review, ["capacity_ok=maybe"])) == "content.field_value"
    for typed in ("unknown=1", "opinion", "signers=[]", "=x"):
        assert code_of(lambda typed=typed: read_values(review, [typed])) == "content.unknown_field"


def test_unknown_types_and_steps_are_named() -> None:
    assert code_of(lambda: find_procedure("marriage")) == "procedure.unknown"
    assert code_of(lambda: find_kind(MATTER, "forge")) == "statement.kind"


HEAD = "title,author,kind_of_work,file_size,file_sm3,file_sha256\n"
ROW = f"作品,,photograph,3,{'ab' * 32},{'cd' * 32}\n"
BULK = find_procedure("bulk_deposit")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_table_becomes_one_record_a_row(tmp_path: Path, mark: bytes) -> None:
    (tmp_path / "t.csv").write_bytes(mark + (HEAD + ROW * 3).encode())
    records = read_records(tmp_path / "t.csv", BULK)
    assert len(records) == 3
    assert len({record.root for record in records}) == 3


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "file.empty"),
        ("\n", "file.empty"),
        ("title,price\nx,1\n", "content.unknown_field"),
        (HEAD + ROW.replace(",3,", ",three,"), "content.field_value"),
        (HEAD + ROW.replace("photograph", "dance"), "content.field_value"),
        (HEAD + ROW.replace("作品", ""), "content.missing"),
        (HEAD + ROW.replace("\n", ",more\n"), "content.unknown_field"),
        (HEAD + ROW.replace("作品", '"作品'), "file.unreadable"),
    ],
)
def test_a_bad_table_is_refused(tmp_path: Path, text: str, code: str) -> None:
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    assert code_of(lambda: read_records(tmp_path / "t.csv", BULK)) == code


def test_a_table_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes((HEAD + ROW).encode("gbk"))
    assert code_of(lambda: read_records(tmp_path / "t.csv", BULK)) == "file.encoding"


PROFILE = {"service": "http://127.0.0.1:1/", "institution": 101, "signers": {}}


def test_a_profile_reads_its_files_beside_itself(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("tzt_x\n")
    entry = {"key": "k.pem", "key_index": 2}
    given = {**PROFILE, "token_file": "token", "signers": {"101": entry}, "trust": "t.json"}
    (tmp_path / "p.json").write_text(json.dumps(given))
    profile = load_profile(tmp_path / "p.json")
    assert (profile.service, profile.token, profile.trust) == ("http://127.0.0.1:1", "tzt_x", tmp_path / "t.json")
    assert (profile.signers[101].key, profile.signers[101].key_index) == (tmp_path / "k.pem", 2)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", "[" * 100_000, json.dumps({**PROFILE, "extra": 1}), json.dumps({**PROFILE, "institution": "101"}),
     json.dumps({**PROFILE, "signers": {"101": []}}), json.dumps({**PROFILE, "signers": {"x": {"key": "k"}}}),
     json.dumps({**PROFILE, "signers": {"1": {"key": "k", "key_index": 256}}}), json.dumps({**PROFILE, "trust": 1})],
)  # fmt: skip
def test_an_odd_profile_is_a_configuration_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.json").write_text(text)
    assert code_of(lambda: load_profile(tmp_path / "p.json")) == "config.value"


def test_no_profile_is_named_as_missing() -> None:
    assert code_of(lambda: load_profile(None)) == "config.missing"


def test_nothing_is_signed_for_another_ledger_than_the_trust_file_names(tmp_path: Path) -> None:
    world = World("session")
    trust = world.trust()
    (tmp_path / "trust.json").write_bytes(trust.to_bytes())
    ids = {contract.role: contract.id for contract in trust.contracts}
    ledger = trust.ledger
    view = LedgerView(ledger.chain_id, ledger.founding, ledger.genesis, 2, ids, {})
    _compare(view, tmp_path / "trust.json")
    other = LedgerView(ledger.chain_id, bytes(32), ledger.genesis, 2, ids, {})
    assert code_of(lambda: _compare(other, tmp_path / "trust.json")) == "trust.ledger"
    replaced = {**ids, "registry": bytes([7]) * 32}
    lying = LedgerView(ledger.chain_id, ledger.founding, ledger.genesis, 2, replaced, {})
    assert code_of(lambda: _compare(lying, tmp_path / "trust.json")) == "trust.contract_unknown"


@pytest.mark.parametrize(
    "text", ["{}", "[]", '{"type": "matter", "x": 1}', '{"type": 1}', '{"type": "matter", "case": 1}']
)
def test_a_request_with_odd_members_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.json").write_text(text)
    assert code_of(lambda: read_request(tmp_path / "r.json")).startswith("json.member_")


@pytest.mark.parametrize("text", ["0", "-1", "4294967296", "x", "", "1e3"])
def test_a_number_outside_the_space_is_refused(text: str) -> None:
    assert parse_number("0x80000001") == parse_number("2147483649") == NOTARY
    assert code_of(lambda: parse_number(text)) == "config.value"


def test_times_carry_their_offset() -> None:
    assert parse_time("2026-11-23T08:00:00Z") == parse_time("2026-11-23T16:00:00+08:00")
    assert parse_time("2026-11-23T16:00:00") == parse_time("2026-11-23T08:00:00Z")
    assert show_time(parse_time("2026-11-23")) == "2026-11-23 00:00:00+08:00"
    assert show_time(1 << 48) == f"{1 << 48} ms"
    assert (show_gap(-400), show_gap(-90_000), show_gap(3 * 86_400_000)) == ("0:00:00", "-0:01:30", "3 d 0 h")
    for text in ("", "yesterday", "1969-12-31", "2026-13-01"):
        assert code_of(lambda text=text: parse_time(text)) == "config.value"


def test_a_sentence_shows_its_utc_times_with_the_offset_of_the_reader() -> None:
    assert local_times("at 2026-11-23T15:59:47Z, then") == "at 2026-11-23 23:59:47+08:00, then"
    assert local_times("step 3 of 2026-11-23") == "step 3 of 2026-11-23"


def test_a_new_file_is_whole_and_never_replaces_one(tmp_path: Path) -> None:
    write_new(tmp_path / "a", b"first")
    assert code_of(lambda: write_new(tmp_path / "a", b"second")) == "file.exists"
    assert code_of(lambda: write_new(tmp_path / "absent" / "a", b"")) == "file.unwritable"
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("a", b"first")]
