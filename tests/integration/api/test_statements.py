"""Statements over HTTP: accepted with a receipt that its holder can check, or refused with a code and no trace."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from ledger.domain.limits import FUTURE_TOLERANCE_MS
from tests.integration.api.worked import anchor, deposit_cards, house_of, make_final
from tests.support.served import Served, check_problem
from tests.support.world import (
    AT_MS,
    BATCH,
    COURT,
    FILE,
    NOTARY,
    OFFICE,
    OPERATOR,
    REGISTRY,
    REGULATOR,
    SEAL,
    START,
    Filed,
    World,
)
from tiezheng.bundle import parse_bundle
from tiezheng.content import DisclosedContent
from tiezheng.receipt import check_receipt, parse_receipt_file
from tiezheng.statement import SignedStatement
from tiezheng.verify import Result, verify

N = int("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123", 16)
HANDLER = 0x41


def receipt_holds(world: World, filed: Filed, receipt: bytes) -> None:
    """As the holder checks it, with the operator's public key."""
    contract = world.contract(BATCH if filed.statement.flags & 8 else REGISTRY)
    check_receipt(parse_receipt_file(receipt), world.members[OPERATOR, 0].key.public, contract, filed.signed)


def test_a_statement_gets_a_receipt_that_its_holder_can_check(service: Served, world: World) -> None:
    filed = world.deposit()
    digest = filed.statement.digest
    answer = service.post(filed)
    assert answer.status_code == 201
    assert answer.json()["digest"] == digest.hex()
    with service.client() as client:
        receipt_holds(world, filed, client.receipt(digest))
        told = client.statement(digest)
    assert (told["status"], told["case"], told["sequence"]) == ("accepted", filed.statement.case.hex(), 0)
    assert bytes.fromhex(told["statement"]) == filed.statement.to_bytes()
    assert [bytes.fromhex(one) for one in told["signatures"]] == [one.to_bytes() for one in filed.signed.signatures]


def test_the_same_again_gives_the_same_receipt_and_200(service: Served, world: World) -> None:
    filed = world.deposit()
    first = service.post(filed)
    before = service.stored()
    service.clock.now += 60_000
    again = service.post(filed)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.content == first.content
    assert service.stored() == before


def test_statements_from_many_callers_at_once_are_all_accepted(service: Served, world: World) -> None:
    filed = [world.deposit() for _ in range(60)]
    with service.client() as client, ThreadPoolExecutor(12) as pool:
        receipts = list(pool.map(lambda one: client.submit(one.signed, None), filed))
    for one, receipt in zip(filed, receipts, strict=True):
        receipt_holds(world, one, receipt.to_bytes())
    assert max(receipt.count for receipt in receipts) > 1, "no two statements shared a group"
    assert service.stored()["statements"] == 60


def test_a_whole_matter_with_its_contents_becomes_a_valid_bundle(service: Served, world: World) -> None:
    matter = world.matter()
    with service.client() as client:
        for filed in matter:
            client.submit(filed.signed, filed.content)
        last = matter[-1].statement
        told = client.case(last.case)
        assert [one["digest"] for one in told["statements"]] == [one.statement.digest.hex() for one in matter]
        assert (told["last"], told["sequence"], told["closed"]) == (last.digest.hex(), len(matter) - 1, False)
        headers = service.as_of()
        path = f"/statements/{last.digest.hex()}/bundle"
        problem = check_problem(service.http.get(path, headers=headers), 409, "bundle.not_final")
        assert problem["got"] == "accepted"
        deposit_cards(service)
        anchor(service, *matter)
        check_problem(service.http.get(path, headers=headers), 409, "bundle.not_final")
        pending = client.bundle(last.digest, pending=True)
        assert verify(pending, service.rooms.trust, AT_MS, ()).result is Result.INCONCLUSIVE
        house_of(service).cosign(world.header(), (REGULATOR, COURT))
        bundle = client.bundle(last.digest)
        assert client.statement(last.digest)["status"] == "final"
    assert verify(bundle, service.rooms.trust, AT_MS, ()).result is Result.VALID
    assert len(parse_bundle(bundle).statements) == len(matter)
    single = service.http.get(path, headers=headers).content
    assert len(parse_bundle(single).statements) == 1
    assert "公证员".encode() in bundle, "names were asked for"
    assert "公证员".encode() not in single, "and here they were not"


def test_a_final_deposit_can_be_looked_up_and_verified_with_its_file(service: Served, world: World) -> None:
    filed = world.deposit()
    case, digest = filed.statement.case, filed.statement.digest
    headers = {**service.as_of(), "Content-Type": "text/plain"}
    assert service.http.put(f"/cases/{case.hex()}/files", content=FILE, headers=headers).status_code == 201
    assert service.post(filed, not_held=[]).status_code == 201
    deposit_cards(service)
    make_final(service, filed)
    with service.client() as client:
        (found,) = client.lookup(filed.statement.subject)
        bundle = client.bundle(digest)
    assert found == {
        "digest": digest.hex(),
        "institution": OFFICE,
        "kind": filed.statement.kind,
        "status": "final",
        "block_time": START + 100,
    }
    assert verify(bundle, service.rooms.trust, AT_MS, ()).result is Result.VALID


def test_a_record_of_a_bulk_deposit_is_disclosed_and_one_too_far_refused(service: Served, world: World) -> None:
    lots = world.bulk(lots=1, index=0)
    assert service.post(lots).status_code == 201
    path = f"/statements/{lots.statement.digest.hex()}/bundle?pending=true&record="
    bundle = parse_bundle(service.http.get(path + "1", headers=service.as_of()).content)
    assert bundle.statements[0].content is not None
    records = [one for one in bundle.statements[0].content.leaves if isinstance(one.leaf, DisclosedContent)]
    assert len(records) == 1
    check_problem(service.http.get(path + "3", headers=service.as_of()), 400, "content.leaf_place")


# Refusals: each starts from a statement that would be accepted.


def signed_as(filed: Filed, **changes: object) -> SignedStatement:
    first = filed.signed.signatures[0]
    return SignedStatement(filed.statement, (replace(first, **changes), *filed.signed.signatures[1:]))  # type: ignore[arg-type]


def wrong_key(world: World, filed: Filed) -> SignedStatement:
    stranger = World("another")
    stranger.chain_id = world.chain_id
    return stranger.sign(filed.statement, [(OFFICE, SEAL)])


def with_r_s(r: int, s: int) -> Callable[[World, Filed], SignedStatement]:
    return lambda _, filed: signed_as(filed, r_s=r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def at(world: World, filed: Filed, **changes: object) -> SignedStatement:
    return world.sign(replace(filed.statement, **changes), [(OFFICE, SEAL)])  # type: ignore[arg-type]


def collected_in_another_role(world: World, filed: Filed) -> SignedStatement:
    """The signature itself is over role 0x41; it is handed in for the seal."""
    other = world.sign(filed.statement, [(OFFICE, HANDLER)]).signatures[0]
    return SignedStatement(filed.statement, (replace(other, role=SEAL),))


def unknown_institution(world: World, filed: Filed) -> SignedStatement:
    world.enrol(replace(world.members[OFFICE, 0], number=150, institution=150, key=world.key(150)))
    case = (150).to_bytes(4, "big") + filed.statement.case[4:]
    return world.sign(replace(filed.statement, institution=150, case=case), [(150, SEAL)])


FAR = (START + 100) * 1000 + FUTURE_TOLERANCE_MS + 1
REFUSED: dict[str, tuple[Callable[[World, Filed], SignedStatement], int, str]] = {
    "another key signed": (wrong_key, 422, "signature.invalid"),
    "r is zero": (with_r_s(0, 5), 422, "signature.invalid"),
    "s is zero": (with_r_s(5, 0), 422, "signature.invalid"),
    "r is n": (with_r_s(N, 5), 422, "signature.invalid"),
    "s is all ones": (with_r_s(5, (1 << 256) - 1), 422, "signature.invalid"),
    "r + s is n": (with_r_s(5, N - 5), 422, "signature.invalid"),
    "it was collected for another role": (collected_in_another_role, 422, "signature.invalid"),
    "it was signed for another contract": (
        lambda world, filed: world.sign(filed.statement, [(OFFICE, SEAL)], BATCH),
        422,
        "signature.invalid",
    ),
    "the key index is not registered": (lambda _, filed: signed_as(filed, key_index=1), 403, "key.unknown"),
    "the role is another": (lambda _, filed: signed_as(filed, role=0x80), 403, "signature.role"),
    "a stranger signed": (lambda world, filed: world.sign(filed.statement, [(NOTARY, HANDLER)]), 403, "signature.role"),
    "there is a signature too many": (
        lambda world, filed: world.sign(filed.statement, [(OFFICE, SEAL), (NOTARY, HANDLER)]),
        403,
        "signature.count",
    ),
    "it happens in the future": (lambda world, filed: at(world, filed, occurred=FAR), 403, "statement.future"),
    "its case does not exist": (lambda world, filed: at(world, filed, sequence=1), 404, "case.not_found"),
    "its procedure is unknown": (lambda world, filed: at(world, filed, previous=b"\7" * 32), 403, "procedure.unknown"),
    "its domain has no registry": (lambda world, filed: at(world, filed, kind=0x2101), 403, "trust.contract_unknown"),
    "its kind is unknown": (
        lambda world, filed: at(world, filed, kind=filed.statement.kind + 90),
        403,
        "statement.kind",
    ),
    "its institution is not the token's": (unknown_institution, 404, "case.not_found"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_statement_is_refused_and_leaves_no_trace_when(name: str, steady: Served) -> None:
    corrupt, status, code = REFUSED[name]
    filed = steady.world.deposit()
    bad = replace(filed, signed=corrupt(steady.world, filed))
    before = steady.stored()
    answer = steady.post(bad, content=False)
    check_problem(answer, status, code)
    assert steady.stored() == before


def test_an_institution_that_is_not_registered_is_refused(service: Served, world: World) -> None:
    signed = unknown_institution(world, world.deposit())
    filed = replace(world.deposit(), signed=signed)
    before = service.stored()
    check_problem(service.post(filed, content=False, institution=150), 403, "key.unknown")
    assert service.stored() == before


def test_a_key_that_ended_is_refused(service: Served, world: World) -> None:
    filed = world.deposit()
    with service.rooms.store.write() as tables:
        tables.members.end_key(OFFICE, 0, START + 100, 1)
    before = service.stored()
    check_problem(service.post(filed), 403, "key.not_valid_then")
    assert service.stored() == before


def test_of_two_signatures_none_can_be_dropped_reordered_or_repeated(service: Served, world: World) -> None:
    matter = world.matter()
    with service.client() as client:
        for filed in matter[:-1]:
            client.submit(filed.signed, filed.content)
    last = matter[-1]
    office, notary = (one.to_bytes().hex() for one in last.signed.signatures)
    before = service.stored()
    for signatures, code in (
        ([office], "signature.count"),
        ([notary], "signature.count"),
        ([notary, office], "signature.order"),
        ([office, office], "signature.order"),
        ([office[:12] + notary[12:], notary[:12] + office[12:]], "signature.invalid"),
        ([office, notary, notary], "signature.order"),
        ([office[:-2], notary], "signature.length"),
    ):
        answer = service.post(last, signatures=signatures)
        status = {"signature.count": 403, "signature.invalid": 422}.get(code, 400)
        check_problem(answer, status, code)
    assert service.stored() == before
    assert service.post(last).status_code == 201, "the good one still passes"


def test_steps_come_in_order_and_a_place_is_taken_once(service: Served, world: World) -> None:
    matter = world.matter()
    assert service.post(matter[0]).status_code == 201
    before = service.stored()
    early = service.post(matter[2])
    assert early.json()["code"] in {"statement.sequence", "statement.previous"}
    check_problem(early, early.status_code, early.json()["code"])
    first = matter[0]
    rival = replace(first.statement, occurred=first.statement.occurred + 1)
    answer = service.post(replace(first, signed=world.sign(rival, [(OFFICE, SEAL)])))
    problem = check_problem(answer, 409, "case.position_taken")
    assert problem["expected"] == first.statement.digest.hex()
    assert service.stored() == before


def test_a_content_that_is_not_the_one_signed_for_is_refused(service: Served, world: World) -> None:
    filed, other = world.deposit(), world.deposit()
    before = service.stored()
    content = service.body(other)["content"]
    answer = service.http.post("/statements", json={**service.body(filed), "content": content}, headers=service.as_of())
    check_problem(answer, 422, "content.root_mismatch")
    answer = service.post(filed, not_held=[])
    check_problem(answer, 403, "file.not_uploaded")
    answer = service.post(filed, not_held=["00" * 32])
    check_problem(answer, 400, "request.format")
    assert service.stored() == before


@pytest.mark.parametrize(
    ("cut", "code"),
    [
        (lambda whole: whole[:-2], "statement.length"),
        (lambda whole: whole + "00", "statement.length"),
        (lambda whole: "02" + whole[2:], "statement.version"),
        (lambda whole: whole[:6] + "ffff" + whole[10:], "statement.flags"),
        (lambda whole: whole * 2, "statement.length"),
        (lambda whole: whole * 20, "json.hex"),
    ],
)
def test_bytes_that_are_no_statement_are_malformed(cut: Callable[[str], str], code: str, steady: Served) -> None:
    filed = steady.world.deposit()
    before = steady.stored()
    answer = steady.post(filed, content=False, statement=cut(filed.statement.to_bytes().hex()))
    check_problem(answer, 400, code)
    assert steady.stored() == before


def test_a_full_backlog_says_when_to_come_back(service: Served, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.services.judge_group.BACKLOG_MAX", 0)
    before = service.stored()
    answer = service.post(world.deposit())
    problem = check_problem(answer, 503, "chain.backlog")
    assert int(answer.headers["retry-after"]) == problem["retry_after_seconds"] > 0
    assert service.stored() == before


def test_a_refused_statement_shows_its_signed_refusal(service: Served, world: World) -> None:
    from ledger.domain.chain_records import BlockRef
    from ledger.services.record_refusal import record_refusal
    from tiezheng.receipt import check_refusal, parse_refusal_file

    filed = world.deposit()
    service.post(filed)
    digest = filed.statement.digest
    path = f"/statements/{digest.hex()}/refusal"
    check_problem(service.http.get(path, headers=service.as_of()), 404, "receipt.not_found")
    rooms = service.rooms
    record_refusal(rooms.store, rooms.clock, rooms.operator, rooms.trust, digest, 9, BlockRef(7, b"\7" * 32, START))
    with service.client() as client:
        refusal = parse_refusal_file(client.refusal(digest))
        assert client.statement(digest)["status"] == "refused"
    check_refusal(refusal, world.members[OPERATOR, 0].key.public, world.contract(REGISTRY), digest)
