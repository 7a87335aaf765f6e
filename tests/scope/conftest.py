"""Stores of each kind: an empty one for a test that writes, and one for all tests of a module that only read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from backstory.store import Store
from backstory.stores.memory import MemoryStore
from backstory.stores.sqlite import SqliteStore
from tests.history.conftest import store
from tests.postgres.schemas import schemas

__all__ = ["shared_store", "store"]


@pytest.fixture(scope="module", params=["memory", "sqlite", "postgres"])
def shared_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store of each kind, for a history that the tests of a module only read."""
    folder = tmp_path_factory.mktemp("scope")
    opened: Store
    if request.param == "postgres":
        opened = schemas().open(folder)
    else:
        opened = SqliteStore(folder / "test.db") if request.param == "sqlite" else MemoryStore()
    with closing(opened):
        yield opened
