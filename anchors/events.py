"""The ledger's events in the chain's order, decoded, with the block that each stands in.

Guaranteed: each event belongs to a watched contract and its log names the very block that the chain has at that height.
Not guaranteed: completeness of a node's answer.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from anchors.chains.port import Block, Chain, Log
from anchors.contracts import BATCH, INSTITUTIONS, REGISTRY, Event, artifact, decode_event
from anchors.deployment import Deployment
from ledger.domain.chain_records import BlockRef
from tiezheng.errors import IntegrityFault, Unavailable

# One request for logs and one transaction of the database for this many blocks.
CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class Span:
    """Events of a range of blocks, ascending, and the block at its end."""

    last: BlockRef
    events: tuple[tuple[Event, BlockRef], ...]


def spans(
    chain: Chain,
    deployment: Deployment,
    after: int,
    head: Block,
    chunk: int = CHUNK,
    unread: Callable[[Log, IntegrityFault], None] | None = None,
) -> Iterator[Span]:
    """All events after block `after`, up to and including `head`, in spans of at most `chunk` blocks.

    A log that is no event of the watched contracts is told to `unread` and left out; without it, an IntegrityFault
    `chain.record_mismatch`. Raises IntegrityFault `chain.reorganised`.
    """
    names = {
        deployment.institutions.address: INSTITUTIONS,
        deployment.registry.address: REGISTRY,
        deployment.batch.address: BATCH,
    }
    for first in range(after + 1, head.number + 1, chunk):
        end = min(head.number, first + chunk - 1)
        blocks: dict[int, BlockRef] = {}
        events = []
        for log in chain.logs(deployment.watched, first, end):
            if log.block_number not in blocks:
                blocks[log.block_number] = block_ref(chain, log.block_number)
            block = blocks[log.block_number]
            if log.block_hash != block.hash:
                raise IntegrityFault("chain.reorganised", expected=block.hash, got=log.block_hash, detail="log")
            try:
                event = _read(names, log)
            except IntegrityFault as fault:
                if unread is None:
                    raise
                unread(log, fault)
            else:
                events.append((event, block))
        last = BlockRef(head.number, head.hash, head.time) if end == head.number else block_ref(chain, end)
        yield Span(last, tuple(events))


def _read(names: Mapping[bytes, str], log: Log) -> Event:
    if log.address not in names:
        raise IntegrityFault("chain.record_mismatch", got=log.address, detail="log of another contract")
    return decode_event(artifact(names[log.address]), log)


def block_ref(chain: Chain, number: int) -> BlockRef:
    """The block at that height. Raises Unavailable `chain.behind` if the node has none there."""
    block = chain.block(number)
    if block is None:
        raise Unavailable("chain.behind", expected=number)
    return BlockRef(block.number, block.hash, block.time)
