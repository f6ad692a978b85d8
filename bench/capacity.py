"""What a whole running stack takes in and brings to an end: chain, service, worker and witnesses on this machine.

Method: `tiezheng dev up` in a fresh folder; statements are signed beforehand by the office's key; the generator of
`bench.load` sends them as ordinary requests. Everything, the generator included, shares the machine's cores.

1. `singles`: signed statements of the batch lane, each with content, one a request, at a fixed rate for `--seconds`.
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
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from api.dev import stack
from api.dev.composition import free_port
from bench import load
from tiezheng.cli.drafts import build_draft, find_kind, find_procedure, opening, plan_signers
from tiezheng.cli.profile import load_profile
from tiezheng.cli.session import Session, open_session
from tiezheng.client import Client
from tiezheng.content import to_private_json

CONNECTIONS: Final = 64
FINAL_SECONDS: Final = 120.0
_KINDS: Final = {"singles": ("bulk_deposit", "deposit"), "registry": ("deposit", "deposit")}


@contextmanager
def running() -> Iterator[tuple[Path, stack.Addresses]]:
    """A founded stack in a folder of its own, until the end of the `with`."""
    with tempfile.TemporaryDirectory(prefix="tiezheng-bench.") as name:
        root = Path(name) / "home"
        addresses = stack.up(root, free_port(), free_port(), lambda _zh, _en: None)
        try:
            yield root, addresses
        finally:
            stack.down(root)


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


def singles(root: Path, addresses: stack.Addresses, rate: float, seconds: float) -> dict[str, float]:
    """Sustained rate and times of single statements, and how long the last one then took to its end."""
    outcome, _ = _send(root, addresses, "singles", round(rate * seconds), rate)
    behind = _until_final(addresses)
    return {
        "singles_per_second": outcome.per_second,
        "singles_p50_ms": outcome.percentile(0.5),
        "singles_p99_ms": outcome.percentile(0.99),
        "singles_max_ms": max(outcome.latencies_ms),
        "singles_seconds": outcome.seconds,
        "singles_refused": float(outcome.latencies_ms.__len__() - outcome.statuses[201]),
        "singles_last_final_after_seconds": behind,
    }


def registry(root: Path, addresses: stack.Addresses, count: int) -> dict[str, float]:
    """Statements a second from the first request to the last one's finality."""
    outcome, begun = _send(root, addresses, "registry", count, 10_000.0)
    assert outcome.statuses == {201: count}, outcome.statuses
    _until_final(addresses)
    return {"registry_final_per_second": count / (time.perf_counter() - begun)}


def folder(root: Path, addresses: stack.Addresses, count: int) -> dict[str, float]:
    """Seconds for a folder of small files, from the command to the last one's finality."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / "files"
        place.mkdir()
        for number in range(count):
            (place / f"{number:05}.txt").write_bytes(os.urandom(2_048).hex().encode())
        begun = time.perf_counter()
        told = subprocess.run(
            [sys.executable, "-m", "tiezheng.cli.main", "deposit", str(place), "--bulk", "--json"],
            env={**os.environ, "TIEZHENG_PROFILE": str(root / "profiles" / "office.json")},
            capture_output=True,
            check=False,
        )
        assert told.returncode == 0, told.stderr[-2000:]
        accepted = time.perf_counter() - begun
        _until_final(addresses)
        return {
            f"folder_{count}_files_accepted_seconds": accepted,
            f"folder_{count}_files_final_seconds": time.perf_counter() - begun,
        }


def _send(root: Path, addresses: stack.Addresses, part: str, count: int, rate: float) -> tuple[load.Outcome, float]:
    profile = root / "profiles" / "office.json"
    made = bodies(profile, part, count)
    token = load_profile(profile).token
    assert token is not None
    port = int(addresses.service.rpartition(":")[2])
    requests = [load.post("/v1/statements", port, token, body) for body in made]
    begun = time.perf_counter()
    return load.run(port, requests, rate, CONNECTIONS), begun


def _until_final(addresses: stack.Addresses) -> float:
    """Seconds until nothing is on its way any more."""
    begun = time.perf_counter()
    with Client(addresses.service) as client:
        while time.perf_counter() - begun < FINAL_SECONDS:
            statements = client.health()["statements"]
            if not any(statements[status] for status in ("accepted", "sent", "anchored")):
                return time.perf_counter() - begun
            time.sleep(0.2)
    raise TimeoutError(f"not final after {FINAL_SECONDS} s: {statements}")


def measure(rate: float = 1000.0, seconds: float = 60.0, count: int = 3000, files: int = 5000) -> dict[str, float]:
    """All parts, each on a fresh stack."""
    return part_figures(("singles", "registry", "folder"), rate, seconds, count, files)


def part_figures(parts: Sequence[str], rate: float, seconds: float, count: int, files: int) -> dict[str, float]:
    """The figures of these parts."""
    figures: dict[str, float] = {}
    works: dict[str, Callable[[Path, stack.Addresses], dict[str, float]]] = {
        "singles": lambda root, addresses: singles(root, addresses, rate, seconds),
        "registry": lambda root, addresses: registry(root, addresses, count),
        "folder": lambda root, addresses: folder(root, addresses, files),
    }
    for part in parts:
        with running() as (root, addresses):
            figures |= works[part](root, addresses)
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--part", choices=("singles", "registry", "folder"))
    parser.add_argument("--rate", type=float, default=1000.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--files", type=int, default=5000)
    given = parser.parse_args()
    parts = (given.part,) if given.part else ("singles", "registry", "folder")
    figures = part_figures(parts, given.rate, given.seconds, given.count, given.files)
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}, indent=1, sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
