"""Every test here runs under asyncio and under trio."""

from __future__ import annotations

import gc
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from backstory.aio import AsyncDatabase, connect


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Which event loop."""
    return str(request.param)


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where the database of this test is."""
    return str(tmp_path / "test.db")


@pytest.fixture(autouse=True)
def nothing_leaks() -> Iterator[None]:
    """No thread of ours outlives a test, and nothing that is freed had to be closed."""
    yield
    gc.collect()
    assert [one.name for one in threading.enumerate() if one.name.startswith("backstory")] == []


@pytest.fixture
async def db(path: str) -> AsyncIterator[AsyncDatabase]:
    """An empty database in a file."""
    async with connect(path) as database:
        yield database
