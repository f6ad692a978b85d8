"""Between the stored state of a case and the kernel's.

Guaranteed: the step is judged by the kernel's rules, on the state after all accepted statements. Not guaranteed: that
the chain, which may lag or refuse, agrees.
"""

from ledger.domain.records import CaseRow
from ledger.ports import Tables
from tiezheng.errors import Conflict
from tiezheng.procedures import Members, Procedure, Records, Step, check_batch_step, check_step
from tiezheng.statement import Flag, SignedStatement, Statement


def next_step(
    procedure: Procedure,
    before: CaseRow | None,
    signed: SignedStatement,
    members: Members,
    records: Records,
    at_seconds: int,
) -> Step:
    """What this statement changes. Raises as `check_step` or, in the batch lane, `check_batch_step`."""
    statement = signed.statement
    if statement.flags & Flag.BATCH:
        if before is not None:
            raise Conflict("case.exists", got=statement.case)
        return check_batch_step(procedure, signed, members, at_seconds=at_seconds)
    state = None if before is None else before.after
    return check_step(procedure, state, signed, members, records, at_seconds=at_seconds)


def case_after(before: CaseRow | None, step: Step, statement: Statement, now: int) -> CaseRow:
    """The case as the step leaves it."""
    return CaseRow(statement.case, step.state, statement.kind if before is None else before.kind, now)


def check_position(tables: Tables, before: CaseRow | None, signed: SignedStatement) -> None:
    """No other statement that stands has this place. Raises Conflict `case.position_taken` with the holder's digest."""
    statement = signed.statement
    if before is None or statement.sequence > before.after.sequence:
        return
    holder = tables.statements.at(statement.case, statement.sequence)
    if holder is not None and holder.digest != statement.digest:
        raise Conflict("case.position_taken", expected=holder.digest, got=statement.digest)


def block_seconds(tables: Tables, now: int) -> int:
    """The time that the next block will have at least: the clock's, or the last block's where that is ahead."""
    head = tables.chain.head()
    return now // 1000 if head is None else max(now // 1000, head.block.time)
