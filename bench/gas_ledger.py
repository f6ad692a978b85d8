"""A founded ledger on a fresh chain, with keys that have their tables, for the gas table.

Guaranteed: the contracts are those that `forge build` left in out/; founding, members and tables are the same on every
run. Not guaranteed: a ledger that anyone should use; founders, members and tables are made up for the measurement.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from anchors.chains.anvil import GENESIS_TIME
from bench.gas_bytes import DECISION, STATEMENT, Key, Slot, Statement, contract_id, entry, table, whole
from bench.gas_chain import GasChain, Spent, arguments, calldata
from tiezheng.digest import sm3
from tiezheng.evm.keccak import keccak256
from tiezheng.evm.rlp import encode, encode_int

BUILT: Final = Path(__file__).resolve().parent.parent / "out"
OFFICE, APPRAISERS, COLLECTORS, REGULATOR, OPERATOR = 101, 102, 103, 106, 109
NOTARY, APPROVER, RELEASER, RECEIVER, NEWCOMER = (0x8000_0000 + place for place in range(1, 6))
INNER: Final = ("CaseEffects", "TableShapes")
ROLES: Final = {OFFICE: 1, APPRAISERS: 2, COLLECTORS: 2, REGULATOR: 6, OPERATOR: 9}
# Practitioner: institution and function.
PEOPLE: Final = {NOTARY: (OFFICE, 1), APPROVER: (OFFICE, 1), RELEASER: (COLLECTORS, 2), RECEIVER: (APPRAISERS, 2)}
THRESHOLD: Final = 3
SELF: Final = 1
DOMAIN: Final = 1
FOREVER: Final = (1 << 48) - 1
DECISION_SECONDS: Final = 86_400 * 30
EXPIRES: Final = GENESIS_TIME + DECISION_SECONDS

# Role bytes of SPEC §2.4 and flags and effects of §8.2.
SEAL, BY_NOTARY, BY_APPROVER, BY_RELEASER, BY_OTHER_RECEIVER = 0x00, 0x41, 0x42, 0x4C, 0xCD
OPENS, CLOSES, NAMES = 1, 2, 8
HOLD, TRANSFER = 9, 10
BY_HOLDER: Final = 4
MATTER, SAMPLE = 1, 2
OPEN, STEP, TWO, CLOSE = 1, 2, 3, 4


def matter_table() -> bytes:
    """A notary's matter: opened by seal, steps by one notary or two, closed by one."""
    return table(
        DOMAIN,
        MATTER,
        [
            entry(OPEN, Slot(SEAL, 1), flags=OPENS, states=0, to=1),
            entry(STEP, Slot(BY_NOTARY, 1)),
            entry(TWO, Slot(BY_NOTARY, 1), Slot(BY_APPROVER, 1)),
            entry(CLOSE, Slot(BY_NOTARY, 1), flags=CLOSES, to=2),
        ],
    )


def sample_table() -> bytes:
    """A sample: its collector opens, then hands it over, one person of each side signing."""
    both = (Slot(BY_RELEASER, 2), Slot(BY_OTHER_RECEIVER, 2))
    return table(
        DOMAIN,
        SAMPLE,
        [
            entry(OPEN, Slot(SEAL, 2), flags=OPENS, states=0, to=1, effect=HOLD),
            entry(STEP, *both, flags=NAMES, who=BY_HOLDER, effect=TRANSFER),
        ],
    )


def kind(case_type: int, step: int) -> int:
    """SPEC §3: domain, case type, step."""
    return DOMAIN << 12 | case_type << 8 | step


@dataclass(frozen=True, slots=True)
class Built:
    """A compiled contract: creation code, and calls by the name of a function."""

    code: str
    types: str
    functions: dict[str, str]

    def call(self, name: str, *values: Any) -> bytes:
        return calldata(self.functions[name], *values)

    def creation(self, *values: Any) -> bytes:
        return bytes.fromhex(self.code[2:]) + arguments(self.types, *values)


def built(name: str) -> Built:
    """A contract as `forge build` left it, and the functions of its interface."""
    contract, interface = _file(name), _file(f"I{name}")
    constructors = [one["inputs"] for one in contract["abi"] if one["type"] == "constructor"]
    types = ",".join(_type(one) for one in (constructors[0] if constructors else []))
    functions = {signature.split("(")[0]: signature for signature in interface["methodIdentifiers"]}
    return Built(contract["bytecode"]["object"], f"({types})", functions)


def _file(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((BUILT / f"{name}.sol" / f"{name}.json").read_text(encoding="utf-8"))
    return read


def _type(parameter: dict[str, Any]) -> str:
    inner, base = parameter.get("components"), str(parameter["type"])
    return base if inner is None else "(" + ",".join(_type(one) for one in inner) + ")" + base.removeprefix("tuple")


@dataclass
class GasLedger:
    """The deployed contracts and what the setting up of each cost."""

    chain: GasChain
    contracts: dict[str, Built] = field(init=False)
    at: dict[str, str] = field(init=False, default_factory=dict)
    ids: dict[str, bytes] = field(init=False, default_factory=dict)
    keys: dict[int, Key] = field(init=False)
    decisions: int = 0

    def __post_init__(self) -> None:
        names = ("Sm2Verifier", "Sm2Keys", "Institutions", "CaseRegistry", "BatchAnchor")
        self.contracts = {name: built(name) for name in names}
        self.keys = {member: Key(member) for member in (*ROLES, *PEOPLE, NEWCOMER)}

    def found(self) -> dict[str, Spent]:
        """Deploy all five contracts; the founding is the creation of `Institutions`."""
        spent = {name: self._create(name) for name in ("Sm2Verifier", "Sm2Keys")}
        codes = [keccak256(self._code(name)) for name in ("Sm2Verifier", "Sm2Keys")]
        founders = [(one, role, SELF, *self.keys[one].point, self.keys[one].card) for one, role in ROLES.items()]
        listed = b"".join(
            whole(n, 4) + bytes((r, c)) + whole(x, 32) + whole(y, 32) + i for n, r, c, x, y, i in founders
        )
        counts = bytes((THRESHOLD,)), bytes((len(ROLES),))
        founding = sm3(b"tiezheng/founding/1", counts[0], *codes, counts[1], listed)
        count = int(self.chain.ask("eth_getTransactionCount", self.chain.sender, "latest"), 16)
        place = "0x" + keccak256(encode([bytes.fromhex(self.chain.sender[2:]), encode_int(count)]))[12:].hex()
        identity = contract_id(place, founding)
        signatures = [self.keys[one].sign(DECISION, 0, len(ROLES), identity, founding) for one in ROLES]
        helpers = self.at["Sm2Verifier"], self.at["Sm2Keys"]
        spent["Institutions"] = self._create("Institutions", *helpers, THRESHOLD, founders, signatures)
        spent["CaseRegistry"] = self._create("CaseRegistry", self.at["Institutions"], DOMAIN, "0x" + "00" * 20)
        spent["BatchAnchor"] = self._create("BatchAnchor", self.at["Institutions"])
        self.ids = {
            name: contract_id(self.at[name], founding) for name in ("Institutions", "CaseRegistry", "BatchAnchor")
        }
        return spent

    def send(self, contract: str, function: str, *values: Any) -> Spent:
        return self.chain.send(self.at[contract], self.contracts[contract].call(function, *values))

    def ask(self, contract: str, function: str, *values: Any) -> bytes:
        return self.chain.call(self.at[contract], self.contracts[contract].call(function, *values))

    def admit(self, person: int, institution: int, function: int) -> Spent:
        """Admit a practitioner with a first key (SPEC §5.2)."""
        key, identity = self.keys[person], self.ids["Institutions"]
        x, y = key.point
        numbers = b"\x01" + whole(person, 4) + whole(institution, 4) + bytes((function, SELF))
        digest = sm3(numbers, whole(x, 32), whole(y, 32), key.card)
        both = b"".join(self.keys[one].wire(DECISION, 0, 2, identity, digest) for one in (institution, REGULATOR))
        admission = (person, institution, function, SELF, x, y, key.card)
        return self.send("Institutions", "admitPractitioner", admission, both, key.possession(SELF, identity))

    def decide(self, contract: str, action: bytes) -> tuple[int, int, bytes]:
        """Number, end and signatures of the next decision, by as many voters as it needs."""
        self.decisions += 1
        digest = sm3(b"\x80", whole(self.decisions, 8), whole(EXPIRES, 6), self.ids[contract], action)
        voters = list(ROLES)[:THRESHOLD]
        identity = self.ids["Institutions"]
        signed = b"".join(self.keys[one].wire(DECISION, 0, THRESHOLD, identity, digest) for one in voters)
        return self.decisions, EXPIRES, signed

    def register_table(self, data: bytes) -> Spent:
        """Register a procedure table by a decision; open-ended, in force since the chain's first block."""
        dates = (GENESIS_TIME * 1000, FOREVER)
        action = b"\x20" + sm3(data) + whole(dates[0], 6) + whole(dates[1], 6)
        return self.send("CaseRegistry", "registerTable", data, *dates, *self.decide("CaseRegistry", action))

    def record(self, statement: Statement, *signers: tuple[int, int]) -> Spent:
        """Record a statement signed by (member, role), ascending by member."""
        count, identity = len(signers), self.ids["CaseRegistry"]
        signed = (self.keys[one].wire(STATEMENT, role, count, identity, statement.digest) for one, role in signers)
        return self.send("CaseRegistry", "record", statement.to_bytes(), b"".join(signed))

    def code_bytes(self) -> dict[str, int]:
        """Size of the deployed code of each contract, also of those that the registry creates for itself."""
        inner = {name: len(_file(name)["deployedBytecode"]["object"]) // 2 - 1 for name in INNER}
        return inner | {name: len(self._code(name)) for name in self.at}

    def _code(self, name: str) -> bytes:
        return bytes.fromhex(self.chain.ask("eth_getCode", self.at[name], "latest")[2:])

    def _create(self, name: str, *values: Any) -> Spent:
        spent = self.chain.send(None, self.contracts[name].creation(*values))
        self.at[name] = spent.contract
        return spent
