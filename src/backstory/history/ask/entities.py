"""Which entities of a state class events concern: their identities come from the events' tags.

An entity is known from the first event that has all the tags of its identity. An event that has some of them (a course
opens, and the state is of a course and a student) concerns every entity that is known by then and has these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any, TypeVar, cast

import msgspec

from backstory.decide.latest import Latest
from backstory.decide.loading import replay
from backstory.decide.state import State, StateType, state_type
from backstory.errors import DefinitionError
from backstory.lookup import Commits
from backstory.store import Log
from backstory.values.event import class_of
from backstory.values.event_data import RecordedEvent
from backstory.values.fields import TagField, hints
from backstory.values.query import Query, union

S = TypeVar("S", bound=State)
Key = tuple[str, ...]
"""An entity's identity as its tags, in the order of the state's fields."""


class Entity:
    """A state while its events pass: the reference to it, its values at the start, and its values now.

    `existed` says whether it had any events then.
    """

    def __init__(self, reference: State, state: State, start: State, *, existed: bool) -> None:
        self.reference = reference
        self.state = state
        self.start = start
        self.existed = existed


class Entities:
    """All entities of a state class in a log, followed from one position on.

    Its memory grows with the entities that events concern, not with the log.
    """

    def __init__(self, log: Log, cls: type[State], after: int = 0) -> None:
        self.found: dict[Key, Entity] = {}
        self.query = query_of(cls)
        self._log = log
        self._after = after
        self._identities = Identities(cls)
        self._compiled = state_type(cls)
        self.commits = Commits(log)
        self._asked: set[Key] = set()

    def follow(self, upto: int | None = None) -> Iterator[tuple[RecordedEvent, list[Entity]]]:
        """Each event with the entities that it concerns, as they are after it. One pass."""
        for record in self.read(upto):
            yield record, self.apply(record)

    def read(self, upto: int | None = None) -> Iterator[RecordedEvent]:
        """The events that concern any entity, to be applied one after the other."""
        return self.commits.of(self._log.read(self.query, after=self._after, upto=upto))

    def apply(self, record: RecordedEvent) -> list[Entity]:
        """Take one more event, and give the entities that it concerns. All that match `query` come, in their order."""
        entities = list(self._concerned(record))
        for entity in entities:
            self._compiled.fold(entity.state, (record,), self.commits)
        return entities

    def _concerned(self, record: RecordedEvent) -> Iterator[Entity]:
        if not self._identities.partial(record):
            for key in self._identities.keys(record):
                entity = self._entity(key, record.position - 1)
                if entity is not None:
                    yield entity
            return
        tags = self._identities.shared(record)
        if tags not in self._asked and self._after:
            self._asked.add(tags)
            for earlier in self._log.read(self._identities.full_query(tags), upto=self._after):
                for key in self._identities.keys(earlier):
                    self._entity(key, record.position - 1)
        for key, entity in self.found.items():
            if self._identities.matches(record, key):
                yield entity

    def _entity(self, key: Key, upto: int) -> Entity | None:
        known = self.found.get(key)
        if known is None:
            reference = self._identities.reference(key)
            if reference is None:
                return None
            state = self._compiled.copy(reference)
            query, count = reference.query(), 0
            if self._after:
                count = replay(state, self._log, query, upto=self._after)
            start = self._compiled.copy(state)
            if self._identities.any_partial:
                replay(state, self._log, query, after=self._after, upto=upto)
            known = self.found[key] = Entity(reference, state, start, existed=count > 0)
        return known


def identities(log: Log, cls: type[S], upto: int | None = None) -> Iterator[S]:
    """Stream an empty state for each entity of a class, in the order in which events first name it in full."""
    return (reference for _, found in named(log, cls, upto) for reference in found)


def named(log: Log, cls: type[S], upto: int | None = None) -> Iterator[tuple[int, list[S]]]:
    """Stream the position of each event of a class, and an empty state for each entity that it is the first to name."""
    found = Identities(cls)
    seen: set[Key] = set()
    for record in log.read(query_of(cls), upto=upto):
        new: list[S] = []
        for key in () if found.partial(record) else found.keys(record):
            if key not in seen:
                seen.add(key)
                if (reference := found.reference(key)) is not None:
                    new.append(cast("S", reference))
        yield record.position, new


def lately(log: Log, cls: type[S], upto: int, events: int) -> Iterator[S]:
    """Stream an empty state for each entity that the newest so many events of a class name, the last changed first."""
    found = Identities(cls)
    seen: set[Key] = set()
    for record in log.read(query_of(cls), upto=upto, backwards=True, limit=events):
        for key in () if found.partial(record) else found.keys(record):
            if key not in seen:
                seen.add(key)
                if (reference := found.reference(key)) is not None:
                    yield cast("S", reference)


def concerns(cls: type[State], stored: Iterable[RecordedEvent]) -> bool:
    """Whether a state class takes one of these events, as the class that they are read with."""
    compiled = state_type(cls)
    return bool(compiled.tag_fields) and any(
        record.type in compiled.events and compiled.events[record.type].cls is class_of(record.type)
        for record in stored
    )


def query_of(cls: type[State]) -> Query:
    """The events that concern any entity of a state class."""
    if cls is Latest:
        return Query.all()
    compiled = _with_identities(cls)
    return Query.of(types=compiled.events)


class Identities:
    """How the tags of events become identities of one state class, and back."""

    def __init__(self, cls: type[State]) -> None:
        self._cls = cls
        self._fields: tuple[TagField, ...] = ()
        self._shared: dict[str, tuple[str, ...]] = {}
        self.any_partial = False
        if cls is not Latest:
            compiled = _with_identities(cls)
            self._annotations = hints(cls) or {}
            self._fields = compiled.tag_fields
            self._prefixes = [f"{field.key}:" for field in self._fields]
            own = [field.key for field in self._fields]
            for name, event in compiled.events.items():
                keys = set() if name in compiled.everywhere else {field.key for field in event.tag_fields}
                self._shared[name] = tuple(key for key in own if key in keys)
            self._full = [name for name, keys in self._shared.items() if len(keys) == len(own)]
            self.any_partial = len(self._full) < len(self._shared)
            if not self._full:
                raise DefinitionError(
                    f"no event that {cls.__qualname__} applies has all of {', '.join(own)}:"
                    " which of them there are does not follow from the events; name one"
                )

    def keys(self, record: RecordedEvent) -> list[Key]:
        """The identities that an event names in full."""
        if self._cls is Latest:
            return [(tag,) for tag in record.tags]
        if len(self._prefixes) == 1:
            prefix = self._prefixes[0]
            return [(tag,) for tag in record.tags if tag.startswith(prefix)]
        return list(
            product(*([tag for tag in record.tags if tag.startswith(prefix)] for prefix in self._prefixes))
        )

    def partial(self, record: RecordedEvent) -> bool:
        """Whether events of this type lack a part of the identity."""
        return self.any_partial and record.type not in self._full

    def shared(self, record: RecordedEvent) -> Key:
        """The tags of an event that are part of identities."""
        keys = self._shared[record.type]
        return tuple(tag for tag in record.tags if tag.partition(":")[0] in keys)

    def full_query(self, tags: Key) -> Query:
        """The events that name an identity in full, and have one of these tags."""
        return union(Query.of(self._full, [tag]) for tag in tags) if tags else Query.of(self._full)

    def matches(self, record: RecordedEvent, key: Key) -> bool:
        """Whether an event that names a part of the identity concerns this one."""
        keys = self._shared[record.type]
        return all(tag in record.tags for tag in key if tag.partition(":")[0] in keys)

    def reference(self, key: Key) -> State | None:
        """An empty state of this identity; None if its fields could not have written these tags."""
        if self._cls is Latest:
            return Latest(key[0])
        values: dict[str, Any] = {}
        for field, tag in zip(self._fields, key, strict=True):
            text = tag.partition(":")[2]
            try:
                values[field.name] = msgspec.convert(text, self._annotations[field.name], strict=False)
            except msgspec.ValidationError:
                return None
        reference = self._cls(**values)
        texts = tuple(text for field in self._fields for text in field.texts(reference))
        return reference if texts == key else None


def _with_identities(cls: type[State]) -> StateType:
    compiled = state_type(cls)
    if compiled.own_query:
        raise DefinitionError(
            f"{cls.__qualname__} has a query of its own: which of them there are does not follow from the events;"
            " name one"
        )
    return compiled
