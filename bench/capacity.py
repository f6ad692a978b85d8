"""What a whole running stack takes in and brings to an end: chain, service, worker and witnesses on this machine.

Method: `tiezheng dev up` in a fresh folder; statements are signed beforehand by the office's key; the generator of
`bench.load` sends them as ordinary requests. Everything, the generator included, shares the machine's cores.

1. `singles`: signed statements of the batch lane, each with content, one a request, at a fixed rate for `--seconds`,
   shared among `--services` service processes, as a server in front of them does.
   Each is verified, sealed and durably committed before its receipt leaves. Time counts from when a request was due.
2. `registry`: signed statements of the registry lane; the rate is counted from the first request to the moment when
   the last one is final (anchored by the contract, proven at a checkpoint, cosigned by two of three witnesses).
3. `folder`: a folder of small files deposited by the command line, until every one is final.

    python -m bench.capacity [--part singles|registry|folder] [--rate 1000] [--seconds 60] [--count 2000]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from api.dev import processes, stack
from api.dev.composition import free_port
from api.dev.home import Home
from bench import load
from tiezheng.cli.drafts import build_draft, find_kind, find_procedure, opening, plan_signers
from tiezheng.cli.profile import load_profile
from tiezheng.cli.session import Session, open_session
from tiezheng.client import Client
from tiezheng.content import to_private_json
from tiezheng.errors import Unavailable

CONNECTIONS: Final = 64
FINAL_SECONDS: Final = 600.0
_KINDS: Final = {"singles": ("bulk_deposit", "deposit"), "registry": ("deposit", "deposit")}


@contextmanager
def running(services: int) -> Iterator["Running"]:
    """A founded stack in a folder of its own, with so many service processes, until the end of the `with`."""
    with tempfile.TemporaryDirectory(prefix="tiezheng-bench.") as name:
        root = Path(name) / "home"
        addresses = stack.up(root, free_port(), free_port(), lambda _zh, _en: None)
        ports = [int(addresses.service.rpartition(":")[2])]
        home = Home(root)
        try:
            for number in range(1, services):
                ports.append(free_port())
                processes.start(home, f"service-{number}", ["serve", "--home", str(root), "--port", str(ports[-1])])
                _wait_for(ports[-1])
            yield Running(root, addresses.service, tuple(ports))
        finally:
            stack.down(root)


@dataclass(frozen=True, slots=True)
class Running:
    """A stack: its home, the first service's address, and the ports of all its services."""

    root: Path
    service: str
    ports: tuple[int, ...]


def _wait_for(port: int) -> None:
    with Client(f"http://{load.HOST}:{port}") as client:
        for _ in range(600):
            try:
                client.health()
            except Unavailable:
                time.sleep(0.05)
            else:
                return
    raise TimeoutError(f"no service on port {port}")


def make(profile: Path, part: str, count: int, first: int) -> list[bytes]:
    """Bodies of signed statements, in this process."""
    with open_session(profile) as session:
        return [_body(session, part, first + at) for at in range(count)]


def bodies(profile: Path, part: str, count: int) -> list[bytes]:
    """As `make`, on all cores."""
    cores = os.cpu_count() or 1
    share = -(-count // cores)
    parts = [(profile, part, min(share, count - at), at) for at in range(0, count, share)]
    with get_context("spawn").Pool(cores) as pool:
        return [body for made in pool.starmap(make, parts) for body in made]


def _body(session: Session, part: str, number: int) -> bytes:
    procedure = find_procedure(_KINDS[part][0])
    kind = find_kind(procedure, _KINDS[part][1])
    office = session.profile.institution
    plan = plan_signers(kind, office, ())
    values = {"title": f"电子数据 {number}", "given_by": "party"}
    draft = build_draft(kind, opening(procedure, office), office, plan, values, time.time_ns() // 1_000_000)
    signed = session.sign_all(draft)
    signatures = ",".join(f'"{one.to_bytes().hex()}"' for one in signed.signatures)
    rest = f'"not_held":[],"signatures":[{signatures}],"statement":"{draft.statement.to_bytes().hex()}"'
    return b'{"content":' + to_private_json(draft.content) + b"," + rest.encode() + b"}"


def singles(place: Running, rate: float, seconds: float) -> dict[str, float]:
    """Sustained rate and times of single statements, and how long the last one then took to its end."""
    outcome, _ = _send(place, "singles", round(rate * seconds), rate)
    behind = _until_final(place)
    return {
        "singles_per_second": outcome.per_second,
        "singles_p50_ms": outcome.percentile(0.5),
        "singles_p99_ms": outcome.percentile(0.99),
        "singles_max_ms": max(outcome.latencies_ms),
        "singles_seconds": outcome.seconds,
        "singles_refused": float(len(outcome.latencies_ms) - outcome.statuses[201]),
        "singles_last_final_after_seconds": behind,
    }


def registry(place: Running, count: int) -> dict[str, float]:
    """Statements a second from the first request to the last one's finality."""
    outcome, begun = _send(place, "registry", count, 10_000.0)
    assert outcome.statuses == {201: count}, outcome.statuses
    _until_final(place)
    return {"registry_final_per_second": count / (time.perf_counter() - begun)}


def folder(place: Running, count: int) -> dict[str, float]:
    """Seconds for a folder of small files, from the command to the last one's finality."""
    with tempfile.TemporaryDirectory() as name:
        files = Path(name) / "files"
        files.mkdir()
        for number in range(count):
            (files / f"{number:05}.txt").write_bytes(os.urandom(2_048).hex().encode())
        begun = time.perf_counter()
        told = subprocess.run(
            [sys.executable, "-m", "tiezheng.cli.main", "deposit", str(files), "--bulk", "--json"],
            env={**os.environ, "TIEZHENG_PROFILE": str(place.root / "profiles" / "office.json")},
            capture_output=True,
            check=False,
        )
        assert told.returncode == 0, told.stderr[-2000:]
        accepted = time.perf_counter() - begun
        _until_final(place)
        return {
            f"folder_{count}_files_accepted_seconds": accepted,
            f"folder_{count}_files_final_seconds": time.perf_counter() - begun,
        }


def _send(place: Running, part: str, count: int, rate: float) -> tuple[load.Outcome, float]:
    profile = place.root / "profiles" / "office.json"
    made = bodies(profile, part, count)
    token = load_profile(profile).token
    assert token is not None
    requests = [load.post("/v1/statements", place.ports[0], token, body) for body in made]
    begun = time.perf_counter()
    return load.run(place.ports, requests, rate, CONNECTIONS), begun


def _until_final(place: Running) -> float:
    """Seconds until nothing is on its way any more."""
    begun = time.perf_counter()
    with Client(place.service) as client:
        while time.perf_counter() - begun < FINAL_SECONDS:
            statements = client.health()["statements"]
            if not any(statements[status] for status in ("accepted", "sent", "anchored")):
                return time.perf_counter() - begun
            time.sleep(0.2)
    raise TimeoutError(f"not final after {FINAL_SECONDS} s: {statements}")


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: singles at `rate` a second for `seconds`, `count` statements, `files`, `services`."""

    rate: float = 1000.0
    seconds: float = 60.0
    count: int = 3000
    files: int = 5000
    services: int = 2


PARTS: Final = ("singles", "registry", "folder")


def measure(parts: Sequence[str] = PARTS, size: Size | None = None) -> dict[str, float]:
    """The figures of these parts, each on a fresh stack."""
    size = Size() if size is None else size
    figures: dict[str, float] = {}
    works: dict[str, Callable[[Running], dict[str, float]]] = {
        "singles": lambda place: singles(place, size.rate, size.seconds),
        "registry": lambda place: registry(place, size.count),
        "folder": lambda place: folder(place, size.files),
    }
    for part in parts:
        with running(size.services if part == "singles" else 1) as place:
            figures |= works[part](place)
    return figures


def main() -> int:
    parser, usual = argparse.ArgumentParser(description=__doc__.partition("\n")[0]), Size()
    parser.add_argument("--part", choices=PARTS)
    parser.add_argument("--rate", type=float, default=usual.rate)
    parser.add_argument("--seconds", type=float, default=usual.seconds)
    parser.add_argument("--count", type=int, default=usual.count)
    parser.add_argument("--files", type=int, default=usual.files)
    parser.add_argument("--services", type=int, default=usual.services, help="service processes for the singles")
    given = parser.parse_args()
    size = Size(given.rate, given.seconds, given.count, given.files, given.services)
    figures = measure((given.part,) if given.part else PARTS, size)
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}, indent=1, sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
