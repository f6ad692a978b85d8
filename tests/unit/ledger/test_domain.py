"""Pure rules of the service: the life of a statement, and which words prove it."""

import pytest

from ledger.domain.accepting import accepting_contract, batch_slots, key_slots, registry_slots
from ledger.domain.life import Status, due, lane_of, may_become
from ledger.domain.limits import DAY_MS
from ledger.domain.records import KeyRow
from tests.support.world import BATCH, INSTITUTIONS, OFFICE, REGISTRY, World, word
from tests.unit.tiezheng.evm.trie_builder import keccak_of
from tiezheng.errors import TiezhengError
from tiezheng.receipt import Lane
from tiezheng.signature import z_value

ORDER = [Status.ACCEPTED, Status.SENT, Status.ANCHORED, Status.FINAL]


def test_a_statement_only_moves_forward_and_is_never_refused_once_anchored() -> None:
    for at, now in enumerate(ORDER):
        for then in ORDER[: at + 1]:
            assert not may_become(now, then)
        assert may_become(now, Status.REFUSED) == (at < 2)
    assert may_become(Status.ACCEPTED, Status.ANCHORED), "anybody may relay"
    assert not any(may_become(Status.REFUSED, then) for then in Status)
    assert not may_become(Status.ACCEPTED, Status.FINAL)


def test_a_receipt_falls_due_a_day_later() -> None:
    assert due(5) == 5 + DAY_MS


def test_lane_and_contract_follow_flag_and_domain() -> None:
    world = World()
    trust = world.trust()
    deposit, bulk = world.deposit().statement, world.bulk().statement
    assert (lane_of(deposit), lane_of(bulk)) == (Lane.REGISTRY, Lane.BATCH)
    assert accepting_contract(trust, deposit).address == REGISTRY
    assert accepting_contract(trust, bulk).address == BATCH
    closed = World().trust(contracts=tuple(one for one in trust.contracts if one.role != "registry"))
    with pytest.raises(TiezhengError) as caught:
        accepting_contract(closed, deposit)
    assert caught.value.code == "trust.contract_unknown"


def test_storage_words_stand_where_the_specification_says() -> None:
    world = World()
    trust, filed = world.trust(), world.deposit()
    assert registry_slots(trust.registries(1)[0], filed.statement, 7) == [
        (REGISTRY, keccak_of(filed.statement.digest + word(0))),
        (REGISTRY, keccak_of(word(7) + word(2))),
    ]
    assert batch_slots(trust.batches()[0], b"h" * 32) == [(BATCH, keccak_of(b"h" * 32 + word(0)))]
    member = world.members[OFFICE, 0]
    z = z_value(member.key.public)
    key = KeyRow(OFFICE, 3, b"x" * 32, b"y" * 32, z, OFFICE, 1, 1, member.card.root, 0)
    assert key_slots(trust, [key]) == [(INSTITUTIONS, keccak_of(word(3) + keccak_of(z + word(n)))) for n in (0, 1)]
