"""The deployment file: where the ledger's contracts stand on which chain.

Guaranteed: `parse_deployment(x.to_bytes()) == x`, contract ids are recomputed, and `check_chain` returns only for the
chain that the file names, with exactly the code that it names. Not guaranteed: finality of anything on that chain.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from anchors.chains.port import Chain
from tiezheng.bundle import LedgerId
from tiezheng.canonical import dumps, loads_strict
from tiezheng.errors import IntegrityFault, Malformed, NotFound
from tiezheng.evm.keccak import keccak256
from tiezheng.json_members import read_hex, read_integer, read_object, read_text
from tiezheng.statement import ADDRESS_SIZE, contract_id

MAX_SIZE: Final = 1 << 16
_WORD: Final = 32
_MAX_URL: Final = 512
_MEMBERS: Final = frozenset({"chain_id", "checkpoint_interval", "contracts", "founding", "genesis", "operator", "rpc"})
_CONTRACTS: Final = frozenset({"batch", "institutions", "keys", "registry", "verifier"})
_CONTRACT: Final = frozenset({"address", "block", "code_hash", "id"})


@dataclass(frozen=True, slots=True)
class Contract:
    """A deployed contract: address (20 bytes), contract id (SPEC §2.5), keccak of its code, block of its creation."""

    address: bytes
    id: bytes
    code_hash: bytes
    block: int

    def to_json(self) -> dict[str, object]:
        """The members of one contract."""
        return {
            "address": self.address.hex(),
            "block": self.block,
            "code_hash": self.code_hash.hex(),
            "id": self.id.hex(),
        }


@dataclass(frozen=True, slots=True)
class Deployment:
    """One ledger on one chain. `rpc` is the node's address; `checkpoint_interval` in blocks."""

    chain_id: int
    genesis: bytes
    rpc: str
    founding: bytes
    institutions: Contract
    registry: Contract
    batch: Contract
    verifier: Contract
    keys: Contract
    domain: int
    operator: int
    checkpoint_interval: int

    def __post_init__(self) -> None:
        for contract in (self.institutions, self.registry, self.batch, self.verifier, self.keys):
            if contract.id != contract_id(self.chain_id, contract.address, self.founding):
                raise Malformed("chain.deployment", detail="contract id")

    @property
    def ledger(self) -> LedgerId:
        """The member `ledger` of bundles and trust files."""
        return LedgerId(self.chain_id, self.founding, self.genesis)

    @property
    def first_block(self) -> int:
        """The first block that can hold an event of the ledger."""
        return min(self.institutions.block, self.registry.block, self.batch.block)

    @property
    def watched(self) -> tuple[bytes, bytes, bytes]:
        """Addresses whose events make up the ledger."""
        return self.institutions.address, self.registry.address, self.batch.address

    def to_json(self) -> dict[str, object]:
        """The file's members."""
        return {
            "chain_id": self.chain_id,
            "checkpoint_interval": self.checkpoint_interval,
            "contracts": {
                "batch": self.batch.to_json(),
                "institutions": self.institutions.to_json(),
                "keys": self.keys.to_json(),
                "registry": {**self.registry.to_json(), "domain": self.domain},
                "verifier": self.verifier.to_json(),
            },
            "founding": self.founding.hex(),
            "genesis": self.genesis.hex(),
            "operator": self.operator,
            "rpc": self.rpc,
        }

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return dumps(self.to_json())


def parse_deployment(data: bytes) -> Deployment:
    """The deployment in these bytes. Raises Malformed `chain.deployment`, `json.*`."""
    value = read_object(loads_strict(data.rstrip(b"\n"), MAX_SIZE), _MEMBERS, "deployment")
    contracts = read_object(value["contracts"], _CONTRACTS, "contracts")
    registry = read_object(contracts["registry"], _CONTRACT | {"domain"}, "registry")
    return Deployment(
        chain_id=read_integer(value["chain_id"], "chain_id", least=1),
        genesis=read_hex(value["genesis"], "genesis", _WORD),
        rpc=read_text(value["rpc"], "rpc", _MAX_URL),
        founding=read_hex(value["founding"], "founding", _WORD),
        institutions=_contract(contracts["institutions"], "institutions"),
        registry=_contract({name: registry[name] for name in _CONTRACT}, "registry"),
        batch=_contract(contracts["batch"], "batch"),
        verifier=_contract(contracts["verifier"], "verifier"),
        keys=_contract(contracts["keys"], "keys"),
        domain=read_integer(registry["domain"], "domain", 15, 1),
        operator=read_integer(value["operator"], "operator", (1 << 31) - 1, 1),
        checkpoint_interval=read_integer(value["checkpoint_interval"], "checkpoint_interval", 64, 1),
    )


def read_deployment(path: Path) -> Deployment:
    """The deployment in a file. Raises NotFound `file.not_found`, Malformed `chain.deployment`, `json.*`."""
    try:
        return parse_deployment(path.read_bytes())
    except FileNotFoundError as error:
        raise NotFound("file.not_found", got=path.name) from error


def check_chain(chain: Chain, deployment: Deployment) -> None:
    """Compare chain id, genesis hash and contract code with the deployment.

    Raises IntegrityFault `chain.wrong` for another chain, `chain.younger` where the chain is the right one and ends
    before the contracts were deployed, `chain.contract_missing`, `chain.code_hash`.
    """
    chain_id = chain.chain_id()
    if chain_id != deployment.chain_id:
        raise IntegrityFault("chain.wrong", expected=deployment.chain_id, got=chain_id, detail="chain id")
    genesis = chain.block(0)
    if genesis is None or genesis.hash != deployment.genesis:
        raise IntegrityFault(
            "chain.wrong", expected=deployment.genesis, got=None if genesis is None else genesis.hash, detail="block 0"
        )
    deployed = max(one.block for one in (deployment.institutions, deployment.registry, deployment.batch))
    head = chain.head().number
    if head < deployed:
        raise IntegrityFault("chain.younger", expected=deployed, got=head)
    contracts = {
        "institutions": deployment.institutions,
        "registry": deployment.registry,
        "batch": deployment.batch,
        "verifier": deployment.verifier,
        "keys": deployment.keys,
    }
    for name, contract in contracts.items():
        code = chain.code(contract.address)
        if not code:
            raise IntegrityFault("chain.contract_missing", got=contract.address, detail=name)
        if keccak256(code) != contract.code_hash:
            raise IntegrityFault("chain.code_hash", expected=contract.code_hash, got=keccak256(code), detail=name)


def _contract(value: object, name: str) -> Contract:
    item: Mapping[str, object] = read_object(value, _CONTRACT, name)
    return Contract(
        address=read_hex(item["address"], "address", ADDRESS_SIZE),
        id=read_hex(item["id"], "id", _WORD),
        code_hash=read_hex(item["code_hash"], "code_hash", _WORD),
        block=read_integer(item["block"], "block", least=1),
    )
