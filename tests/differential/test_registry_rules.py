"""The kernel's rules and the real registry give the same answer, and the same reason, to the same statement."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from tests.support.arena import COURT, DOMAIN, OFFICE, OPERATOR, Arena
from tests.support.made_procedures import acts, drawn, guests, samples
from tests.support.procedure_cases import SPOILED_ACTS, SPOILED_GUESTS, SPOILED_SAMPLES
from tests.support.walk import ACCEPTED, REGISTRY_REASONS
from tests.support.walks import opened_arena, walk_all
from tiezheng.batch import build_batch, check_leaf, leaf_hash
from tiezheng.digest import sm3
from tiezheng.errors import Malformed, Refused, VerificationFailed
from tiezheng.merkle import verify_path
from tiezheng.procedures import load_procedures, read_table
from tiezheng.refusals import reason_of
from tiezheng.signature import Signature
from tiezheng.statement import ZERO, Flag, SignedStatement, Statement, new_case_id

pytestmark = pytest.mark.chain

TABLES = 300


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    with opened_arena(tmp_path_factory.mktemp("chain")) as arena:
        yield arena


@pytest.mark.timeout(900)
def test_the_rules_and_the_registries_agree_on_every_proposal_of_random_walks(arena: Arena) -> None:
    tally = walk_all(arena, seeds=2, proposals=240)
    print(tally)
    assert not tally.disagreements, "\n".join(tally.disagreements)
    assert tally.met.total() >= 1000
    assert tally.met[ACCEPTED] >= 250
    assert REGISTRY_REASONS - set(tally.met) == set()
    assert set(tally.met) - REGISTRY_REASONS == {ACCEPTED}


def test_a_table_of_a_wrong_shape_is_refused_for_the_same_reason(arena: Arena) -> None:
    place = arena.without_tables()
    rng = Random(5)
    disagreements: list[str] = []
    met: Counter[str] = Counter()
    spoiled = [
        (name, spoil, procedure)
        for procedure, faults in ((guests(), SPOILED_GUESTS), (samples(), SPOILED_SAMPLES), (acts(), SPOILED_ACTS))
        for name, spoil, _ in faults
    ]
    tables: list[tuple[str, bytes]] = []
    for name, spoil, procedure in spoiled:
        table = bytearray(procedure.table_bytes)
        spoil(table)
        tables.append((name, bytes(table)))
    for number in range(TABLES):
        table = bytearray(drawn(12, rng).table_bytes)
        table[rng.choice((rng.randrange(4), rng.randrange(36, len(table))))] ^= 1 << rng.randrange(8)
        tables.append((f"drawn {number}", bytes(table)))
    for name, spoiled_table in tables:
        reason = reason_of(arena.table_refusal(place, spoiled_table))
        told = "no reason" if reason is None else reason.code
        try:
            read_table(spoiled_table)
            said = "decision"
        except Refused as refusal:
            said = refusal.code
        if told.partition(".")[0] == "decision":
            told = "decision"
        met[told] += 1
        # A domain that is another's is no fault of the shape.
        if said != told and (told != "table.domain" or spoiled_table[1] == DOMAIN):
            disagreements.append(f"{name}: rules {said}, registry {told}: {spoiled_table.hex()}")
    print(met)
    assert not disagreements, "\n".join(disagreements)


def test_every_shipped_table_needs_only_a_decision_in_its_domain(arena: Arena) -> None:
    for domain in sorted({one.domain for one in load_procedures()}):
        place = arena.without_tables(domain)
        for procedure in load_procedures():
            reason = reason_of(arena.table_refusal(place, procedure.table_bytes))
            assert reason is not None
            area = "decision" if procedure.domain == domain else "table"
            assert reason.code.partition(".")[0] == area, (procedure.code, reason.code)


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
