"""The stack's processes: started with a pid file each, ended by that pid and no other.

Guaranteed: a pid that was given to another program since is never touched, as the file also holds when the process
began; stopping waits until the process is gone. Not guaranteed: a clean end of one that does not answer SIGTERM in
time; it is killed.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api.dev.home import Home, replace_file
from tiezheng.cli.environment import for_child
from tiezheng.errors import Unavailable

STOP_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.05
_LOG_TAIL: Final = 1200


@dataclass(frozen=True, slots=True)
class Running:
    """A process that lives; `began` tells it from a later one with the same id."""

    name: str
    pid: int
    began: str


def began(pid: int) -> str | None:
    """When the process began, in the system's own words; None for one that has ended, also if nobody reaped it."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = stat.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in {"Z", "X"} else fields[19]
    told = subprocess.run(  # noqa: S603  a fixed program; the pid is a number
        ["/bin/ps", "-o", "state=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return None if not told or told.startswith("Z") else told.partition(" ")[2].strip()


def record(home: Home, name: str, pid: int) -> None:
    """Remember a process that was started."""
    replace_file(home.pid(name), f"{pid} {began(pid) or '-'}\n".encode())


def running(home: Home, name: str) -> Running | None:
    """The process of that name, if it lives; a stale file is removed."""
    path = home.pid(name)
    try:
        number, _, since = path.read_text(encoding="ascii").strip().partition(" ")
        pid = int(number)
    except FileNotFoundError:
        return None
    except ValueError:
        path.unlink(missing_ok=True)
        return None
    if since and began(pid) == since:
        return Running(name, pid, since)
    _reap(pid)
    path.unlink(missing_ok=True)
    return None


def all_running(home: Home) -> list[Running]:
    """Every process of this home that lives."""
    names = sorted(path.stem for path in (home.root / "run").glob("*.pid"))
    return [one for name in names if (one := running(home, name)) is not None]


def start(home: Home, name: str, arguments: Sequence[str]) -> Running:
    """Start `tiezheng …` in a session of its own, its output in the log of that name."""
    with home.log(name).open("ab") as log:
        process = subprocess.Popen(  # noqa: S603  this program itself
            [sys.executable, "-m", "tiezheng.cli.main", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=for_child(),
        )
    # A process object that is forgotten is reaped here, by its pid.
    process.returncode = 0
    record(home, name, process.pid)
    return Running(name, process.pid, began(process.pid) or "-")


def check_alive(home: Home, name: str) -> None:
    """Raises Unavailable `service.not_started` with the end of the log where the process has ended."""
    if running(home, name) is None:
        tail = home.log(name).read_bytes()[-_LOG_TAIL:].decode(errors="replace").strip()
        raise Unavailable("service.not_started", got=name, detail=f"{home.log(name)}: {tail}")


def stop(home: Home, names: Sequence[str]) -> list[str]:
    """End these processes together and wait until they are gone; those that lived."""
    live = [one for name in names if (one := running(home, name)) is not None]
    for one in live:
        _signal(one.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while any(_lives(one) for one in live) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    for one in live:
        if _lives(one):
            _signal(one.pid, signal.SIGKILL)
        while _lives(one):
            time.sleep(_POLL_SECONDS)
        home.pid(one.name).unlink(missing_ok=True)
    return [one.name for one in live]


def _lives(one: Running) -> bool:
    _reap(one.pid)
    return began(one.pid) == one.began


def _reap(pid: int) -> None:
    """Take leave of an ended child; other processes are not ours to wait for."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except (ChildProcessError, OSError):
        return


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
