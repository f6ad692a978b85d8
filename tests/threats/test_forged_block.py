"""Nodes or old keys make a block of their own, with perfect proofs: without witnesses it proves nothing."""

import pytest

from tests.support.attacks import INCONCLUSIVE, INVALID, cosigned, forged_header, of_another_ledger, staged
from tests.support.populated import Populated
from tests.support.served import check_problem
from tests.support.world import AT_MS, PROCURATORATE
from tests.unit.tiezheng.evm.trie_builder import keccak_of
from tiezheng.verify import Result, verify


@pytest.mark.parametrize(
    ("attack", "result"),
    [
        (staged(forged_header(True)), INVALID),
        (staged(forged_header(False)), INCONCLUSIVE),
        (staged(cosigned(of_another_ledger)), INVALID),
    ],
    ids=["with cosignatures of the honest block", "with none", "with those of another ledger"],
)
def test_a_made_up_block_is_never_valid(attack: object, result: Result) -> None:
    data, trust = attack()  # type: ignore[operator]
    assert verify(data, trust, AT_MS).result is result


def test_a_witness_that_signed_two_blocks_at_one_height_leaves_the_evidence(filled: Populated) -> None:
    service, world = filled.service, filled.service.world
    fork = world.header(extra=b"fork")
    (one,) = world.cosign(fork, [PROCURATORATE])
    body = {
        "block_hash": keccak_of(fork).hex(),
        "height": world.height,
        "seen": one.seen,
        "signature": one.signature.to_bytes().hex(),
    }
    check_problem(service.http.post("/cosignatures", json=body), 409, "cosignature.fork")
    with service.rooms.store.read() as tables:
        assert [row.signer for row in tables.proofs.forks()] == [PROCURATORATE]
