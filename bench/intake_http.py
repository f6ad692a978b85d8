"""How fast the running service takes in an evidence file over HTTP.

Method: the service is a process of its own on the loopback, with a founded home on disk. A file of random bytes is
sent by a raw socket with the kernel's own file sending, so that the sender costs next to nothing; time ends with the
answer, which comes after the file is flushed and recorded. SM3, SHA-256 and SM4-GCM alone take turns with it over the
same bytes. Memory is the service's peak resident set, interpreter included. Asked for: as in `bench.intake`.

    python -m bench.intake_http [--mib 1024] [--rounds 3] [--folder DIR]
"""

import argparse
import hashlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from api.bootstrap import issue_token_in
from api.serving import run_service
from api.settings import HOST, Home, Settings
from bench.intake import LEAST_RATIO, MOST_MEMORY_MB, OFFICE, hashing, make, sealing
from tests.support.served import found_home
from tests.support.world import World
from tiezheng.digest import new_sm3
from tiezheng.statement import new_case_id

TOKEN_MS = 86_400_000


def send(port: int, token: str, source: Path) -> dict[str, object]:
    """Put the file into a new case; the answer's members."""
    case = new_case_id(OFFICE, os.urandom(28)).hex()
    head = (
        f"PUT /v1/cases/{case}/files HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n"
        f"Content-Type: application/octet-stream\r\nContent-Length: {source.stat().st_size}\r\n\r\n"
    )
    with socket.create_connection((HOST, port)) as connection, source.open("rb") as file:
        connection.sendall(head.encode())
        connection.sendfile(file)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    top, _, body = answer.partition(b"\r\n\r\n")
    assert top.startswith(b"HTTP/1.1 201 "), answer[:700]
    return dict(json.loads(body))


@contextmanager
def service(home: Path, peak: list[float]) -> Iterator[int]:
    """The service's port; its peak memory in MB joins `peak` once it ended."""
    with socket.create_server((HOST, 0)) as free:
        port = int(free.getsockname()[1])
    arguments = [sys.executable, "-m", "bench.intake_http", "--serve", str(port), "--folder", str(home)]
    with subprocess.Popen(arguments, cwd=Path(__file__).parents[1]) as process:
        try:
            for _ in range(600):
                with suppress(ConnectionRefusedError), socket.create_connection((HOST, port)):
                    break
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            peak.append(usage.ru_maxrss * 1024 / 1e6)


def measure(mib: int = 1024, rounds: int = 3, folder: Path | None = None) -> dict[str, float]:
    """The figures; the ratio is the median of the rounds' ratios."""
    peak, speeds, ratios = list[float](), list[float](), list[float]()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(dir=folder) as name:
        source = Path(name) / "source"
        make(source, mib)
        home = found_home(Path(name) / "home", World())
        token = issue_token_in(home.root, OFFICE, "bench", ("submit",), TOKEN_MS)
        with service(home.root, peak) as port:
            for _ in range(rounds):
                sm3, sha256 = new_sm3(), hashlib.sha256()
                hashes = [_seconds(hashing, source, one.update)[0] for one in (sm3, sha256)]
                alone = max(*hashes, _seconds(sealing, source)[0])
                whole, answer = _seconds(send, port, token, source)
                assert (answer["sm3"], answer["sha256"]) == (sm3.digest().hex(), sha256.hexdigest())
                speeds.append(mib * (1 << 20) / 1e6 / whole)
                ratios.append(alone / whole)
                shutil.rmtree(home.objects)
    return {
        "http_intake_mb_per_second": statistics.median(speeds),
        "http_intake_ratio_to_slowest": statistics.median(ratios),
        "http_intake_peak_rss_mb": peak[0],
        "http_intake_load_before": load,
        "http_intake_load_after": os.getloadavg()[0],
    }


def _seconds(work: Callable[..., Any], *given: object) -> tuple[float, Any]:
    started = time.perf_counter()
    result = work(*given)
    return time.perf_counter() - started, result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for option, default in (("--mib", 1024), ("--rounds", 3)):
        parser.add_argument(option, type=int, default=default)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--serve", type=int, help="be the service on this port, with the home FOLDER")
    given = parser.parse_args()
    if given.serve is not None:
        run_service(Settings(Home(given.folder), given.serve))
        return 0
    figures = measure(given.mib, given.rounds, given.folder)
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}, indent=1, sort_keys=True))
    met = figures["http_intake_ratio_to_slowest"] >= LEAST_RATIO and figures["http_intake_peak_rss_mb"] < MOST_MEMORY_MB
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
