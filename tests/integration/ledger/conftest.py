"""Fixtures: an empty house, and the world whose keys it knows."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.ledger.house import House, open_house
from tests.support.databases import Database
from tests.support.world import World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def house(tmp_path: Path, world: World, database: Database) -> Iterator[House]:
    """On each database in turn."""
    with open_house(tmp_path, world, database.place) as house:
        yield house


@pytest.fixture
def sqlite_house(tmp_path: Path, world: World) -> Iterator[House]:
    """For what only SQLite has, such as its files."""
    with open_house(tmp_path, world) as house:
        yield house
