"""The fixtures of capture: each test runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import backstory
from backstory import Database
from tests.capture.databases import Site, postgres_site, sqlite_site


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    """The application's database."""
    return sqlite_site(tmp_path) if request.param == "sqlite" else postgres_site(tmp_path)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    """The history, in a file of its own."""
    with backstory.connect(tmp_path / "history.db") as db:
        yield db
