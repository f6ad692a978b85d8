"""Files, collections of signatures and tokens in SQL.

Guaranteed: a list of collections loads no contents. Not guaranteed: that an object named by a file row is intact;
reading it shows.
"""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, exists, func, insert, null, or_, select, update

from ledger.domain.records import (
    CollectionRow,
    CollectionState,
    FileRow,
    Holding,
    PlannedSigner,
    Scope,
    TokenRow,
)
from ledger.storage.rows import insert_new, split_digests
from ledger.storage.tables import collection_places, collections, files, holdings, tokens
from tiezheng.signature import Signature
from tiezheng.statement import case_owner

_F: Final = files.c
_H: Final = holdings.c
_C: Final = collections.c
_P: Final = collection_places.c
_T: Final = tokens.c


class SqlFiles:
    """`ledger.ports.Files` on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, row: FileRow) -> None:
        """See the port."""
        self._connection.execute(
            insert(files).values(
                case_id=row.case,
                sm3=row.sm3,
                sha256=row.sha256,
                size=row.size,
                media_type=row.media_type,
                object_name=row.object_name,
                received=row.received,
            )
        )
        self._change_holding(case_owner(row.case), held=_H.held + row.size)

    def get(self, case: bytes, sm3: bytes) -> FileRow | None:
        """See the port."""
        row = self._connection.execute(select(files).where(_F.case_id == case, _F.sm3 == sm3)).one_or_none()
        return None if row is None else FileRow(*row)

    def of_case(self, case: bytes) -> list[FileRow]:
        """See the port."""
        query = select(files).where(_F.case_id == case).order_by(_F.received, _F.sm3)
        return [FileRow(*row) for row in self._connection.execute(query)]

    def count(self, case: bytes) -> int:
        """See the port."""
        return self._connection.scalar(select(func.count()).select_from(files).where(_F.case_id == case)) or 0

    def all(self) -> Iterator[FileRow]:
        """See the port."""
        for row in self._connection.execute(select(files).order_by(_F.case_id, _F.sm3)):
            yield FileRow(*row)

    def holding(self, institution: int) -> Holding:
        """See the port."""
        row = self._connection.execute(select(holdings).where(_H.institution == institution)).one_or_none()
        return Holding(institution, 0) if row is None else Holding(*row)

    def put_quota(self, institution: int, quota: int | None) -> None:
        """See the port."""
        self._change_holding(institution, quota=quota)

    def _change_holding(self, institution: int, **values: Any) -> None:
        insert_new(self._connection, holdings, [{"institution": institution, "held": 0, "quota": None}])
        self._connection.execute(update(holdings).where(_H.institution == institution).values(**values))


class SqlCollections:
    """`ledger.ports.Collections` on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, row: CollectionRow) -> None:
        """See the port."""
        self._connection.execute(
            insert(collections).values(
                id=row.id,
                digest=row.digest,
                statement=row.statement,
                institution=row.institution,
                case_id=row.case,
                content=row.content,
                not_held=b"".join(row.not_held),
                created=row.created,
                expires=row.expires,
                state=row.state.value,
            )
        )
        self._connection.execute(
            insert(collection_places),
            [
                {
                    "collection": row.id,
                    "signer": place.signer,
                    "role": place.role,
                    "institution": place.institution,
                    "signature": place.signature,
                }
                for place in row.plan
            ],
        )

    def get(self, collection: bytes) -> CollectionRow | None:
        """See the port."""
        row = self._connection.execute(select(collections).where(_C.id == collection)).one_or_none()
        return None if row is None else self._with_places(row)

    def waiting_for(self, institution: int, now: int) -> list[CollectionRow]:
        """See the port."""
        theirs = exists().where(and_(_P.collection == _C.id, _P.institution == institution, _P.signature.is_(None)))
        columns = [null().label(_C.content.name) if column is _C.content else column for column in collections.c]
        query = (
            select(*columns)
            .where(_C.state == CollectionState.OPEN.value, _C.expires > now)
            .where(or_(_C.institution == institution, theirs))
            .order_by(_C.created)
        )
        return [self._with_places(row) for row in self._connection.execute(query).all()]

    def count_open(self, institution: int, now: int) -> int:
        """See the port."""
        query = (
            select(func.count())
            .select_from(collections)
            .where(_C.institution == institution, _C.state == CollectionState.OPEN.value, _C.expires > now)
        )
        return self._connection.scalar(query) or 0

    def put_signature(self, collection: bytes, signature: bytes) -> None:
        """See the port."""
        signer = Signature.parse(signature).signer
        self._connection.execute(
            update(collection_places)
            .where(_P.collection == collection, _P.signer == signer)
            .values(signature=signature)
        )

    def put_state(self, collection: bytes, state: CollectionState) -> None:
        """See the port."""
        values: dict[str, object] = {"state": state.value}
        if state is not CollectionState.OPEN:
            values["content"] = None
        self._connection.execute(update(collections).where(_C.id == collection).values(**values))

    def expire(self, now: int) -> int:
        """See the port."""
        return self._connection.execute(
            update(collections)
            .where(_C.state == CollectionState.OPEN.value, _C.expires <= now)
            .values(state=CollectionState.EXPIRED.value, content=None)
        ).rowcount

    def _with_places(self, row: Row[Any]) -> CollectionRow:
        query = select(_P.signer, _P.role, _P.institution, _P.signature).where(_P.collection == row.id)
        plan = tuple(PlannedSigner(*place) for place in self._connection.execute(query.order_by(_P.signer)))
        return CollectionRow(
            id=row.id,
            digest=row.digest,
            statement=row.statement,
            institution=row.institution,
            case=row.case_id,
            plan=plan,
            content=row.content,
            created=row.created,
            expires=row.expires,
            state=CollectionState(row.state),
            not_held=split_digests(row.not_held),
        )


class SqlTokens:
    """`ledger.ports.Tokens` on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, row: TokenRow) -> None:
        """See the port."""
        self._connection.execute(
            insert(tokens).values(
                digest=row.digest,
                institution=row.institution,
                holder=row.holder,
                number=row.number,
                scopes=" ".join(sorted(scope.value for scope in row.scopes)),
                created=row.created,
                expires=row.expires,
                revoked=row.revoked,
            )
        )

    def get(self, digest: bytes) -> TokenRow | None:
        """See the port."""
        row = self._connection.execute(select(tokens).where(_T.digest == digest)).one_or_none()
        return None if row is None else _token_row(row)

    def of_institution(self, institution: int) -> list[TokenRow]:
        """See the port."""
        query = select(tokens).where(_T.institution == institution).order_by(_T.created, _T.digest)
        return [_token_row(row) for row in self._connection.execute(query)]

    def revoke(self, digest: bytes, at_ms: int) -> bool:
        """See the port."""
        query = update(tokens).where(_T.digest == digest, _T.revoked.is_(None)).values(revoked=at_ms)
        return self._connection.execute(query).rowcount == 1


def _token_row(row: Row[Any]) -> TokenRow:
    return TokenRow(
        digest=row.digest,
        institution=row.institution,
        holder=row.holder,
        number=row.number,
        scopes=frozenset(Scope(name) for name in row.scopes.split()),
        created=row.created,
        expires=row.expires,
        revoked=row.revoked,
    )
