"""Lose a service and restore it, on SQLite and on PostgreSQL: rehearse_restore.py [--database sqlite|postgresql].

Guaranteed: exit code 0 says that every receipt that was ever given is honoured by what was restored, and that the audit
finds nothing. Not guaranteed: PostgreSQL where its programs are not installed; the last line says so, with exit code 2.
"""

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.postgresql import find_binaries, private_cluster, server_folder  # noqa: E402
from tests.support.rehearsal import Failed, Rehearsal, archiving  # noqa: E402


def say(zh: str, en: str) -> None:
    sys.stdout.write(f"  · {zh}\n    {en}\n")
    sys.stdout.flush()


def rehearse(database: str) -> None:
    """One rehearsal. Raises Failed."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tz-rehearsal-")))
        if database == "sqlite":
            Rehearsal(root, say).rehearse()
            return
        archive = stack.enter_context(server_folder())
        cluster = stack.enter_context(private_cluster(durable=True, settings=archiving(archive)))
        Rehearsal(root, say, cluster, archive).rehearse()


def main(arguments: list[str]) -> int:
    given = argparse.ArgumentParser(description="恢复演练 / rehearsing a restore")
    given.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    chosen = given.parse_args(arguments).database
    for database in ("sqlite", "postgresql") if chosen == "both" else (chosen,):
        sys.stdout.write(f"恢复演练 / rehearsing a restore: {database}\n")
        if database == "postgresql" and find_binaries() is None:
            sys.stdout.write("结果 / result: 没有 PostgreSQL，未演练 no PostgreSQL here: not rehearsed\n")
            return 2
        begun = time.monotonic()
        try:
            rehearse(database)
        except Failed as error:
            sys.stdout.write(f"结果 / result: 未通过 failed: {error}\n")
            return 1
        sys.stdout.write(f"  {time.monotonic() - begun:.0f} s\n")
    sys.stdout.write("结果 / result: 恢复演练通过，无一丢失 everything came back, nothing is lost\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
