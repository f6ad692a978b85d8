"""The founding and the decisions on members, verified again from their events.

Guaranteed: the founders' signatures over the founding digest that the deployment names, the verifier's code hash that
they signed, both decisions and the proof of possession of each admission, and each revocation and suspension are
checked by the kernel. Not guaranteed: that the signers had the right; the contract checks that, and the rebuilt state
is proven under a header.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from anchors.contracts import Event
from anchors.deployment import Deployment
from anchors.findings import Findings
from tiezheng.digest import sm3
from tiezheng.errors import VerificationFailed
from tiezheng.founding import (
    FOUNDING_PREFIX,
    Custody,
    Function,
    admission_digest,
    decision_message,
    possession_digest,
    possession_message,
    revocation_digest,
    suspension_digest,
)
from tiezheng.signature import PublicKey, Signature, verify
from tiezheng.statement import parse_joined_signatures

KeyOf = Callable[[Signature], PublicKey]
_VERIFIER: Final = slice(len(FOUNDING_PREFIX) + 1, len(FOUNDING_PREFIX) + 33)
_FOUNDING_HEAD: Final = _VERIFIER.stop + 1
_FOUNDER: Final = 4 + 1 + 1 + 64 + 32


@dataclass(slots=True)
class MemberDecisions:
    """Checks one event after another; an admission follows the registration of its key."""

    deployment: Deployment
    findings: Findings
    _registered: dict[int, Event] = field(default_factory=dict)

    def check(self, event: Event, key_of: KeyOf) -> int:
        """Verify what this event says about members; says how many signatures were checked."""
        values = event.values
        if event.name == "KeyRegistered":
            self._registered[values["number"]] = event
        elif event.name == "LedgerFounded":
            with self.findings.noting("audit.chain_invalid", "founding"):
                return self._founding(event)
        elif event.name == "PractitionerAdmitted":
            with self.findings.noting("audit.chain_invalid", f"admission of {values['number']}"):
                return self._admission(event, key_of)
        elif event.name == "KeyEnded" and values["signature"]:
            with self.findings.noting("audit.chain_invalid", f"end of key {values['number']}/{values['keyIndex']}"):
                digest = revocation_digest(values["number"], values["keyIndex"])
                return self._decision(values["signature"], digest, key_of)
        elif event.name == "PractitionerSuspended":
            with self.findings.noting("audit.chain_invalid", f"suspension of {values['number']}"):
                return self._decision(values["signature"], suspension_digest(values["number"]), key_of)
        return 0

    def _founding(self, event: Event) -> int:
        founding, signatures = event.values["founding"], event.values["signatures"]
        digest = sm3(founding)
        if digest != self.deployment.founding or event.values["foundingDigest"] != digest:
            raise VerificationFailed("chain.founding", expected=self.deployment.founding, got=digest)
        if founding[_VERIFIER] != self.deployment.verifier.code_hash:
            raise VerificationFailed(
                "chain.founding",
                expected=founding[_VERIFIER],
                got=self.deployment.verifier.code_hash,
                detail="code of the SM2 verifier",
            )
        body = founding[_FOUNDING_HEAD:]
        founders = [body[at : at + _FOUNDER] for at in range(0, len(body), _FOUNDER)]
        if len(founders) != founding[_FOUNDING_HEAD - 1] or len(signatures) != len(founders):
            raise VerificationFailed("founding.count", expected=len(founders), got=len(signatures))
        for founder, signature in zip(founders, signatures, strict=True):
            number = int.from_bytes(founder[:4], "big")
            message = decision_message(number, len(founders), self.deployment.institutions.id, digest)
            if not verify(PublicKey.parse(founder[6:70]), message, signature):
                raise VerificationFailed("signature.invalid", got=number, detail="founder")
        return len(founders)

    def _admission(self, event: Event, key_of: KeyOf) -> int:
        number, identity = event.values["number"], self.deployment.institutions.id
        registered = self._registered.get(number)
        if registered is None:
            raise VerificationFailed("key.unknown", got=number)
        key = PublicKey(registered.values["x"], registered.values["y"])
        custody = Custody(registered.values["custody"])
        digest = admission_digest(
            number,
            event.values["institution"],
            Function(event.values["practitionerFunction"]),
            custody,
            key,
            registered.values["identityRoot"],
        )
        decisions = parse_joined_signatures(event.values["signatures"])
        for signature in decisions:
            message = decision_message(signature.signer, len(decisions), identity, digest)
            _require(key_of(signature), message, signature)
        (own,) = parse_joined_signatures(event.values["possession"])
        _require(key, possession_message(number, identity, possession_digest(number, key, custody)), own)
        return len(decisions) + 1

    def _decision(self, wire: bytes, digest: bytes, key_of: KeyOf) -> int:
        (signature,) = parse_joined_signatures(wire)
        message = decision_message(signature.signer, 1, self.deployment.institutions.id, digest)
        _require(key_of(signature), message, signature)
        return 1


def _require(key: PublicKey, message: bytes, signature: Signature) -> None:
    if not verify(key, message, signature.r_s):
        raise VerificationFailed("signature.invalid", got=signature.signer)
