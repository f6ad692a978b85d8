"""What later statements make of earlier ones, and late and irregular acts: on chain, in the service, in the audit."""

from collections.abc import Sequence

import pytest

from anchors.audit import Service, audit
from anchors.chains.relayer import Relayer
from anchors.leaves import open_leaves
from api.views import timeline_view
from ledger.domain.life import Status as Life
from ledger.services.known_records import KnownRecords
from ledger.services.list_cases import read_timeline
from tests.support.consortium import APPROVER, NOTARY, OFFICE, SPARE
from tests.support.stage import HANDLER, MATTER, SEAL, Made, Stage
from tests.support.world import procedure_of
from tiezheng.errors import Malformed, Refused, TiezhengError
from tiezheng.procedures import Recorded, Status
from tiezheng.procedures.roles import IRREGULAR_ROLE
from tiezheng.statement import Flag
from tiezheng.verify import Result

pytestmark = pytest.mark.chain

HEAD = 0x46
SUSPEND, LIFT, REVOKE = 25, 26, 23
RULING = [(OFFICE, SEAL), (APPROVER, HEAD)]


def record(stage: Stage, made: Made) -> Recorded:
    with stage.store.read() as tables:
        found = KnownRecords(tables, stage.trust, 1).record(made.digest)
    assert found is not None
    return found


def on(stage: Stage, step: int, last: Made, target: Made, plan: Sequence[tuple[int, int]], case_type: int = 3) -> Made:
    """A statement of this step behind `last` whose terms name `target`."""
    procedure = procedure_of(case_type)
    return stage.make(procedure.by_step[step], procedure, plan, last, terms=target.digest)


def final(stage: Stage, *made: Made) -> None:
    stage.submit(*made)
    stage.run_until(Life.FINAL, *made)


def refused(stage: Stage, made: Made) -> str:
    with pytest.raises(TiezhengError) as caught:
        stage.submit(made)
    return caught.value.code


def test_a_certificate_is_suspended_lifted_and_revoked_for_good(stage: Stage) -> None:
    matter = stage.matter()
    final(stage, *matter)
    issue = last = matter[-1]
    for step, status in ((SUSPEND, Status.SUSPENDED), (LIFT, Status.IN_FORCE), (REVOKE, Status.REVOKED)):
        last = on(stage, step, last, issue, RULING)
        final(stage, last)
        assert record(stage, issue).status is status
        assert stage.verdict(last, whole_case=True).result is Result.VALID
    for step in (SUSPEND, LIFT, REVOKE):
        assert refused(stage, on(stage, step, last, issue, RULING)) == "target.status"
    assert refused(stage, on(stage, SUSPEND, last, matter[0], RULING)) == "target.kind"


def test_a_deposit_is_corrected_once_and_the_correction_of_another_case_is_refused(stage: Stage) -> None:
    first, other = stage.deposit(b"first"), stage.deposit(b"other")
    final(stage, first, other)
    plan = [(OFFICE, SEAL)]
    corrected = on(stage, 6, first, first, plan, 1)
    final(stage, corrected)
    assert record(stage, first).status is Status.CORRECTED
    assert record(stage, other).status is Status.IN_FORCE
    timeline = timeline_view(
        read_timeline(stage.store, stage.trust, first.signed.statement.case, OFFICE), (), stage.trust
    )
    assert [one["standing"] for one in timeline["statements"]] == [
        {"status": "corrected", "marks": []},
        {"status": "in_force", "marks": []},
    ]
    assert refused(stage, on(stage, 6, corrected, first, plan, 1)) == "target.status"
    assert refused(stage, on(stage, 6, corrected, other, plan, 1)) == "target.unknown"
    assert stage.verdict(first).result is Result.VALID


def test_a_refusal_takes_back_the_status_that_the_refused_one_gave(stage: Stage) -> None:
    relayer = Relayer(b"\3" * 32)
    stage.consortium.admit(stage.chain, relayer, SPARE)
    matter = stage.matter()
    final(stage, *matter)
    issue = matter[-1]
    suspended = on(stage, SUSPEND, issue, issue, [(OFFICE, SEAL), (SPARE, HEAD)])
    stage.submit(suspended)
    assert record(stage, issue).status is Status.SUSPENDED
    stage.consortium.revoke(stage.chain, relayer, SPARE)
    stage.run_until(Life.REFUSED, suspended)
    assert record(stage, issue).status is Status.IN_FORCE
    anew = on(stage, SUSPEND, issue, issue, RULING)
    final(stage, anew)
    assert record(stage, issue).status is Status.SUSPENDED


@pytest.mark.parametrize("flag", [Flag.LATE, Flag.IRREGULAR])
def test_a_late_or_irregular_act_is_taken_with_its_reason_only(stage: Stage, flag: Flag) -> None:
    opened = stage.matter([1, 2])
    final(stage, *opened)
    procedure = procedure_of(3)
    plan = [(NOTARY, HANDLER)] if flag is Flag.LATE else [(OFFICE, IRREGULAR_ROLE)]
    occurred = opened[-1].signed.statement.occurred - (1 if flag is Flag.LATE else 0)

    def make(reason: str | None, flags: Flag = flag) -> Made:
        kind = procedure.by_step[4]
        return stage.make(kind, procedure, plan, opened[-1], {"flag_reason": reason}, flags=flags, occurred=occurred)

    with pytest.raises((Malformed, Refused)) as caught:
        stage.submit(make(None))
    assert caught.value.code == "content.flag_reason"
    with pytest.raises(TiezhengError):
        stage.submit(make("网络中断", Flag(0)))
    made = make("网络中断")
    final(stage, made)
    kept = record(stage, made)
    assert (kept.late, kept.irregular) == (flag is Flag.LATE, flag is Flag.IRREGULAR)
    verdict = stage.verdict(made, whole_case=True)
    assert verdict.result is Result.VALID, verdict.failed
    later = stage.matter([8], after=made)
    final(stage, *later)
    assert MATTER[8] == [(NOTARY, HANDLER)]
    assert stage.verdict(later[0], whole_case=True).result is Result.VALID


def test_the_audit_proves_every_word_of_all_this(stage: Stage) -> None:
    report = audit(
        stage.chain,
        stage.deployment,
        stage.trust.procedures,
        lambda batch: open_leaves(stage.leaves, batch),
        stage.clock.now_ms(),
        Service(stage.store, stage.trust, stage.keyring, stage.objects),
    )
    assert report.findings == []
    # Five words of each case, one of each statement, besides those of keys and tables.
    assert report.counts["words_proven"] > 5 * report.counts["cases"] + report.counts["statements_on_chain"]
