"""The founding ceremony and the code of the SM2 contracts that founders sign."""

from dataclasses import replace

import pytest

from anchors.chains.relayer import Relayer
from anchors.contracts import INSTITUTIONS, KEYS, VERIFIER, Event, artifact, decode_event
from anchors.deploy import FoundingPlan, crypto_code, found_ledger, plan_founding
from anchors.deployed_code import created_address
from anchors.deployment import Deployment
from anchors.findings import Findings
from anchors.replay_members import MemberDecisions
from tests.support.consortium import OPERATOR, ROLES, THRESHOLD, Consortium
from tests.support.staging import Node
from tiezheng.digest import sm3
from tiezheng.errors import IntegrityFault, NotFound, VerificationFailed
from tiezheng.evm.keccak import keccak256
from tiezheng.founding import founding_digest
from tiezheng.signature import PublicKey, Signature, sign
from tiezheng.statement import contract_id

pytestmark = pytest.mark.chain


def found(node: Node, plan: FoundingPlan, relayer: Relayer, consortium: Consortium) -> Deployment:
    signatures = {number: sign(consortium.keys[number], plan.message(number)) for number in ROLES}
    return found_ledger(node.chain, relayer, plan, signatures, domain=1, operator=OPERATOR, rpc="http://127.0.0.1:1")


def founding_event(node: Node, deployment: Deployment) -> Event:
    logs = node.chain.logs([deployment.institutions.address], 0, node.chain.head().number)
    events = (decode_event(artifact(INSTITUTIONS), log) for log in logs)
    return next(event for event in events if event.name == "LedgerFounded")


def nobody(signature: Signature) -> PublicKey:
    raise NotFound("key.unknown", got=signature.signer)


def test_the_founders_sign_the_code_of_the_contracts_that_are_deployed(node: Node, consortium: Consortium) -> None:
    deployment, code = consortium.deployment, crypto_code()
    for name, contract, expected in (
        (VERIFIER, deployment.verifier, code.verifier),
        (KEYS, deployment.keys, code.keys),
    ):
        assert artifact(name).immutables == {}
        assert keccak256(node.chain.code(contract.address)) == contract.code_hash == expected
    assert deployment.founding == founding_digest(THRESHOLD, code, consortium.founders())
    founding = founding_event(node, deployment).values["founding"]
    assert founding[:84] == b"tiezheng/founding/1" + bytes([THRESHOLD]) + code.to_bytes()


def test_an_audit_compares_the_contracts_with_those_that_were_signed(node: Node, consortium: Consortium) -> None:
    deployment = consortium.deployment
    event, findings = founding_event(node, deployment), Findings()
    assert MemberDecisions(deployment, findings).check(event, nobody) == len(ROLES)
    assert findings.found == []

    for other in (
        replace(deployment, verifier=replace(deployment.verifier, code_hash=sm3(b"another"))),
        replace(deployment, keys=replace(deployment.keys, code_hash=sm3(b"another"))),
    ):
        findings = Findings()
        assert MemberDecisions(other, findings).check(event, nobody) == 0
        (finding,) = findings.found
        assert (finding.code, finding.subject) == ("audit.chain_invalid", "LedgerFounded")
        assert "SM2 contracts" in finding.detail


@pytest.mark.parametrize("name", ["verifier", "keys"])
def test_a_founding_for_other_contracts_is_refused_before_anything_is_sent(node: Node, name: str) -> None:
    """Even if every founder signed it: this build would deploy other code than they named."""
    consortium, relayer = Consortium(f"another {name}"), Relayer(b"\7" * 32)
    plan = plan_founding(node.chain, relayer, THRESHOLD, consortium.founders())
    assert plan.code == crypto_code()
    code = replace(plan.code, **{name: sm3(b"another")})
    digest = founding_digest(THRESHOLD, code, plan.founders)
    address = created_address(relayer.address, plan.first_nonce + 2)
    identity = contract_id(plan.chain_id, address, digest)
    other = replace(plan, code=code, digest=digest, contract_id=identity)
    with pytest.raises(IntegrityFault, match=r"chain\.founding"):
        found(node, other, relayer, consortium)
    # What was signed for the right code does not found the ledger on another one, nor the other way round.
    with pytest.raises(VerificationFailed, match=r"signature\.invalid"):
        found(node, replace(plan, code=code), relayer, consortium)
    with pytest.raises(VerificationFailed, match=r"signature\.invalid"):
        found(node, replace(other, code=plan.code), relayer, consortium)
    assert node.chain.next_nonce(relayer.address) == plan.first_nonce
