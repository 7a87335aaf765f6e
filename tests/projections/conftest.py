"""Each sentence here is tested on memory, on a SQLite file and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from backstory import Database
from backstory.store import Store
from backstory.stores.memory import MemoryStore
from backstory.stores.postgres import PostgresStore
from backstory.stores.sqlite import SqliteStore
from tests.postgres.schemas import schemas
from tests.projections import shop

Opener = Callable[..., Database]

LEFT = r"SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s || '_')"


def without_views(store: PostgresStore) -> PostgresStore:
    """The store, and no tables of projections that a test before has left."""

    def drop(connection: Any) -> None:
        schema = store.server.address.schema
        for [left] in connection.execute(LEFT, (schema,)).fetchall():
            connection.execute(f'DROP SCHEMA "{left}" CASCADE')

    store.server.run(drop)
    return store


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of store."""
    return str(request.param)


@pytest.fixture
def new_store(kind: str, tmp_path: Path) -> Callable[[], Store]:
    """Opens the store of the test, which is empty at first; the same one again where it can be opened twice."""
    memory = MemoryStore()
    opened: list[Store] = []

    def open_store() -> Store:
        if kind == "memory":
            return memory
        if kind == "sqlite":
            return SqliteStore(tmp_path / "shop.db")
        store = schemas().open(tmp_path)
        if not opened:
            without_views(store)
        opened.append(store)
        return store

    return open_store


@pytest.fixture
def connect(new_store: Callable[[], Store]) -> Iterator[Opener]:
    """Opens the database of the test; open databases are closed with the test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Database(new_store(), **options))


@pytest.fixture(autouse=True)
def known_events(own_definitions: None) -> None:
    """The events of the shop keep their names in spite of other modules."""
    from backstory.values.event import definitions
    from backstory.values.event_types import event_type

    for cls in (shop.OrderPlaced, shop.OrderPaid, shop.StockCounted):
        definitions[event_type(cls).name] = cls
