"""Between the stored state of a case and the kernel's.

Guaranteed: the step is judged by the kernel's rules, on the state after all accepted statements. Not guaranteed: that
the chain, which may lag or refuse, agrees.
"""

from ledger.domain.records import CaseRow
from ledger.ports import Tables
from tiezheng.errors import Conflict
from tiezheng.procedures import CaseState, Members, Procedure, check_batch_step, check_step
from tiezheng.statement import Flag, SignedStatement


def kernel_state(row: CaseRow) -> CaseState:
    """The stored state as the kernel's rules take it."""
    return CaseState(
        head=row.head,
        table=row.table,
        sequence=row.sequence,
        state=row.state,
        closed=row.closed,
        kinds_seen=row.seen,
        last_occurred=row.last_occurred,
        participants=row.participants,
        handlers=row.handlers,
    )


def next_state(
    procedure: Procedure, before: CaseRow | None, signed: SignedStatement, members: Members, at_seconds: int, now: int
) -> CaseRow:
    """The case after this statement. Raises as `check_step` or, in the batch lane, `check_batch_step`."""
    statement = signed.statement
    if statement.flags & Flag.BATCH:
        if before is not None:
            raise Conflict("case.exists", got=statement.case)
        after = check_batch_step(procedure, signed, members, at_seconds=at_seconds)
    else:
        state = None if before is None else kernel_state(before)
        after = check_step(procedure, state, signed, members, at_seconds=at_seconds)
    return CaseRow(
        case=statement.case,
        table=after.table,
        head=after.head,
        sequence=after.sequence,
        state=after.state,
        closed=after.closed,
        seen=after.kinds_seen,
        last_occurred=after.last_occurred,
        participants=after.participants,
        handlers=after.handlers,
        kind=statement.kind if before is None else before.kind,
        updated=now,
    )


def check_position(tables: Tables, before: CaseRow | None, signed: SignedStatement) -> None:
    """No other statement that stands has this place. Raises Conflict `case.position_taken` with the holder's digest."""
    statement = signed.statement
    if before is None or statement.sequence > before.sequence:
        return
    holder = tables.statements.at(statement.case, statement.sequence)
    if holder is not None and holder.digest != statement.digest:
        raise Conflict("case.position_taken", expected=holder.digest, got=statement.digest)


def block_seconds(tables: Tables, now: int) -> int:
    """The time that the next block will have at least: the clock's, or the last block's where that is ahead."""
    head = tables.chain.head()
    return now // 1000 if head is None else max(now // 1000, head.block.time)
