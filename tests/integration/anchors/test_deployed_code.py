"""Deployed code, immutables included, is what the ledger has to have; whoever plants other code or values is found."""

from dataclasses import replace
from typing import Any

import pytest

from anchors.audit_chain import check_code
from anchors.chains.relayer import Relayer
from anchors.contracts import BATCH, EFFECTS, INSTITUTIONS, KEYS, REGISTRY, SHAPES, VERIFIER, artifact
from anchors.deployed_code import code_faults, created_address, immutables_of
from anchors.deployment import Contract, Deployment, check_chain
from anchors.findings import Findings
from anchors.transact import transact
from tests.support.consortium import Consortium
from tests.support.staging import Node
from tiezheng.errors import IntegrityFault
from tiezheng.evm.keccak import keccak256
from tiezheng.statement import contract_id

pytestmark = pytest.mark.chain

PLANTER = Relayer(b"\5" * 32)
IMMUTABLES = [
    (INSTITUTIONS, "verifier"),
    (INSTITUTIONS, "keys"),
    (INSTITUTIONS, "foundingDigest"),
    (INSTITUTIONS, "contractId"),
    (REGISTRY, "institutions"),
    (REGISTRY, "verifier"),
    (REGISTRY, "keys"),
    (REGISTRY, "predecessor"),
    (REGISTRY, "domain"),
    (REGISTRY, "contractId"),
    (REGISTRY, "_shapes"),
    (REGISTRY, "_effects"),
    (BATCH, "institutions"),
    (BATCH, "verifier"),
    (BATCH, "contractId"),
]
FIELDS = {INSTITUTIONS: "institutions", REGISTRY: "registry", BATCH: "batch", VERIFIER: "verifier", KEYS: "keys"}


def creating(code: bytes, before: bytes = b"") -> bytes:
    """Creation code that runs `before` and then returns `code` whatever it is: DUP, CODECOPY, RETURN."""
    size = b"\x61" + len(code).to_bytes(2, "big")
    start = len(before) + 12
    return before + size + b"\x80\x61" + start.to_bytes(2, "big") + b"\x5f\x39\x5f\xf3" + b"\0" + code


def plant(node: Node, deployment: Deployment, data: bytes) -> Contract:
    mined = transact(node.chain, PLANTER, deployment.chain_id, None, data)
    assert mined.contract is not None
    identity = contract_id(deployment.chain_id, mined.contract, deployment.founding)
    return Contract(mined.contract, identity, keccak256(node.chain.code(mined.contract)), mined.block_number)


def next_address(node: Node) -> bytes:
    return created_address(PLANTER.address, node.chain.next_nonce(PLANTER.address))


def having(deployment: Deployment, name: str, contract: Contract) -> Deployment:
    """The deployment with another contract of that name."""
    changes: dict[str, Any] = {FIELDS[name]: contract}
    return replace(deployment, **changes)


def standing_at(deployment: Deployment, name: str, address: bytes) -> Deployment:
    """The deployment as it is to be once its contract `name` stands at that address."""
    identity = contract_id(deployment.chain_id, address, deployment.founding)
    return having(deployment, name, Contract(address, identity, bytes(32), 1))


def found(node: Node, deployment: Deployment) -> list[tuple[str, str, str]]:
    findings = Findings()
    check_code(node.chain, deployment, findings)
    return [(one.code, one.subject, one.detail) for one in findings.found]


def test_what_was_founded_has_the_code_and_every_immutable_that_it_has_to_have(
    node: Node, consortium: Consortium
) -> None:
    assert found(node, consortium.deployment) == []
    assert set(IMMUTABLES) == {
        (name, immutable) for name, (_, values) in immutables_of(consortium.deployment).items() for immutable in values
    }


@pytest.mark.parametrize(("name", "immutable"), IMMUTABLES)
def test_a_contract_with_one_other_immutable_is_found_though_its_deployment_file_names_its_code(
    node: Node, consortium: Consortium, name: str, immutable: str
) -> None:
    honest = standing_at(consortium.deployment, name, next_address(node))
    _, values = immutables_of(honest)[name]
    value = values[immutable].rjust(32, b"\0")
    code = artifact(name).code({**values, immutable: value[:-1] + bytes([value[-1] ^ 2])})
    planted = plant(node, honest, creating(code))
    assert planted.address == getattr(honest, FIELDS[name]).address
    deployment = having(honest, name, planted)

    check_chain(node.chain, deployment)
    assert artifact(name).is_code(node.chain.code(planted.address))
    assert ("chain.code_hash", name, "other immutables") in found(node, deployment)


def test_a_registry_that_points_at_a_contract_for_effects_that_it_did_not_create_is_found(
    node: Node, consortium: Consortium
) -> None:
    """Even where that contract's code is the exported one: its creator could have made it answer otherwise before."""
    deployment = consortium.deployment
    effects = plant(node, deployment, artifact(EFFECTS).creation())
    honest = standing_at(deployment, REGISTRY, next_address(node))
    _, values = immutables_of(honest)[REGISTRY]
    data = creating(artifact(REGISTRY).code({**values, "_effects": effects.address}))
    assert found(node, replace(deployment, registry=plant(node, deployment, data))) == [
        ("chain.code_hash", REGISTRY, "other immutables"),
        ("chain.code_hash", SHAPES, "not the exported code"),
        ("chain.code_hash", EFFECTS, "not the exported code"),
    ]


def test_a_registry_of_the_right_code_that_created_other_contracts_is_found(node: Node, consortium: Consortium) -> None:
    deployment = consortium.deployment
    honest = standing_at(deployment, REGISTRY, next_address(node))
    _, values = immutables_of(honest)[REGISTRY]
    # CREATE of the ten bytes `PUSH1 1, PUSH0, MSTORE8, PUSH1 1, PUSH0, RETURN`, twice: contracts of one byte of code.
    small = bytes.fromhex("60015f5360015ff3")
    create = b"\x67" + small + b"\x5f\x52" + b"\x60" + bytes([len(small)]) + b"\x60\x18\x5f\xf0\x50"
    planted = plant(node, deployment, creating(artifact(REGISTRY).code(values), create * 2))
    assert planted.address == honest.registry.address
    assert node.chain.code(created_address(planted.address, 1)) == b"\1"
    assert node.chain.code(created_address(planted.address, 2)) == b"\1"
    assert found(node, replace(deployment, registry=planted)) == [
        ("chain.code_hash", SHAPES, "not the exported code"),
        ("chain.code_hash", EFFECTS, "not the exported code"),
    ]


@pytest.mark.parametrize("name", [VERIFIER, KEYS])
def test_other_sm2_contracts_are_found_and_so_is_all_that_points_at_the_right_ones(
    node: Node, consortium: Consortium, name: str
) -> None:
    code = bytearray(artifact(name).deployed)
    code[-1] ^= 1
    deployment = having(consortium.deployment, name, plant(node, consortium.deployment, creating(bytes(code))))
    faults = dict(code_faults(node.chain, deployment))
    assert faults[name] == "not the exported code"
    assert faults[INSTITUTIONS] == faults[REGISTRY] == "other immutables"


@pytest.mark.parametrize("name", list(FIELDS))
def test_a_node_whose_contracts_have_other_code_than_the_deployment_file_names_is_refused(
    node: Node, consortium: Consortium, name: str
) -> None:
    contract: Contract = getattr(consortium.deployment, FIELDS[name])
    other = having(consortium.deployment, name, replace(contract, code_hash=bytes(32)))
    with pytest.raises(IntegrityFault, match=r"chain\.code_hash"):
        check_chain(node.chain, other)
