"""Logs to import into, and sources to import from."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import msgspec
import pytest

from backstory.store import Log
from backstory.stores.memory import MemoryStore
from backstory.transfer import InputFile, Rejected
from backstory.values.event_data import RecordedEvent

Skipped: TypeAlias = list[Rejected]

STORE_KEY = bytes(32)
"""What stands for a store's own key."""


@pytest.fixture
def log() -> Log:
    """An empty log."""
    return MemoryStore().log()


@pytest.fixture
def rejects() -> Skipped:
    """Collects what is rejected: give its `append` to `load`."""
    return []


Source: TypeAlias = Callable[[str | bytes], InputFile]


@pytest.fixture
def file() -> Source:
    """Makes an input file of text or bytes."""

    def file(content: str | bytes) -> InputFile:
        raw = content.encode() if isinstance(content, str) else content
        return InputFile("source", io.BytesIO(raw), len(raw))

    return file


def data(events: Iterable[RecordedEvent]) -> list[dict[str, Any]]:
    """The data of events."""
    return [msgspec.json.decode(event.data) for event in events]


def reasons(rejects: Iterable[Rejected]) -> list[tuple[int, str]]:
    """The line and the reason of each reject."""
    return [(reject.error.line, reject.error.why) for reject in rejects]
