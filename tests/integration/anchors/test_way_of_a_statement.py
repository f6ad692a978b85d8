"""From acceptance to a bundle that a stranger finds valid, on a real embedded chain."""

import pytest

from anchors.leaves import leaves_path
from ledger.domain.life import Status
from tests.support.stage import Stage
from tiezheng.batch import read_leaves
from tiezheng.verify import Result

pytestmark = pytest.mark.chain


def test_a_matter_of_six_steps_becomes_final_and_its_bundles_are_valid(stage: Stage) -> None:
    steps = stage.matter()
    stage.submit(*steps)
    stage.run_until(Status.FINAL, *steps)

    for made in steps:
        verdict = stage.verdict(made)
        assert verdict.result is Result.VALID, verdict.failed
    assert stage.verdict(steps[-1], whole_case=True).result is Result.VALID


def test_twenty_statements_in_a_batch_become_final_and_each_bundle_is_valid(stage: Stage) -> None:
    lots = [stage.bulk() for _ in range(20)]
    stage.submit(*lots)
    stage.run_until(Status.FINAL, *lots)

    for made in lots:
        verdict = stage.verdict(made)
        assert verdict.result is Result.VALID, verdict.failed
    with leaves_path(stage.leaves, 0).open("rb") as reader:
        assert [one.digest for one in read_leaves(reader).leaves] == [made.digest for made in lots]


def test_a_case_that_goes_on_later_is_proved_whole_at_the_later_checkpoint(stage: Stage) -> None:
    (first,) = stage.matter([1])
    stage.submit(first)
    stage.run_until(Status.FINAL, first)
    later = stage.matter([2, 4], after=first)
    stage.submit(*later)
    stage.run_until(Status.FINAL, *later)

    verdict = stage.verdict(later[-1], whole_case=True)
    assert verdict.result is Result.VALID, verdict.failed


def test_a_deposited_file_is_found_by_its_digest_and_proved(stage: Stage) -> None:
    made = stage.deposit(b"evidence " * 1000)
    stage.submit(made)
    stage.run_until(Status.FINAL, made)
    assert stage.verdict(made).result is Result.VALID
