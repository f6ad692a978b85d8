"""The whole way with PostgreSQL: to final and to valid bundles, refusals, the audit, a worker that loses its lock."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from anchors.audit import Service, audit
from anchors.chains.relayer import Relayer
from anchors.leaves import open_leaves
from ledger.domain.life import Status
from tests.integration.anchors.conftest import Node
from tests.support.consortium import Consortium
from tests.support.postgresql import Cluster
from tests.support.stage import Made, Stage
from tiezheng.errors import Unavailable
from tiezheng.verify import Result

pytestmark = pytest.mark.chain
SECONDS = 30


@pytest.fixture(scope="module")
def name(cluster: Cluster) -> Iterator[str]:
    """A database for the module."""
    with cluster.database() as url:
        yield url.partition("@/")[2].partition("?")[0]


@pytest.fixture(scope="module")
def stage(
    node: Node, consortium: Consortium, tmp_path_factory: pytest.TempPathFactory, cluster: Cluster, name: str
) -> Iterator[Stage]:
    home = tmp_path_factory.mktemp("service")
    stage = Stage(home, node.chain, consortium, Relayer(b"\2" * 32), cluster.url(name))
    stage.open()
    try:
        stage.worker.round()
        stage.deposit_cards()
        stage.invite_witnesses()
        yield stage
    finally:
        stage.close()


@contextmanager
def working(stage: Stage) -> Iterator[tuple[threading.Thread, list[Exception]]]:
    """The worker as it runs in its process, and what ended it."""
    stop, ended = threading.Event(), list[Exception]()

    def run() -> None:
        try:
            stage.worker.run(stop)
        except Exception as error:  # noqa: BLE001
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield thread, ended
    finally:
        stop.set()
        thread.join(SECONDS)


def lock_holders(cluster: Cluster, name: str) -> list[int]:
    """Sessions that hold a lock of their own for longer than a transaction."""
    found = cluster.execute(
        "SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = database "
        f"WHERE locktype = 'advisory' AND granted AND virtualtransaction LIKE '%/0' AND datname = '{name}'"
    )
    return [int(str(pid)) for (pid,) in found]


def await_anchored(stage: Stage, made: Made) -> None:
    deadline = time.monotonic() + SECONDS
    while stage.status(made) not in {Status.ANCHORED, Status.FINAL}:
        assert time.monotonic() < deadline, stage.status(made)
        stage.wait()
        time.sleep(0.1)


def sent(stage: Stage, made: Made) -> int:
    with stage.store.read() as tables:
        return len(tables.transactions.of_subject(made.digest))


def test_a_matter_and_a_batch_become_final_with_valid_bundles_and_refusals_are_signed(stage: Stage) -> None:
    steps, lots = stage.matter(), [stage.bulk() for _ in range(5)]
    stage.submit(*steps, *lots)
    stage.run_until(Status.FINAL, *steps, *lots)
    for made in (steps[-1], lots[0]):
        verdict = stage.verdict(made)
        assert verdict.result is Result.VALID, verdict.failed
    for made in stage.refused():
        assert stage.status(made) is Status.REFUSED


def test_a_worker_whose_session_ends_takes_the_lock_anew_and_sends_nothing_twice(
    stage: Stage, cluster: Cluster, name: str
) -> None:
    with working(stage) as (thread, ended):
        for _ in range(2):
            (made,) = stage.matter([1])
            stage.submit(made)
            deadline = time.monotonic() + SECONDS
            while not (holders := lock_holders(cluster, name)):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            for pid in holders:
                cluster.execute(f"SELECT pg_terminate_backend({pid})")
            await_anchored(stage, made)
            assert sent(stage, made) == 1
        assert thread.is_alive()
    assert ended == []


def test_a_worker_that_another_one_replaced_ends_and_says_why(stage: Stage, cluster: Cluster, name: str) -> None:
    with working(stage) as (thread, ended):
        deadline = time.monotonic() + SECONDS
        while not (holders := lock_holders(cluster, name)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        # The lock changes hands while the first worker's session is gone and before it notices.
        cluster.execute(f"SELECT pg_terminate_backend({holders[0]})")
        with stage.store.exclusive("worker"):
            (made,) = stage.matter([1])
            stage.submit(made)
            thread.join(SECONDS)
            assert not thread.is_alive()
            assert stage.status(made) is Status.ACCEPTED
            assert sent(stage, made) == 0
    assert [error.code for error in ended if isinstance(error, Unavailable)] == ["service.locked"]
    stage.run_until(Status.FINAL, made)


def test_a_worker_waits_for_a_database_that_is_away_and_goes_on(stage: Stage, cluster: Cluster, name: str) -> None:
    (made,) = stage.matter([1])
    with working(stage) as (thread, ended):
        stage.submit(made)
        cluster.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        cluster.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        time.sleep(1)
        assert thread.is_alive()
        cluster.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await_anchored(stage, made)
        assert sent(stage, made) == 1
    assert ended == []


def test_the_audit_of_all_this_is_clean(stage: Stage) -> None:
    report = audit(
        stage.chain,
        stage.deployment,
        stage.trust.procedures,
        lambda batch: open_leaves(stage.leaves, batch),
        stage.clock.now_ms(),
        Service(stage.store, stage.trust, stage.keyring, stage.objects),
    )
    assert report.findings == []
    assert report.not_checked == []
    assert report.counts["statements_proven"] >= 10
