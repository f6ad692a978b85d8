"""Transactions on members and their keys that need no decision (SPEC §5.2): admit, renew, suspend, revoke, recover.

Guaranteed: the contract checks every signature; a refusal comes back with its reason and nothing is sent. Not
guaranteed: when a running service knows of it; its worker reads the event from the next blocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from anchors.chains.port import Chain, Mined
from anchors.chains.relayer import Relayer
from anchors.contracts import INSTITUTIONS, artifact
from anchors.deployment import Deployment
from anchors.transact import transact
from tiezheng.governance import (
    admission_digest,
    decision_message,
    join_votes,
    possession_digest,
    possession_message,
    recovery_digest,
    reinstatement_digest,
    renewal_digest,
    revocation_digest,
    suspension_digest,
)
from tiezheng.procedures import Custody, Function
from tiezheng.signature import PublicKey, Signature


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that a member gets: its custody, and the root of the identity card that is fixed with it."""

    number: int
    custody: Custody
    key: PublicKey
    identity_root: bytes

    def possession(self, contract_id: bytes) -> bytes:
        """The 81 bytes that the new key signs; `contract_id` is that of Institutions, here and below."""
        return possession_message(self.number, contract_id, possession_digest(self.number, self.key, self.custody))

    def renewal(self, changes: int, signer: int, contract_id: bytes) -> bytes:
        """The 81 bytes by which institution and regulator give a practitioner this key (`Governor.changes`)."""
        digest = renewal_digest(self.number, changes, self.custody, self.key, self.identity_root)
        return decision_message(signer, 2, contract_id, digest)

    def recovery(self, changes: int, contract_id: bytes) -> bytes:
        """The 81 bytes by which an institution's recovery key gives it this key; `changes`: `Governor.changes`."""
        digest = recovery_digest(self.number, changes, self.custody, self.key, self.identity_root)
        return decision_message(self.number, 1, contract_id, digest)

    @property
    def words(self) -> tuple[int, int, int, int, bytes]:
        """As the contract takes it."""
        return self.number, int(self.custody), self.key.x, self.key.y, self.identity_root


@dataclass(frozen=True, slots=True)
class Admission:
    """A practitioner to be admitted under an institution, with a first key."""

    institution: int
    function: Function
    first: NewKey

    def decision(self, signer: int, contract_id: bytes) -> bytes:
        """The 81 bytes that the institution and a regulator sign."""
        first = self.first
        digest = admission_digest(
            first.number, self.institution, self.function, first.custody, first.key, first.identity_root
        )
        return decision_message(signer, 2, contract_id, digest)


def revocation_message(number: int, key_index: int, contract_id: bytes, compromised_since: int = 0) -> bytes:
    """The 81 bytes by which a key revokes itself; `compromised_since` in seconds, 0 where it is not suspect."""
    return decision_message(number, 1, contract_id, revocation_digest(number, key_index, compromised_since))


def suspension_message(number: int, changes: int, signer: int, contract_id: bytes) -> bytes:
    """The 81 bytes by which the institution, or a regulator, suspends a practitioner."""
    return decision_message(signer, 1, contract_id, suspension_digest(number, changes))


def reinstatement_message(number: int, changes: int, key_index: int, signer: int, contract_id: bytes) -> bytes:
    """The 81 bytes by which institution and regulator end a suspension."""
    return decision_message(signer, 2, contract_id, reinstatement_digest(number, changes, key_index))


@dataclass(frozen=True, slots=True)
class Governor:
    """Sends acts to `Institutions` of one deployment. Every method raises as `transact`."""

    chain: Chain
    relayer: Relayer
    deployment: Deployment

    def admit_practitioner(self, admission: Admission, signed: Sequence[Signature], possession: Signature) -> Mined:
        """`signed` by institution and regulator, in any order."""
        first = admission.first
        words = (first.number, admission.institution, int(admission.function), *first.words[1:])
        return self.send("admitPractitioner", words, join_votes(signed), possession.to_bytes())

    def renew_practitioner_key(self, key: NewKey, signed: Sequence[Signature], possession: Signature) -> Mined:
        """`signed` by institution and regulator, in any order."""
        return self.send("renewPractitionerKey", key.words, join_votes(signed), possession.to_bytes())

    def suspend_practitioner(self, number: int, signature: Signature) -> Mined:
        """`signature` of the institution or a regulator."""
        return self.send("suspendPractitioner", number, signature.to_bytes())

    def reinstate_practitioner(self, number: int, key_index: int, signed: Sequence[Signature]) -> Mined:
        """`signed` by institution and regulator, in any order."""
        return self.send("reinstatePractitioner", number, key_index, join_votes(signed))

    def revoke_key(self, signature: Signature, compromised_since: int = 0) -> Mined:
        """End the key that made `signature`."""
        words = (signature.signer, signature.key_index, compromised_since)
        return self.send("revokeKey", *words, signature.to_bytes())

    def recover(self, key: NewKey, signature: Signature, possession: Signature) -> Mined:
        """`signature` of the recovery key, key index 255."""
        return self.send("recover", key.words, signature.to_bytes(), possession.to_bytes())

    def add_table(self, number: int, key_index: int) -> Mined:
        """Have the table of a registered key computed on chain, so that its signatures cost less."""
        return self.send("addTable", number, key_index)

    def changes(self, number: int) -> int:
        """How often the member was suspended or reinstated, which the next such act names."""
        contract = artifact(INSTITUTIONS)
        answer = self.chain.call(self.deployment.institutions.address, contract.call("member", number))
        (member,) = contract.result("member", answer)
        return int(member[5])

    def send(self, function: str, *arguments: object) -> Mined:
        """One call of `Institutions` as a transaction."""
        data = artifact(INSTITUTIONS).call(function, *arguments)
        return transact(self.chain, self.relayer, self.deployment.chain_id, self.deployment.institutions.address, data)
