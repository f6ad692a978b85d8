"""Whether memory stays flat: a running stack under a steady mix of statements for half an hour.

Method: `tiezheng dev up` in a fresh folder; single statements of the batch lane and of the registry lane are sent at a
steady rate, one in ten of them is asked for its state and one in fifty for its bundle; every ten seconds the resident
set of each process is read from the operating system. The first third is left to caches; growth is the difference of
the medians of the second and the last third.

    python -m bench.soak [--minutes 30] [--rate 20]
"""

import argparse
import json
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Final

import httpx

from bench.capacity import Running, make, running
from tiezheng.cli.profile import load_profile
from tiezheng.statement import parse_statement

SAMPLE_SECONDS: Final = 10.0
# Statements that are signed ahead at a time.
SHARE: Final = 200
_PAGE_KB: Final = 4


def measure(minutes: float = 30.0, rate: float = 20.0) -> dict[str, float]:
    """Resident sets in MB and their growth, by process."""
    with running(1) as place:
        samples, sent, failed = _run(place, minutes * 60, rate)
    figures: dict[str, float] = {"soak_minutes": minutes, "soak_statements": sent, "soak_failed": failed}
    for name, taken in sorted(samples.items()):
        third = max(1, len(taken) // 3)
        middle, last = statistics.median(taken[third : 2 * third]), statistics.median(taken[-third:])
        figures[f"soak_{name}_mb"] = last
        figures[f"soak_{name}_growth_mb"] = last - middle
    return figures


def _run(place: Running, seconds: float, rate: float) -> tuple[dict[str, list[float]], float, float]:
    profile = place.root / "profiles" / "office.json"
    headers = {"Authorization": f"Bearer {load_profile(profile).token}", "Content-Type": "application/json"}
    samples: dict[str, list[float]] = defaultdict(list)
    begun = sampled = time.monotonic()
    sent = failed = 0
    waiting: list[bytes] = []
    old: list[str] = []
    with httpx.Client(base_url=f"{place.service}/v1", headers=headers, trust_env=False, timeout=60) as client:
        while (now := time.monotonic()) - begun < seconds:
            if not waiting:
                waiting = make(profile, "singles" if sent // SHARE % 2 else "registry", SHARE, sent)
            body = waiting.pop()
            failed += client.post("/statements", content=body).status_code != 201
            sent += 1
            old.append(parse_statement(bytes.fromhex(json.loads(body)["statement"])).digest.hex())
            if sent % 10 == 0:
                failed += client.get(f"/statements/{old[-1]}").status_code != 200
            if sent % 50 == 0 and len(old) > 2_000:
                failed += client.get(f"/statements/{old[-2_000]}/bundle", params={"pending": "true"}).status_code != 200
            if now - sampled >= SAMPLE_SECONDS:
                sampled = now
                for name, size in _sizes(place.root).items():
                    samples[name].append(size)
            time.sleep(max(0.0, begun + sent / rate - time.monotonic()))
    return samples, float(sent), float(failed)


def _sizes(root: Path) -> dict[str, float]:
    """Resident MB of each process of the stack."""
    sizes = {}
    for path in (root / "run").glob("*.pid"):
        pid = path.read_text(encoding="ascii").split()[0]
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        sizes[path.stem.replace("-", "_")] = pages * _PAGE_KB / 1024
    return sizes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=20.0)
    given = parser.parse_args()
    figures = measure(given.minutes, given.rate)
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}, indent=1, sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
