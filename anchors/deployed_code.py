"""The code that a deployment has to have: the exported one, with every immutable at the one value it may hold.

Guaranteed: a contract with another immutable, such as a registry that points at another contract for effects, is named;
so are the contracts that a registry creates, wherever its creator says that they are. Not guaranteed: that the exported
code is the published one (SPEC §5.1).
"""

from collections.abc import Iterator, Mapping
from typing import Final

from anchors.chains.port import Chain
from anchors.contracts import BATCH, EFFECTS, INSTITUTIONS, KEYS, REGISTRY, SHAPES, VERIFIER, artifact
from anchors.deployment import Deployment
from tiezheng.evm.keccak import keccak256
from tiezheng.evm.rlp import encode, encode_int

# A contract's nonce starts at 1 (EIP-161); a registry creates these two, in this order.
_SHAPES_NONCE: Final = 1
_EFFECTS_NONCE: Final = 2


def created_address(sender: bytes, nonce: int) -> bytes:
    """Address of the contract that `sender` creates with `nonce` (Ethereum Yellow Paper §7)."""
    return keccak256(encode([sender, encode_int(nonce)]))[12:]


def immutables_of(deployment: Deployment) -> dict[str, tuple[bytes, Mapping[str, bytes]]]:
    """By contract: where it stands, and what its immutables hold. The registry has no predecessor."""
    institutions, registry, batch = deployment.institutions, deployment.registry, deployment.batch
    verifier, keys = deployment.verifier.address, deployment.keys.address
    shapes = created_address(registry.address, _SHAPES_NONCE)
    effects = created_address(registry.address, _EFFECTS_NONCE)
    founded = {
        "verifier": verifier,
        "keys": keys,
        "foundingDigest": deployment.founding,
        "contractId": institutions.id,
    }
    recording = {
        "institutions": institutions.address,
        "verifier": verifier,
        "keys": keys,
        "predecessor": b"",
        "domain": bytes([deployment.domain]),
        "contractId": registry.id,
        "_shapes": shapes,
        "_effects": effects,
    }
    batching = {"institutions": institutions.address, "verifier": verifier, "contractId": batch.id}
    return {
        VERIFIER: (verifier, {}),
        KEYS: (keys, {}),
        INSTITUTIONS: (institutions.address, founded),
        REGISTRY: (registry.address, recording),
        SHAPES: (shapes, {}),
        EFFECTS: (effects, {}),
        BATCH: (batch.address, batching),
    }


def code_faults(chain: Chain, deployment: Deployment) -> Iterator[tuple[str, str]]:
    """Contracts whose deployed code is not what it has to be, and why."""
    for name, (address, immutables) in immutables_of(deployment).items():
        code = chain.code(address)
        if code == artifact(name).code(immutables):
            continue
        yield name, "other immutables" if artifact(name).is_code(code) else "not the exported code"
