"""What the chain refuses after the service accepted it gets a signed refusal, and so does what stands behind it."""

import pytest

from ledger.domain.life import Status
from tests.support.consortium import NOTARY, OPERATOR
from tests.support.stage import HANDLER, Stage
from tests.support.world import procedure_of
from tiezheng.errors import VerificationFailed
from tiezheng.receipt import check_refusal, parse_refusal_file
from tiezheng.refusals import REASONS, REASONS_BY_NUMBER

pytestmark = pytest.mark.chain


def test_a_key_revoked_before_anchoring_leads_to_signed_refusals_and_the_place_can_be_taken_anew(stage: Stage) -> None:
    first, second = stage.refused()

    with stage.store.read() as tables:
        stored = [tables.refusals.get(made.digest) for made in (first, second)]
        case = tables.cases.get(first.signed.statement.case)
    files = [parse_refusal_file(row.file) for row in stored if row is not None]
    assert [REASONS_BY_NUMBER[file.reason].error for file in files] == ["KeyNotValid", "CaseSequence"]
    operator = stage.consortium.keys[OPERATOR].public
    for file, made in zip(files, (first, second), strict=True):
        check_refusal(file, operator, stage.deployment.registry.id, made.digest)
        block = stage.chain.block(file.block_number)
        assert block is not None
        assert block.hash == file.block_hash
        with pytest.raises(VerificationFailed):
            check_refusal(file, operator, stage.deployment.batch.id, made.digest)
        with pytest.raises(VerificationFailed):
            check_refusal(file, operator, stage.deployment.registry.id, bytes(32))
    assert case is not None
    assert case.after.sequence == 0

    before, procedure = first.signed.statement, procedure_of(3)
    anew = stage.make(
        procedure.by_step[2],
        procedure,
        [(NOTARY, HANDLER)],
        case=before.case,
        sequence=before.sequence,
        previous=before.previous,
    )
    stage.submit(anew)
    stage.run_until(Status.FINAL, anew)
    stage.submit(*(behind := stage.matter([4, 8, 5], after=anew)))
    stage.run_until(Status.FINAL, *behind)


def test_a_statement_of_the_batch_lane_whose_key_has_ended_gets_a_refusal_and_no_leaf(stage: Stage) -> None:
    lots = [stage.bulk() for _ in range(3)]
    stage.submit(*lots)
    with stage.store.write() as tables:
        office = tables.members.keys(101)[0]
        tables.members.end_key(101, 0, office.valid_from, 1)
    stage.worker.round()
    with stage.store.write() as tables:
        tables.members.end_key(101, 0, office.valid_until, 0)
        refused = [tables.refusals.get(made.digest) for made in lots]
        assert tables.batches.last() is None
    assert [row.reason for row in refused if row is not None] == [REASONS["KeyNotValid"].number] * 3
