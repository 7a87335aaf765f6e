"""The depot's application on real stores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.contrib.fastapi.depot import application
from tests.contrib.flask import depot as flask_depot
from tests.postgres.schemas import hasty
from tests.postgres.server import schema_of

BOTH = ["sqlite", "postgres"]


def place(kind: str, folder: Path) -> str:
    """The address of a store that is not there yet."""
    return hasty(None).address(schema_of(folder)) if kind == "postgres" else str(folder / "depot.db")


@pytest.fixture(params=BOTH)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place where no store is yet."""
    return place(request.param, tmp_path)


@contextmanager
def asking(kind: str, folder: Path, **options: Any) -> Iterator[Any]:
    """A client of the application: of FastAPI on a kind of store, or `flask`."""
    if kind == "flask":
        history = flask_depot.depot(place("sqlite", folder))
        yield flask_depot.client_of(flask_depot.application(history))
        history.close()
        return
    with TestClient(application(place(kind, folder)), **options) as client:
        yield client


@pytest.fixture(params=[*BOTH, "flask"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """A client of the application. That of Flask has the same methods."""
    with asking(request.param, tmp_path) as client:
        yield client
