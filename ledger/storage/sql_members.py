"""Institutions, keys of members and identity cards in SQL.

Guaranteed: a key, once stored, changes only in its end and in being marked as suspect. Not guaranteed: that the worker
has read the chain's latest events; `Chain.position` says how far it is.
"""

from typing import Final

from sqlalchemy import Connection, select, update

from ledger.domain.records import CardRow, InstitutionRow, KeyRow, MemberStatus
from ledger.storage.rows import insert_new, put
from ledger.storage.tables import cards, institutions, member_keys
from tiezheng.errors import IntegrityFault

_K: Final = member_keys.c


class SqlMembers:
    """`ledger.ports.Members` on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put_key(self, key: KeyRow) -> None:
        """See the port. A key comes back to its own member alone (SPEC §5.2 rule 6)."""
        holders = self._connection.execute(select(_K.number).where(_K.z == key.z)).scalars()
        if any(holder != key.number for holder in holders):
            raise IntegrityFault("chain.record_mismatch", got=f"{key.number}/{key.key_index}", detail="key of another")
        values = {name: getattr(key, name) for name in member_keys.c.keys()}  # noqa: SIM118  a collection of columns
        if insert_new(self._connection, member_keys, [values]):
            return
        known = self.key(key.number, key.key_index)
        if known is None or _fixed(known) != _fixed(key):
            raise IntegrityFault("chain.record_mismatch", got=f"{key.number}/{key.key_index}", detail="key of a member")

    def end_key(self, number: int, key_index: int, until: int, ended_by: int) -> None:
        """See the port."""
        self._connection.execute(
            update(member_keys)
            .where(_K.number == number, _K.key_index == key_index)
            .values(valid_until=until, ended_by=ended_by)
        )

    def mark_key(self, number: int, key_index: int, compromised_since: int) -> None:
        """See the port."""
        self._connection.execute(
            update(member_keys)
            .where(_K.number == number, _K.key_index == key_index)
            .values(compromised_since=compromised_since)
        )

    def put_institution(self, row: InstitutionRow) -> None:
        """See the port."""
        put(
            self._connection,
            institutions,
            {"number": row.number, "role": row.role, "voter": row.voter, "status": int(row.status)},
        )

    def institution(self, number: int) -> InstitutionRow | None:
        """See the port."""
        row = self._connection.execute(select(institutions).where(institutions.c.number == number)).one_or_none()
        return None if row is None else InstitutionRow(row.number, row.role, row.voter, MemberStatus(row.status))

    def key(self, number: int, key_index: int) -> KeyRow | None:
        """See the port."""
        query = select(member_keys).where(_K.number == number, _K.key_index == key_index)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else KeyRow(*row)

    def keys(self, number: int) -> list[KeyRow]:
        """See the port."""
        query = select(member_keys).where(_K.number == number).order_by(_K.key_index)
        return [KeyRow(*row) for row in self._connection.execute(query)]

    def all_keys(self) -> list[KeyRow]:
        """See the port."""
        query = select(member_keys).order_by(_K.number, _K.key_index)
        return [KeyRow(*row) for row in self._connection.execute(query)]

    def put_card(self, row: CardRow) -> None:
        """See the port."""
        put(
            self._connection,
            cards,
            {"number": row.number, "identity_root": row.identity_root, "sealed": row.sealed},
        )

    def card(self, number: int, identity_root: bytes) -> CardRow | None:
        """See the port."""
        query = select(cards).where(cards.c.number == number, cards.c.identity_root == identity_root)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else CardRow(*row)


def _fixed(key: KeyRow) -> tuple[object, ...]:
    return (
        key.x,
        key.y,
        key.z,
        key.institution,
        key.role,
        key.custody,
        key.identity_root,
        key.valid_from,
    )
