"""Walks through three registries: one, the one that succeeds it, and one that would have liked to."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Final

from anchors.chains.anvil import free_port, start_anvil, stop_anvil
from anchors.chains.rpc import RpcChain
from tests.support.arena import DOMAIN, Arena
from tests.support.made_procedures import acts, drawn, guests, handlers, persons_of_both, samples, times
from tests.support.walk import REGISTRY_REASONS, SUCCESSION_REASONS, Walk
from tiezheng.procedures import Book, load_procedures

CONTINUATIONS: Final = 40
ROUNDS: Final = 3
# Drafts that are tried for a reason that no walk has met by chance.
SEARCH: Final = 5000
# The step of `guests` that invites.
INVITE: Final = 2
# When the table of `acts` is in force; ms.
WINDOW: Final = (1 << 38, 3 << 38)


@contextmanager
def opened_arena(directory: Path) -> Iterator[Arena]:
    """Of the shipped tables those of the first domain, those that are made for what they do not use, and drawn ones."""
    shipped = [one for one in load_procedures() if one.domain == DOMAIN]
    made = [guests(), handlers(), persons_of_both(), times(), acts(), samples()]
    made += [drawn(case_type, Random(case_type)) for case_type in (10, 11, 13, 14)]
    anvil = start_anvil(directory, free_port(), directory / "anvil.log")
    try:
        arena = Arena(RpcChain(anvil.url), anvil.url, [*shipped, *made], {acts().table_digest: WINDOW})
        arena.open()
        yield arena
    finally:
        stop_anvil(anvil.pid)


@dataclass
class Tally:
    """What all walks have met: the registry's answers, where the kernel names a fault sooner, and disagreements."""

    met: Counter[str] = field(default_factory=Counter)
    sooner: Counter[tuple[str, str]] = field(default_factory=Counter)
    disagreements: list[str] = field(default_factory=list)

    def add(self, walk: Walk) -> None:
        self.met += walk.met
        self.sooner += walk.told_sooner
        self.disagreements += walk.disagreements

    def __str__(self) -> str:
        lines = [f"{count:6} {code}" for code, count in self.met.most_common()]
        lines += [
            f"{count:6} {told}, where the kernel says {said}" for (said, told), count in self.sooner.most_common()
        ]
        return "\n".join(lines)


def walk_all(arena: Arena, seeds: int, proposals: int) -> Tally:
    """Walk through a registry for each seed, close it, and walk on in its successor."""
    tally = Tally()
    first = arena.first()
    second, rival = arena.successor(first), arena.successor(first)
    book = Book()
    inviting = next(one for one in arena.procedures if one.table_digest == guests().table_digest)
    for seed in range(1, seeds + 1):
        walk = Walk(arena, first, seed, book)
        walk.fill(inviting, INVITE)
        walk.prepare()
        walk.each_spoil()
        for _ in range(ROUNDS):
            walk.go(proposals // ROUNDS)
            walk.each_rule()
        tally.add(walk)
    search = Walk(arena, first, seeds + 1, book)
    for _ in range(ROUNDS):
        known = {*tally.met, *search.met}
        if known >= REGISTRY_REASONS - SUCCESSION_REASONS:
            break
        search.fill(inviting, INVITE)
        search.prepare()
        search.each_rule(known, SEARCH)
        search.each_spoil()
    tally.add(search)
    later = Walk(arena, second, seeds + 2, Book(predecessor=book))
    wrong = Walk(arena, rival, seeds + 3, Book(predecessor=replace(book, succeeded=False)))
    alone = Walk(arena, first, seeds + 4, book)
    for walk in (later, wrong, alone):
        walk.go_on(5, book)
    later.go(10)
    arena.close(first, second)
    assert wrong.book.predecessor is not None
    book.closed = wrong.book.predecessor.closed = True
    alone.each_spoil()
    for walk in (wrong, alone):
        walk.go_on(20, book)
    later.go_on_spoiled(book)
    later.go_on(CONTINUATIONS, book)
    later.each_spoil()
    later.go(proposals)
    later.each_rule()
    for walk in (later, wrong, alone):
        tally.add(walk)
    return tally
