"""How fast an evidence file is taken in: read, SM3, SHA-256, SM4-GCM, written and flushed, recorded.

Method: one file of random bytes is made on the spot. SM3, SHA-256 and SM4-GCM are measured alone over the same bytes in
pieces of 1 MiB, then `ReceiveFile` takes the file in whole, in the same process; each figure is the median of the
rounds, interleaved so that a busy machine slows all alike. Asked for: intake at half the speed of the slowest of the
three or better, and less than 200 MB of peak resident memory (which counts the interpreter and its libraries).

    python -m bench.intake [--mib 1024] [--rounds 3] [--folder DIR]
"""

import argparse
import hashlib
import json
import os
import resource
import statistics
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        source = folder / "source"
        make(source, given.mib)
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
        for _ in range(given.rounds):
            for stage, run in stages.items():
                started = time.perf_counter()
                run()
                seconds[stage].append(time.perf_counter() - started)
        store.close()
    speed = {stage: given.mib * (1 << 20) / 1e6 / statistics.median(taken) for stage, taken in seconds.items()}
    slowest = min(speed[stage] for stage in ("sm3", "sha256", "sm4_gcm"))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    ratio = speed["intake"] / slowest
    met = ratio >= LEAST_RATIO and memory < MOST_MEMORY_MB
    figures = {f"{stage}_mb_per_s": round(value, 1) for stage, value in speed.items()}
    figures |= {"mib": given.mib, "ratio_to_slowest": round(ratio, 2), "peak_rss_mb": round(memory, 1), "met": met}
    print(json.dumps(figures, indent=2, sort_keys=True))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
