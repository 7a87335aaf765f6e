"""Selections of a reader as a query: event types, states, queries, tags."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from backstory.decide.state import State
from backstory.values.event_types import event_type
from backstory.values.query import Query


def wanted(what: Iterable[type[Any] | str | State | Query], tags: tuple[str, ...]) -> Query:
    """The query for the arguments of `read`."""
    query, names = Query(), []
    for part in what:
        if isinstance(part, State):
            query = query | part.query()
        elif isinstance(part, Query):
            query = query | part
        else:
            names.append(part if isinstance(part, str) else event_type(part).name)
    if names or tags or not query.clauses:
        query = query | Query.of(names, tags)
    return query
