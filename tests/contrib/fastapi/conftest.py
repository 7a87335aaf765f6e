"""The depot's application on real stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.contrib.fastapi.depot import application
from tests.postgres.schemas import hasty
from tests.postgres.server import schema_of


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place where no store is yet."""
    if request.param == "postgres":
        return hasty(None).address(schema_of(tmp_path))
    return str(tmp_path / "depot.db")


@pytest.fixture
def client(address: str) -> Iterator[TestClient]:
    """A client of the application."""
    with TestClient(application(address)) as client:
        yield client
