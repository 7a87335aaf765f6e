"""A log that counts what is read from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from backstory.store import ALL
from backstory.values.query import Query


class Counted:
    """A log that counts the events that are read from it."""

    def __init__(self, log: Any) -> None:
        self._log = log
        self.events = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def read(self, query: Query = ALL, **where: Any) -> Iterator[Any]:
        for event in self._log.read(query, **where):
            self.events += 1
            yield event
