"""Where a home's database is: an address that may hold a password, so it is read from a file, never from arguments.

Guaranteed: no error quotes the address. Not guaranteed: that a database answers there.
"""

import re
from pathlib import Path
from typing import Final

from tiezheng.errors import Malformed, NotFound, Refused

FILE: Final = "database.url"
URL_MAX_BYTES: Final = 4096
_WITH_PASSWORD: Final = re.compile(r"://[^/@]*:[^/]*@|[?&]password=")


def database_of(home: Path) -> Path | str:
    """By the home's `secrets/database.url`, else its SQLite file.

    Raises Refused `config.permissions` where others may read the address, Malformed `config.value`.
    """
    path = home / "secrets" / FILE
    if not path.exists():
        return home / "ledger.db"
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise Refused("config.permissions", expected="0600", got=f"{mode:04o}", detail=str(path))
    data = path.read_bytes()
    line = data.removesuffix(b"\n").decode("utf-8", errors="replace")
    if not line or len(data) > URL_MAX_BYTES or "\n" in line:
        raise Malformed("config.value", expected="one line", detail=str(path))
    return line


def named_database(given: str, *, in_arguments: bool) -> str:
    """The address of a database that a person named: a SQLite file, or an address.

    Raises NotFound `file.not_found`, Malformed `config.secret_argument` for a password in arguments, which every user
    of the machine can read.
    """
    if in_arguments and _WITH_PASSWORD.search(given):
        raise Malformed("config.secret_argument", expected=f"secrets/{FILE}, TIEZHENG_DATABASE, ~/.pgpass", got="--db")
    url = given if "://" in given else f"sqlite:///{given}"
    file = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:///") and not file.is_file():
        raise NotFound("file.not_found", got=file.name)
    return url
