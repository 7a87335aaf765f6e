"""Every test begins with the events that ship and those of its own module: names are what is tested here."""

from __future__ import annotations

import pytest

from backstory.values.event import definitions


@pytest.fixture(autouse=True)
def fresh_definitions(request: pytest.FixtureRequest, own_definitions: None) -> None:
    """Set the events of other test modules aside; the names come back with `own_definitions`."""
    for name, cls in list(definitions.items()):
        if not cls.__module__.startswith("backstory.") and cls.__module__ != request.module.__name__:
            del definitions[name]
