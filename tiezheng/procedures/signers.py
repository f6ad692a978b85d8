"""Who has to sign a statement of a kind, and whether these signatures do (spec/SPEC.md §8.2).

Guaranteed: slots, sides, roles, keys, handlers and custody as the registry compares them, in its order. Not
guaranteed: the signatures themselves; `tiezheng.statement.check_signatures` verifies them.
"""

from collections.abc import Sequence

from tiezheng.procedures.model import Kind, Slot
from tiezheng.procedures.refuse import refuse
from tiezheng.procedures.roles import IRREGULAR_ROLE, Custody, Role
from tiezheng.procedures.state import MemberKey, Members
from tiezheng.signature import MAX_STATEMENT_SIGNATURES, Signature
from tiezheng.statement import Flag, SignedStatement, Statement, is_institution


def seal_of(kind: Kind) -> Slot:
    """The slot of the institution that answers for an irregular statement (§8.2 rule 8): its role is what the kind's
    slot for the institution asks for, where it has one.
    """
    return Slot(IRREGULAR_ROLE, next((slot.required for slot in kind.slots if slot.role == Role.INSTITUTION), 0), 0, ())


class SlotPlan:
    """The slots of one statement that are still free; of an irregular one also the seal, and none has to be taken."""

    __slots__ = ("_free",)

    def __init__(self, kind: Kind, irregular: bool, count: int) -> None:
        """Raises Refused `signature.count` where this many signatures cannot be right."""
        self._free = [*kind.slots, seal_of(kind)] if irregular else list(kind.slots)
        most = min(len(self._free), MAX_STATEMENT_SIGNATURES)
        if not (1 if irregular else most) <= count <= most:
            refuse("SignatureCount", expected=most, got=count)

    def take(self, role: int) -> Slot:
        """The first free slot of this role. Raises Refused `signature.role`."""
        slot = next((slot for slot in self._free if slot.role == role), None)
        if slot is None:
            refuse("SignatureRole", got=role)
        self._free.remove(slot)
        return slot

    def finish(self, institution: int) -> None:
        """Raises Refused `signature.irregular_seal` where an irregular statement lacks the institution's signature."""
        if any(slot.role == IRREGULAR_ROLE for slot in self._free):
            refuse("IrregularSealMissing", expected=institution)


def signed_roles_fit(kind: Kind, signatures: Sequence[Signature], irregular: bool) -> tuple[Slot, ...]:
    """The slot that each signature takes; of an irregular statement also that of role 0xFF.

    Raises Refused `signature.count`, `signature.role`, `signature.irregular_seal`.
    """
    plan = SlotPlan(kind, irregular, len(signatures))
    slots = tuple(plan.take(signature.role) for signature in signatures)
    plan.finish(0)
    return slots


def check_signers(
    kind: Kind, signed: SignedStatement, members: Members, at_seconds: int, before: tuple[int, ...]
) -> tuple[int, ...]:
    """The handlers after this statement, `before` being those that stood. Raises Refused."""
    late, irregular = (bool(signed.statement.flags & flag) for flag in (Flag.LATE, Flag.IRREGULAR))
    plan = SlotPlan(kind, irregular, len(signed.signatures))
    handlers = list(before)
    persons: list[int] = []
    custodies: list[int] = []
    for signature in signed.signatures:
        slot = plan.take(signature.role)
        key = _check_signer(slot, signature, signed.statement, members, at_seconds)
        custodies.append(key.custody)
        if slot.is_person:
            persons.append(key.custody)
        if not irregular:
            _check_distinct(slot, signature.signer, before)
        if slot.remember and not (late and before[slot.remember - 1]):
            handlers[slot.remember - 1] = signature.signer
    plan.finish(signed.statement.institution)
    # Two persons on keys that the service holds prove one service, not two persons.
    if kind.person_slots > 1 and set(persons or custodies) == {Custody.HOSTED}:
        refuse("HostedKeysAlone", got=len(persons or custodies))
    return tuple(handlers)


def _check_signer(
    slot: Slot, signature: Signature, statement: Statement, members: Members, at_seconds: int
) -> MemberKey:
    side, person = statement.institution, slot.is_person
    if slot.is_counterparty:
        side = statement.counterparty
        if side == 0:
            refuse("CounterpartyMissing", got=statement.kind)
    if person:
        if is_institution(signature.signer):
            refuse("SignerNotPractitioner", got=signature.signer)
    elif signature.signer != side:
        refuse("SignerNotInstitution", expected=side, got=signature.signer)
    key = members.key(signature.signer, signature.key_index)
    if key is None:
        refuse("KeyUnknown", got=signature.signer)
    if not key.valid(at_seconds):
        refuse("KeyNotValid", got=signature.signer)
    if person and key.institution != side:
        refuse("PractitionerInstitution", expected=side, got=key.institution)
    if person and not key.institution_active:
        refuse("MemberNotActive", got=side)
    if slot.required and key.role != slot.required:
        refuse("PractitionerFunction" if person else "InstitutionRole", expected=slot.required, got=key.role)
    return key


def _check_distinct(slot: Slot, signer: int, before: tuple[int, ...]) -> None:
    for position in slot.distinct:
        if before[position - 1] == signer:
            refuse("HandlerNotDistinct", expected=f"other than handler {position}", got=signer)
