"""The members as the store knows them, in the form that the kernel's rules ask for.

Guaranteed: the answers are those of one transaction. Not guaranteed: that the worker has read the chain's last events;
the contract decides in the end, and a key that ended meanwhile leads to a signed refusal.
"""

from dataclasses import dataclass

from ledger.domain.records import KeyRow, MemberStatus
from ledger.ports import Members
from tiezheng.errors import IntegrityFault, VerificationFailed
from tiezheng.signature import PublicKey


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key with its period, as `tiezheng.procedures.MemberKey`."""

    row: KeyRow
    institution_active: bool

    @property
    def institution(self) -> int:
        """The holder's institution."""
        return self.row.institution

    @property
    def role(self) -> int:
        """The institution's role or the practitioner's function."""
        return self.row.role

    @property
    def custody(self) -> int:
        """Who holds the key (SPEC §5.1)."""
        return self.row.custody

    def valid(self, at_seconds: int) -> bool:
        """Whether the period covers this time; the end itself no longer counts."""
        return self.row.valid_from <= at_seconds < self.row.valid_until


class KnownMembers:
    """`tiezheng.procedures.Members` over the port; asks for each key and institution once."""

    def __init__(self, members: Members) -> None:
        self._members = members
        self._keys: dict[tuple[int, int], KeyRow | None] = {}
        self._active: dict[int, bool] = {}

    def row(self, number: int, key_index: int) -> KeyRow | None:
        """The key as stored."""
        place = (number, key_index)
        if place not in self._keys:
            self._keys[place] = self._members.key(number, key_index)
        return self._keys[place]

    def key(self, number: int, key_index: int) -> KnownKey | None:
        """See the kernel's Protocol."""
        row = self.row(number, key_index)
        if row is None:
            return None
        return KnownKey(row, self._is_active(row.institution))

    def _is_active(self, number: int) -> bool:
        if number not in self._active:
            institution = self._members.institution(number)
            self._active[number] = institution is not None and institution.status is MemberStatus.ACTIVE
        return self._active[number]

    def is_member(self, number: int) -> bool:
        """See the kernel's Protocol."""
        return bool(self._members.keys(number))


def public_key(row: KeyRow) -> PublicKey:
    """The stored key, checked anew."""
    return PublicKey.parse(row.x + row.y)


def required_key(members: KnownMembers, number: int, key_index: int) -> KeyRow:
    """The key of a signer. Raises VerificationFailed `key.unknown`."""
    row = members.row(number, key_index)
    if row is None:
        raise VerificationFailed("key.unknown", got=f"{number}/{key_index}")
    return row


def stored_key(members: Members, number: int, key_index: int) -> KeyRow:
    """The key of a signature that was accepted. Raises IntegrityFault `chain.record_mismatch` if it is gone."""
    row = members.key(number, key_index)
    if row is None:
        raise IntegrityFault("chain.record_mismatch", got=f"{number}/{key_index}", detail="key of a member")
    return row
