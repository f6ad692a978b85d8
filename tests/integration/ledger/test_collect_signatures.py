"""Several signers over one statement."""

from dataclasses import replace

import pytest

from ledger.domain.limits import COLLECTION_LIFE_MS
from ledger.domain.records import CollectionState
from tests.integration.ledger.house import House
from tests.support.world import APPROVER, COURT, NOTARY, OFFICE, REGISTRY, Filed, World
from tiezheng.content import parse_private_json, to_private_json
from tiezheng.errors import TiezhengError
from tiezheng.signature import sign
from tiezheng.statement import message_for

PLAN = [(OFFICE, 0x00), (NOTARY, 0x41)]


@pytest.fixture
def last(house: House, world: World) -> Filed:
    """The certificate of a matter: seal and notary; what comes before it is accepted."""
    matter = world.matter()
    for filed in matter[:-1]:
        house.accept(filed)
    return matter[-1]


def start(house: House, filed: Filed, plan: list[tuple[int, int]] = PLAN) -> bytes:
    private = to_private_json(filed.content)
    return house.collect.open(OFFICE, filed.statement.to_bytes(), plan, private).row.id


def code_of(call: object) -> str:
    with pytest.raises(TiezhengError) as caught:
        call()  # type: ignore[operator]
    return caught.value.code


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_signatures_may_come_in_any_order_and_the_last_one_submits(
    order: tuple[int, int], house: House, last: Filed
) -> None:
    collection = start(house, last)
    signatures = [one.to_bytes() for one in last.signed.signatures]
    assert [one.id for one in house.collect.waiting(OFFICE)] == [collection]
    first = house.collect.sign(collection, signatures[order[0]])
    assert first.accepted is None
    done = house.collect.sign(collection, signatures[order[1]])
    assert done.accepted is not None
    assert done.accepted.new
    assert done.row.state is CollectionState.SUBMITTED
    assert house.collect.waiting(OFFICE) == []
    with house.store.read() as tables:
        row = tables.statements.get(last.statement.digest)
        assert row is not None
        assert row.signatures == last.signed.signatures_bytes, "ordered by signer, whoever came first"
    again = house.collect.sign(collection, signatures[0])
    assert again.accepted is not None
    assert again.accepted.receipt == done.accepted.receipt


def test_the_opener_may_bring_signatures_along(house: House, last: Filed) -> None:
    office, notary = (one.to_bytes() for one in last.signed.signatures)
    private = to_private_json(last.content)
    progress = house.collect.open(OFFICE, last.statement.to_bytes(), PLAN, private, [office])
    assert [place.signer for place in progress.row.missing] == [NOTARY]
    done = house.collect.open(OFFICE, last.statement.to_bytes(), PLAN, private, [office, notary])
    assert done.accepted is not None


def test_a_planned_signer_can_recompute_the_root_and_nobody_else_sees_the_content(house: House, last: Filed) -> None:
    collection = start(house, last)
    view = house.collect.view(collection, OFFICE)
    assert view.content is not None
    assert parse_private_json(view.content).root == last.statement.content
    assert not view.stale
    assert code_of(lambda: house.collect.view(collection, COURT)) == "collection.not_found"
    assert house.collect.waiting(COURT) == []


def test_a_signature_counts_only_for_its_own_place(house: House, world: World, last: Filed) -> None:
    collection = start(house, last)
    office, notary = last.signed.signatures
    alone = world.sign(last.statement, [(OFFICE, 0x00)]).signatures[0]
    stranger = world.sign(last.statement, [(OFFICE, 0x00), (APPROVER, 0x41)]).signatures[1]
    for signature, code in (
        (replace(notary, role=0x42), "collection.not_planned"),
        (replace(office, role=0x80), "collection.not_planned"),
        (stranger, "collection.not_planned"),
        (alone, "signature.invalid"),
        (replace(office, r_s=notary.r_s), "signature.invalid"),
        (replace(office, key_index=3), "key.unknown"),
    ):
        raw = signature.to_bytes()
        assert code_of(lambda raw=raw: house.collect.sign(collection, raw)) == code
    assert code_of(lambda: house.collect.sign(collection, notary.to_bytes(), COURT)) == "auth.forbidden"
    house.collect.sign(collection, office.to_bytes())
    assert house.collect.sign(collection, office.to_bytes()).accepted is None, "the same twice is one"


def test_a_plan_has_to_be_the_kinds(house: House, last: Filed) -> None:
    for plan in (
        [],
        [(OFFICE, 0x00)],
        [(NOTARY, 0x41), (OFFICE, 0x00)],
        [(OFFICE, 0x00), (OFFICE, 0x41)],
        [(OFFICE, 0x00), (NOTARY, 0x42)],
        [(OFFICE, 0x00), (NOTARY, 0x41), (APPROVER, 0x42)],
    ):
        assert code_of(lambda plan=plan: start(house, last, plan)) == "collection.plan"
    assert code_of(lambda: start(house, last, [(OFFICE, 0x00), (APPROVER, 0x41)])) == "content.signers_mismatch"
    assert code_of(lambda: house.collect.open(COURT, last.statement.to_bytes(), PLAN, None)) == "auth.forbidden"


def test_a_collection_ends_after_seven_days_and_drops_its_content(house: House, last: Filed) -> None:
    collection = start(house, last)
    house.clock.now += COLLECTION_LIFE_MS
    raw = last.signed.signatures[0].to_bytes()
    assert code_of(lambda: house.collect.sign(collection, raw)) == "collection.closed"
    assert house.collect.waiting(OFFICE) == []
    with house.store.write() as tables:
        assert tables.collections.expire(house.clock.now) == 1
        row = tables.collections.get(collection)
        assert row is not None
        assert row.content is None
    house.clock.now -= COLLECTION_LIFE_MS
    assert code_of(lambda: house.collect.sign(collection, raw)) == "collection.closed"


def test_a_withdrawn_collection_takes_no_signature(house: House, last: Filed) -> None:
    collection = start(house, last)
    assert code_of(lambda: house.collect.withdraw(collection, COURT)) == "collection.not_found"
    house.collect.withdraw(collection, OFFICE)
    assert code_of(lambda: house.collect.withdraw(collection, OFFICE)) == "collection.closed"


def test_a_case_that_moved_on_makes_the_collection_stale(house: House, world: World, last: Filed) -> None:
    collection = start(house, last)
    rival = replace(last, signed=world.sign(replace(last.statement, occurred=last.statement.occurred + 1), PLAN))
    house.accept(rival)
    assert house.collect.view(collection, OFFICE).stale
    office, notary = (one.to_bytes() for one in last.signed.signatures)
    house.collect.sign(collection, office)
    assert code_of(lambda: house.collect.sign(collection, notary)) == "case.position_taken"
    assert code_of(lambda: start(house, last)) == "case.position_taken"


def test_a_key_that_has_ended_fills_no_place(house: House, last: Filed) -> None:
    collection = start(house, last)
    office, notary = (one.to_bytes() for one in last.signed.signatures)
    with house.store.write() as tables:
        tables.members.end_key(NOTARY, 0, house.clock.now // 1000, 1)
    assert code_of(lambda: house.collect.sign(collection, notary)) == "key.not_valid_then"
    private = to_private_json(last.content)
    opening = lambda: house.collect.open(OFFICE, last.statement.to_bytes(), PLAN, private, [notary])  # noqa: E731
    assert code_of(opening) == "key.not_valid_then"
    assert [place.signer for place in house.collect.sign(collection, office).row.missing] == [NOTARY]


def test_a_signer_whose_key_ended_meanwhile_signs_anew_with_the_next_one(
    house: House, world: World, last: Filed
) -> None:
    collection = start(house, last)
    office, notary = (one.to_bytes() for one in last.signed.signatures)
    house.collect.sign(collection, notary)
    world.enrol(replace(world.members[NOTARY, 0], index=1, key=world.key("second")))
    house.learn_members()
    with house.store.write() as tables:
        tables.members.end_key(NOTARY, 0, house.clock.now // 1000, 1)
    assert code_of(lambda: house.collect.sign(collection, office)) == "key.not_valid_then"
    anew = world.sign(last.statement, PLAN[1:], index=1).signatures[0]
    assert code_of(lambda: house.collect.sign(collection, anew.to_bytes())) == "signature.invalid", "count of one"
    message = message_for(last.statement, world.contract(REGISTRY), NOTARY, 0x41, len(PLAN))
    anew = replace(anew, r_s=sign(world.members[NOTARY, 1].key, message))
    done = house.collect.sign(collection, anew.to_bytes())
    assert done.accepted is not None
    with house.store.read() as tables:
        row = tables.statements.get(last.statement.digest)
    assert row is not None
    assert row.signatures == office + anew.to_bytes()


def test_a_list_of_what_waits_leaves_the_contents_where_they_are(house: House, last: Filed) -> None:
    collection = start(house, last)
    (waiting,) = house.collect.waiting(OFFICE)
    assert (waiting.id, waiting.content) == (collection, None)
    assert house.collect.view(collection, OFFICE).content is not None


@pytest.mark.parametrize("withdrawn", [False, True])
def test_a_collection_that_has_ended_keeps_no_content(withdrawn: bool, house: House, last: Filed) -> None:
    collection = start(house, last)
    signatures = [one.to_bytes() for one in last.signed.signatures]
    if withdrawn:
        house.collect.withdraw(collection, OFFICE)
    else:
        given = [house.collect.sign(collection, signature) for signature in signatures][-1].accepted
        again = house.collect.sign(collection, signatures[0]).accepted
        assert given is not None
        assert again is not None
        assert (again.receipt, again.new) == (given.receipt, False)
    with house.store.read() as tables:
        row = tables.collections.get(collection)
    assert row is not None
    assert row.content is None
    assert house.collect.view(collection, OFFICE).content is None
