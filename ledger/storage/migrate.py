"""Bring a database to the schema of this version.

Guaranteed: `upgrade` is safe to call at every start and from several processes; each revision has a way back, and
that of the first one never drops a table that holds rows. Not guaranteed: that the way back keeps what only the newer
version knows; take a copy of the database before a new version starts.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine

from ledger.storage.database import reading, writing
from tiezheng.errors import IntegrityFault, Refused

MIGRATIONS: Final = Path(__file__).with_name("migrations")


def upgrade(engine: Engine) -> None:
    """Apply what is missing, in one write transaction. Raises Refused `config.database` for a revision that this
    version does not know, and for a file that is no database."""
    _run(engine, command.upgrade, "head")


def downgrade(engine: Engine, to: str) -> None:
    """Go back to this revision, or to `base`, in one write transaction. Raises as `upgrade`, and where that would lose
    rows."""
    _run(engine, command.downgrade, to)


def _run(engine: Engine, step: Callable[[Config, str], None], to: str) -> None:
    config = _config()
    try:
        with writing(engine) as connection:
            config.attributes["connection"] = connection
            step(config, to)
    except CommandError as error:
        raise Refused("config.database", detail="revision") from error
    except IntegrityFault as error:
        raise Refused("config.database", detail=error.detail) from error


def revision(engine: Engine) -> str | None:
    """The revision that the database is at; None before the first."""
    with reading(engine) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str | None:
    """The revision of this version."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
