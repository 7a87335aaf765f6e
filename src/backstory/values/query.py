"""Queries and conditions: the events that matter, and the events that a decision relied on.

A query is a set of clauses. An event matches a clause when its type is among the clause's types (or the clause names
none) and it has all the clause's tags; it matches the query when it matches any clause. This is the query of Dynamic
Consistency Boundaries, https://dcb.events/specification/.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import msgspec

from backstory.errors import InvalidEvent
from backstory.values.event_data import EventData, RecordedEvent, check_tag, check_text

FEW = 16
"""A query of so few types and tags is decided one clause after the other: that is quicker than a table of them."""


class Clause(msgspec.Struct, frozen=True):
    """One way to match: any of `types` (none named: every type) and all of `tags`. Both sorted, each once.

    Build one with `Clause.of`, which sorts and checks.
    """

    types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @classmethod
    def of(cls, types: Iterable[str] = (), tags: Iterable[str] = ()) -> Clause:
        """A clause of these types and tags. Raises `InvalidTag` or `InvalidEvent`."""
        if isinstance(types, str) or isinstance(tags, str):
            raise InvalidEvent("a clause takes lists of types and of tags, not one text")
        names = tuple(sorted(set(types)))
        if "" in names:
            raise InvalidEvent("an event type in a query is empty")
        for name in names:
            check_text(name, "event type")
        return cls(names, tuple(sorted({check_tag(tag) for tag in tags})))

    def matches(self, type: str, tags: Iterable[str]) -> bool:
        """Whether an event of this type with these tags matches."""
        if self.types and type not in self.types:
            return False
        for tag in self.tags:  # noqa: SIM110 - a generator takes twice the time, for each event that is read
            if tag not in tags:
                return False
        return True


def _no_clauses() -> tuple[Clause, ...]:
    raise TypeError("Query() does not say which events: Query.all() is every event, Query.none() is no event")


class Query(msgspec.Struct, frozen=True):
    """Any of some clauses. `Query.all()` matches every event, `Query.none()` none; `Query()` does not say which.

    Query.of(types=["Deposited", "Withdrawn"], tags=["account:a-7"]) | Query.of(types=["RateChanged"])
    """

    clauses: tuple[Clause, ...] = msgspec.field(default_factory=_no_clauses)

    @classmethod
    def all(cls) -> Query:
        """The query that every event matches."""
        return cls((Clause(),))

    @classmethod
    def none(cls) -> Query:
        """The query that no event matches: a condition on it always holds."""
        return cls(())

    @classmethod
    def of(cls, types: Iterable[str] = (), tags: Iterable[str] = ()) -> Query:
        """A query of one clause: any of these types, all of these tags."""
        return cls((Clause.of(types, tags),))

    def __or__(self, other: Query) -> Query:
        """A query for the events that either matches, in its simplest form: clauses with the same tags become one."""
        return simplified((*self.clauses, *other.clauses))

    @property
    def is_all(self) -> bool:
        """Whether every event matches."""
        return any(not clause.types and not clause.tags for clause in self.clauses)

    def matches(self, event: EventData | RecordedEvent) -> bool:
        """Whether the event matches any clause."""
        return _any_matches(self.clauses, event.type, event.tags)


def matcher(query: Query) -> Callable[[str, Sequence[str]], bool]:
    """A function that says whether an event of a type, with tags, matches: for many events, and any number of clauses.

    It looks only at clauses that share a tag with the event: each clause is found by the one of its tags that the
    fewest other clauses have.
    """
    clauses = query.clauses
    if query.is_all:
        return lambda _type, _tags: True
    if sum(len(clause.types) + len(clause.tags) for clause in clauses) <= FEW:
        return clauses[0].matches if len(clauses) == 1 else partial(_any_matches, clauses)
    often = Counter(tag for clause in clauses for tag in clause.tags)
    of_any_tags: set[str] = set()
    by_tag: dict[str, list[tuple[frozenset[str], frozenset[str]]]] = {}
    for clause in clauses:
        if clause.tags:
            rarest = min(clause.tags, key=often.__getitem__)
            by_tag.setdefault(rarest, []).append((frozenset(clause.types), frozenset(clause.tags)))
        else:
            of_any_tags.update(clause.types)

    def matches(type: str, tags: Sequence[str]) -> bool:
        return type in of_any_tags or any(
            (not types or type in types) and wanted.issubset(tags)
            for tag in tags
            for types, wanted in by_tag.get(tag, ())
        )

    return matches


def _any_matches(clauses: tuple[Clause, ...], type: str, tags: Sequence[str]) -> bool:
    for clause in clauses:  # noqa: SIM110 - as above
        if clause.matches(type, tags):
            return True
    return False


def union(queries: Iterable[Query]) -> Query:
    """A query for the events that any of these matches, in its simplest form; one query alone stays as it is.

    Takes time in proportion to their clauses; a chain of `|` would sort them all each time.
    """
    queries = list(queries)
    if len(queries) == 1:
        return queries[0]
    return simplified(clause for query in queries for clause in query.clauses)


def simplified(clauses: Iterable[Clause]) -> Query:
    """The same query with fewer clauses: one for each set of tags, sorted.

    A clause of all events is the whole query.
    """
    types_of: dict[tuple[str, ...], set[str] | None] = {}
    for clause in clauses:
        known = types_of.setdefault(clause.tags, set())
        if not clause.types:
            types_of[clause.tags] = None
        elif known is not None:
            known.update(clause.types)
    if types_of.get((), ()) is None:
        return Query.all()
    return Query(tuple(Clause(tuple(sorted(types or ())), tags) for tags, types in sorted(types_of.items())))


class Condition(msgspec.Struct, frozen=True):
    """No event after position `after` matches `query`: this is the only concurrency control.

    `after` is the position that the decision was made on; 0 if no event may ever have matched.
    """

    query: Query
    after: int = 0


def to_json(query: Query) -> bytes:
    """The query as it is stored and hashed: `[{"types":[...],"tags":[...]}]`, empty lists included."""
    return msgspec.json.encode(query.clauses)


_decode = msgspec.json.Decoder(tuple[Clause, ...]).decode


def from_json(text: bytes | str) -> Query:
    """The query that `to_json` wrote. Raises `msgspec.ValidationError`."""
    return Query(_decode(text))
