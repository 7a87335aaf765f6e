"""The stores that states and commands are tested on: memory, and real files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backstory import Database, connect


@pytest.fixture(params=["memory", "sqlite"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database."""
    with connect("memory:" if request.param == "memory" else str(tmp_path / "test.db")) as database:
        yield database
