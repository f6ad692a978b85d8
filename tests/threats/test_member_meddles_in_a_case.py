"""Another member writes into a case that it takes no part in: service and contract refuse."""

from dataclasses import replace

import pytest

from anchors.chains.port import Reverted
from anchors.contracts import REGISTRY, artifact
from ledger.domain.life import Status
from tests.support.consortium import COURT
from tests.support.stage import SEAL, Made, Stage
from tiezheng.errors import TiezhengError
from tiezheng.refusals import reason_of

pytestmark = pytest.mark.chain


def test_a_step_by_an_institution_that_nobody_invited_is_refused(stage: Stage) -> None:
    deposit = stage.deposit(b"a recording")
    stage.submit(deposit)
    stage.run_until(Status.FINAL, deposit)
    before = deposit.signed.statement
    step = replace(before, institution=COURT, sequence=1, previous=before.digest, kind=before.kind + 1)
    meddled = Made(stage.sign(step, [(COURT, SEAL)]), deposit.content)
    with pytest.raises(TiezhengError):
        stage.submit(meddled)
    data = artifact(REGISTRY).call("record", step.to_bytes(), meddled.signed.signatures_bytes)
    with pytest.raises(Reverted) as caught:
        stage.chain.call(stage.deployment.registry.address, data)
    reason = reason_of(caught.value.data)
    assert reason is not None
    assert reason.error == "NotParticipant"
