"""Each sentence here is tested on `Database`, and on `AsyncDatabase` under asyncio and under trio."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from backstory import Database
from backstory.store import Store
from backstory.stores.memory import MemoryStore
from backstory.stores.sqlite import SqliteStore
from tests.faces.face import awaited
from tests.watched import LoopWatch, watched

Face = Callable[[Database], Database]
"""Gives a database the face that a test is about; it is closed with the test."""


@pytest.fixture(scope="session")
def portals() -> Iterator[dict[str, BlockingPortal]]:
    """An event loop of each kind."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(start_blocking_portal(name)) for name in ("asyncio", "trio")}


@pytest.fixture(params=["sync", "asyncio", "trio"])
def face(request: pytest.FixtureRequest, portals: dict[str, BlockingPortal]) -> Iterator[Face]:
    """The face that this test is about."""
    with ExitStack() as stack:
        if request.param == "sync":
            yield stack.enter_context
        else:
            yield lambda db: stack.enter_context(awaited(db, portals[request.param]))


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store, of which no event loop asks anything itself: it would wait for the database."""
    watch = LoopWatch()
    yield watched(SqliteStore(tmp_path / "test.db") if request.param == "sqlite" else MemoryStore(), watch)
    if request.node.callspec.params.get("face") != "sync":
        assert watch.blocked == []


@pytest.fixture
def db(face: Face, store: Store) -> Database:
    """An empty database."""
    return face(Database(store))
