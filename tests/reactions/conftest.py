"""Each sentence here is tested on memory, on a SQLite file and on PostgreSQL; the store may react."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from backstory import Database
from backstory.right import has_right, take
from backstory.store import Store
from backstory.stores.memory import MemoryStore
from backstory.stores.sqlite import SqliteStore
from tests.postgres.schemas import schemas

Opener = Callable[..., Database]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of store."""
    return str(request.param)


@pytest.fixture
def new_store(kind: str, tmp_path: Path) -> Callable[[], Store]:
    """Opens the store of the test, which is empty at first; the same one again where it can be opened twice."""
    memory = MemoryStore()

    def open_store() -> Store:
        store: Store = memory
        if kind == "sqlite":
            store = SqliteStore(tmp_path / "shop.db")
        elif kind == "postgres":
            store = schemas().open(tmp_path)
        if not has_right(store):
            take(store)
        return store

    return open_store


@pytest.fixture
def connect(new_store: Callable[[], Store]) -> Iterator[Opener]:
    """Opens the database of the test; open databases are closed with the test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Database(new_store(), **options))


@pytest.fixture
def some_store(new_store: Callable[[], Store]) -> Iterator[Any]:
    """The store of the test."""
    store = new_store()
    yield store
    store.close()
