"""Checks of the database and the worker, and of the operator's key.

Guaranteed: the database is neither brought up to date nor written to. Not guaranteed: that a worker which holds its
lock gets on; the age of its last look at the chain says that.
"""

from collections.abc import Iterator
from typing import Final

from anchors.worker import LOCK
from api.bootstrap import operator_key, read_ledger
from api.doctor import Database, Examination, Seen, failed, passed, warning
from api.settings import Settings
from ledger.domain.life import Status
from ledger.domain.limits import BACKLOG_MAX, STALE_MS
from ledger.domain.records import KEY_OPEN
from ledger.services.read_vitals import Vitals, read_vitals

# Witnesses sign within seconds; several checkpoints behind means that too few of them run.
COSIGN_LAG_INTERVALS: Final = 4
HALF_BACKLOG: Final = BACKLOG_MAX // 2


def examinations(settings: Settings, store: Database, now_ms: int) -> Iterator[Examination]:
    """Checks that need the database alone."""
    deployment, trust, _ = read_ledger(settings.home)

    def vitals() -> Vitals:
        return read_vitals(store, trust, deployment.operator, 0, now_ms)

    yield "database.whole", lambda: _whole(store)
    yield "database.revision", lambda: _revision(store)
    yield "operator.key", lambda: _operator_key(settings, store)
    yield "worker.running", lambda: _worker(store)
    yield "worker.fault", lambda: _fault(vitals())
    yield "worker.round", lambda: _round(vitals(), now_ms)
    yield "receipts.overdue", lambda: _overdue(vitals())
    yield "witnesses.cosign", lambda: _cosign(vitals(), deployment.checkpoint_interval)
    yield "witnesses.forks", lambda: _forks(store)


def _whole(store: Database) -> Seen:
    found = store.defects()
    return failed("; ".join(found)[:300]) if found else passed(f"{store.size_bytes() >> 20} MiB")


def _revision(store: Database) -> Seen:
    have, newest = store.revisions()
    return passed(str(have)) if have == newest else failed(f"{have}, expected {newest}")


def _operator_key(settings: Settings, store: Database) -> Seen:
    deployment, _, _ = read_ledger(settings.home)
    public = operator_key(settings, deployment).public.to_bytes()
    with store.read() as tables:
        rows = tables.members.keys(deployment.operator)
        institution = tables.members.institution(deployment.operator)
    row = next((one for one in rows if one.x + one.y == public), None)
    if row is None:
        return failed("not registered" if rows else "the worker has not read the chain yet")
    told = f"index {row.key_index} of {len(rows)}"
    if row.valid_until != KEY_OPEN or (institution is not None and institution.status.name != "ACTIVE"):
        return failed(f"{told}, ended {row.valid_until}")
    return warning(f"{told}, compromised since {row.compromised_since}") if row.compromised_since else passed(told)


def _worker(store: Database) -> Seen:
    return passed() if store.is_held(LOCK) else failed("no process holds its lock")


def _fault(vitals: Vitals) -> Seen:
    return passed() if vitals.fault is None else failed(f"{vitals.fault.code} {vitals.fault.detail}"[:300])


def _round(vitals: Vitals, now_ms: int) -> Seen:
    if vitals.head is None:
        return failed("no block seen yet")
    age = now_ms - vitals.head.seen
    told = f"block {vitals.head.block.number}, {age / 1000:.0f} s ago"
    return failed(told) if age > STALE_MS else passed(told)


def _overdue(vitals: Vitals) -> Seen:
    told = f"{vitals.overdue} overdue, {vitals.pending} waiting"
    if vitals.overdue:
        return failed(told)
    return warning(told) if vitals.pending > HALF_BACKLOG else passed(told)


def _cosign(vitals: Vitals, interval: int) -> Seen:
    if vitals.checkpoint is None:
        anchored = vitals.statements[Status.ANCHORED]
        return warning("no checkpoint yet") if anchored else passed("nothing to sign yet")
    lag = vitals.checkpoint.height - (vitals.cosigned or 0)
    told = f"checkpoint {vitals.checkpoint.height}, cosigned {vitals.cosigned}"
    return warning(told) if lag > COSIGN_LAG_INTERVALS * interval else passed(told)


def _forks(store: Database) -> Seen:
    with store.read() as tables:
        forks = tables.proofs.forks()
    return failed(f"{len(forks)}, first at height {forks[0].height}") if forks else passed()
