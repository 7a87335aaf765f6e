"""The depot's application of Flask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from backstory.contrib.flask import Backstory
from tests.contrib.flask.depot import application, depot


@pytest.fixture
def history(tmp_path: Path) -> Iterator[Backstory]:
    """The depot's history, of which two clients may hold a thread."""
    history = depot(str(tmp_path / "depot.db"), most_streams=2)
    yield history
    history.close()


@pytest.fixture
def app(history: Backstory) -> Flask:
    """Its application."""
    return application(history)
