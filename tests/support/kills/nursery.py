"""A process that has imported everything and forks real processes of the product: a start costs milliseconds.

Guaranteed: a child is a fork made before any thread, file or connection of the product exists, and runs the same
command line as `tiezheng` does. Not guaranteed: what an interpreter does while it imports; that is not tested here.

Requests come as lines of JSON on standard input, answers go out as lines of JSON.
"""

import json
import os
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

import alembic.command
import sqlalchemy.dialects.sqlite.pysqlite
import uvicorn.lifespan.on
import uvicorn.loops.auto
import uvicorn.protocols.http.h11_impl

import anchors.commands
import api.commands
import ledger.storage.migrate
from tests.support.kills.boundaries import Boundaries
from tiezheng.cli.main import main

_LOADED = (alembic.command, sqlalchemy.dialects, uvicorn, anchors.commands, api.commands, ledger.storage.migrate)


def start(request: dict[str, Any]) -> int:
    """Fork a child that runs `arguments`; its process id."""
    assert threading.active_count() == 1, "a child must be forked before any thread lives"
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        os.setsid()
        log = os.open(request["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        null = os.open(os.devnull, os.O_RDONLY)
        for target, source in ((0, null), (1, log), (2, log)):
            os.dup2(source, target)
        os.environ.update(request.get("environment", {}))
        Boundaries(request["name"], Path(request["arm"]), Path(request["record"])).install()
        code = main(request["arguments"]) or 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001  a child that fails must still end here, and say why
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def ended() -> dict[int, int]:
    """Children that ended since the last question, with their wait status as an exit code (negative: a signal)."""
    found: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        found[pid] = os.waitstatus_to_exitcode(status)


def serve() -> None:
    """Until standard input ends."""
    for line in sys.stdin:
        request = json.loads(line)
        answer = {"pid": start(request)} if "arguments" in request else {"ended": ended()}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
