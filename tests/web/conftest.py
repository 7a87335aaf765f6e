"""A site over a real store, for the tests of pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from starlette.testclient import TestClient

from backstory import Database
from backstory.application import Application
from backstory.web import Reader, app

Site: TypeAlias = Callable[..., TestClient]

ALL = Reader("mia", frozenset({"read", "append", "operate"}))


@pytest.fixture
def site() -> Site:
    """Makes a client of the pages of a database: `site(db, application, reader=...)`."""

    def made(
        db: Database, application: Application | None = None, reader: Reader | None = ALL, **options: Any
    ) -> TestClient:
        browser = app(db, application, actor=lambda request: reader, **options)
        return TestClient(browser, base_url="http://127.0.0.1")

    return made
