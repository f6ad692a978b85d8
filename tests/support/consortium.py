"""A small consortium for tests: regulator, operator, notary office, court, procuratorate, two notaries, witnesses.

Real SM2 keys drawn from fixed numbers, so that a failing test can be repeated.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from anchors.chains.port import Chain
from anchors.chains.relayer import Relayer
from anchors.decide import Decider
from anchors.deploy import found_ledger, plan_founding
from anchors.deployment import Deployment
from anchors.govern import Admission, Governor, NewKey, revocation_message
from anchors.trust_file import make_trust
from tiezheng.content import Content
from tiezheng.digest import sm3
from tiezheng.founding import Custody, Founder, Function, InstitutionRole
from tiezheng.governance import Decision
from tiezheng.identity import institution_card, practitioner_card
from tiezheng.procedures import Procedure, load_procedures
from tiezheng.signature import PrivateKey, Signature, private_key, sign
from tiezheng.trust import Name, Trust, Witness

REGULATOR, OPERATOR, OFFICE, COURT, PROCURATORATE = 1, 2, 101, 201, 301
NOTARY, APPROVER, SPARE = 0x8000_0001, 0x8000_0002, 0x8000_0003
ROLES = {
    REGULATOR: InstitutionRole.REGULATOR,
    OPERATOR: InstitutionRole.OPERATOR,
    OFFICE: InstitutionRole.NOTARY_OFFICE,
    COURT: InstitutionRole.COURT,
    PROCURATORATE: InstitutionRole.PROCURATORATE,
}
WITNESSES = (REGULATOR, COURT, PROCURATORATE)
THRESHOLD = 3


def salts(seed: bytes) -> Callable[[], bytes]:
    """A deterministic source of salts."""
    count = 0

    def draw() -> bytes:
        nonlocal count
        count += 1
        return sm3(b"salt", seed, count.to_bytes(8, "big"))[:16]

    return draw


def key_of(name: str) -> PrivateKey:
    """The private key that belongs to a name."""
    return private_key(int.from_bytes(sm3(b"test key", name.encode()), "big") % (1 << 255) + 1)


@dataclass
class Consortium:
    """Keys and cards; after `found` also the deployment."""

    seed: str = "a"
    keys: dict[int, PrivateKey] = field(init=False)
    witness_keys: dict[int, PrivateKey] = field(init=False)
    cards: dict[int, Content] = field(init=False)
    deployment: Deployment = field(init=False)

    def __post_init__(self) -> None:
        numbers = [*ROLES, NOTARY, APPROVER, SPARE]
        self.keys = {number: key_of(f"{self.seed} member {number}") for number in numbers}
        self.witness_keys = {number: key_of(f"{self.seed} witness {number}") for number in WITNESSES}
        self.cards = {
            number: institution_card(
                number, f"code-{number}", f"机构 {number}", int(role), draw_salt=salts(b"%d" % number)
            )
            for number, role in ROLES.items()
        }
        for number in (NOTARY, APPROVER, SPARE):
            self.cards[number] = practitioner_card(
                number, f"lic-{number & 0xFF}", "某公证员", 1, OFFICE, draw_salt=salts(b"%d" % number)
            )

    def founders(self) -> list[Founder]:
        return [
            Founder(number, role, Custody.SELF, self.keys[number].public, self.cards[number].root)
            for number, role in ROLES.items()
        ]

    def found(self, chain: Chain, relayer: Relayer, rpc: str = "http://127.0.0.1:1") -> Deployment:
        """The whole ceremony with all founders in one room."""
        plan = plan_founding(chain, relayer, THRESHOLD, self.founders())
        signatures = {number: sign(self.keys[number], plan.message(number)) for number in ROLES}
        self.deployment = found_ledger(chain, relayer, plan, signatures, domain=1, operator=OPERATOR, rpc=rpc)
        for procedure in load_procedures():
            if procedure.domain == 1:
                self.register(chain, relayer, procedure)
        return self.deployment

    def decide(self, decision: Decision, voters: Sequence[int] = (REGULATOR, OPERATOR, OFFICE)) -> list[Signature]:
        """The votes of these institutions."""
        identity = self.deployment.institutions.id
        return [
            Signature(one, 0, 0, sign(self.keys[one], decision.message(one, len(voters), identity))) for one in voters
        ]

    def register(self, chain: Chain, relayer: Relayer, procedure: Procedure) -> None:
        """Register a procedure's table by a decision."""
        decider = Decider(chain, relayer, self.deployment)
        decision = decider.propose_table(procedure.table_bytes, 0)
        decider.register_table(decision, procedure.table_bytes, 0, self.decide(decision))

    def admit(self, chain: Chain, relayer: Relayer, number: int, custody: Custody = Custody.SELF) -> None:
        """Admit a notary of the office."""
        identity = self.deployment.institutions.id
        first = NewKey(number, custody, self.keys[number].public, self.cards[number].root)
        admission = Admission(OFFICE, Function.NOTARY, first)
        decisions = tuple(
            Signature(signer, 0, 0, sign(self.keys[signer], admission.decision(signer, identity)))
            for signer in (OFFICE, REGULATOR)
        )
        possession = Signature(number, 0, 0, sign(self.keys[number], first.possession(identity)))
        Governor(chain, relayer, self.deployment).admit_practitioner(admission, decisions, possession)

    def revoke(self, chain: Chain, relayer: Relayer, number: int) -> None:
        """The key of `number` revokes itself."""
        message = revocation_message(number, 0, self.deployment.institutions.id)
        signature = Signature(number, 0, 0, sign(self.keys[number], message))
        Governor(chain, relayer, self.deployment).revoke_key(signature)

    def trust(self, threshold: int = 2) -> Trust:
        """The trust file of this ledger."""
        now = datetime.now(UTC).replace(microsecond=0)
        return make_trust(
            self.deployment,
            name=Name("测试账本", "test ledger"),
            founders_threshold=THRESHOLD,
            witnesses=[
                Witness(number, Name(f"见证 {number}", f"witness {number}"), self.witness_keys[number].public)
                for number in WITNESSES
            ],
            witness_threshold=threshold,
            issued_at=now - timedelta(days=1),
            valid_until=now + timedelta(days=365),
        )
