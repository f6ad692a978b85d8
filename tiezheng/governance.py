"""The acts of governance on members, keys, tables and contracts (spec/SPEC.md §5.2).

Guaranteed: the same bytes and digests as the contracts compute, and no action that they would refuse for its shape.
Not guaranteed: that the signatures verify, or that the ledger's state allows the act; the contract decides that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from tiezheng.digest import DIGEST_SIZE, sm3
from tiezheng.errors import Malformed
from tiezheng.procedures import Custody, Function, InstitutionRole
from tiezheng.signature import RECORD_SIZE, ROLE_INSTITUTION, PublicKey, Signature, Tag, signed_message
from tiezheng.statement import ADDRESS_SIZE, is_institution, is_practitioner

# A decision is executed within this time after it was proposed, so that none can be kept back (§5.2 rule 2).
DECISION_MAX_SECONDS: Final = 90 * 86_400
MAX_VOTERS: Final = 32
# The place of the recovery key among an institution's keys, which no other key has.
RECOVERY_INDEX: Final = 255
# `until` of a table without an end, and of a key that is open.
NO_END: Final = (1 << 48) - 1

_ADMIT, _REVOKE, _SUSPEND, _REINSTATE, _RENEW, _RECOVER = range(1, 7)
_DECISION: Final = 0x80
_U8, _U32, _U64 = 0xFF, 0xFFFFFFFF, (1 << 64) - 1


class Action(IntEnum):
    """First byte of what a decision decides."""

    ADMIT_INSTITUTION = 0x10
    SUSPEND_INSTITUTION = 0x11
    REINSTATE_INSTITUTION = 0x12
    REMOVE_INSTITUTION = 0x13
    NEW_KEY = 0x14
    THRESHOLD = 0x15
    RECOVERY_KEY = 0x16
    COMPROMISED = 0x17
    REGISTER_TABLE = 0x20
    END_TABLE = 0x21
    CLOSE = 0x22


@dataclass(frozen=True, slots=True)
class Decision:
    """A numbered decision: `executor` is the contract id of the contract that executes it, `expires` in seconds."""

    number: int
    expires: int
    executor: bytes
    action: bytes

    def __post_init__(self) -> None:
        _check_number(self.number, 1, _U64)
        _check_number(self.expires, 1, NO_END)
        _check_length(self.executor)

    @property
    def digest(self) -> bytes:
        """SM3(0x80 ‖ number u64 ‖ expires u48 ‖ executor ‖ action)."""
        numbers = self.number.to_bytes(8, "big") + self.expires.to_bytes(6, "big")
        return sm3(bytes([_DECISION]), numbers, self.executor, self.action)

    def message(self, voter: int, count: int, contract_id: bytes) -> bytes:
        """The 81 bytes that a voter signs where `count` sign in all; `contract_id` is that of `Institutions`."""
        _check_institution(voter)
        if not 1 <= count <= MAX_VOTERS:
            raise Malformed("signature.count", expected=f"1 to {MAX_VOTERS}", got=count)
        return decision_message(voter, count, contract_id, self.digest)


def join_votes(votes: Sequence[Signature]) -> bytes:
    """The signatures of a decision as the contract takes them: ascending by signer. Raises Malformed `signature.*`."""
    ordered = sorted(votes, key=lambda vote: vote.signer)
    if not 1 <= len(ordered) <= MAX_VOTERS:
        raise Malformed("signature.count", expected=f"1 to {MAX_VOTERS}", got=len(ordered))
    if len({vote.signer for vote in ordered}) != len(ordered):
        raise Malformed("signature.order")
    return b"".join(vote.to_bytes() for vote in ordered)


def parse_votes(data: bytes) -> tuple[Signature, ...]:
    """The signatures of an act of §5.2, 70 bytes each; their order is not checked. Raises Malformed `signature.*`."""
    if not data or len(data) % RECORD_SIZE:
        raise Malformed("signature.length", expected=f"a multiple of {RECORD_SIZE}", got=len(data))
    if len(data) > MAX_VOTERS * RECORD_SIZE:
        raise Malformed("signature.count", expected=f"1 to {MAX_VOTERS}", got=len(data) // RECORD_SIZE)
    return tuple(Signature.parse(data[at : at + RECORD_SIZE]) for at in range(0, len(data), RECORD_SIZE))


def decision_message(signer: int, count: int, contract_id: bytes, digest: bytes) -> bytes:
    """The 81 bytes of a signature under tag 5, of `count` in all."""
    return signed_message(Tag.DECISION, ROLE_INSTITUTION, count, signer, contract_id, digest)


def admission_digest(
    number: int, institution: int, function: Function, custody: Custody, key: PublicKey, identity_root: bytes
) -> bytes:
    """SM3(0x01 ‖ number ‖ institution ‖ function ‖ custody ‖ x ‖ y ‖ identity root): admit a practitioner."""
    _check_practitioner(number)
    _check_institution(institution)
    _check_member(function, Function, "function")
    head = bytes([_ADMIT]) + _u32(number) + _u32(institution) + bytes([function])
    return sm3(head, _new_key(custody, key, identity_root))


def revocation_digest(number: int, key_index: int, compromised_since: int = 0) -> bytes:
    """SM3(0x02 ‖ number ‖ key index ‖ compromised since): revoke the own key; seconds, 0 where it is not suspect."""
    _check_holder(number)
    _check_number(key_index, 0, _U8)
    _check_number(compromised_since, 0, NO_END)
    return sm3(bytes([_REVOKE]), _u32(number), bytes([key_index]), compromised_since.to_bytes(6, "big"))


def suspension_digest(number: int, changes: int) -> bytes:
    """SM3(0x03 ‖ number ‖ changes): suspend a practitioner whose status changed `changes` times before."""
    _check_practitioner(number)
    _check_number(changes, 0, _U32)
    return sm3(bytes([_SUSPEND]), _u32(number), _u32(changes))


def reinstatement_digest(number: int, changes: int, key_index: int) -> bytes:
    """SM3(0x04 ‖ number ‖ changes ‖ key index): end a suspension; the key goes on under a new index."""
    _check_practitioner(number)
    _check_number(changes, 0, _U32)
    _check_number(key_index, 0, _U8)
    return sm3(bytes([_REINSTATE]), _u32(number), _u32(changes), bytes([key_index]))


def renewal_digest(number: int, changes: int, custody: Custody, key: PublicKey, identity_root: bytes) -> bytes:
    """SM3(0x05 ‖ number ‖ changes ‖ custody ‖ x ‖ y ‖ identity root): a further key of a practitioner."""
    _check_practitioner(number)
    _check_number(changes, 0, _U32)
    return sm3(bytes([_RENEW]), _u32(number), _u32(changes), _new_key(custody, key, identity_root))


def recovery_digest(number: int, changes: int, custody: Custody, key: PublicKey, identity_root: bytes) -> bytes:
    """SM3(0x06 ‖ number ‖ changes ‖ custody ‖ x ‖ y ‖ identity root): a new key by the institution's recovery key."""
    _check_institution(number)
    _check_number(changes, 0, _U32)
    return sm3(bytes([_RECOVER]), _u32(number), _u32(changes), _new_key(custody, key, identity_root))


def possession_digest(number: int, key: PublicKey, custody: Custody | None) -> bytes:
    """SM3(number ‖ x ‖ y ‖ custody): the holder shows that the key is theirs (tag 6); None for a recovery key."""
    _check_holder(number)
    if custody is not None:
        _check_member(custody, Custody, "custody")
    return sm3(_u32(number), key.to_bytes(), bytes([custody or 0]))


def possession_message(number: int, contract_id: bytes, digest: bytes) -> bytes:
    """The 81 bytes that the holder of a new key signs (tag 6)."""
    return signed_message(Tag.POSSESSION, ROLE_INSTITUTION, 1, number, contract_id, digest)


def admit_institution(
    number: int, role: InstitutionRole, voter: bool, custody: Custody, key: PublicKey, identity_root: bytes
) -> bytes:
    """Action: an institution joins, with its first key; a voter decides with the others."""
    _check_institution(number)
    _check_member(role, InstitutionRole, "role")
    return _action(Action.ADMIT_INSTITUTION, number) + bytes([role, voter]) + _new_key(custody, key, identity_root)


def suspend_institution(number: int) -> bytes:
    """Action: all keys of an institution end, and its practitioners sign nothing until it is reinstated."""
    _check_institution(number)
    return _action(Action.SUSPEND_INSTITUTION, number)


def reinstate_institution(number: int, key_index: int) -> bytes:
    """Action: end a suspension; the key goes on under a new index."""
    _check_institution(number)
    _check_number(key_index, 0, _U8)
    return _action(Action.REINSTATE_INSTITUTION, number) + bytes([key_index])


def remove_institution(number: int) -> bytes:
    """Action: an institution leaves for ever."""
    _check_institution(number)
    return _action(Action.REMOVE_INSTITUTION, number)


def new_key(number: int, custody: Custody, key: PublicKey, identity_root: bytes) -> bytes:
    """Action: a further key of an institution."""
    _check_institution(number)
    return _action(Action.NEW_KEY, number) + _new_key(custody, key, identity_root)


def change_threshold(threshold: int) -> bytes:
    """Action: so many voters have to sign from the next decision on."""
    _check_number(threshold, 1, MAX_VOTERS)
    return bytes([Action.THRESHOLD, threshold])


def set_recovery_key(number: int, key: PublicKey) -> bytes:
    """Action: the key, kept offline, by which an institution can once register a new one."""
    _check_institution(number)
    return _action(Action.RECOVERY_KEY, number) + key.to_bytes()


def mark_compromised(number: int, key_index: int, since: int) -> bytes:
    """Action: a key is suspect since `since` (s): a warning on what it signed from then on."""
    _check_holder(number)
    _check_number(key_index, 0, _U8)
    _check_number(since, 1, NO_END)
    return _action(Action.COMPROMISED, number) + bytes([key_index]) + since.to_bytes(6, "big")


def register_table(table_digest: bytes, valid_from: int, valid_until: int = NO_END) -> bytes:
    """Action of a registry: cases may open under the table if they occurred in `from` ≤ t < `until` (ms)."""
    _check_length(table_digest)
    if not 0 <= valid_from < valid_until <= NO_END:
        raise Malformed("table.dates", expected="from before until", got=f"{valid_from}, {valid_until}")
    dates = valid_from.to_bytes(6, "big") + valid_until.to_bytes(6, "big")
    return bytes([Action.REGISTER_TABLE]) + table_digest + dates


def end_table(table_digest: bytes, valid_until: int) -> bytes:
    """Action of a registry: no case opens under the table that occurred at `valid_until` (ms) or later."""
    _check_length(table_digest)
    _check_number(valid_until, 0, NO_END - 1)
    return bytes([Action.END_TABLE]) + table_digest + valid_until.to_bytes(6, "big")


def close_contract(successor: bytes = bytes(ADDRESS_SIZE)) -> bytes:
    """Action of a registry or batch anchor: it records nothing more; zero where no successor is announced."""
    if len(successor) != ADDRESS_SIZE:
        raise Malformed("account.address", expected=ADDRESS_SIZE, got=len(successor))
    return bytes([Action.CLOSE]) + successor


def _action(action: Action, number: int) -> bytes:
    return bytes([action]) + _u32(number)


def _new_key(custody: Custody, key: PublicKey, identity_root: bytes) -> bytes:
    """custody u8 ‖ x ‖ y ‖ identity root."""
    _check_member(custody, Custody, "custody")
    if len(identity_root) != DIGEST_SIZE or identity_root == bytes(DIGEST_SIZE):
        raise Malformed("member.identity_root", expected=DIGEST_SIZE, got=len(identity_root))
    return bytes([custody]) + key.to_bytes() + identity_root


def _u32(number: int) -> bytes:
    return number.to_bytes(4, "big")


def _check_number(value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise Malformed("signature.number_range", expected=f"{low} to {high}", got=value)


def _check_length(digest: bytes) -> None:
    if len(digest) != DIGEST_SIZE:
        raise Malformed("digest.length", expected=DIGEST_SIZE, got=len(digest))


def _check_member(value: int, kind: type[IntEnum], name: str) -> None:
    if value not in set(kind):
        raise Malformed(f"member.{name}", expected=f"1 to {len(kind)}", got=int(value))


def _check_institution(number: int) -> None:
    if not is_institution(number):
        raise Malformed("statement.institution", expected="1 to 2147483647", got=number)


def _check_practitioner(number: int) -> None:
    if not is_practitioner(number):
        raise Malformed("member.practitioner_number", expected="2147483649 to 4294967295", got=number)


def _check_holder(number: int) -> None:
    if not (is_institution(number) or is_practitioner(number)):
        raise Malformed("signature.number_range", got=number)
