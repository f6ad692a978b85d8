"""Liveness, readiness and metrics: what a supervisor, a balancer and an alarm are told."""

import shutil
import time
from collections.abc import Callable

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event

from api import readiness
from ledger.domain.chain_records import BlockRef, Fault, Head
from ledger.domain.limits import BACKLOG_MAX, DISK_FREE_MIN_BYTES, RECEIPT_DUE_MS, STALE_MS
from tests.integration.api.worked import anchor, house_of
from tests.support.served import Served, check_problem
from tests.support.world import COURT, OPERATOR, REGULATOR, START, World
from tiezheng.errors import CATALOGUE


@pytest.fixture(autouse=True)
def always_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "LOOK_SECONDS", 0.0)


def see_block(service: Served, number: int = 100) -> None:
    """As the worker does with the chain's head."""
    now = service.clock.now
    with service.rooms.store.write() as tables:
        tables.chain.put_head(Head(BlockRef(number, b"\7" * 32, now // 1000 - 3), now))


def measured(service: Served) -> dict[str, float]:
    """Every sample of GET /metrics, by name and labels."""
    answer = httpx.get(f"{service.address}/metrics", trust_env=False)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        " ".join([sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items()))]): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_a_process_that_lives_says_so_to_anyone(service: Served) -> None:
    assert service.http.get("/live").json() == {"live": True}


def test_ready_once_the_worker_saw_a_block_and_no_longer_when_it_has_not_for_a_minute(service: Served) -> None:
    problem = check_problem(service.http.get("/ready"), 503, "service.not_ready")
    (reason,) = problem["reasons"]
    assert (reason["code"], reason["zh"], reason["en"]) == ("chain.stale", *CATALOGUE["chain.stale"])
    see_block(service)
    assert service.http.get("/ready").json() == {"ready": True}
    service.clock.now += STALE_MS + 1
    answer = service.http.get("/ready")
    assert [one["code"] for one in check_problem(answer, 503, "service.not_ready")["reasons"]] == ["chain.stale"]
    assert int(answer.headers["retry-after"]) > 0


def faulted(service: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    with service.rooms.store.write() as tables:
        tables.chain.put_fault(Fault("chain.reorganised", "", 1))


def read_only(service: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = service.rooms.sql.engine
    event.listen(engine, "connect", lambda connection, _entry: connection.execute("PRAGMA query_only=ON"))
    engine.dispose()


def full_disk(service: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(service.home.root)
    free = DISK_FREE_MIN_BYTES - 1
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=free))


def ended_key(service: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    with service.rooms.store.write() as tables:
        tables.members.end_key(OPERATOR, 0, START + 1, 1)


REASONS: dict[str, tuple[Callable[[Served, pytest.MonkeyPatch], None], set[str]]] = {
    "a fault of the worker stands": (faulted, {"integrity.fault", "chain.reorganised"}),
    "the database takes no writes": (read_only, {"service.unavailable", "database.away"}),
    "the disk is nearly full": (full_disk, {"service.disk"}),
    "the operator's key has ended": (ended_key, {"config.operator_key_ended"}),
}


@pytest.mark.parametrize("name", REASONS)
def test_not_ready_when(name: str, service: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    break_it, codes = REASONS[name]
    see_block(service)
    assert service.http.get("/ready").status_code == 200
    break_it(service, monkeypatch)
    problem = check_problem(service.http.get("/ready"), 503, "service.not_ready")
    found = {one["code"] for one in problem["reasons"]}
    assert found
    assert found <= codes
    assert service.http.get("/live").status_code == 200


def test_who_asks_often_makes_it_look_once(service: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "LOOK_SECONDS", 60.0)
    see_block(service)
    probes: list[None] = []
    monkeypatch.setattr(type(service.rooms.sql), "probe", lambda _self: probes.append(None))
    for _ in range(5):
        assert service.http.get("/ready").status_code == 200
    assert len(probes) == 1


def test_a_probe_of_the_database_changes_nothing(service: Served) -> None:
    see_block(service)
    before = service.stored()
    with service.rooms.store.read() as tables:
        position = tables.chain.head()
    service.http.get("/ready")
    with service.rooms.store.read() as tables:
        assert tables.chain.head() == position
    assert service.stored() == before


def test_requests_are_counted_by_template_method_and_status_whatever_callers_send(
    service: Served, world: World
) -> None:
    filed = world.deposit()
    service.post(filed)
    service.post(filed)
    digest = filed.statement.digest.hex()
    service.http.get(f"/statements/{digest}", headers=service.as_of())
    service.http.get(f"/statements/{digest}")
    for path in ("/nothing", f"/{digest}", "/statements/1/2/3"):
        service.http.get(path)
    service.http.request("BREW", "/health")
    found = measured(service)
    requests = {name: value for name, value in found.items() if name.startswith("tiezheng_http_requests_total")}
    assert requests == {
        "tiezheng_http_requests_total method=POST route=/statements status=201": 1,
        "tiezheng_http_requests_total method=POST route=/statements status=200": 1,
        "tiezheng_http_requests_total method=GET route=/statements/{digest} status=200": 1,
        "tiezheng_http_requests_total method=GET route=/statements/{digest} status=401": 1,
        "tiezheng_http_requests_total method=GET route=unmatched status=404": 3,
        "tiezheng_http_requests_total method=other route=/health status=405": 1,
    }
    assert found["tiezheng_http_request_seconds_count method=POST route=/statements"] == 2
    assert found["tiezheng_http_requests_running"] == 1
    # The committer counts a group after its callers have their answers.
    deadline = time.monotonic() + 5
    while found["tiezheng_group_seconds_count"] < 2 and time.monotonic() < deadline:
        found = measured(service)
    assert found["tiezheng_group_statements_count"] == found["tiezheng_group_statements_sum"] == 2
    assert digest not in str(found)
    assert not any("institution" in name for name in found)


def test_what_waits_and_what_is_overdue_is_told(service: Served, world: World) -> None:
    for _ in range(3):
        service.post(world.deposit())
    found = measured(service)
    assert found["tiezheng_statements status=accepted"] == found["tiezheng_pending"] == 3
    assert (found["tiezheng_pending_oldest_seconds"], found["tiezheng_overdue"]) == (0, 0)
    assert found["tiezheng_pending_limit"] == BACKLOG_MAX
    assert found["tiezheng_database_up"] == 1
    assert found["tiezheng_database_bytes"] > 10_000
    assert found["tiezheng_disk_free_bytes"] > 0
    service.clock.now += RECEIPT_DUE_MS + 1_000
    found = measured(service)
    assert found["tiezheng_overdue"] == 3
    assert found["tiezheng_pending_oldest_seconds"] == RECEIPT_DUE_MS / 1000 + 1


def test_chain_checkpoint_and_witnesses_are_told(service: Served, world: World) -> None:
    found = measured(service)
    assert "tiezheng_chain_height" not in found
    assert (found["tiezheng_fault_present"], found["tiezheng_operator_key_ended"]) == (0, 0)
    see_block(service, 123)
    service.clock.now += 2_000
    filed = world.deposit()
    service.post(filed)
    header = anchor(service, filed)
    found = measured(service)
    assert (found["tiezheng_chain_height"], found["tiezheng_chain_seen_age_seconds"]) == (123, 2)
    assert found["tiezheng_chain_block_age_seconds"] == pytest.approx(5, abs=1)
    assert found["tiezheng_checkpoint_height"] == found["tiezheng_cosignature_lag_blocks"] == world.height
    house_of(service).cosign(header, (REGULATOR, COURT))
    found = measured(service)
    assert (found["tiezheng_cosigned_height"], found["tiezheng_cosignature_lag_blocks"]) == (world.height, 0)
    assert found["tiezheng_statements status=final"] == 1
    faulted(service, None)  # type: ignore[arg-type]
    found = measured(service)
    assert (found["tiezheng_fault_present"], found["tiezheng_fault code=chain.reorganised"]) == (1, 1)


def test_a_database_that_is_away_is_a_metric_and_no_error(service: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_self: object) -> int:
        raise OSError("away")

    monkeypatch.setattr(type(service.rooms.sql), "size_bytes", away)
    found = measured(service)
    assert found["tiezheng_database_up"] == 0
    assert found["tiezheng_disk_free_bytes"] > 0
    assert "tiezheng_pending" not in found


def test_metrics_are_not_published_with_the_interface(service: Served) -> None:
    check_problem(service.http.get("/metrics"), 404, "request.not_found")
