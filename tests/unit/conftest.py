"""Every test begins with the events that ship, and leaves none behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backstory.event import definitions


@pytest.fixture(autouse=True)
def fresh_definitions() -> Iterator[None]:
    """Forget the events that a test defines."""
    before = dict(definitions)
    yield
    definitions.clear()
    definitions.update(before)
