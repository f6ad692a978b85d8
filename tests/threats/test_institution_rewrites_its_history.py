"""An institution signs a second version of a step: the chain took the first, and keeps to it."""

import pytest

from anchors.chains.port import Reverted
from anchors.contracts import REGISTRY, artifact
from ledger.domain.life import Status
from tests.support.stage import MATTER, Stage
from tests.support.world import procedure_of
from tiezheng.errors import Conflict
from tiezheng.refusals import reason_of

pytestmark = pytest.mark.chain


def test_a_second_statement_for_a_place_is_refused_by_service_and_contract(stage: Stage) -> None:
    opened, accepted = stage.matter([1, 2])
    stage.submit(opened, accepted)
    stage.run_until(Status.FINAL, opened, accepted)
    procedure = procedure_of(3)
    other = stage.make(procedure.by_step[2], procedure, MATTER[2], opened)
    assert other.digest != accepted.digest
    with pytest.raises(Conflict) as conflict:
        stage.submit(other)
    assert conflict.value.code == "case.position_taken"
    data = artifact(REGISTRY).call("record", other.signed.statement.to_bytes(), other.signed.signatures_bytes)
    with pytest.raises(Reverted) as caught:
        stage.chain.call(stage.deployment.registry.address, data)
    reason = reason_of(caught.value.data)
    assert reason is not None
    assert reason.error == "CaseSequence"
