"""Somebody has a practitioner's key: its owner ends it at once, and what is signed later is refused and said why."""

import pytest

from anchors.chains.relayer import Relayer
from ledger.domain.life import Status
from tests.support.consortium import NOTARY, SPARE
from tests.support.stage import HANDLER, Stage
from tests.support.world import procedure_of
from tiezheng.errors import Refused, TiezhengError
from tiezheng.receipt import check_refusal, parse_refusal_file
from tiezheng.verify import Result

pytestmark = pytest.mark.chain


def test_an_ended_key_signs_nothing_more_and_what_it_signed_before_stands(stage: Stage) -> None:
    relayer, procedure = Relayer(b"\5" * 32), procedure_of(3)
    stage.consortium.admit(stage.chain, relayer, SPARE)
    (opened,) = stage.matter([1])
    stage.submit(opened)
    stage.run_until(Status.FINAL, opened)
    stage.deposit_cards()
    before = stage.make(procedure.by_step[2], procedure, [(SPARE, HANDLER)], opened)
    stage.submit(before)
    stage.run_until(Status.FINAL, before)
    stolen = stage.make(procedure.by_step[4], procedure, [(SPARE, HANDLER)], before)
    stage.submit(stolen)
    stage.consortium.revoke(stage.chain, relayer, SPARE)
    stage.run_until(Status.REFUSED, stolen)
    with stage.store.read() as tables:
        row = tables.refusals.get(stolen.digest)
    assert row is not None
    operator = stage.consortium.keys[stage.deployment.operator].public
    check_refusal(parse_refusal_file(row.file), operator, stage.deployment.registry.id, stolen.digest)
    assert stage.verdict(before).result is Result.VALID
    with pytest.raises(TiezhengError) as caught:
        stage.submit(stage.make(procedure.by_step[4], procedure, [(SPARE, HANDLER)], before))
    assert isinstance(caught.value, Refused)
    anew = stage.make(procedure.by_step[4], procedure, [(NOTARY, HANDLER)], before)
    stage.submit(anew)
    stage.run_until(Status.FINAL, anew)
