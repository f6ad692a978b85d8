"""A copy of the database: under which name it lies in a backup, and what it stands at."""

from dataclasses import dataclass
from typing import Final

from ledger.domain.chain_records import Head

SQLITE_FILE: Final = "ledger.db"
POSTGRESQL_FILE: Final = "ledger.pgdump"


@dataclass(frozen=True, slots=True)
class Standing:
    """The revision of the tables, and the last block that the worker saw; None in a database that is fresh."""

    revision: str | None
    head: Head | None
