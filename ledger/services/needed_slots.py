"""Which storage words have to be proved at a checkpoint so that bundles of these statements can be built from it.

Guaranteed: exactly the words that the kernel's verifier asks for: of each statement, of each signer's key, of each
batch and its operator. Not guaranteed: that they are on chain; the proofs show it.
"""

from collections.abc import Iterable

from ledger.domain.accepting import Slot, accepting_contract, batch_slots, key_slots, registry_slots
from ledger.domain.chain_records import BatchRow
from ledger.domain.records import KeyRow, StatementRow
from ledger.ports import Tables
from ledger.services.known_members import stored_key
from tiezheng.errors import IntegrityFault
from tiezheng.receipt import Lane
from tiezheng.signature import Signature
from tiezheng.statement import Statement, parse_joined_signatures, parse_statement
from tiezheng.trust import Trust


def used_keys(tables: Tables, rows: Iterable[StatementRow]) -> list[KeyRow]:
    """Keys that signed these statements and the headers of their batches, ascending by (number, index), each once."""
    places: set[tuple[int, int]] = set()
    for row in rows:
        places |= {(one.signer, one.key_index) for one in parse_joined_signatures(row.signatures)}
        if row.batch is not None:
            seal = Signature.parse(_batch(tables, row.batch).signature)
            places.add((seal.signer, seal.key_index))
    return [stored_key(tables.members, number, index) for number, index in sorted(places)]


def needed_slots(tables: Tables, trust: Trust, rows: Iterable[StatementRow]) -> list[Slot]:
    """(contract address, position), ascending, each once, for all these statements (each anchored)."""
    kept = list(rows)
    slots: set[Slot] = set(key_slots(trust, used_keys(tables, kept)))
    for row in kept:
        statement = parse_statement(row.statement)
        contract = accepting_contract(trust, statement)
        if row.lane is Lane.REGISTRY:
            slots.update(registry_slots(contract, statement, _table_index(tables, statement)))
        elif row.batch is not None:
            slots.update(batch_slots(contract, _batch(tables, row.batch).digest))
    return sorted(slots)


def with_earlier(tables: Tables, rows: Iterable[StatementRow], height: int) -> list[StatementRow]:
    """These statements and all others of their cases that are anchored at or below `height`.

    The worker proves those together, so that a bundle of the whole case can be built at one checkpoint.
    """
    cases = dict.fromkeys(row.case for row in rows)
    return [
        row
        for case in cases
        for row in tables.statements.of_case(case)
        if row.block_number is not None and row.block_number <= height
    ]


def _table_index(tables: Tables, statement: Statement) -> int:
    case = tables.cases.get(statement.case)
    table = None if case is None else tables.registries.table(case.after.table)
    if table is None:
        raise IntegrityFault("chain.record_mismatch", got=statement.case, detail="table of the case")
    return table.index


def _batch(tables: Tables, number: int) -> BatchRow:
    row = tables.batches.get(number)
    if row is None:
        raise IntegrityFault("chain.record_mismatch", got=number, detail="batch")
    return row
