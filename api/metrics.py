"""Metrics of one service process, in Prometheus's text format.

Guaranteed: labels come from fixed sets (route templates, methods, status codes, states), so that no caller can make
more of them; nothing of a person, a case or an institution is in them; a database that is away shows as
`tiezheng_database_up 0`, not as an error. Not guaranteed: sums over several service processes: each counts its own
requests, and all tell the same of the ledger; scrape each, add the former, take one of the latter.
"""

import shutil
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ledger.domain.limits import BACKLOG_MAX
from ledger.services.read_vitals import read_vitals

if TYPE_CHECKING:
    from api.bootstrap import Rooms

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
# Methods that a route knows; any other word that a caller sends is one label.
_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
# A read takes milliseconds, a commit with its group tens, an upload or a large bundle seconds.
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 30, 60)
_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
_PREFIX: Final = "tiezheng_"


class Metrics:
    """What one process counts; the guard and the group committer tell it, from any thread."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            f"{_PREFIX}http_requests",
            "Requests answered, by route template, method and status.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            f"{_PREFIX}http_request_seconds",
            "From the first byte of the request to the last of the answer.",
            ("route", "method"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.running = Gauge(
            f"{_PREFIX}http_requests_running", "Requests that are being answered.", registry=self.registry
        )
        self._groups = Histogram(
            f"{_PREFIX}group_statements", "Statements in a commit group.", buckets=_SIZES, registry=self.registry
        )
        self._group_seconds = Histogram(
            f"{_PREFIX}group_seconds", "Checking and committing a group.", buckets=_SECONDS, registry=self.registry
        )
        ProcessCollector(registry=self.registry)

    def text(self) -> bytes:
        """Everything, in the text format."""
        return generate_latest(self.registry)

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """One request was answered; `route` is a template."""
        verb = method if method in _METHODS else "other"
        self._requests.labels(route, verb, str(status)).inc()
        self._seconds.labels(route, verb).observe(seconds)

    def committed(self, statements: int, seconds: float) -> None:
        """One commit group was settled."""
        self._groups.observe(statements)
        self._group_seconds.observe(seconds)


class LedgerCollector(Collector):
    """What the database tells of the ledger, asked anew at each scrape."""

    def __init__(self, rooms: "Rooms") -> None:
        self._rooms = rooms

    def collect(self) -> Iterator[Metric]:
        """See `Collector`."""
        begun = time.monotonic()
        free = shutil.disk_usage(self._rooms.leaves).free
        yield _gauge("disk_free_bytes", "Room on the disk of the home directory.", free)
        yield _gauge(
            "trust_valid_until_seconds",
            "When the service's trust file ends, as Unix time.",
            self._rooms.trust.valid_until.timestamp(),
        )
        yield _gauge("pending_limit", "Statements that may wait for the chain before 503.", BACKLOG_MAX)
        try:
            yield from self._told()
        except Exception:  # noqa: BLE001  whatever keeps the database away is the very thing to be told
            yield _gauge("database_up", "Whether the database answered this scrape.", 0)
            return
        yield _gauge("database_up", "Whether the database answered this scrape.", 1)
        yield _gauge("database_seconds", "How long the database took for this scrape.", time.monotonic() - begun)

    def _told(self) -> list[Metric]:
        now, operator = self._rooms.clock.now_ms(), self._rooms.operator
        vitals = read_vitals(self._rooms.store, self._rooms.trust, operator.number, operator.key_index, now)
        statements = GaugeMetricFamily(f"{_PREFIX}statements", "Statements by status.", labels=("status",))
        for status, count in vitals.statements.items():
            statements.add_metric((status.value,), count)
        fault = GaugeMetricFamily(f"{_PREFIX}fault", "1 for the fault that stopped the worker.", labels=("code",))
        if vitals.fault is not None:
            fault.add_metric((vitals.fault.code,), 1)
        oldest = 0.0 if vitals.oldest_pending is None else (now - vitals.oldest_pending) / 1000
        told: list[Metric] = [
            statements,
            fault,
            _gauge("fault_present", "1 while a fault of the worker stands.", int(vitals.fault is not None)),
            _gauge("pending", "Statements accepted, neither on chain nor refused.", vitals.pending),
            _gauge("pending_oldest_seconds", "How long the oldest of these has waited.", max(0.0, oldest)),
            _gauge("overdue", "Receipts past their time, neither anchored nor refused.", vitals.overdue),
            _gauge("transactions_open", "Transactions of the relayer on their way.", vitals.transactions_open),
            _gauge("operator_key_ended", "1 if the operator's key in use has ended.", int(vitals.operator_key_ended)),
            _gauge("database_bytes", "Size of the database.", self._rooms.sql.size_bytes()),
        ]
        if vitals.head is not None:
            block = vitals.head.block
            told += [
                _gauge("chain_height", "Height of the chain's head as the worker saw it.", block.number),
                _gauge("chain_block_age_seconds", "Age of that block.", max(0.0, now / 1000 - block.time)),
                _gauge("chain_seen_age_seconds", "Since the worker saw it.", max(0.0, (now - vitals.head.seen) / 1000)),
            ]
        if vitals.checkpoint is not None:
            height = vitals.checkpoint.height
            told += [
                _gauge("checkpoint_height", "Height of the last checkpoint.", height),
                _gauge("checkpoint_age_seconds", "Age of its block.", max(0.0, now / 1000 - vitals.checkpoint.time)),
                _gauge("cosigned_height", "Last checkpoint that enough witnesses signed.", vitals.cosigned or 0),
                _gauge("cosignature_lag_blocks", "Blocks between the two.", height - (vitals.cosigned or 0)),
            ]
        return told


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(_PREFIX + name, text, value=value)
