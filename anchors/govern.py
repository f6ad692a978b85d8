"""Governance transactions: admit a practitioner, revoke a key, suspend a practitioner (SPEC §5.2).

Guaranteed: the contract checks every signature; a refusal comes back with its reason and nothing is sent. Not
guaranteed: when a running service knows of it; its worker reads the event from the next blocks.
"""

from dataclasses import dataclass

from anchors.chains.port import Chain, Mined
from anchors.chains.relayer import Relayer
from anchors.contracts import INSTITUTIONS, artifact
from anchors.deployment import Deployment
from anchors.transact import transact
from tiezheng.founding import (
    Custody,
    Function,
    admission_digest,
    decision_message,
    possession_digest,
    possession_message,
    revocation_digest,
    suspension_digest,
)
from tiezheng.signature import PublicKey, Signature


@dataclass(frozen=True, slots=True)
class Admission:
    """A practitioner to be admitted under an institution, with a first key and the root of the identity card."""

    number: int
    institution: int
    function: Function
    custody: Custody
    key: PublicKey
    identity_root: bytes

    def decision(self, signer: int, contract_id: bytes) -> bytes:
        """The 81 bytes that the institution and a regulator sign; `contract_id` is that of Institutions."""
        digest = admission_digest(
            self.number, self.institution, self.function, self.custody, self.key, self.identity_root
        )
        return decision_message(signer, 2, contract_id, digest)

    def possession(self, contract_id: bytes) -> bytes:
        """The 81 bytes that the practitioner signs with the new key."""
        return possession_message(self.number, contract_id, possession_digest(self.number, self.key, self.custody))


def admit_practitioner(
    chain: Chain,
    relayer: Relayer,
    deployment: Deployment,
    admission: Admission,
    decisions: tuple[Signature, Signature],
    possession: Signature,
) -> Mined:
    """Send the admission; `decisions` in any order. Raises as `transact`."""
    first, second = sorted(decisions, key=lambda one: one.signer)
    data = artifact(INSTITUTIONS).call(
        "admitPractitioner",
        (
            admission.number,
            admission.institution,
            int(admission.function),
            int(admission.custody),
            admission.key.x,
            admission.key.y,
            admission.identity_root,
        ),
        first.to_bytes() + second.to_bytes(),
        possession.to_bytes(),
    )
    return transact(chain, relayer, deployment.chain_id, deployment.institutions.address, data)


def revocation_message(number: int, key_index: int, contract_id: bytes) -> bytes:
    """The 81 bytes by which a key revokes itself."""
    return decision_message(number, 1, contract_id, revocation_digest(number, key_index))


def revoke_key(chain: Chain, relayer: Relayer, deployment: Deployment, signature: Signature) -> Mined:
    """End the key that made `signature`. Raises as `transact`."""
    data = artifact(INSTITUTIONS).call("revokeKey", signature.signer, signature.key_index, signature.to_bytes())
    return transact(chain, relayer, deployment.chain_id, deployment.institutions.address, data)


def suspension_message(number: int, institution: int, contract_id: bytes) -> bytes:
    """The 81 bytes by which an institution suspends its practitioner."""
    return decision_message(institution, 1, contract_id, suspension_digest(number))


def suspend_practitioner(
    chain: Chain, relayer: Relayer, deployment: Deployment, number: int, signature: Signature
) -> Mined:
    """Suspend `number`, by its institution's signature. Raises as `transact`."""
    data = artifact(INSTITUTIONS).call("suspendPractitioner", number, signature.to_bytes())
    return transact(chain, relayer, deployment.chain_id, deployment.institutions.address, data)
