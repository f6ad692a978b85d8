"""Insert-or-keep, insert-or-replace and packing, in the dialects that are used.

Guaranteed: the same outcome on SQLite and PostgreSQL. Not guaranteed: other databases.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from tiezheng.errors import IntegrityFault

DIGEST: Final = 32


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert the rows that are not there yet; says how many were new."""
    if not rows:
        return 0
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    new = 0
    for row in rows:
        query = make(table).values(**row).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
        new += connection.execute(query).rowcount
    return new


def add_missing(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """As `insert_new`, in one statement and without a count."""
    if not rows:
        return
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    connection.execute(make(table).on_conflict_do_nothing(), [dict(row) for row in rows])


def put(connection: Connection, table: Table, row: Mapping[str, Any]) -> None:
    """Insert the row, or replace the one with its primary key."""
    put_all(connection, table, [row])


def put_all(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """As `put`, for many rows of different keys in one statement."""
    if not rows:
        return
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    query = make(table)
    keys = [column.name for column in table.primary_key.columns]
    rest = {name: query.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(query.on_conflict_do_update(index_elements=keys, set_=rest), [dict(row) for row in rows])


def pack_numbers(numbers: Sequence[int]) -> str:
    """A list of integers as JSON text."""
    return json.dumps(list(numbers), separators=(",", ":"))


def unpack_numbers(stored: str) -> tuple[int, ...]:
    """The inverse of `pack_numbers`."""
    return tuple(int(number) for number in json.loads(stored))


def split_digests(stored: bytes) -> tuple[bytes, ...]:
    """Joined 32-byte digests, apart."""
    return tuple(stored[at : at + DIGEST] for at in range(0, len(stored), DIGEST))


def pack_nodes(nodes: Sequence[bytes]) -> bytes:
    """Trie nodes, each after its length as u32."""
    return b"".join(len(node).to_bytes(4, "big") + node for node in nodes)


def unpack_nodes(stored: bytes) -> tuple[bytes, ...]:
    """The inverse of `pack_nodes`. Raises IntegrityFault `integrity.fault` for bytes that it never wrote."""
    nodes, at = [], 0
    while at < len(stored):
        end = at + 4 + int.from_bytes(stored[at : at + 4], "big")
        if end > len(stored):
            raise IntegrityFault("integrity.fault", expected=end, got=len(stored), detail="stored trie nodes")
        nodes.append(stored[at + 4 : end])
        at = end
    return tuple(nodes)
