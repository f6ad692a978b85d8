"""Following the chain: its events into the database, once each, in order.

Guaranteed: events and position move in one transaction, so a crash repeats nothing and skips nothing; without the block
where the database stands nothing is read, and nothing is anchored anew. Not guaranteed: finality of what is followed.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from anchors.chains.port import Block, Chain
from anchors.contracts import Event
from anchors.deployment import Deployment
from anchors.events import Span, spans
from anchors.members import KeyEnd, KeyMark, member_changes
from ledger.domain.chain_records import BlockRef, Head
from ledger.domain.records import InstitutionRow, TableRow
from ledger.ports import Store, Tables
from tiezheng.batch import parse_batch_header
from tiezheng.errors import IntegrityFault, Unavailable

STREAM: Final = "chain"
# A head that does not move is still noted as seen from time to time, so that health can tell silence from sleep.
HEAD_MS: Final = 5_000


def follow(store: Store, chain: Chain, deployment: Deployment, now_ms: int) -> Block:
    """Read everything up to the chain's head into the database and give that head.

    Raises Unavailable `chain.behind` while the node lacks what was read, IntegrityFault `chain.reorganised`,
    `chain.record_mismatch`; Unavailable as the chain does.
    """
    head = chain.head()
    with store.read() as tables:
        position = tables.chain.position(STREAM)
        known = tables.chain.head()
    after = deployment.first_block - 1 if position is None else position.number
    if position is not None:
        check_position(chain, position, head)
    for span in spans(chain, deployment, after, head):
        with store.write() as tables:
            _apply(tables, deployment, span)
            tables.chain.move(STREAM, span.last)
    if known is None or known.block.hash != head.hash or not 0 <= now_ms - known.seen <= HEAD_MS:
        with store.write() as tables:
            tables.chain.put_head(Head(BlockRef(head.number, head.hash, head.time), now_ms))
    return head


def check_position(chain: Chain, position: BlockRef, head: Block) -> None:
    """The chain still has the block at which the database stands.

    Raises Unavailable `chain.behind` where it is not there yet, or no longer: the two look alike, and the worker
    decides by how long it lasts. Raises IntegrityFault `chain.reorganised` where another block is in its place.
    """
    block = None if head.number < position.number else chain.block(position.number)
    if block is None:
        raise Unavailable("chain.behind", expected=position.number, got=head.number, detail="head")
    if block.hash != position.hash:
        raise IntegrityFault(
            "chain.reorganised", expected=position.hash, got=block.hash, detail=f"block {position.number}"
        )


def table_row(event: Event, known: Callable[[bytes], TableRow | None]) -> TableRow:
    """The table as a registration or an end leaves it. Raises IntegrityFault `chain.record_mismatch`."""
    values = event.values
    if event.name == "TableRegistered":
        return TableRow(values["digest"], values["index"], values["from"], values["until"])
    before = known(values["digest"])
    if before is None:
        raise IntegrityFault("chain.record_mismatch", got=values["digest"], detail="end of an unknown table")
    return replace(before, valid_until=values["until"])


def _apply(tables: Tables, deployment: Deployment, span: Span) -> None:
    def known(number: int) -> tuple[int, int] | None:
        keys = tables.members.keys(number)
        return (keys[0].institution, keys[0].role) if keys else None

    for change in member_changes((event for event, _ in span.events), known, tables.members.institution):
        if isinstance(change, KeyEnd):
            tables.members.end_key(change.number, change.key_index, change.until, change.ended_by)
        elif isinstance(change, KeyMark):
            tables.members.mark_key(change.number, change.key_index, change.since)
        elif isinstance(change, InstitutionRow):
            tables.members.put_institution(change)
        else:
            tables.members.put_key(change)
    for event, block in span.events:
        if event.name in ("TableRegistered", "TableEnded"):
            tables.registries.put_table(table_row(event, tables.registries.table))
        elif event.name in ("RegistryClosed", "AnchorClosed"):
            tables.registries.close(event.log.address, bytes.fromhex(event.values["successor"][2:]))
        elif event.name == "StatementRecorded":
            # False for a statement that somebody else relayed: the audit lists those.
            tables.statements.mark_anchored(event.values["digest"], block)
        elif event.name == "BatchAnchored" and event.values["operator"] == deployment.operator:
            header = parse_batch_header(event.values["header"])
            row = tables.batches.by_digest(header.digest)
            if row is None:
                raise IntegrityFault("recover.database_behind", got=header.batch, detail="batch that is not kept")
            tables.batches.mark_anchored(row.number, block)
