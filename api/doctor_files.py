"""Checks of the home directory: files, their modes, the disk, the trust file, backups.

Guaranteed: nothing but one temporary file is written, and that is removed. Not guaranteed: that a disk which flushes
honestly now always does.
"""

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from anchors.deployment import Deployment
from api.bootstrap import read_ledger
from api.doctor import Examination, Seen, failed, passed, skipped, warning
from api.settings import Home
from ledger.domain.limits import DISK_FREE_LOW_BYTES, DISK_FREE_MIN_BYTES
from tiezheng.trust import Trust

_OTHERS: Final = 0o077
# The file that the disk is tried with, and how often a commit is imitated.
TRIAL_BYTES: Final = 16 << 20
COMMITS: Final = 20
COMMIT_BYTES: Final = 4_096
# A commit group waits for one flush: slower than this and p99 is missed.
FLUSH_SLOW_SECONDS: Final = 0.05
# No disk with a platter or flash answers faster; memory does, and a cache that lies.
FLUSH_TOO_FAST_SECONDS: Final = 0.000_02
WRITE_SLOW_BYTES: Final = 20 << 20
TRUST_ENDS_SOON: Final = timedelta(days=30)
BACKUP_OLD_SECONDS: Final = 26 * 3600.0


def examinations(home: Home, backups: Path | None) -> Iterator[Examination]:
    """Checks that need no node and no database."""
    yield "home.files", lambda: _files(home)
    yield "home.modes", lambda: _modes(home)
    yield "disk.free", lambda: _free(home)
    yield "disk.flush", lambda: _flush(home)
    yield "ledger.agrees", lambda: _agrees(home)
    yield "trust.validity", lambda: _trust_validity(read_ledger(home)[1])
    yield "backup.age", lambda: _backup_age(backups)


def _files(home: Home) -> Seen:
    missing = [path for path in (home.deployment, home.trust, home.master_key, home.relayer_key) if not path.is_file()]
    missing += [path for path in (home.objects, home.leaves) if not path.is_dir()]
    return failed(", ".join(str(path.relative_to(home.root)) for path in missing)) if missing else passed()


def _modes(home: Home) -> Seen:
    folders = [home.root / name for name in ("secrets", "keys", "objects")]
    secrets = [path for folder in folders[:2] if folder.is_dir() for path in folder.iterdir() if path.suffix != ".pub"]
    open_ones = [
        path
        for path in (*folders, *secrets, *home.root.glob("ledger.db*"))
        if path.exists() and path.stat().st_mode & _OTHERS and not path.name.endswith((".lock", "-wal", "-shm"))
    ]
    foreign = [path for path in secrets if path.stat().st_uid != home.root.stat().st_uid]
    wrong = sorted({str(path.relative_to(home.root)) for path in (*open_ones, *foreign)})
    return failed(", ".join(wrong)) if wrong else passed(f"{len(secrets)} files")


def _free(home: Home) -> Seen:
    usage = shutil.disk_usage(home.root)
    told = f"{usage.free >> 30} GiB of {usage.total >> 30} GiB"
    if usage.free < DISK_FREE_MIN_BYTES:
        return failed(told)
    return warning(told) if usage.free < DISK_FREE_LOW_BYTES else passed(told)


def _flush(home: Home) -> Seen:
    with tempfile.NamedTemporaryFile(dir=home.root, prefix=".doctor.") as file:
        begun = time.perf_counter()
        file.write(os.urandom(1 << 20) * (TRIAL_BYTES >> 20))
        file.flush()
        os.fsync(file.fileno())
        rate = TRIAL_BYTES / (time.perf_counter() - begun)
        flushes = []
        for _ in range(COMMITS):
            file.write(b"\xa5" * COMMIT_BYTES)
            file.flush()
            begun = time.perf_counter()
            os.fsync(file.fileno())
            flushes.append(time.perf_counter() - begun)
    median = statistics.median(flushes)
    told = f"{rate / (1 << 20):.0f} MiB/s, fsync {median * 1000:.2f} ms"
    if median < FLUSH_TOO_FAST_SECONDS or median > FLUSH_SLOW_SECONDS or rate < WRITE_SLOW_BYTES:
        return warning(told)
    return passed(told)


def _agrees(home: Home) -> Seen:
    deployment, trust, _ = read_ledger(home)
    return passed(_told(deployment, trust))


def _told(deployment: Deployment, trust: Trust) -> str:
    return f"chain {deployment.chain_id}, operator {deployment.operator}, {len(trust.procedures)} procedures"


def _trust_validity(trust: Trust) -> Seen:
    told = f"issue {trust.issue}, until {trust.valid_until:%Y-%m-%dT%H:%M:%SZ}"
    left = trust.valid_until - datetime.now(UTC)
    if left <= timedelta(0):
        return failed(told)
    return warning(told) if left < TRUST_ENDS_SOON else passed(told)


def _backup_age(backups: Path | None) -> Seen:
    if backups is None:
        return skipped("--backups")
    ages = [time.time() - path.stat().st_mtime for path in backups.iterdir()] if backups.is_dir() else []
    if not ages:
        return failed(str(backups))
    told = f"{min(ages) / 3600:.1f} h"
    return warning(told) if min(ages) > BACKUP_OLD_SECONDS else passed(told)
