"""The founding ceremony and the code of the SM2 verifier that founders sign."""

from dataclasses import replace

import pytest

from anchors.chains.relayer import Relayer
from anchors.contracts import INSTITUTIONS, VERIFIER, Event, artifact, decode_event
from anchors.deploy import FoundingPlan, created_address, found_ledger, plan_founding, verifier_code_hash
from anchors.deployment import Deployment
from anchors.findings import Findings
from anchors.replay_members import MemberDecisions
from tests.integration.anchors.conftest import Node
from tests.support.consortium import OPERATOR, ROLES, THRESHOLD, Consortium
from tiezheng.digest import sm3
from tiezheng.errors import IntegrityFault, NotFound, VerificationFailed
from tiezheng.evm.keccak import keccak256
from tiezheng.founding import founding_digest
from tiezheng.signature import PublicKey, Signature, sign
from tiezheng.statement import contract_id

pytestmark = pytest.mark.chain


def found(node: Node, plan: FoundingPlan, relayer: Relayer, consortium: Consortium) -> Deployment:
    signatures = {number: sign(consortium.keys[number], plan.message(number)) for number in ROLES}
    return found_ledger(
        node.chain, relayer, plan, signatures, [], domain=1, operator=OPERATOR, rpc="http://127.0.0.1:1"
    )


def founding_event(node: Node, deployment: Deployment) -> Event:
    logs = node.chain.logs([deployment.institutions.address], 0, node.chain.head().number)
    events = (decode_event(artifact(INSTITUTIONS), log) for log in logs)
    return next(event for event in events if event.name == "LedgerFounded")


def nobody(signature: Signature) -> PublicKey:
    raise NotFound("key.unknown", got=signature.signer)


def test_the_founders_sign_the_code_of_the_verifier_that_is_deployed(node: Node, consortium: Consortium) -> None:
    deployment = consortium.deployment
    assert artifact(VERIFIER).immutables == ()
    assert keccak256(node.chain.code(deployment.verifier.address)) == verifier_code_hash()
    assert deployment.verifier.code_hash == verifier_code_hash()
    assert deployment.founding == founding_digest(THRESHOLD, verifier_code_hash(), consortium.founders())
    founding = founding_event(node, deployment).values["founding"]
    assert founding[:52] == b"tiezheng/founding/1" + bytes([THRESHOLD]) + verifier_code_hash()


def test_an_audit_compares_the_verifier_with_the_one_that_was_signed(node: Node, consortium: Consortium) -> None:
    deployment = consortium.deployment
    event, findings = founding_event(node, deployment), Findings()
    assert MemberDecisions(deployment, findings).check(event, nobody) == len(ROLES)
    assert findings.found == []

    other = replace(deployment, verifier=replace(deployment.verifier, code_hash=sm3(b"another verifier")))
    assert MemberDecisions(other, findings).check(event, nobody) == 0
    (finding,) = findings.found
    assert (finding.code, finding.subject) == ("audit.chain_invalid", "founding")
    assert "code of the SM2 verifier" in finding.detail


def test_a_founding_for_another_verifier_is_refused_before_anything_is_sent(node: Node) -> None:
    """Even if every founder signed it: this build would deploy another verifier than they named."""
    consortium, relayer = Consortium("another"), Relayer(b"\7" * 32)
    plan = plan_founding(node.chain, relayer, THRESHOLD, consortium.founders())
    assert plan.verifier == verifier_code_hash()
    digest = founding_digest(THRESHOLD, sm3(b"another verifier"), plan.founders)
    address = created_address(relayer.address, plan.first_nonce + 1)
    identity = contract_id(plan.chain_id, address, digest)
    other = replace(plan, verifier=sm3(b"another verifier"), digest=digest, contract_id=identity)
    with pytest.raises(IntegrityFault, match=r"chain\.founding"):
        found(node, other, relayer, consortium)
    # What was signed for the right verifier does not found the ledger on another one, nor the other way round.
    with pytest.raises(VerificationFailed, match=r"signature\.invalid"):
        found(node, replace(plan, verifier=sm3(b"another verifier")), relayer, consortium)
    with pytest.raises(VerificationFailed, match=r"signature\.invalid"):
        found(node, replace(other, verifier=plan.verifier), relayer, consortium)
    assert node.chain.next_nonce(relayer.address) == plan.first_nonce
