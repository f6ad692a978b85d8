"""How fast an evidence file is taken in: read, SM3, SHA-256, SM4-GCM, written and flushed, recorded.

Method: one file of random bytes is made on the spot. SM3, SHA-256 and SM4-GCM are measured alone over the same bytes in
pieces of 1 MiB, then `ReceiveFile` takes the file in whole, in the same process; speeds and their ratio are medians of
the rounds, interleaved so that a busy machine slows all alike. Asked for: intake at half the speed of the slowest of
the three or better, and less than 200 MB of peak resident memory (which counts the interpreter and its libraries).

    python -m bench.intake [--mib 1024] [--rounds 3] [--folder DIR]
"""

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ledger.services.receive_file import ReceiveFile
from ledger.storage.envelope import FRAME_SIZE, FrameSealer
from ledger.storage.keyring import Keyring
from ledger.storage.objects import EncryptedObjects
from ledger.storage.sql_store import open_store
from tiezheng.digest import new_sm3
from tiezheng.statement import new_case_id

OFFICE = 101
LEAST_RATIO = 0.5
MOST_MEMORY_MB = 200


class Clock:
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


def make(path: Path, mib: int) -> None:
    with path.open("wb") as file:
        for _ in range(mib):
            file.write(os.urandom(1 << 20))


def hashing(path: Path, update: Callable[[bytes], object]) -> None:
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            update(piece)


def sealing(path: Path) -> None:
    sealer = FrameSealer(os.urandom(16), os.urandom(16), os.urandom(8))
    with path.open("rb") as file:
        while len(piece := file.read(FRAME_SIZE)) == FRAME_SIZE:
            sealer.seal(piece, last=False)
        sealer.seal(piece, last=True)


def run(mib: int, rounds: int, parent: Path | None = None) -> dict[str, float]:
    """MB/s of each stage alone and of the whole intake, in this process; the median of the rounds' ratios."""
    with tempfile.TemporaryDirectory(dir=parent) as name:
        folder = Path(name)
        source = folder / "source"
        make(source, mib)
        store = open_store(folder / "ledger.db")
        objects = EncryptedObjects(str(folder / "objects"), Keyring(store.engine, os.urandom(16)))
        receive = ReceiveFile(store, objects, Clock())

        def intake() -> None:
            case = new_case_id(OFFICE, os.urandom(28))
            with source.open("rb") as file:
                receive.receive(case, OFFICE, "application/octet-stream", file)
            for one in list(objects.names()):
                objects.remove(one)

        stages: dict[str, Callable[[], None]] = {
            "sm3": lambda: hashing(source, new_sm3().update),
            "sha256": lambda: hashing(source, hashlib.sha256().update),
            "sm4_gcm": lambda: sealing(source),
            "intake": intake,
        }
        seconds: dict[str, list[float]] = {stage: [] for stage in stages}
        for _ in range(rounds):
            for stage, work in stages.items():
                started = time.perf_counter()
                work()
                seconds[stage].append(time.perf_counter() - started)
        store.close()
    speed = {stage: mib * (1 << 20) / 1e6 / statistics.median(taken) for stage, taken in seconds.items()}
    slowest = [max(alone) for alone in zip(seconds["sm3"], seconds["sha256"], seconds["sm4_gcm"], strict=True)]
    ratios = [alone / whole for alone, whole in zip(slowest, seconds["intake"], strict=True)]
    return {**speed, "ratio": statistics.median(ratios)}


def measure(mib: int = 1024, rounds: int = 3, folder: Path | None = None) -> dict[str, float]:
    """The figures, from a process of its own, whose peak memory the operating system tells when it has ended."""
    arguments = [sys.executable, "-m", "bench.intake", "--inner", "--mib", str(mib), "--rounds", str(rounds)]
    if folder is not None:
        arguments += ["--folder", str(folder)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]) as process:
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the measuring process ended with {process.returncode}")
    speed: dict[str, float] = json.loads(printed)
    figures = {f"intake_{stage}_mb_per_second": speed[stage] for stage in ("sm3", "sha256", "sm4_gcm")}
    figures["intake_mb_per_second"] = speed["intake"]
    figures["intake_ratio_to_slowest"] = speed["ratio"]
    figures["intake_peak_memory_mb"] = usage.ru_maxrss * 1024 / 1e6
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--inner", action="store_true", help="measure in this process and print the speeds")
    given = parser.parse_args()
    if given.inner:
        print(json.dumps(run(given.mib, given.rounds, given.folder)))
        return 0
    figures = measure(given.mib, given.rounds, given.folder)
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}, indent=1, sort_keys=True))
    met = figures["intake_ratio_to_slowest"] >= LEAST_RATIO and figures["intake_peak_memory_mb"] < MOST_MEMORY_MB
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
