"""Which storage words have to be proved at a checkpoint so that bundles of these statements can be built from it.

Guaranteed: exactly the words that the kernel's verifier asks for: of each statement, of each signer's key, of each
batch and its operator. Not guaranteed: that they are on chain; the proofs show it.
"""

from collections.abc import Iterable

from ledger.domain.accepting import Slot, accepting_contract, batch_slots, key_slots, registry_slots
from ledger.domain.chain_records import BatchRow
from ledger.domain.records import CaseRow, KeyRow, StatementRow
from ledger.ports import Tables
from ledger.services.known_members import stored_key
from tiezheng.errors import IntegrityFault
from tiezheng.receipt import Lane
from tiezheng.signature import Signature
from tiezheng.statement import parse_joined_signatures, parse_statement
from tiezheng.trust import Trust


def used_keys(tables: Tables, rows: Iterable[StatementRow]) -> list[KeyRow]:
    """Keys that signed these statements and the headers of their batches, ascending by (number, index), each once."""
    kept = list(rows)
    places = {(one.signer, one.key_index) for row in kept for one in parse_joined_signatures(row.signatures)}
    for batch in batches_of(tables, kept).values():
        seal = Signature.parse(batch.signature)
        places.add((seal.signer, seal.key_index))
    return [stored_key(tables.members, number, index) for number, index in sorted(places)]


def needed_slots(tables: Tables, trust: Trust, rows: Iterable[StatementRow]) -> list[Slot]:
    """(contract address, position), ascending, each once, for all these statements (each anchored)."""
    kept = list(rows)
    slots: set[Slot] = set(key_slots(trust, used_keys(tables, kept)))
    batches = batches_of(tables, kept)
    cases = tables.cases.get_many(sorted({row.case for row in kept if row.lane is Lane.REGISTRY}))
    indexes: dict[bytes, int] = {}
    sealed: set[int] = set()
    for row in kept:
        if row.lane is Lane.REGISTRY:
            statement = parse_statement(row.statement)
            contract = accepting_contract(trust, statement)
            slots.update(registry_slots(contract, statement, _table_index(tables, cases.get(row.case), indexes)))
        elif row.batch is not None and row.batch not in sealed:
            sealed.add(row.batch)
            contract = accepting_contract(trust, parse_statement(row.statement))
            slots.update(batch_slots(contract, batches[row.batch].digest))
    return sorted(slots)


def with_earlier(tables: Tables, rows: Iterable[StatementRow], height: int) -> list[StatementRow]:
    """These statements and all others of their cases that are anchored at or below `height`.

    The worker proves those together, so that a bundle of the whole case can be built at one checkpoint. A case of the
    batch lane has one statement.
    """
    kept = list(rows)
    alone = [row for row in kept if row.lane is Lane.BATCH]
    cases = dict.fromkeys(row.case for row in kept if row.lane is not Lane.BATCH)
    return alone + [
        row
        for row in tables.statements.of_cases(list(cases))
        if row.block_number is not None and row.block_number <= height
    ]


def batches_of(tables: Tables, rows: Iterable[StatementRow]) -> dict[int, BatchRow]:
    """The batches that these statements stand in, by number, each asked for once."""
    found: dict[int, BatchRow] = {}
    for number in sorted({row.batch for row in rows if row.batch is not None}):
        batch = tables.batches.get(number)
        if batch is None:
            raise IntegrityFault("chain.record_mismatch", got=number, detail="batch")
        found[number] = batch
    return found


def _table_index(tables: Tables, case: CaseRow | None, known: dict[bytes, int]) -> int:
    if case is None:
        raise IntegrityFault("chain.record_mismatch", detail="table of the case")
    if case.after.table not in known:
        table = tables.registries.table(case.after.table)
        if table is None:
            raise IntegrityFault("chain.record_mismatch", got=case.case, detail="table of the case")
        known[case.after.table] = table.index
    return known[case.after.table]
