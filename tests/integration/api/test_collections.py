"""Collections of signatures over HTTP."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from ledger.domain.limits import COLLECTION_LIFE_MS
from tests.support.served import Served, check_problem
from tests.support.world import COURT, NOTARY, OFFICE, OPERATOR, REGISTRY, SEAL, Filed, World
from tiezheng.canonical import dumps
from tiezheng.content import parse_private_json
from tiezheng.receipt import check_receipt, parse_receipt_file
from tiezheng.signature import Signature

HANDLER = 0x41
PLAN = [(OFFICE, SEAL), (NOTARY, HANDLER)]


@dataclass
class Waiting:
    """A matter that lacks its last step, which two sign."""

    service: Served
    last: Filed

    @property
    def signatures(self) -> tuple[Signature, Signature]:
        office, notary = self.last.signed.signatures
        return office, notary

    def open(self, *signatures: Signature) -> str:
        with self.service.client() as client:
            told = client.open_collection(self.last.statement, PLAN, self.last.content, signatures)
        return str(told["id"])

    def sign(self, collection: str, signature: Signature, institution: int = OFFICE) -> Any:
        return self.service.http.post(
            f"/collections/{collection}/signatures",
            json={"signature": signature.to_bytes().hex()},
            headers=self.service.as_of(institution),
        )

    def body(self, **changes: Any) -> dict[str, Any]:
        body = self.service.body(self.last, **{"signatures": [], "plan": PLAN, **changes})
        return {name: value for name, value in body.items() if value is not ...}


@pytest.fixture
def waiting(service: Served, world: World) -> Waiting:
    matter = world.matter()
    with service.client() as client:
        for filed in matter[:-1]:
            client.submit(filed.signed, filed.content)
    return Waiting(service, matter[-1])


def test_two_signers_one_after_the_other_bring_the_receipt(waiting: Waiting, service: Served, world: World) -> None:
    office, notary = waiting.signatures
    collection = waiting.open(office)
    with service.client() as client:
        (listed,) = client.collections()
        assert (listed["id"], listed["signed"], listed["missing"]) == (collection, [OFFICE], [NOTARY])
        seen = client.collection(collection)
        content = parse_private_json(dumps(seen["content"]))
        assert content.root == waiting.last.statement.content, "the signer can recompute the root"
        assert bytes.fromhex(seen["statement"]) == waiting.last.statement.to_bytes()
        done = client.sign_collection(collection, notary)
        assert (done["state"], done["digest"]) == ("submitted", waiting.last.statement.digest.hex())
        receipt = parse_receipt_file(dumps(done["receipt"]))
        key, contract = world.members[OPERATOR, 0].key.public, world.contract(REGISTRY)
        check_receipt(receipt, key, contract, waiting.last.signed)
        again = client.sign_collection(collection, notary)
        assert again["receipt"] == done["receipt"]
        assert client.collection(collection)["receipt"] == done["receipt"]
        assert client.collections() == []
        assert client.statement(waiting.last.statement.digest)["status"] == "accepted"


def test_the_order_of_signing_does_not_matter(waiting: Waiting) -> None:
    office, notary = waiting.signatures
    collection = waiting.open()
    assert waiting.sign(collection, notary).json()["state"] == "open"
    assert waiting.sign(collection, office).json()["state"] == "submitted"


def test_nobody_else_sees_or_signs_it(waiting: Waiting, service: Served) -> None:
    office, _ = waiting.signatures
    collection = waiting.open()
    before = service.stored()
    stranger = service.as_of(COURT)
    for method, path in (
        ("GET", f"/collections/{collection}"),
        ("DELETE", f"/collections/{collection}"),
        ("GET", f"/collections/{'ab' * 16}"),
    ):
        check_problem(service.http.request(method, path, headers=stranger), 404, "collection.not_found")
    check_problem(waiting.sign(collection, office, COURT), 404, "collection.not_found")
    check_problem(waiting.sign("ab" * 16, office), 404, "collection.not_found")
    assert service.http.get("/collections", headers=stranger).json() == {"collections": []}
    assert service.stored() == before


def test_a_signature_that_is_not_of_the_plan_is_refused_and_not_kept(
    waiting: Waiting, service: Served, world: World
) -> None:
    office, notary = waiting.signatures
    collection = waiting.open()
    statement = waiting.last.statement
    alone = world.sign(statement, [(OFFICE, SEAL)]).signatures[0]
    for signature, status, code in (
        (replace(notary, role=SEAL), 403, "collection.not_planned"),
        (replace(notary, signer=NOTARY + 1), 403, "collection.not_planned"),
        (replace(notary, key_index=1), 422, "key.unknown"),
        (replace(office, r_s=notary.r_s), 422, "signature.invalid"),
        (replace(office, r_s=bytes(64)), 422, "signature.invalid"),
        (alone, 422, "signature.invalid"),
    ):
        check_problem(waiting.sign(collection, signature), status, code)
    with service.client() as client:
        assert client.collection(collection)["signed"] == []
    answer = service.http.post(
        f"/collections/{collection}/signatures", json={"signature": "00" * 69}, headers=service.as_of()
    )
    check_problem(answer, 400, "signature.length")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"plan": [[OFFICE, SEAL]]}, 400, "collection.plan"),
        ({"plan": [[NOTARY, HANDLER], [OFFICE, SEAL]]}, 400, "collection.plan"),
        ({"plan": [[OFFICE, SEAL], [OFFICE, HANDLER]]}, 400, "collection.plan"),
        ({"plan": [[OFFICE, SEAL], [NOTARY, 0x42]]}, 400, "collection.plan"),
        ({"plan": []}, 400, "json.list_length"),
        ({"plan": [[OFFICE]]}, 400, "json.list_length"),
        ({"plan": [[OFFICE, 256], [NOTARY, 1]]}, 400, "json.integer_range"),
        ({"plan": [[1 << 60, 0], [NOTARY, 1]]}, 400, "json.integer_range"),
        ({"plan": ...}, 400, "json.member_missing"),
        ({"plan": [[OFFICE, SEAL], [NOTARY + 7, HANDLER]]}, 404, "key.unknown"),
        ({"signatures": ["00" * 70]}, 400, "signature.number_range"),
        ({"signatures": [f"{OFFICE:08x}" + "00" * 66]}, 422, "signature.invalid"),
        ({"signatures": [f"{COURT:08x}" + "00" * 66]}, 403, "collection.not_planned"),
        ({"extra": 1}, 400, "json.member_unknown"),
    ],
)
def test_a_collection_that_could_never_be_submitted_is_not_opened(
    changes: dict[str, Any], status: int, code: str, waiting: Waiting, service: Served
) -> None:
    before = service.stored()
    answer = service.http.post("/collections", json=waiting.body(**changes), headers=service.as_of())
    check_problem(answer, status, code)
    assert service.stored() == before


def test_a_collection_ends_after_seven_days_and_when_it_is_withdrawn(waiting: Waiting, service: Served) -> None:
    office, notary = waiting.signatures
    first, second = waiting.open(office), waiting.open(office)
    headers = service.as_of()
    assert service.http.delete(f"/collections/{first}", headers=headers).status_code == 200
    check_problem(waiting.sign(first, notary), 409, "collection.closed")
    check_problem(service.http.delete(f"/collections/{first}", headers=headers), 409, "collection.closed")
    with service.rooms.store.write() as tables:
        assert tables.collections.expire(service.clock.now + COLLECTION_LIFE_MS) == 1
    check_problem(waiting.sign(second, notary), 409, "collection.closed")


def test_a_collection_whose_case_moved_on_says_so(waiting: Waiting, service: Served) -> None:
    office, notary = waiting.signatures
    collection = waiting.open(office)
    with service.client() as client:
        assert client.collection(collection)["stale"] is False
        other = waiting.open(office)
        client.sign_collection(other, notary)
        assert client.collection(collection)["stale"] is False, "the same statement stands at the head"
    case = replace(waiting.last.statement, occurred=waiting.last.statement.occurred + 1)
    answer = service.http.post(
        "/collections", json=waiting.body(statement=case.to_bytes().hex()), headers=service.as_of()
    )
    check_problem(answer, 409, "case.position_taken")
