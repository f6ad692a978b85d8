"""Trust files: what a verifier's owner decided to rely on, received out of band (spec/SPEC.md §11).

Guaranteed: a `Trust` that exists does not contradict itself (contract ids recomputed, one `Institutions`, no two
contracts for one purpose at one height, a threshold that its witnesses can reach), and `parse_trust` accepts only the
one canonical encoding. Not guaranteed: that it deserves trust; the file is unsigned, and how it was received decides.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from tiezheng.bundle import LedgerId
from tiezheng.canonical import dumps, loads_strict
from tiezheng.errors import Malformed, TooLarge
from tiezheng.json_members import check_ascending, read_hex, read_integer, read_list, read_object, read_text
from tiezheng.procedures.model import Procedure
from tiezheng.procedures.parse import parse_procedure
from tiezheng.signature import PublicKey
from tiezheng.statement import ADDRESS_SIZE, contract_id

FORMAT: Final = "tiezheng/trust/1"
# A hundred procedure documents fit; more would be another ledger.
MAX_TRUST_SIZE: Final = 4 << 20
MAX_CONTRACTS: Final = 256
MAX_PROCEDURES: Final = 256
MAX_WITNESSES: Final = 256
MAX_DOMAIN: Final = 15
INSTITUTIONS: Final = "institutions"
REGISTRY: Final = "registry"
BATCH: Final = "batch"
DEV: Final = "dev"
WITNESS: Final = "witness"
_ROLES: Final = frozenset({INSTITUTIONS, REGISTRY, BATCH})
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", re.ASCII)
_WORD: Final = 32
_TRUST: Final = frozenset(
    {"contracts", "finality", "format", "issue", "issued_at", "ledger", "name", "procedures", "valid_until"}
)
_LEDGER: Final = frozenset({"chain_id", "founding", "genesis", "threshold"})
_CONTRACT: Final = frozenset({"address", "code_hash", "domain", "from", "id", "role", "until"})
_NAME: Final = frozenset({"en", "zh"})
_WITNESS: Final = frozenset({"name", "number", "x", "y"})
_DEV_FINALITY: Final = frozenset({"strategy"})
_WITNESS_FINALITY: Final = frozenset({"strategy", "threshold", "witnesses"})


@dataclass(frozen=True, slots=True)
class Name:
    """A name in both languages."""

    zh: str
    en: str

    def to_json(self) -> dict[str, str]:
        """`{"en","zh"}`."""
        return {"en": self.en, "zh": self.zh}


@dataclass(frozen=True, slots=True)
class TrustedContract:
    """A contract that may be relied on for blocks `from_height` to `until_height` (None: no end).

    `address` has 20 bytes, `code_hash` is keccak-256 of the deployed code, `id` the contract id (§2.5).
    """

    role: str
    address: bytes
    code_hash: bytes
    id: bytes
    domain: int | None = None
    from_height: int = 0
    until_height: int | None = None

    def accepts(self, height: int) -> bool:
        """Whether a record that was made at this block height counts."""
        return self.from_height <= height and (self.until_height is None or height <= self.until_height)

    def to_json(self) -> dict[str, object]:
        """An item of `contracts`."""
        return {
            "address": self.address.hex(),
            "code_hash": self.code_hash.hex(),
            "domain": self.domain,
            "from": self.from_height,
            "id": self.id.hex(),
            "role": self.role,
            "until": self.until_height,
        }


def trusted_contract(
    ledger: LedgerId,
    role: str,
    address: bytes,
    code_hash: bytes,
    domain: int | None = None,
    from_height: int = 0,
    until_height: int | None = None,
) -> TrustedContract:
    """A contract of this ledger, its id computed."""
    identity = contract_id(ledger.chain_id, address, ledger.founding)
    return TrustedContract(role, address, code_hash, identity, domain, from_height, until_height)


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness: its institution number and its SM2 key."""

    number: int
    name: Name
    public: PublicKey

    def to_json(self) -> dict[str, object]:
        """An item of `witnesses`."""
        key = self.public.to_bytes().hex()
        return {"name": self.name.to_json(), "number": self.number, "x": key[:64], "y": key[64:]}


@dataclass(frozen=True, slots=True)
class FinalityRule:
    """What makes a block final: `dev` (nothing does), or `threshold` cosignatures by `witnesses`."""

    strategy: str
    threshold: int = 0
    witnesses: tuple[Witness, ...] = ()

    def __post_init__(self) -> None:
        if self.strategy == DEV:
            if self.threshold or self.witnesses:
                raise Malformed("trust.finality", detail="dev names no witnesses")
            return
        if self.strategy != WITNESS:
            raise Malformed("trust.finality", got=self.strategy[:64], detail="strategy")
        check_ascending([witness.number for witness in self.witnesses], "witnesses")
        if not 1 <= self.threshold <= len(self.witnesses):
            raise Malformed("trust.finality", expected=f"threshold 1 to {len(self.witnesses)}", got=self.threshold)
        if len({witness.public for witness in self.witnesses}) != len(self.witnesses):
            raise Malformed("trust.finality", detail="two witnesses with one key")

    def witness(self, number: int) -> Witness | None:
        """The witness of that number."""
        return next((witness for witness in self.witnesses if witness.number == number), None)

    def to_json(self) -> dict[str, object]:
        """The member `finality`."""
        if self.strategy == DEV:
            return {"strategy": DEV}
        witnesses = [witness.to_json() for witness in self.witnesses]
        return {"strategy": self.strategy, "threshold": self.threshold, "witnesses": witnesses}


@dataclass(frozen=True, slots=True)
class Trust:
    """One issue of a trust file. `founders_threshold` is the number of founders that decide together.

    Raises Malformed `trust.*`, `json.order`.
    """

    issue: int
    issued_at: datetime
    valid_until: datetime
    name: Name
    ledger: LedgerId
    founders_threshold: int
    contracts: tuple[TrustedContract, ...]
    procedures: tuple[Procedure, ...]
    finality: FinalityRule
    _by_address: dict[bytes, TrustedContract] = field(init=False, repr=False, compare=False)
    _by_table: dict[bytes, Procedure] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.issued_at < self.valid_until:
            raise Malformed("trust.time", expected="issued_at before valid_until")
        check_ascending([contract.address for contract in self.contracts], "contracts")
        self._check_contracts()
        object.__setattr__(self, "_by_address", {contract.address: contract for contract in self.contracts})
        tables = {procedure.table_digest: procedure for procedure in self.procedures}
        if len(tables) != len(self.procedures):
            raise Malformed("json.order", detail="procedures repeat")
        object.__setattr__(self, "_by_table", tables)

    def _check_contracts(self) -> None:
        for contract in self.contracts:
            expected = contract_id(self.ledger.chain_id, contract.address, self.ledger.founding)
            if contract.id != expected:
                raise Malformed("trust.contracts", expected=expected, got=contract.id, detail="contract id")
            if contract.role not in _ROLES or (contract.domain is None) != (contract.role != REGISTRY):
                raise Malformed("trust.contracts", got=contract.role[:64], detail="role and domain")
            if contract.until_height is not None and contract.until_height < contract.from_height:
                raise Malformed("trust.contracts", expected="from before until", detail="heights")
        if len(self._of(INSTITUTIONS, None)) != 1 or self.institutions.until_height is not None:
            raise Malformed("trust.contracts", expected="exactly one institutions contract, without end")
        for role, domain in {(contract.role, contract.domain) for contract in self.contracts}:
            last = -1
            for contract in sorted(self._of(role, domain), key=lambda one: one.from_height):
                if contract.from_height <= last:
                    raise Malformed("trust.contracts", got=contract.from_height, detail="overlapping heights")
                last = contract.until_height if contract.until_height is not None else (1 << 64)

    def _of(self, role: str, domain: int | None) -> list[TrustedContract]:
        return [contract for contract in self.contracts if (contract.role, contract.domain) == (role, domain)]

    @property
    def institutions(self) -> TrustedContract:
        """The one `Institutions` contract, whose id also stands in witness signatures."""
        return self._of(INSTITUTIONS, None)[0]

    def registries(self, domain: int) -> list[TrustedContract]:
        """The registries of a domain, the earliest first."""
        return sorted(self._of(REGISTRY, domain), key=lambda contract: contract.from_height)

    def batches(self) -> list[TrustedContract]:
        """The batch contracts, the earliest first."""
        return sorted(self._of(BATCH, None), key=lambda contract: contract.from_height)

    def contract(self, address: bytes) -> TrustedContract | None:
        """The contract at this address (20 bytes)."""
        return self._by_address.get(address)

    def procedure(self, table_digest: bytes) -> Procedure | None:
        """The procedure whose table has this digest."""
        return self._by_table.get(table_digest)

    def to_json(self) -> dict[str, object]:
        """The members of §11."""
        return {
            "contracts": [contract.to_json() for contract in self.contracts],
            "finality": self.finality.to_json(),
            "format": FORMAT,
            "issue": self.issue,
            "issued_at": format_time(self.issued_at),
            "ledger": {**self.ledger.to_json(), "threshold": self.founders_threshold},
            "name": self.name.to_json(),
            "procedures": [loads_strict(one.canonical_bytes, MAX_TRUST_SIZE) for one in self.procedures],
            "valid_until": format_time(self.valid_until),
        }

    def to_bytes(self) -> bytes:
        """The canonical bytes."""
        return dumps(self.to_json())


def parse_trust(data: bytes) -> Trust:
    """The trust file in these bytes. Raises Malformed `trust.*`, `json.*`, `procedure.*`, `key.*`."""
    if len(data) > MAX_TRUST_SIZE:
        raise TooLarge("json.too_large", expected=MAX_TRUST_SIZE, got=len(data))
    value = loads_strict(data, MAX_TRUST_SIZE)
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise Malformed("trust.format", expected=FORMAT)
    trust = read_object(value, _TRUST, "trust")
    ledger = read_object(trust["ledger"], _LEDGER, "ledger")
    return Trust(
        issue=read_integer(trust["issue"], "issue", least=1),
        issued_at=parse_time(trust["issued_at"], "issued_at"),
        valid_until=parse_time(trust["valid_until"], "valid_until"),
        name=_name(trust["name"]),
        ledger=LedgerId(
            chain_id=read_integer(ledger["chain_id"], "chain_id", least=1),
            founding=read_hex(ledger["founding"], "founding", _WORD),
            genesis=read_hex(ledger["genesis"], "genesis", _WORD),
        ),
        founders_threshold=read_integer(ledger["threshold"], "threshold", 255, 1),
        contracts=tuple(_contract(item) for item in read_list(trust["contracts"], "contracts", MAX_CONTRACTS, 1)),
        procedures=tuple(
            parse_procedure(item) for item in read_list(trust["procedures"], "procedures", MAX_PROCEDURES)
        ),
        finality=_finality(trust["finality"]),
    )


def parse_time(value: object, where: str) -> datetime:
    """A time of the form `2026-11-23T08:00:00Z`. Raises Malformed `trust.time`."""
    if not isinstance(value, str) or _TIME.fullmatch(value) is None:
        raise Malformed("trust.time", expected="2026-11-23T08:00:00Z", detail=where)
    try:
        return datetime.fromisoformat(value[:-1]).replace(tzinfo=UTC)
    except ValueError:
        raise Malformed("trust.time", expected="a date of the calendar", detail=where) from None


def format_time(moment: datetime) -> str:
    """The inverse of `parse_time`; fractions of a second are refused. Raises Malformed `trust.time`."""
    if moment.utcoffset() is None or moment.microsecond:
        raise Malformed("trust.time", expected="whole seconds, with a zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _name(value: object) -> Name:
    name = read_object(value, _NAME, "name")
    return Name(zh=read_text(name["zh"], "name.zh", 256), en=read_text(name["en"], "name.en", 256))


def _contract(value: object) -> TrustedContract:
    item = read_object(value, _CONTRACT, "contracts[]")
    domain, until = item["domain"], item["until"]
    return TrustedContract(
        role=read_text(item["role"], "role", 16),
        address=read_hex(item["address"], "address", ADDRESS_SIZE),
        code_hash=read_hex(item["code_hash"], "code_hash", _WORD),
        id=read_hex(item["id"], "id", _WORD),
        domain=None if domain is None else read_integer(domain, "domain", MAX_DOMAIN, 1),
        from_height=read_integer(item["from"], "from"),
        until_height=None if until is None else read_integer(until, "until"),
    )


def _finality(value: object) -> FinalityRule:
    if isinstance(value, dict) and value.get("strategy") == DEV:
        read_object(value, _DEV_FINALITY, "finality")
        return FinalityRule(DEV)
    finality = read_object(value, _WITNESS_FINALITY, "finality")
    return FinalityRule(
        strategy=read_text(finality["strategy"], "strategy", 64),
        threshold=read_integer(finality["threshold"], "threshold", MAX_WITNESSES, 1),
        witnesses=tuple(_witness(item) for item in read_list(finality["witnesses"], "witnesses", MAX_WITNESSES, 1)),
    )


def _witness(value: object) -> Witness:
    item = read_object(value, _WITNESS, "witnesses[]")
    return Witness(
        number=read_integer(item["number"], "number", (1 << 31) - 1, 1),
        name=_name(item["name"]),
        public=PublicKey.parse(read_hex(item["x"], "x", _WORD) + read_hex(item["y"], "y", _WORD)),
    )
