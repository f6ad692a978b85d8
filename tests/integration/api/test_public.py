"""What anyone may ask, and the cosignatures of witnesses."""

import json
from pathlib import Path

import pytest

from ledger.domain.chain_records import BatchRow, BlockRef, Fault, Head
from tests.integration.api.worked import anchor, deposit_cards
from tests.support.served import Served, check_problem
from tests.support.world import COURT, NOTARY, OFFICE, OPERATOR, PROCURATORATE, REGULATOR, START, World, digests_of
from tests.unit.tiezheng.evm.trie_builder import keccak_of
from tiezheng.batch import build_batch, write_leaves
from tiezheng.cli.main import main
from tiezheng.content import to_private_json
from tiezheng.trust import parse_trust


def test_health_follows_what_the_worker_stored(service: Served) -> None:
    assert service.http.get("/health").json()["status"] == "waiting"
    with service.rooms.store.write() as tables:
        tables.chain.put_head(Head(BlockRef(7, b"\7" * 32, START), service.clock.now))
    told = service.http.get("/health").json()
    assert (told["status"], told["chain"]["height"]) == ("ok", 7)
    service.clock.now += 61_000
    assert service.http.get("/health").json()["status"] == "stale"
    with service.rooms.store.write() as tables:
        tables.chain.put_fault(Fault("chain.reorganised", "block 7", service.clock.now))
    told = service.http.get("/health").json()
    assert (told["status"], told["fault"]["code"]) == ("fault", "chain.reorganised")
    assert "block 7" not in str(told)


def test_the_ledger_names_itself_and_its_contracts(service: Served, world: World) -> None:
    with service.client() as client:
        view = client.ledger()
        trust = parse_trust(client.trust())
    assert (view.chain_id, view.founding, view.genesis) == (
        world.ledger.chain_id,
        world.ledger.founding,
        world.ledger.genesis,
    )
    assert view.operator == OPERATOR
    assert set(view.contract_ids.values()) == {contract.id for contract in trust.contracts}
    assert trust == world.trust()
    assert "out of band" in service.http.get("/trust").headers["tiezheng-note"]
    assert {one["code"] for one in view.raw["procedures"]} == {one.code for one in trust.procedures}


def test_lookup_tells_anyone_five_things_and_no_more(service: Served, world: World) -> None:
    filed = world.deposit()
    service.post(filed)
    (found,) = service.http.get(f"/lookup/{filed.statement.subject.hex()}").json()["statements"]
    assert set(found) == {"digest", "institution", "kind", "status", "block_time"}
    assert service.http.get(f"/lookup/{'00' * 32}").json() == {"statements": []}
    assert service.http.get(f"/lookup/{'ab' * 32}").json() == {"statements": []}


def test_a_signers_keys_are_public_and_its_card_is_not(service: Served, world: World) -> None:
    deposit_cards(service)
    told = service.http.get(f"/signers/{NOTARY}")
    assert told.json()["institution"] == OFFICE
    (key,) = told.json()["keys"]
    assert key["x"] + key["y"] == world.members[NOTARY, 0].key.public.to_bytes().hex()
    assert (key["valid_until"], key["compromised_since"]) == (None, None)
    assert "公证员" not in told.text
    check_problem(service.http.get("/signers/77"), 404, "key.unknown")
    check_problem(service.http.get(f"/signers/{1 << 32}"), 400, "request.format")
    check_problem(service.http.get("/signers/%2e%2e"), 400, "request.format")


def test_a_card_is_taken_from_its_own_institution_and_only_if_the_chain_fixed_it(service: Served, world: World) -> None:
    notary, office = world.members[NOTARY, 0].card, world.members[OFFICE, 0].card
    path, before = f"/signers/{NOTARY}/card", service.stored()
    for institution, body, status, code in (
        (COURT, to_private_json(notary), 403, "auth.forbidden"),
        (OFFICE, to_private_json(office), 422, "content.root_mismatch"),
        (OFFICE, to_private_json(world.deposit().content), 422, "content.root_mismatch"),
        (OFFICE, b"{}", 400, "json.member_missing"),
        (OFFICE, to_private_json(notary)[:-1], 400, "json.syntax"),
        (OFFICE, b" " + to_private_json(notary), 400, "json.not_canonical"),
        (OFFICE, b"[" * 10_000, 400, "json.too_deep"),
    ):
        check_problem(service.http.put(path, content=body, headers=service.as_of(institution)), status, code)
    check_problem(
        service.http.put("/signers/77/card", content=to_private_json(notary), headers=service.as_of()),
        404,
        "key.unknown",
    )
    assert service.stored() == before
    assert service.http.put(path, content=to_private_json(notary), headers=service.as_of()).status_code == 200


def test_batches_and_their_leaves_are_public(service: Served, world: World) -> None:
    lots = world.bulk(lots=1, index=0)
    service.post(lots)
    header, _ = build_batch(OPERATOR, None, [lots.signed])
    seal = world.seal(header)
    data = b"".join(write_leaves(header, seal, [lots.signed]))
    row = BatchRow(0, header.to_bytes(), seal.to_bytes(), header.digest, 0, 1, service.clock.now)
    with service.rooms.store.write() as tables:
        tables.batches.add(row, [lots.statement.digest])
    check_problem(service.http.get("/batches/0/leaves"), 404, "batch.not_found")
    (service.home.leaves / "000000.leaves").write_bytes(data)
    with service.client() as client:
        (told,) = client.batches()
        assert (told["number"], told["count"], told["header"]) == (0, 1, header.to_bytes().hex())
        assert client.leaves(0) == data
    check_problem(service.http.get("/batches/1/leaves"), 404, "batch.not_found")
    check_problem(service.http.get("/batches/%2e%2e%2fledger.db/leaves"), 404, "request.not_found")


@pytest.fixture
def header(service: Served, world: World) -> bytes:
    filed = world.deposit()
    service.post(filed)
    return anchor(service, filed)


def cosignature(world: World, header: bytes, witness: int, **changes: object) -> dict[str, object]:
    (one,) = world.cosign(header, [witness])
    members = {
        "block_hash": keccak_of(header).hex(),
        "height": world.height,
        "seen": one.seen,
        "signature": one.signature.to_bytes().hex(),
    }
    return {**members, **changes}


def test_cosignatures_of_two_witnesses_make_statements_final(service: Served, world: World, header: bytes) -> None:
    check_problem(service.http.get("/checkpoints/9"), 404, "checkpoint.not_found")
    assert service.http.post("/cosignatures", json=cosignature(world, header, REGULATOR)).status_code == 201
    assert service.http.post("/cosignatures", json=cosignature(world, header, REGULATOR)).status_code == 200
    assert service.http.get("/health").json()["statements"]["final"] == 0
    with service.client() as client:
        (court,) = world.cosign(header, [COURT])
        assert client.cosign(world.height, keccak_of(header), court.seen, court.signature) == {"new": True}
        latest = client.latest_checkpoint()
        assert latest == client.checkpoint(world.height)
    assert latest["header"] == header.hex()
    assert [one["signer"] for one in latest["cosignatures"]] == [REGULATOR, COURT]
    assert service.http.get("/health").json()["statements"]["final"] == 1


def test_a_cosignature_counts_only_if_a_pinned_witness_made_it(service: Served, world: World, header: bytes) -> None:
    good = cosignature(world, header, REGULATOR)
    before = service.stored()
    (other,) = world.cosign(header, [OFFICE])
    for body, status, code in (
        ({**good, "signature": other.signature.to_bytes().hex()}, 403, "cosignature.not_witness"),
        ({**good, "seen": 1}, 422, "signature.invalid"),
        ({**good, "height": world.height + 4}, 422, "signature.invalid"),
        ({**good, "block_hash": "ab" * 32}, 422, "signature.invalid"),
        ({**good, "block_hash": "ab" * 31}, 400, "json.hex"),
        ({**good, "seen": 1 << 48}, 400, "json.integer_range"),
        ({**good, "seen": True}, 400, "json.member_type"),
        ({**good, "height": -1}, 400, "json.integer_range"),
        ({**good, "signature": "00"}, 400, "signature.length"),
        ({**good, "more": 1}, 400, "json.member_unknown"),
        ({}, 400, "json.member_missing"),
    ):
        check_problem(service.http.post("/cosignatures", json=body), status, code)
    assert service.stored() == before


def test_a_witness_that_signed_another_block_leaves_evidence_of_a_fork(
    service: Served, world: World, header: bytes
) -> None:
    fork = world.header(extra=b"fork")
    body = cosignature(world, fork, PROCURATORATE)
    check_problem(service.http.post("/cosignatures", json=body), 409, "cosignature.fork")
    with service.rooms.store.read() as tables:
        (evidence,) = tables.proofs.forks()
    assert (evidence.signer, evidence.block_hash) == (PROCURATORATE, keccak_of(fork))
    assert digests_of(fork).sm3 != digests_of(header).sm3
    assert service.http.get("/forks").json() == {"forks": []}  # nobody signed our own block yet


def answered(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    """The JSON answer; the service in this process logs to the same stream before it."""
    out = capsys.readouterr().out
    value: dict[str, object] = json.loads(out[out.index("{\n") :])
    return value


def test_two_witnesses_over_two_blocks_are_a_published_proof_that_a_mirror_keeps(
    service: Served, world: World, header: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trust = tmp_path / "trust.json"
    trust.write_bytes(service.http.get("/trust").content)
    command = ["mirror", str(tmp_path / "mirror"), "--service", service.address, "--trust", str(trust), "--json"]
    assert main(command) == 0
    assert answered(capsys)["checkpoints"] == 1

    service.http.post("/cosignatures", json=cosignature(world, header, REGULATOR))
    fork = cosignature(world, world.header(extra=b"fork"), PROCURATORATE)
    check_problem(service.http.post("/cosignatures", json=fork), 409, "cosignature.fork")
    (proof,) = service.http.get("/forks").json()["forks"]
    assert proof["kind"] == "witness"
    assert main(command) == 1
    answer = answered(capsys)
    assert answer["new"] == {"batches": 0, "checkpoints": 0, "cosignatures": 1}
    (found,) = answer["conflicts"]  # type: ignore[misc]
    assert found["code"] == "witness.fork"
    at = ["--at", "2026-11-23T12:00:00Z"]
    assert main(["fork", "check", found["fork"], "--trust", str(trust), *at, "--json"]) == 0
    assert answered(capsys)["signers"] in ([REGULATOR, PROCURATORATE], [PROCURATORATE, REGULATOR])


def test_a_small_answer_on_a_kept_line_does_not_wait_for_the_callers_acknowledgement(service: Served) -> None:
    service.http.get("/health")
    taken = [service.http.get("/health").elapsed.total_seconds() for _ in range(20)]
    assert min(taken) < 0.03, "an answer that is held back takes 40 ms"
