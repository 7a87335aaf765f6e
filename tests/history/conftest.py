"""What every test of history may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from backstory.store import Store
from backstory.stores.memory import MemoryStore
from backstory.stores.sqlite import SqliteStore
from tests.postgres.schemas import schemas


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind."""
    opened: Store
    if request.param == "postgres":
        opened = schemas().open(tmp_path)
    else:
        opened = SqliteStore(tmp_path / "test.db") if request.param == "sqlite" else MemoryStore()
    with closing(opened):
        yield opened
