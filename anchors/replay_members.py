"""What the chain tells of members, tables and contracts, checked again from the signatures that it carries.

Guaranteed: every founder's signature, admission, renewal, reinstatement, suspension, revocation, recovery, possession
and vote is verified by the kernel, whoever gave it was entitled to, and what a decision changed is what was decided;
what does not hold is a finding. Not guaranteed: that the node gave all events; proofs of the words that count
decisions, members and keys do that (`anchors.audit_chain`).
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from anchors.contracts import Event
from anchors.deployment import Deployment
from anchors.findings import Findings, in_event
from anchors.replay_votes import Ledger, check_admitters, check_suspender, check_term, check_voters
from ledger.domain.chain_records import BlockRef
from tiezheng import governance
from tiezheng.digest import sm3
from tiezheng.errors import VerificationFailed
from tiezheng.founding import FOUNDING_PREFIX
from tiezheng.procedures import Custody, Function, InstitutionRole
from tiezheng.signature import PublicKey, Signature, verify
from tiezheng.statement import contract_id

KeyOf = Callable[[Signature], PublicKey]
_THRESHOLD: Final = len(FOUNDING_PREFIX)
_CODE: Final = slice(_THRESHOLD + 1, _THRESHOLD + 65)
_COUNT: Final = _CODE.stop
_FOUNDER: Final = 4 + 1 + 1 + 64 + 32
Values = Any


@dataclass(slots=True)
class MemberDecisions:
    """Checks one event after another, in the chain's order; what a decision changes follows it."""

    deployment: Deployment
    findings: Findings
    ledger: Ledger | None = None
    threshold: int = 0
    decisions: int = 0
    changes: Counter[int] = field(default_factory=Counter)
    suspended: set[int] = field(default_factory=set)
    registrations: dict[tuple[int, int], Values] = field(default_factory=dict)
    recovery_keys: dict[int, PublicKey] = field(default_factory=dict)
    compromised_at: dict[tuple[int, int], int] = field(default_factory=dict)
    decided_action: bytes = b""
    _at_seconds: int = 0

    def check(self, event: Event, key_of: KeyOf, block: BlockRef | None = None) -> int:
        """Verify what this event says; says how many signatures were checked. Without a `ledger` and a `block`,
        nobody's right to decide is judged."""
        handler = _HANDLERS.get(event.name)
        if handler is None:
            return 0
        subject = f"{event.name} {event.values.get('number', '')}".strip()
        checked = 0
        self._at_seconds = 0 if block is None else block.time
        where = {} if block is None else in_event(event, block)
        with self.findings.noting("audit.chain_invalid", subject, **where):
            checked += handler(self, event.values, key_of)
        return checked

    def founded(self, values: Values, _: KeyOf) -> int:
        founding, signatures = values["founding"], values["signatures"]
        digest = sm3(founding)
        if digest != self.deployment.founding or values["foundingDigest"] != digest:
            raise VerificationFailed("chain.founding", expected=self.deployment.founding, got=digest)
        code = self.deployment.verifier.code_hash + self.deployment.keys.code_hash
        if founding[_CODE] != code:
            raise VerificationFailed("chain.founding", expected=founding[_CODE], got=code, detail="SM2 contracts")
        self.threshold = founding[_THRESHOLD]
        body = founding[_COUNT + 1 :]
        founders = [body[at : at + _FOUNDER] for at in range(0, len(body), _FOUNDER)]
        if len(founders) != founding[_COUNT] or len(signatures) != len(founders):
            raise VerificationFailed("founding.count", expected=len(founders), got=len(signatures))
        for founder, signature in zip(founders, signatures, strict=True):
            number = int.from_bytes(founder[:4], "big")
            message = governance.decision_message(number, len(founders), self.deployment.institutions.id, digest)
            if not verify(PublicKey.parse(founder[6:70]), message, signature):
                raise VerificationFailed("signature.invalid", got=number, detail="founder")
        return len(founders)

    def registered(self, values: Values, _: KeyOf) -> int:
        number = values["number"]
        self.registrations[number, values["keyIndex"]] = values
        if not values["possession"]:
            return 0
        key, custody = _key(values), Custody(values["custody"])
        return self._possession(values["possession"], number, key, governance.possession_digest(number, key, custody))

    def admitted(self, values: Values, key_of: KeyOf) -> int:
        number = values["number"]
        first = self._newest(number)
        function = Function(values["practitionerFunction"])
        custody, root = Custody(first["custody"]), first["identityRoot"]
        digest = governance.admission_digest(number, values["institution"], function, custody, _key(first), root)
        return self._admitted(values["signatures"], digest, key_of, values["institution"])

    def renewed(self, values: Values, key_of: KeyOf) -> int:
        added = self.registrations[values["number"], values["keyIndex"]]
        digest = governance.renewal_digest(
            values["number"],
            self.changes[values["number"]],
            Custody(added["custody"]),
            _key(added),
            added["identityRoot"],
        )
        return self._admitted(values["signatures"], digest, key_of, self._institution_of(values["number"]))

    def practitioner_suspended(self, values: Values, key_of: KeyOf) -> int:
        number = values["number"]
        digest = governance.suspension_digest(number, self._change(number))
        self.suspended.add(number)
        (vote,) = governance.parse_votes(values["signature"])
        if self.ledger is not None:
            check_suspender(vote, self._institution_of(number), self.ledger, self._at_seconds)
        return self._signed(values["signature"], digest, key_of)

    def reinstated(self, values: Values, key_of: KeyOf) -> int:
        number = values["number"]
        digest = governance.reinstatement_digest(number, self._change(number), values["keyIndex"])
        self.suspended.discard(number)
        return self._admitted(values["signatures"], digest, key_of, self._institution_of(number))

    def recovered(self, values: Values, _: KeyOf) -> int:
        number = values["number"]
        key = self.recovery_keys.pop(number, None)
        if key is None:
            raise VerificationFailed("key.unknown", got=f"recovery key of {number}")
        added = self.registrations[number, values["keyIndex"]]
        digest = governance.recovery_digest(
            number, self.changes[number], Custody(added["custody"]), _key(added), added["identityRoot"]
        )
        return self._signed(values["signature"], digest, lambda _: key)

    def ended(self, values: Values, key_of: KeyOf) -> int:
        if not values["signature"]:
            return 0
        number, index = values["number"], values["keyIndex"]
        # The key said since when it is suspect, or nothing of it; a decision may have said so before.
        since = self.compromised_at.get((number, index), 0)
        (signature,) = governance.parse_votes(values["signature"])
        identity = self.deployment.institutions.id
        messages = (
            governance.decision_message(number, 1, identity, governance.revocation_digest(number, index, claimed))
            for claimed in sorted({0, since})
        )
        if not any(verify(key_of(signature), message, signature.r_s) for message in messages):
            raise VerificationFailed("signature.invalid", got=number)
        return 1

    def compromised(self, values: Values, _: KeyOf) -> int:
        number, index, since = values["number"], values["keyIndex"], values["since"]
        # Marked by a decision, by the key itself as it ends, or taken over into a reinstated period.
        if self.decided_action[:1] == bytes([governance.Action.COMPROMISED]):
            self._require(governance.mark_compromised(number, index, since))
        self.compromised_at[number, index] = since
        return 0

    def decided(self, values: Values, key_of: KeyOf) -> int:
        number, action = values["number"], values["action"]
        executor = contract_id(
            self.deployment.chain_id, bytes.fromhex(values["executor"][2:]), self.deployment.founding
        )
        digest = governance.Decision(number, values["expires"], executor, action).digest
        votes = governance.parse_votes(values["signatures"])
        if (number, values["digest"]) != (self.decisions + 1, digest) or len(votes) < self.threshold:
            raise VerificationFailed("chain.record_mismatch", expected=self.decisions + 1, got=number)
        self.decisions, self.decided_action = number, action
        if self.ledger is not None:
            check_term(values["expires"], self._at_seconds)
            check_voters(votes, self.ledger, self._at_seconds)
        return self._signed(values["signatures"], digest, key_of)

    def institution_admitted(self, values: Values, _: KeyOf) -> int:
        number, first = values["number"], self._newest(values["number"])
        role, custody = InstitutionRole(values["role"]), Custody(first["custody"])
        self._require(
            governance.admit_institution(number, role, values["voter"], custody, _key(first), first["identityRoot"])
        )
        return 0

    def institution_suspended(self, values: Values, _: KeyOf) -> int:
        self._require(governance.suspend_institution(values["number"]))
        self._change(values["number"])
        return 0

    def institution_reinstated(self, values: Values, _: KeyOf) -> int:
        self._require(governance.reinstate_institution(values["number"], values["keyIndex"]))
        self._change(values["number"])
        return 0

    def institution_removed(self, values: Values, _: KeyOf) -> int:
        self._require(governance.remove_institution(values["number"]))
        return 0

    def institution_renewed(self, values: Values, _: KeyOf) -> int:
        number = values["number"]
        added = self.registrations[number, values["keyIndex"]]
        self._require(governance.new_key(number, Custody(added["custody"]), _key(added), added["identityRoot"]))
        return 0

    def threshold_changed(self, values: Values, _: KeyOf) -> int:
        self._require(governance.change_threshold(values["threshold"]))
        self.threshold = values["threshold"]
        return 0

    def recovery_registered(self, values: Values, _: KeyOf) -> int:
        number, key = values["number"], _key(values)
        self._require(governance.set_recovery_key(number, key))
        self.recovery_keys[number] = key
        return self._possession(values["possession"], number, key, governance.possession_digest(number, key, None))

    def table_registered(self, values: Values, _: KeyOf) -> int:
        self._require(governance.register_table(values["digest"], values["from"], values["until"]))
        return 0

    def table_ended(self, values: Values, _: KeyOf) -> int:
        self._require(governance.end_table(values["digest"], values["until"]))
        return 0

    def closed(self, values: Values, _: KeyOf) -> int:
        self._require(governance.close_contract(bytes.fromhex(values["successor"][2:])))
        return 0

    def _admitted(self, wire: bytes, digest: bytes, key_of: KeyOf, institution: int) -> int:
        if self.ledger is not None:
            check_admitters(governance.parse_votes(wire), institution, self.ledger, self._at_seconds)
        return self._signed(wire, digest, key_of)

    def _institution_of(self, number: int) -> int:
        row = None if self.ledger is None else self.ledger.key_row(number, 0)
        return 0 if row is None else row.institution

    def _newest(self, number: int) -> Values:
        indices = [index for holder, index in self.registrations if holder == number]
        if not indices:
            raise VerificationFailed("key.unknown", got=number)
        return self.registrations[number, max(indices)]

    def _change(self, number: int) -> int:
        """How often the member was suspended or reinstated before this time."""
        self.changes[number] += 1
        return self.changes[number] - 1

    def _require(self, action: bytes) -> None:
        if self.decided_action != action:
            raise VerificationFailed(
                "chain.record_mismatch", expected=self.decided_action, got=action, detail="decision"
            )
        self.decided_action = b""

    def _signed(self, wire: bytes, digest: bytes, key_of: KeyOf) -> int:
        votes = governance.parse_votes(wire)
        for vote in votes:
            message = governance.decision_message(vote.signer, len(votes), self.deployment.institutions.id, digest)
            _require_signed(key_of(vote), message, vote)
        return len(votes)

    def _possession(self, wire: bytes, number: int, key: PublicKey, digest: bytes) -> int:
        (own,) = governance.parse_votes(wire)
        _require_signed(key, governance.possession_message(number, self.deployment.institutions.id, digest), own)
        return 1


Handler = Callable[[MemberDecisions, Values, KeyOf], int]
_HANDLERS: Final[dict[str, Handler]] = {
    "LedgerFounded": MemberDecisions.founded,
    "KeyRegistered": MemberDecisions.registered,
    "KeyEnded": MemberDecisions.ended,
    "KeyCompromised": MemberDecisions.compromised,
    "PractitionerAdmitted": MemberDecisions.admitted,
    "PractitionerKeyRenewed": MemberDecisions.renewed,
    "PractitionerSuspended": MemberDecisions.practitioner_suspended,
    "PractitionerReinstated": MemberDecisions.reinstated,
    "InstitutionRecovered": MemberDecisions.recovered,
    "DecisionExecuted": MemberDecisions.decided,
    "InstitutionAdmitted": MemberDecisions.institution_admitted,
    "InstitutionSuspended": MemberDecisions.institution_suspended,
    "InstitutionReinstated": MemberDecisions.institution_reinstated,
    "InstitutionRemoved": MemberDecisions.institution_removed,
    "InstitutionKeyRenewed": MemberDecisions.institution_renewed,
    "ThresholdChanged": MemberDecisions.threshold_changed,
    "RecoveryKeyRegistered": MemberDecisions.recovery_registered,
    "TableRegistered": MemberDecisions.table_registered,
    "TableEnded": MemberDecisions.table_ended,
    "RegistryClosed": MemberDecisions.closed,
    "AnchorClosed": MemberDecisions.closed,
}


def _key(values: Values) -> PublicKey:
    return PublicKey(values["x"], values["y"])


def _require_signed(key: PublicKey, message: bytes, signature: Signature) -> None:
    if not verify(key, message, signature.r_s):
        raise VerificationFailed("signature.invalid", got=signature.signer)
