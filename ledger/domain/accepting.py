"""Which contract accepts a statement, and which storage words prove it.

Guaranteed: positions are computed from the statement and keys (SPEC §5.3, §6, §8.5), never taken from anyone; they are
those that the kernel's verifier asks for. Not guaranteed: that a proof of them exists.
"""

from collections.abc import Iterable, Sequence

from ledger.domain.records import KeyRow
from tiezheng.errors import Refused
from tiezheng.statement import Flag, Statement
from tiezheng.storage_words import identity_root_slot, key_record_slot, record_slot, table_slot
from tiezheng.trust import Trust, TrustedContract

Slot = tuple[bytes, bytes]
"""(contract address of 20 bytes, position of 32 bytes)."""


def accepting_contract(trust: Trust, statement: Statement) -> TrustedContract:
    """The contract that takes new statements of this domain and lane. Raises Refused `trust.contract_unknown`."""
    in_batch = bool(statement.flags & Flag.BATCH)
    contract = _open(trust.batches()) if in_batch else registry_of(trust, statement.domain)
    if contract is None:
        raise Refused("trust.contract_unknown", got=statement.domain)
    return contract


def registry_of(trust: Trust, domain: int) -> TrustedContract | None:
    """The registry that takes new statements of this domain, if there is one."""
    return _open(trust.registries(domain))


def _open(contracts: Sequence[TrustedContract]) -> TrustedContract | None:
    return next((one for one in reversed(contracts) if one.until_height is None), None)


def record_at(contract: TrustedContract, digest: bytes) -> Slot:
    """The record of a statement or batch header, by its digest."""
    return contract.address, record_slot(digest)


def registry_slots(contract: TrustedContract, statement: Statement, table_index: int) -> list[Slot]:
    """The statement's record and the table, by its index, that its case is pinned to (SPEC §8.5)."""
    return [record_at(contract, statement.digest), (contract.address, table_slot(table_index))]


def batch_slots(contract: TrustedContract, header_digest: bytes) -> list[Slot]:
    """The record of a batch header (SPEC §6)."""
    return [record_at(contract, header_digest)]


def key_slots(trust: Trust, keys: Iterable[KeyRow]) -> list[Slot]:
    """Key record and identity root of each key (SPEC §5.3)."""
    address = trust.institutions.address
    return [(address, slot(key.z, key.key_index)) for key in keys for slot in (key_record_slot, identity_root_slot)]
