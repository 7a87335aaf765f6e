"""The rule of a scope: which tags, types and events a reader sees, and which questions the reader may ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from backstory.errors import DefinitionError, OutOfScope
from backstory.values.event_data import EventData, RecordedEvent, check_tag
from backstory.values.hidden import all_names, context_hiding, hiding
from backstory.values.query import Clause, Query, simplified

E = TypeVar("E", RecordedEvent, EventData)
T = TypeVar("T")

_END: Any = object()

EVERY = "*"
"""In the place of a tag's value: every tag of that key."""

SPREAD = 100
"""A clause without tags is asked as one clause for each visible tag, if these are no more; else events are filtered."""


class Scope(msgspec.Struct, frozen=True):
    """The part of a history that a reader may see. `Scope()` is everything.

    `tags` are those that the reader sees, such as `order:o-1`, or `order:*` for all of a key; `types` are the names of
    event types; None stands for all of them. An event is in scope if its type is, and if the reader sees at least one
    of its tags; tags that the reader does not see are taken away from it. `hidden` are fields whose values are not
    shown: `email` of any class, or `Order.email` of a class or of an event type. A tag whose key is such a field is
    not seen either.

    Raises `InvalidTag`, and `DefinitionError` for a type or a field without a name.
    """

    tags: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    hidden: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("tags", "types", "hidden"):
            given = getattr(self, name)
            if isinstance(given, str):
                raise DefinitionError(f"{name} of a scope are several texts, not one: {given!r}")
            if given is not None:
                msgspec.structs.force_setattr(self, name, tuple(sorted(set(given))))
        for tag in self.tags or ():
            check_tag(tag)
        if not all((*(self.types or ()), *self.hidden)):
            raise DefinitionError("a type or a hidden field of a scope has no name")

    @property
    def is_whole(self) -> bool:
        """Whether the reader sees everything."""
        return self.tags is None and self.types is None and not self.hidden

    def applied(self) -> AbstractContextManager[None]:
        """Withhold the hidden fields in all output of a block of code, and refuse questions about them there."""
        return hiding(self.hidden)

    def each(self, values: Iterable[T]) -> Iterator[T]:
        """The same values, each found in a context in which this scope is applied, wherever they are asked for."""
        context = context_hiding(self.hidden)
        found = context.run(iter, values)
        while (value := context.run(next, found, _END)) is not _END:
            yield value


class Sight:
    """A scope, ready to be asked of many events."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._types = None if scope.types is None else frozenset(scope.types)
        self._hidden = all_names(scope.hidden)
        tags = [tag for tag in scope.tags or () if tag.partition(":")[0] not in self._hidden]
        self._exact = frozenset(tag for tag in tags if not tag.endswith(f":{EVERY}"))
        self._prefixes = frozenset(tag.partition(":")[0] for tag in tags if tag.endswith(f":{EVERY}"))
        self._every_tag = scope.tags is None
        self.every_event = self._every_tag and self._types is None
        """Whether every event is in scope."""
        self.everything = self.every_event and not self._hidden
        """Whether the reader sees every tag, too."""

    def tag(self, tag: str) -> bool:
        """Whether the reader sees a tag."""
        key = tag.partition(":")[0]
        return key not in self._hidden and (self._every_tag or tag in self._exact or key in self._prefixes)

    def key(self, key: str) -> bool:
        """Whether the reader sees any tag of a key."""
        return key not in self._hidden and (
            self._every_tag
            or key in self._prefixes
            or any(tag.partition(":")[0] == key for tag in self._exact)
        )

    def type(self, type: str) -> bool:
        """Whether the reader sees a type."""
        return self._types is None or type in self._types

    def event(self, type: str, tags: Iterable[str]) -> bool:
        """Whether an event of this type with these tags is in scope."""
        return self.type(type) and (self._every_tag or any(map(self.tag, tags)))

    def seen(self, events: Iterable[E]) -> Iterator[E]:
        """The events that are in scope, each with the tags that the reader sees."""
        for event in events:
            if not self.type(event.type):
                continue
            if not self._every_tag or self._hidden:
                tags = tuple(filter(self.tag, event.tags))
                if not tags and not self._every_tag:
                    continue
                if len(tags) < len(event.tags):
                    yield msgspec.structs.replace(event, tags=tags)
                    continue
            yield event

    def outside(self, query: Query) -> OutOfScope | None:
        """The error for a query that names a tag or a type outside; None if it names none."""
        for clause in query.clauses:
            for type in clause.types:
                if not self.type(type):
                    return OutOfScope("event type", type)
            for tag in clause.tags:
                if not self.tag(tag):
                    return OutOfScope("tag", tag)
        return None

    def check(self, query: Query) -> None:
        """Raise `OutOfScope` if a query names a tag or a type outside."""
        wrong = self.outside(query)
        if wrong is not None:
            raise wrong

    def covers(self, query: Query) -> bool:
        """Whether every event that matches is in scope."""
        if self.outside(query) is not None:
            return False
        return all(
            (clause.types or self._types is None) and (clause.tags or self._every_tag)
            for clause in query.clauses
        )

    def narrowed(self, query: Query) -> tuple[Query, bool]:
        """A query for the events that match and are in scope; and whether it matches no other events.

        So an index finds them where the scope names types and whole tags.
        """
        if self.every_event:
            return query, True
        clauses: list[Clause] = []
        exact = True
        for clause in query.clauses:
            types = clause.types or self.scope.types or ()
            if self._types is not None and not types:
                continue
            if clause.tags or self._every_tag:
                clauses.append(Clause(types, clause.tags))
            elif not self._prefixes and len(self._exact) <= SPREAD:
                clauses += [Clause(types, (tag,)) for tag in sorted(self._exact)]
            else:
                exact = False
                clauses.append(Clause(types))
        return (Query(tuple(clauses)) if len(clauses) < 2 else simplified(clauses)), exact


@lru_cache(256)
def sight_of(scope: Scope) -> Sight:
    """The scope, ready to be asked."""
    return Sight(scope)
