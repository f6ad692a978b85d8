"""Decisions on a real chain: the worker follows them, the service heeds them, and the audit verifies every vote."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from anchors.audit import Service, audit
from anchors.chains.port import Log
from anchors.chains.relayer import Relayer
from anchors.contracts import INSTITUTIONS, artifact
from anchors.decide import Decider
from anchors.findings import Finding
from anchors.govern import Governor, NewKey, reinstatement_message, suspension_message
from anchors.leaves import open_leaves
from ledger.domain.life import Status
from ledger.domain.records import KeyRow, MemberStatus
from tests.support.consortium import APPROVER, COURT, NOTARY, OFFICE, OPERATOR, PROCURATORATE, REGULATOR, key_of, salts
from tests.support.fake_chain import FakeChain
from tests.support.stage import HANDLER, MATTER, SEAL, Stage
from tests.support.world import procedure_of
from tiezheng import governance
from tiezheng.errors import Malformed, Refused, TiezhengError
from tiezheng.identity import institution_card
from tiezheng.procedures import Custody, InstitutionRole
from tiezheng.signature import PrivateKey, Signature, sign
from tiezheng.verify import Result

pytestmark = pytest.mark.chain

GOVERNING = Relayer(b"\6" * 32)
VOTERS = (REGULATOR, OPERATOR, PROCURATORATE)
INSTITUTE = 401
# Under which index the key of each is open after the first test.
KEPT = {OFFICE: 1, REGULATOR: 0}


def decider(stage: Stage) -> Decider:
    return Decider(stage.chain, GOVERNING, stage.deployment)


def decide(stage: Stage, action: bytes, own: Signature | None = None, voters: Sequence[int] = VOTERS) -> None:
    """The voters decide this and the worker reads it."""
    deciding = decider(stage)
    decision = deciding.propose(stage.deployment.institutions, action)
    deciding.execute(decision, stage.consortium.decide(decision, voters), own)
    stage.worker.round()


def possession(stage: Stage, number: int, key: PrivateKey, index: int, custody: Custody | None) -> Signature:
    digest = governance.possession_digest(number, key.public, custody)
    message = governance.possession_message(number, stage.deployment.institutions.id, digest)
    return Signature(number, 0, index, sign(key, message))


def signed(stage: Stage, number: int, message: bytes, index: int = 0) -> Signature:
    return Signature(number, 0, index, sign(stage.consortium.keys[number], message))


def keys(stage: Stage, number: int) -> list[KeyRow]:
    with stage.store.read() as tables:
        return tables.members.keys(number)


def status(stage: Stage, number: int) -> MemberStatus:
    with stage.store.read() as tables:
        row = tables.members.institution(number)
    assert row is not None
    return row.status


def refusal(caught: pytest.ExceptionInfo[TiezhengError]) -> str:
    return caught.value.code


def findings(stage: Stage, chain: FakeChain | None = None) -> list[Finding]:
    return audit(
        chain or stage.chain,
        stage.deployment,
        stage.trust.procedures,
        lambda batch: open_leaves(stage.leaves, batch),
        stage.clock.now_ms(),
        Service(stage.store, stage.trust, stage.keyring, stage.objects),
    ).findings


class AlteringChain(FakeChain):
    """Tells one event of `Institutions` with one byte changed: `at`, else the last that is not zero."""

    def __init__(self, stage: Stage, event: str, at: int | None) -> None:
        super().__init__(stage.chain)
        self.event = event
        self.at = at
        self.altered = 0

    def logs(self, addresses: Sequence[bytes], first: int, last: int) -> list[Log]:
        return [self._altered(log) for log in super().logs(addresses, first, last)]

    def _altered(self, log: Log) -> Log:
        entry = artifact(INSTITUTIONS).events.get(log.topics[0])
        if self.altered or entry is None or entry.name != self.event:
            return log
        self.altered += 1
        data = bytearray(log.data)
        data[len(data.rstrip(b"\0")) - 1 if self.at is None else self.at] ^= 1
        return replace(log, data=bytes(data))


def test_a_suspended_institution_and_its_practitioners_sign_nothing_until_it_is_reinstated(stage: Stage) -> None:
    (opened,) = stage.matter([1])
    stage.submit(opened)
    stage.run_until(Status.FINAL, opened)
    decide(stage, governance.suspend_institution(OFFICE))
    assert status(stage, OFFICE) is MemberStatus.SUSPENDED
    (ended,) = keys(stage, OFFICE)
    assert (ended.ended_by, ended.valid_until < governance.NO_END) == (2, True)
    with pytest.raises(Refused) as caught:
        stage.submit(*stage.matter([1]))
    assert refusal(caught) == "key.not_valid_then"
    with pytest.raises(Refused) as caught:
        stage.submit(*stage.matter([2], after=opened))
    assert refusal(caught) == "member.not_active"

    decide(stage, governance.reinstate_institution(OFFICE, 0))
    assert status(stage, OFFICE) is MemberStatus.ACTIVE
    assert [(row.key_index, row.ended_by) for row in keys(stage, OFFICE)] == [(0, 2), (1, 0)]
    with pytest.raises(Refused) as caught:
        stage.submit(*stage.matter([1]))
    assert refusal(caught) == "key.not_valid_then"
    stage.key_indexes[OFFICE] = 1
    going_on = [*stage.matter([2], after=opened), *stage.matter([1])]
    stage.submit(*going_on)
    stage.run_until(Status.FINAL, *going_on)
    assert [stage.verdict(made).result for made in going_on] == [Result.VALID] * 2


def test_an_institution_is_admitted_gets_a_second_key_and_is_removed(stage: Stage) -> None:
    first, second = key_of("institute 0"), key_of("institute 1")
    card = institution_card(INSTITUTE, "code-401", "鉴定所", 2, draw_salt=salts(b"401"))
    admission = governance.admit_institution(
        INSTITUTE, InstitutionRole.APPRAISAL_INSTITUTE, False, Custody.SELF, first.public, card.root
    )
    decide(stage, admission, possession(stage, INSTITUTE, first, 0, Custody.SELF))
    further = governance.new_key(INSTITUTE, Custody.HARDWARE, second.public, card.root)
    decide(stage, further, possession(stage, INSTITUTE, second, 1, Custody.HARDWARE))
    assert [(row.key_index, row.role, row.custody) for row in keys(stage, INSTITUTE)] == [(0, 2, 1), (1, 2, 2)]
    decide(stage, governance.remove_institution(INSTITUTE))
    assert status(stage, INSTITUTE) is MemberStatus.REMOVED
    assert [row.ended_by for row in keys(stage, INSTITUTE)] == [3, 3]
    with pytest.raises(Refused):
        decide(stage, governance.reinstate_institution(INSTITUTE, 0))


def test_a_practitioner_gets_no_key_by_what_was_signed_before_a_suspension(stage: Stage) -> None:
    governor, identity = Governor(stage.chain, GOVERNING, stage.deployment), stage.deployment.institutions.id
    fresh = key_of("fresh key of the approver")
    new = NewKey(APPROVER, Custody.HARDWARE, fresh.public, stage.consortium.cards[APPROVER].root)

    def admitters(changes: int) -> list[Signature]:
        return [signed(stage, one, new.renewal(changes, one, identity), KEPT[one]) for one in (OFFICE, REGULATOR)]

    kept_back = admitters(0)
    suspending = signed(stage, REGULATOR, suspension_message(APPROVER, 0, REGULATOR, identity))
    governor.suspend_practitioner(APPROVER, suspending)
    reinstating = [
        signed(stage, one, reinstatement_message(APPROVER, 1, 255, one, identity), KEPT[one])
        for one in (OFFICE, REGULATOR)
    ]
    governor.reinstate_practitioner(APPROVER, 255, reinstating)
    own = possession(stage, APPROVER, fresh, 1, Custody.HARDWARE)
    with pytest.raises(Refused) as caught:
        governor.renew_practitioner_key(new, kept_back, own)
    assert refusal(caught) == "signature.invalid"
    governor.renew_practitioner_key(new, admitters(governor.changes(APPROVER)), own)
    stage.worker.round()
    assert [(row.key_index, row.ended_by) for row in keys(stage, APPROVER)] == [(0, 2), (1, 0)]


def test_an_institution_comes_back_by_its_recovery_key_once(stage: Stage) -> None:
    recovery, fresh = key_of("recovery of the court"), key_of("fresh key of the court")
    own = possession(stage, COURT, recovery, 255, None)
    decide(stage, governance.set_recovery_key(COURT, recovery.public), own)
    decide(stage, governance.suspend_institution(COURT))
    decide(stage, governance.reinstate_institution(COURT, 255))
    governor, identity = Governor(stage.chain, GOVERNING, stage.deployment), stage.deployment.institutions.id
    new = NewKey(COURT, Custody.SELF, fresh.public, stage.consortium.cards[COURT].root)
    proof = possession(stage, COURT, fresh, 1, Custody.SELF)
    with pytest.raises(Refused):
        governor.recover(new, Signature(COURT, 0, 255, sign(recovery, new.recovery(0, identity))), proof)
    signature = Signature(COURT, 0, 255, sign(recovery, new.recovery(governor.changes(COURT), identity)))
    governor.recover(new, signature, proof)
    stage.worker.round()
    assert [(row.key_index, row.ended_by) for row in keys(stage, COURT)] == [(0, 2), (1, 0)]
    with pytest.raises(Refused):
        governor.recover(new, signature, proof)


def test_a_compromised_key_is_marked_and_a_threshold_is_what_later_decisions_need(stage: Stage) -> None:
    since = stage.chain.head().time - 3600
    decide(stage, governance.mark_compromised(NOTARY, 0, since))
    assert keys(stage, NOTARY)[0].compromised_since == since
    decide(stage, governance.change_threshold(2))
    decide(stage, governance.mark_compromised(APPROVER, 0, since), voters=(REGULATOR, OPERATOR))
    assert keys(stage, APPROVER)[0].compromised_since == since
    with pytest.raises(Refused):
        decide(stage, governance.mark_compromised(APPROVER, 0, since + 1), voters=(REGULATOR,))


def test_no_case_opens_under_a_table_from_its_end_on(stage: Stage) -> None:
    procedure, deciding = procedure_of(1), decider(stage)
    until = stage.clock.now_ms() - 60_000
    decision = deciding.propose_end(procedure.table_digest, until)
    deciding.end_table(decision, procedure.table_digest, until, stage.consortium.decide(decision, VOTERS))
    stage.worker.round()
    with stage.store.read() as tables:
        row = tables.registries.table(procedure.table_digest)
    assert row is not None
    assert row.valid_until == until
    plan = [(OFFICE, SEAL)]
    with pytest.raises(Refused) as caught:
        stage.submit(stage.make(procedure.by_step[1], procedure, plan, occurred=until))
    assert refusal(caught) == "procedure.not_in_force"
    before = stage.make(procedure.by_step[1], procedure, plan, occurred=until - 1)
    stage.submit(before)
    stage.run_until(Status.FINAL, before)


def test_the_audit_verifies_every_decision(stage: Stage) -> None:
    assert findings(stage) == []


@pytest.mark.parametrize(
    ("event", "at"),
    [
        ("DecisionExecuted", None),
        ("KeyRegistered", 64),
        ("RecoveryKeyRegistered", None),
        ("InstitutionRecovered", None),
        ("PractitionerSuspended", None),
        ("PractitionerReinstated", None),
        ("PractitionerKeyRenewed", None),
        ("KeyCompromised", None),
    ],
)
def test_the_audit_finds_an_event_that_was_changed(stage: Stage, event: str, at: int | None) -> None:
    chain = AlteringChain(stage, event, at)
    found = findings(stage, chain)
    assert chain.altered == 1
    assert "audit.chain_invalid" in {finding.code for finding in found}


class ForeignLog(FakeChain):
    """Tells the last log as an event that no contract of the ledger has, or as one of another contract."""

    def __init__(self, stage: Stage, **changed: object) -> None:
        super().__init__(stage.chain)
        self.changed = changed

    def logs(self, addresses: Sequence[bytes], first: int, last: int) -> list[Log]:
        *before, log = super().logs(addresses, first, last)
        return [*before, replace(log, **self.changed)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changed", [{"topics": (b"\x01" * 32,)}, {"topics": ()}, {"data": b"\x01"}, {"address": b"\x01" * 20}]
)
def test_the_audit_names_a_log_that_is_no_event_of_the_ledger_and_goes_on(
    stage: Stage, changed: dict[str, object]
) -> None:
    found = findings(stage, ForeignLog(stage, **changed))
    assert found[0].code == "audit.chain_invalid"
    assert found[0].subject.startswith("transaction ")


@pytest.mark.parametrize("life", [0, 90 * 86_400 + 1])
def test_no_decision_is_proposed_that_would_lie_ready_for_longer_than_90_days(stage: Stage, life: int) -> None:
    with pytest.raises(Malformed) as caught:
        decider(stage).propose(stage.deployment.institutions, governance.change_threshold(2), life)
    assert caught.value.code == "decision.too_long"


def test_a_closed_registry_takes_nothing_more(stage: Stage) -> None:
    (opened,) = stage.matter([1])
    stage.submit(opened)
    stage.run_until(Status.FINAL, opened)
    deciding, registry = decider(stage), stage.deployment.registry
    decision = deciding.propose_closing(registry, bytes(20))
    deciding.close(decision, registry, bytes(20), stage.consortium.decide(decision, VOTERS))
    stage.worker.round()
    with stage.store.read() as tables:
        assert tables.registries.closed(registry.address)
    procedure = procedure_of(3)
    assert MATTER[2] == [(NOTARY, HANDLER)]
    for late in (stage.matter([1]), [stage.make(procedure.by_step[2], procedure, MATTER[2], opened)]):
        with pytest.raises(Refused) as caught:
            stage.submit(*late)
        assert refusal(caught) == "contract.closed"
    assert findings(stage) == []
