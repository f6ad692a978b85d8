"""Thirty kills of two services, a worker and witnesses under load, at step boundaries and at random moments."""

from pathlib import Path

import pytest

from tests.support.kills.campaign import Campaign

pytestmark = [pytest.mark.chain, pytest.mark.slow]
KILLS = 30


def test_whatever_is_killed_every_receipt_is_redeemed_once(tmp_path: Path) -> None:
    log = tmp_path / "faults.jsonl"
    summary = Campaign(tmp_path / "ground", KILLS, 7, log, services=2, record_seconds=5, reach_seconds=2.0).run()
    assert summary["violations"] == []
    outcome = summary["outcome"]
    assert isinstance(outcome, dict)
    assert (outcome["pending"], outcome["audit"]) == (0, "clean")
    assert outcome["receipts"] > KILLS
    assert outcome["receipts"] == outcome["anchored"] + outcome["refused"]
    assert outcome["bundles_valid"] > 0
    ways = summary["by_way"]
    assert isinstance(ways, dict)
    assert ways["boundary"] >= KILLS // 3
    assert len(log.read_text().splitlines()) == KILLS + 1
