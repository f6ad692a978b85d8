"""The kernel's rules and the real registry give the same answer, and the same reason, to the same statement."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from anchors.chains.anvil import free_port, start_anvil, stop_anvil
from anchors.chains.rpc import RpcChain
from tests.support.arena import COURT, OFFICE, OPERATOR, Arena
from tests.support.made_procedures import drawn, guests, handlers, persons_of_both
from tests.support.walk import ACCEPTED, REGISTRY_REASONS, Walk
from tiezheng.batch import build_batch, check_leaf, leaf_hash
from tiezheng.digest import sm3
from tiezheng.errors import Malformed, VerificationFailed
from tiezheng.merkle import verify_path
from tiezheng.procedures import load_procedures
from tiezheng.signature import Signature
from tiezheng.statement import ZERO, Flag, SignedStatement, Statement, new_case_id

pytestmark = pytest.mark.chain

SEEDS = (1, 2, 3, 4)
PROPOSALS = 200
# The made procedure whose step 2 invites.
INVITING, INVITE = 3, 2


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """The shipped tables, three that are made for what those do not use, and two that are drawn."""
    made = [guests(), handlers(), persons_of_both(), drawn(10, Random(10)), drawn(11, Random(11))]
    directory = tmp_path_factory.mktemp("chain")
    anvil = start_anvil(directory, free_port(), directory / "anvil.log")
    try:
        arena = Arena(RpcChain(anvil.url), anvil.url, [*load_procedures(), *made])
        arena.open()
        yield arena
    finally:
        stop_anvil(anvil.pid)


def test_the_rules_and_the_registry_agree_on_every_proposal_of_random_walks(arena: Arena) -> None:
    met, sooner, disagreements = Counter[str](), Counter[tuple[str, str]](), list[str]()
    for seed in SEEDS:
        walk = Walk(arena, seed)
        walk.fill(arena.procedures[INVITING], INVITE)
        walk.each_spoil()
        for _ in range(2):
            walk.go(PROPOSALS // 2)
            walk.each_rule()
        met += walk.met
        sooner += walk.told_sooner
        disagreements += walk.disagreements
    print(*(f"{count:5} {code}" for code, count in met.most_common()), sep="\n")
    print("named sooner by the kernel:", *(f"{count:5} {codes}" for codes, count in sooner.most_common()), sep="\n")
    assert not disagreements, "\n".join(disagreements)
    assert met.total() >= 400
    assert met[ACCEPTED] >= 100
    assert set(met) - {ACCEPTED} == REGISTRY_REASONS


@pytest.mark.parametrize("size", [*range(1, 10), 1000])
def test_a_leaf_proves_into_an_anchored_batch_and_nothing_else_does(arena: Arena, size: int) -> None:
    statements = [lot(size, number) for number in range(size)]
    before = arena.last_batch
    header, tree = build_batch(OPERATOR, before, statements)
    wire, first = header.to_bytes(), leaf_hash(statements[0])
    assert not arena.check_leaf(wire, first, 0, tree.path(0)), "not anchored yet"
    arena.anchor(header)

    indices = range(size) if size < 10 else (0, 1, 511, 512, 767, 768, 990, 998, 999)
    for index in indices:
        leaf, path = leaf_hash(statements[index]), tree.path(index)
        check_leaf(header, statements[index], index, path)
        assert arena.check_leaf(wire, leaf, index, path)
        attempts = [
            (wire, sm3(leaf), index, path),
            (wire, leaf, size, path),
            (wire, leaf, index + (1 << 32), path),
            (wire, leaf, index, [*path, bytes(32)]),
            (wire[:-1], leaf, index, path),
            (replace(header, operator=COURT).to_bytes(), leaf, index, path),
        ]
        if size > 1:
            attempts += [
                (wire, leaf, (index + 1) % size, path),
                (wire, leaf, index, path[:-1]),
                (wire, leaf, index, [sm3(path[0]), *path[1:]]),
                (wire, leaf, index, path[::-1] if path != path[::-1] else []),
                (replace(header, count=size - 1).to_bytes(), leaf, index, path),
            ]
        for attempt in attempts:
            assert not arena.check_leaf(*attempt), attempt
            _, wrong, place, way = attempt
            if attempt[0] == wire:
                with pytest.raises((Malformed, VerificationFailed)):
                    verify_path(wrong, place, header.count, way, header.root)


def lot(size: int, number: int) -> SignedStatement:
    """A statement of the batch lane; a tree takes signatures as they are, so any bytes do."""
    seed = b"%d of %d" % (number, size)
    statement = Statement(
        kind=0x1201,
        flags=Flag.BATCH,
        sequence=0,
        institution=OFFICE,
        counterparty=0,
        occurred=1_795_000_000_000,
        case=new_case_id(OFFICE, sm3(b"case", seed)[:28]),
        previous=sm3(b"table"),
        subject=ZERO,
        content=sm3(b"content", seed),
    )
    signatures = tuple(Signature(OFFICE + at, 0, 0, sm3(seed) * 2) for at in range(number % 8 + 1))
    return SignedStatement(statement, signatures)
