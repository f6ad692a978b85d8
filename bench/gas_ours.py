"""Gas of the ledger's own contracts, row by row.

Guaranteed: whole transactions as their receipts tell, except `sm3_block`, `sm2_verify_table` and `sm2_verify`, which
are execution alone. Every row is a thing that succeeded on a founded ledger whose signers' keys have their tables.
"""

from anchors.chains.anvil import GENESIS_TIME
from bench.gas_bytes import HEADER, ZERO, Statement, whole
from bench.gas_cases import sm2_cases
from bench.gas_chain import LARGEST_CODE_BYTES, GasChain
from bench.gas_ledger import (
    APPRAISERS,
    APPROVER,
    BY_APPROVER,
    BY_NOTARY,
    BY_OTHER_RECEIVER,
    BY_RELEASER,
    CLOSE,
    COLLECTORS,
    MATTER,
    NEWCOMER,
    NOTARY,
    OFFICE,
    OPEN,
    OPERATOR,
    PEOPLE,
    RECEIVER,
    RELEASER,
    ROLES,
    SAMPLE,
    SEAL,
    STEP,
    TWO,
    GasLedger,
    kind,
    matter_table,
    sample_table,
)
from tiezheng.digest import sm3

BLOCKS = 33
COPIED_WORD_GAS = MEMORY_WORD_GAS = 3
OCCURRED = GENESIS_TIME * 1000 + 1
BATCH_LEAVES = 10_000
GRAM = 3


def measure(chain: GasChain) -> tuple[dict[str, int], dict[str, int]]:
    """Gas by row, and the size of each contract's code in bytes; RuntimeError for a contract that is too large."""
    ledger = GasLedger(chain)
    founded = ledger.found()
    rows = _primitives(ledger) | {"founding": founded["Institutions"].gas}
    rows |= _members(ledger) | _statements(ledger) | _sample(ledger) | _batches(ledger) | _closing(ledger)
    sizes = ledger.code_bytes()
    large = [name for name, size in sizes.items() if size >= LARGEST_CODE_BYTES]
    if large:
        raise RuntimeError(f"code of {LARGEST_CODE_BYTES} bytes or more: {', '.join(large)}")
    return rows, sizes


def _primitives(ledger: GasLedger) -> dict[str, int]:
    # What the external function takes for each block beside the hash: copying two words from calldata into new memory.
    copying = 2 * (COPIED_WORD_GAS + MEMORY_WORD_GAS)

    def hashing(blocks: int) -> int:
        # The last block holds the padding, so each length is nine bytes short of whole blocks.
        return ledger.send("Sm2Keys", "sm3", bytes([0x5A]) * (64 * blocks - 9)).execution

    verifier, plain, tabled = ledger.at["Sm2Verifier"], [], []
    contracts: dict[tuple[int, int], str] = {}
    cases = sm2_cases()
    for case in cases:
        data = ledger.contracts["Sm2Verifier"].call("verify", case.e, case.r, case.s, case.x, case.y)
        plain.append(ledger.chain.check(verifier, data))
        point = (case.x, case.y)
        if point not in contracts:
            contracts[point] = "0x" + ledger.ask("Sm2Keys", "createWithTable", *point)[-20:].hex()
            ledger.send("Sm2Keys", "createWithTable", *point)
        data = ledger.contracts["Sm2Verifier"].call("verifyWithKey", case.e, case.r, case.s, contracts[point])
        tabled.append(ledger.chain.check(verifier, data))
    return {
        "sm3_block": round((hashing(BLOCKS) - hashing(1)) / (BLOCKS - 1) - copying),
        "sm2_verify_table": round(sum(tabled) / len(cases)),
        "sm2_verify": round(sum(plain) / len(cases)),
    }


def _members(ledger: GasLedger) -> dict[str, int]:
    for person, (institution, function) in PEOPLE.items():
        ledger.admit(person, institution, function)
    tables = [ledger.send("Institutions", "addTable", member, 0).gas for member in (*ROLES, *PEOPLE)]
    return {
        "admission": ledger.admit(NEWCOMER, OFFICE, 1).gas,
        "register_key": tables[-1],
        "table_registration": (ledger.register_table(matter_table()), ledger.register_table(sample_table()))[0].gas,
    }


def _statements(ledger: GasLedger) -> dict[str, int]:
    def begin(name: bytes) -> Statement:
        case = whole(OFFICE, 4) + sm3(b"case", name)[:28]
        return Statement(kind(MATTER, OPEN), 0, OFFICE, OCCURRED, case, sm3(matter_table()))

    ledger.record(begin(b"first"), (OFFICE, SEAL))
    last = begin(b"second")
    rows = {"statement_open": ledger.record(last, (OFFICE, SEAL)).gas}
    one, two = ((NOTARY, BY_NOTARY),), ((NOTARY, BY_NOTARY), (APPROVER, BY_APPROVER))
    gas = {}
    for row, step, signers in (
        ("first_step", STEP, one),
        ("statement_step", STEP, one),
        ("first_two", TWO, two),
        ("statement_step_two_signers", TWO, two),
        ("statement_step_again", STEP, one),
        ("statement_close", CLOSE, one),
    ):
        last = Statement(kind(MATTER, step), 0, OFFICE, OCCURRED, last.case, ZERO).after(last)
        gas[row] = ledger.record(last, *signers).gas
    rows |= {row: gas[row] for row in ("statement_step", "statement_step_two_signers", "statement_close")}
    rows["further_signer"] = gas["statement_step_two_signers"] - gas["statement_step"]
    return rows


def _sample(ledger: GasLedger) -> dict[str, int]:
    def holding(holder: int) -> bytes:
        return whole(500, 8) + whole(GRAM, 2) + whole(holder, 4) + bytes(18)

    case = whole(COLLECTORS, 4) + sm3(b"case", b"sample")[:28]
    table = sm3(sample_table())
    last = Statement(kind(SAMPLE, OPEN), 0, COLLECTORS, OCCURRED, case, table, terms=holding(COLLECTORS))
    rows = {"sample_open": ledger.record(last, (COLLECTORS, SEAL)).gas}
    people = {COLLECTORS: RELEASER, APPRAISERS: RECEIVER}
    for row, giver, taker in (
        ("first_transfer", COLLECTORS, APPRAISERS),
        ("sample_return", APPRAISERS, COLLECTORS),
        ("sample_transfer", COLLECTORS, APPRAISERS),
    ):
        moved = Statement(kind(SAMPLE, STEP), 0, giver, OCCURRED, case, ZERO, taker, holding(taker))
        last = moved.after(last)
        signers = sorted(((people[giver], BY_RELEASER), (people[taker], BY_OTHER_RECEIVER)))
        gas = ledger.record(last, *signers).gas
        if row == "sample_transfer":
            rows[row] = gas
    return rows


def _batches(ledger: GasLedger) -> dict[str, int]:
    previous, gas = ZERO, 0
    for batch in range(2):
        numbers = whole(OPERATOR, 4) + whole(batch, 8) + whole(batch * BATCH_LEAVES, 8) + whole(BATCH_LEAVES, 4)
        header = numbers + sm3(b"root", bytes((batch,))) + previous
        previous = sm3(header)
        signature = ledger.keys[OPERATOR].wire(HEADER, 0, 1, ledger.ids["BatchAnchor"], previous)
        gas = ledger.send("BatchAnchor", "anchor", header, signature).gas
    return {"batch_anchor": gas}


def _closing(ledger: GasLedger) -> dict[str, int]:
    threshold = b"\x15\x02"
    decided = ledger.send("Institutions", "execute", threshold, *ledger.decide("Institutions", threshold), b"").gas
    successor = bytes(20)
    signed = ledger.decide("CaseRegistry", b"\x22" + successor)
    closed = ledger.send("CaseRegistry", "close", "0x" + successor.hex(), *signed).gas
    return {"decision": decided, "registry_close": closed}
