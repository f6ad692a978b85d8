"""The trust file (§11)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.plain import canonical
from tests.plain.formats import PRACTITIONER, contract_id, institution
from tests.plain.procedures import Procedure, read_procedure
from tests.plain.refusal import Refused, need
from tests.plain.sm import public_key

LARGEST_FILE = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Ledger:
    chain_id: int
    founding: bytes
    genesis: bytes


@dataclass(frozen=True, slots=True)
class Contract:
    """One contract and the heights, both included, in which it is relied on."""

    address: bytes
    code_hash: bytes
    domain: int | None
    start: int
    id: bytes
    role: str
    until: int | None


@dataclass(frozen=True, slots=True)
class Trust:
    """`valid_until` in seconds; `threshold` is None where the strategy is dev."""

    ledger: Ledger
    valid_until: int
    contracts: list[Contract]
    procedures: list[Procedure]
    threshold: int | None
    witnesses: dict[int, bytes]

    @property
    def institutions(self) -> Contract:
        return next(one for one in self.contracts if one.role == "institutions")


def read_ledger(chain_id: Any, founding: Any, genesis: Any) -> Ledger:
    return Ledger(canonical.whole(chain_id, 1), canonical.octets(founding, 32), canonical.octets(genesis, 32))


def read_trust(data: bytes) -> Trust:
    """The trust file, refused unless it keeps §11."""
    form, _, issued_at, valid_until, name, ledger, contracts, procedures, finality = _heads(data)
    need(form == "tiezheng/trust/1", "another format")
    issued, until = _seconds(issued_at), _seconds(valid_until)
    need(issued < until, "the end is not after the issue")
    _bilingual(name)
    chain_id, founding, genesis, threshold = canonical.members(ledger, "chain_id", "founding", "genesis", "threshold")
    canonical.whole(threshold, 1, 255)
    place = read_ledger(chain_id, founding, genesis)
    relied_on = [_read_contract(one, place) for one in canonical.entries(contracts, 1, 256)]
    canonical.ascending([one.address for one in relied_on], "addresses")
    need([one.role for one in relied_on].count("institutions") == 1, "not one contract of institutions")
    _check_heights(relied_on)
    documents = [read_procedure(one) for one in canonical.entries(procedures, 0, 256)]
    need(len({one.table_digest for one in documents}) == len(documents), "two procedures of one table")
    least, witnesses = _read_finality(finality)
    return Trust(place, until, relied_on, documents, least, witnesses)


def _heads(data: bytes) -> list[Any]:
    names = "format", "issue", "issued_at", "valid_until", "name", "ledger", "contracts", "procedures", "finality"
    values = canonical.members(canonical.read(data, LARGEST_FILE), *names)
    canonical.whole(values[1], 1)
    return values


def _seconds(value: Any) -> int:
    try:
        return int(datetime.strptime(canonical.text(value), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
    except ValueError as error:
        raise Refused("not a time in UTC seconds") from error


def _bilingual(value: Any) -> None:
    for one in canonical.members(value, "en", "zh"):
        canonical.text(one, 256)


def _read_contract(value: Any, ledger: Ledger) -> Contract:
    address, code_hash, domain, start, given, role, until = canonical.members(
        value, "address", "code_hash", "domain", "from", "id", "role", "until"
    )
    need(role in {"institutions", "registry", "batch"}, "unknown role of a contract")
    need((domain is not None) == (role == "registry"), "a domain exactly for a registry")
    if domain is not None:
        canonical.whole(domain, 1, 15)
    first = canonical.whole(start)
    need(until is None or canonical.whole(until) >= first, "`until` is below `from`")
    need(role != "institutions" or until is None, "institutions with an end")
    place = canonical.octets(address, 20)
    computed = contract_id(ledger.chain_id, place, ledger.founding)
    need(canonical.octets(given, 32) == computed, "the contract id is another one")
    return Contract(place, canonical.octets(code_hash, 32), domain, first, computed, role, until)


def _check_heights(contracts: list[Contract]) -> None:
    for one in contracts:
        for other in contracts:
            if one is not other and (one.role, one.domain, one.start <= other.start) == (
                other.role,
                other.domain,
                True,
            ):
                need(one.until is not None and one.until < other.start, "heights overlap")


def _read_finality(value: Any) -> tuple[int | None, dict[int, bytes]]:
    if value == {"strategy": "dev"}:
        return None, {}
    strategy, threshold, witnesses = canonical.members(value, "strategy", "threshold", "witnesses")
    need(strategy == "witness", "unknown strategy")
    pinned: dict[int, bytes] = {}
    for one in canonical.entries(witnesses, 1, 256):
        name, number, x, y = canonical.members(one, "name", "number", "x", "y")
        _bilingual(name)
        canonical.ascending([*pinned, institution(canonical.whole(number, 1, PRACTITIONER - 1))], "witnesses")
        pinned[number] = canonical.octets(x, 32) + canonical.octets(y, 32)
        public_key(pinned[number])
    need(len(set(pinned.values())) == len(pinned), "two witnesses of one key")
    return canonical.whole(threshold, 1, len(pinned)), pinned
