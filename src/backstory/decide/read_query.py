"""Selections of a reader as a query: event types, states, queries, tags."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from types import UnionType
from typing import Any

from backstory.decide.mistaken import not_read
from backstory.decide.state import State
from backstory.errors import DefinitionError
from backstory.values.event_types import event_classes, event_type
from backstory.values.query import Query


def wanted(what: Collection[type[Any] | UnionType | str | State | Query], tags: Iterable[str]) -> Query:
    """The query for the arguments of `read`."""
    if isinstance(tags, str):
        raise TypeError(f"tags is a list of tags, as tags=[{tags!r}], not one text")
    query, names = Query.none(), []
    for part in what:
        if isinstance(part, State):
            query = query | part.query()
        elif isinstance(part, Query):
            query = query | part
        elif isinstance(part, str):
            names.append(part)
        else:
            names += _names(part)
    if names or tags or not what:
        query = query | Query.of(names, tags)
    return query


def _names(part: Any) -> list[str]:
    """The types of an event class, or of a union of them."""
    try:
        return [event_type(cls).name for cls in event_classes(part)]
    except DefinitionError:
        if isinstance(part, type) and not issubclass(part, State):
            raise
        raise TypeError(f"read takes event classes and names, states and queries: {not_read(part)}") from None
