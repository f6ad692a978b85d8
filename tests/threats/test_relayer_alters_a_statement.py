"""Whoever carries a statement to the chain alters it or takes it elsewhere: the contract refuses."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from anchors.chains.port import Reverted
from anchors.contracts import REGISTRY, artifact
from tests.support.consortium import COURT
from tests.support.stage import SEAL, Made, Stage
from tiezheng.refusals import reason_of
from tiezheng.signature import Signature
from tiezheng.statement import SignedStatement

pytestmark = pytest.mark.chain


def refusal(stage: Stage, statement: bytes, signatures: bytes) -> str:
    data = artifact(REGISTRY).call("record", statement, signatures)
    with pytest.raises(Reverted) as caught:
        stage.chain.call(stage.deployment.registry.address, data)
    reason = reason_of(caught.value.data)
    return "" if reason is None else reason.code


def later(made: Made) -> SignedStatement:
    statement = replace(made.signed.statement, occurred=made.signed.statement.occurred - 1)
    return replace(made.signed, statement=statement)


def other_content(made: Made) -> SignedStatement:
    return replace(made.signed, statement=replace(made.signed.statement, content=b"\1" * 32))


def re_roled(made: Made) -> SignedStatement:
    (one,) = made.signed.signatures
    return replace(made.signed, signatures=(replace(one, role=0x41),))


def anothers_number(made: Made) -> SignedStatement:
    (one,) = made.signed.signatures
    return replace(made.signed, signatures=(Signature(COURT, one.role, one.key_index, one.r_s),))


@pytest.mark.parametrize("alter", [later, other_content, re_roled, anothers_number])
def test_what_was_altered_on_its_way_is_refused(alter: Callable[[Made], SignedStatement], stage: Stage) -> None:
    (made,) = stage.matter([1])
    altered = alter(made)
    whole = made.signed
    data = artifact(REGISTRY).call("record", whole.statement.to_bytes(), whole.signatures_bytes)
    stage.chain.call(stage.deployment.registry.address, data)
    assert refusal(stage, altered.statement.to_bytes(), altered.signatures_bytes)


def test_a_signature_for_the_batches_is_none_for_the_registry(stage: Stage) -> None:
    (made,) = stage.matter([1])
    statement = made.signed.statement
    stage.key_indexes.setdefault(COURT, 0)
    swapped = replace(stage.deployment, registry=stage.deployment.batch)
    own, stage.consortium.deployment = stage.consortium.deployment, swapped
    try:
        elsewhere = stage.sign(statement, [(statement.institution, SEAL)])
    finally:
        stage.consortium.deployment = own
    assert refusal(stage, statement.to_bytes(), elsewhere.signatures_bytes) == "signature.invalid"
