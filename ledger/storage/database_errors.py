"""What the databases' own errors mean to whoever called: busy, away, full, or damaged.

Guaranteed: an error that passes with time becomes Unavailable with a stable code, whichever database it comes from, and
neither addresses nor passwords nor rows stand in it. Not guaranteed: that a transaction whose commit got no answer did
not happen; whoever tries again looks first.
"""

import contextlib
from collections.abc import Iterator
from typing import Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tiezheng.errors import IntegrityFault, TiezhengError, Unavailable

BUSY_RETRY_SECONDS: Final = 5
AWAY_RETRY_SECONDS: Final = 10
# Somebody has to make room.
FULL_RETRY_SECONDS: Final = 60


def _busy(detail: str) -> TiezhengError:
    return Unavailable("database.busy", retry_after_seconds=BUSY_RETRY_SECONDS, detail=detail)


def _away(detail: str) -> TiezhengError:
    return Unavailable("database.away", retry_after_seconds=AWAY_RETRY_SECONDS, detail=detail)


def _full(detail: str) -> TiezhengError:
    return Unavailable("database.full", retry_after_seconds=FULL_RETRY_SECONDS, detail=detail)


def _corrupt(detail: str) -> TiezhengError:
    return IntegrityFault("database.corrupt", detail=detail)


# Primary result codes of SQLite (https://sqlite.org/rescode.html).
_SQLITE: Final = {
    5: _busy,  # BUSY
    6: _busy,  # LOCKED
    8: _away,  # READONLY: a disk that was mounted anew after a fault
    10: _away,  # IOERR
    11: _corrupt,
    13: _full,
    14: _away,  # CANTOPEN
    15: _busy,  # PROTOCOL: a race for the write-ahead log's locks
    26: _corrupt,  # NOTADB
}
# SQLSTATE or its first two characters (PostgreSQL, appendix A).
_POSTGRESQL: Final = {
    "08": _away,
    "25006": _away,  # read-only: a standby that was not promoted yet
    "25P03": _away,  # silent too long within a transaction
    "28": _away,  # no such user, or a wrong password
    "3D000": _away,  # no such database
    "40": _busy,  # serialisation failure, deadlock
    "53": _busy,  # too many connections, out of memory
    "53100": _full,
    "55P03": _busy,  # a lock was not to be had in time
    "57": _away,  # starting, stopping, ended by an administrator
    "57014": _busy,  # cancelled, for instance after a statement's timeout
    "58": _away,  # an error of the system, such as of a disk
    "XX001": _corrupt,
    "XX002": _corrupt,
}


@contextlib.contextmanager
def known_errors() -> Iterator[None]:
    """Turns what the database says into this product's errors; what is a defect of ours stays as it is.

    Raises Unavailable `database.busy`, `database.away`, `database.full`, IntegrityFault `database.corrupt`.
    """
    try:
        yield
    except DBAPIError as error:
        meant = meaning(error)
        if meant is None:
            raise
        raise meant from error
    except PoolTimeout as error:
        raise _busy("connections") from error


def meaning(error: DBAPIError) -> TiezhengError | None:
    """What this error says to a caller; None if it says that the query was wrong."""
    orig = error.orig
    number = getattr(orig, "sqlite_errorcode", None)
    state = getattr(orig, "sqlstate", None)
    if isinstance(number, int):
        return sqlite_meaning(orig)
    if isinstance(state, str):
        make, detail = _POSTGRESQL.get(state) or _POSTGRESQL.get(state[:2]), f"SQLSTATE {state}"
    elif error.connection_invalidated or type(orig).__name__ in {"OperationalError", "InterfaceError"}:
        # The driver itself found no server, or no connection any more.
        make, detail = _away, "connection"
    else:
        return None
    return None if make is None else make(detail)


def sqlite_meaning(error: BaseException | None) -> TiezhengError | None:
    """The same for an error of SQLite's driver itself."""
    number = getattr(error, "sqlite_errorcode", None)
    make = _SQLITE.get(number & 0xFF) if isinstance(number, int) else None
    return None if make is None else make(str(getattr(error, "sqlite_errorname", number)))
