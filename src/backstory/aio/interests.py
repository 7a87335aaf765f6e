"""Which of many queries an event matches, without asking each of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from backstory.values.event_data import RecordedEvent
from backstory.values.query import Query


class Interested(Protocol):
    """Somebody with a query."""

    @property
    def query(self) -> Query:
        """The events that they want."""
        ...


W = TypeVar("W", bound=Interested)

Key = tuple[str, str]


class Interests(Generic[W]):
    """Everybody who is interested in some events, found by a tag or the type of an event."""

    def __init__(self) -> None:
        self._by_key: dict[Key, set[W]] = {}

    def add(self, one: W) -> None:
        """Find this one from now on."""
        for key in _keys(one.query):
            self._by_key.setdefault(key, set()).add(one)

    def drop(self, one: W) -> None:
        """Find this one no more."""
        for key in _keys(one.query):
            known = self._by_key.get(key)
            if known is not None:
                known.discard(one)
                if not known:
                    del self._by_key[key]

    def of(self, event: RecordedEvent) -> Iterator[W]:
        """Those whose query an event matches; one may come more than once."""
        for key in (("", ""), ("type", event.type), *(("tag", tag) for tag in event.tags)):
            for one in self._by_key.get(key, ()):
                if one.query.matches(event):
                    yield one


def _keys(query: Query) -> Iterator[Key]:
    """A key for each clause which every event that matches the clause has one of."""
    for clause in query.clauses:
        if clause.tags:
            yield "tag", clause.tags[0]
        elif clause.types:
            yield from (("type", type) for type in clause.types)
        else:
            yield "", ""
