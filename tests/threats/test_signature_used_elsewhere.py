"""A good signature is presented in another place: each binds purpose, signer, role, number, contract and digest."""

from dataclasses import replace

import pytest

from tests.support.populated import Populated
from tests.support.served import check_problem
from tests.support.world import BATCH, COURT, OFFICE, OPERATOR, REGISTRY, REGULATOR, SEAL, World
from tiezheng.errors import VerificationFailed
from tiezheng.receipt import check_receipt, parse_receipt_file
from tiezheng.signature import Tag, signed_message, verify


def test_a_witness_signature_is_for_one_block_one_time_and_no_other_purpose(filled: Populated) -> None:
    http, good = filled.service.http, filled.cosignature
    assert http.post("/cosignatures", json=good).status_code == 200
    for change in ({"seen": good["seen"] + 1}, {"height": good["height"] + 4}, {"block_hash": "ab" * 32}):
        check_problem(http.post("/cosignatures", json={**good, **change}), 422, "signature.invalid")
    seal = filled.deposit.signed.signatures[0].to_bytes().hex()
    check_problem(http.post("/cosignatures", json={**good, "signature": seal}), 403, "cosignature.not_witness")
    stolen = f"{REGULATOR:08x}" + seal[8:]
    check_problem(http.post("/cosignatures", json={**good, "signature": stolen}), 422, "signature.invalid")


def test_a_statement_of_another_ledger_or_contract_is_not_taken(filled: Populated) -> None:
    service, world = filled.service, filled.service.world
    fresh = world.deposit()
    for other in (
        World(chain_id=world.chain_id + 1).sign(fresh.statement, [(OFFICE, SEAL)]),
        world.sign(fresh.statement, [(OFFICE, SEAL)], BATCH),
    ):
        answer = service.post(replace(fresh, signed=other), content=False)
        check_problem(answer, 422, "signature.invalid")


def test_a_signature_of_one_collection_is_none_in_another(filled: Populated) -> None:
    service, address = filled.service, f"/collections/{filled.collection}/signatures"
    office, notary = filled.last.signed.signatures
    elsewhere = filled.matter[1].signed.signatures[0]
    for given, status, code in (
        (elsewhere, 422, "signature.invalid"),
        (replace(notary, r_s=office.r_s), 422, "signature.invalid"),
        (replace(office, signer=COURT), 403, "collection.not_planned"),
    ):
        body = {"signature": given.to_bytes().hex()}
        check_problem(service.http.post(address, json=body, headers=service.as_of()), status, code)


def test_a_receipt_is_for_one_statement_and_its_signature_for_nothing_else(filled: Populated) -> None:
    with filled.service.client() as client:
        told = parse_receipt_file(client.receipt(filled.deposit.statement.digest))
    world = filled.service.world
    key, contract = world.members[OPERATOR, 0].key.public, world.contract(REGISTRY)
    check_receipt(told, key, contract, filled.deposit.signed)
    with pytest.raises(VerificationFailed):
        check_receipt(told, key, contract, filled.refused.signed)
    with pytest.raises(VerificationFailed):
        check_receipt(told, key, world.contract(BATCH), filled.deposit.signed)
    for tag in Tag:
        message = signed_message(tag, 0, 1, OPERATOR, contract, filled.deposit.statement.digest)
        assert not verify(key, message, told.signature.r_s)
