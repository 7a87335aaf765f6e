"""Runs `apply` on a state that is watched, and records for each field the event that last changed it.

The state gets a subclass whose fields are properties; dicts, lists and sets in fields are replaced by tracked ones, if
nothing else holds them. Some changes are missed so: a nested value that stands in two places, or C code that does not
use a container's methods. At the end a comparison shows that, and then `careful` tracing, which compares every field
after every event, gives the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from types import new_class
from typing import Any

from msgspec import UNSET

from backstory.decide.copying import immutable
from backstory.decide.state import State, state_type
from backstory.history.blame.followers import Follower, Whole, follower, is_shared
from backstory.history.blame.provenance import Nested, fresh, position_of
from backstory.history.blame.tracked import tracked
from backstory.history.compare.jsonable import names_of, plain, plain_value, same
from backstory.history.compare.shape import Shape
from backstory.values.commit import Commit
from backstory.values.event_data import RecordedEvent
from backstory.values.fields import hints

CONTAINERS = (dict, list, set)


class _Field:
    """One field of the watched state.

    `fixed`: its values cannot be changed in place. `container`: the tracked container that it holds now, if any.
    """

    def __init__(self, cls: type[State], name: str, encoded: str, annotation: Any) -> None:
        member = getattr(cls, name)
        self.name = name
        self.encoded = encoded
        self.get: Callable[[Any], Any] = member.__get__
        self.set: Callable[[Any, Any], None] = member.__set__
        self.shape = Shape(annotation)
        self.fixed = immutable(annotation)
        self.deep = not (self.shape.arguments and all(map(immutable, self.shape.arguments)))
        self.container: Any = None
        self.follower: Follower = Whole(None, 0, self.shape)


class Trace:
    """Watches one state from its reference on."""

    def __init__(self, reference: State, *, assertions: bool = False, careful: bool = False) -> None:
        self._compiled = state_type(type(reference))
        self._assertions = assertions
        self._careful = careful
        self._noted: dict[str, bool] = {}  # field: whether something else was assigned
        cls = type(reference)
        annotations = hints(cls) or {}
        self._fields = {
            name: _Field(cls, name, encoded, annotations[name]) for name, encoded in names_of(cls).items()
        }
        self.state: Any = self._compiled.copy(reference)
        for field in self._fields.values():
            value = plain_value(field.get(self.state))
            field.follower = Whole(value, fresh(value, 0), field.shape)
        self.state.__class__ = self._traced(cls)
        self._fixed = [field for field in self._fields.values() if field.fixed]
        self._open = [field for field in self._fields.values() if not field.fixed]
        for field in self._open:
            self._adopt(field)

    def fold(self, records: Iterable[RecordedEvent], find: Callable[[int], Commit]) -> None:
        """Apply the events, and note the changes of each; `find` finds their commits."""
        self._compiled.fold(self.state, self._settling(records), find)

    @property
    def _there(self) -> list[_Field]:
        return [field for field in self._fields.values() if field.get(self.state) is not UNSET]

    @property
    def plain(self) -> dict[str, Any]:
        """The noted values of the state."""
        return {field.encoded: field.follower.plain for field in self._there}

    @property
    def provenance(self) -> Nested:
        """The position since which each part of it is there."""
        provenances = {field.encoded: field.follower.provenance for field in self._there}
        return Nested(max(map(position_of, provenances.values()), default=0), provenances)

    @property
    def complete(self) -> bool:
        """Whether the noted values are those that the state holds."""
        return same(self.plain, plain(self.state))

    def _settling(self, records: Iterable[RecordedEvent]) -> Iterator[RecordedEvent]:
        """The events; the code after a `yield` runs when that event has been applied."""
        look, fixed = _looking(self._fixed), [field.follower for field in self._fixed]
        noted, assertions, state = self._noted, self._assertions, self.state
        last = look(state)
        for record in records:
            yield record
            now = look(state)
            for value, old, one in zip(now, last, fixed, strict=True):
                if value is not old:
                    one.settle(value, record.position, assertions=False)
            last = now
            for field in self._open:
                container = field.container
                if container is None or field.get(state) is not container:
                    self._compare(field, record.position)
                elif container.touched or field.follower.restless:
                    field.follower.settle(container, record.position, assertions=assertions)
            if noted:
                for name in noted if assertions else ():
                    if self._fields[name].fixed:
                        self._fields[name].follower.settle(
                            getattr(state, name), record.position, assertions=True
                        )
                noted.clear()

    def _compare(self, field: _Field, position: int) -> None:
        """Follow a field without a tracked container, unless the field was not even read."""
        if field.container is not None:
            field.follower = Whole(field.follower.plain, field.follower.provenance, field.shape)
            field.container = None
        elif not (field.follower.restless or field.name in self._noted):
            return
        asserted = self._assertions and self._noted.get(field.name, False)
        field.follower.settle(field.get(self.state), position, assertions=asserted)
        self._adopt(field)

    def _adopt(self, field: _Field) -> None:
        """Let a container note its own changes, if nothing else holds it.

        A container that something else holds could be changed without a read of this field.
        """
        if self._careful or is_shared(field.get(self.state)):
            field.follower.restless = True
        elif type(value := field.get(self.state)) in CONTAINERS:
            field.container = tracked(value, field.deep)
            field.set(self.state, field.container)
            was = field.follower
            field.follower = follower(
                field.container, was.plain, was.provenance, field.shape, deep=field.deep
            )
        else:
            field.follower.restless = False

    def _traced(self, cls: type[State]) -> type[State]:
        """A subclass that notes fields that are read, if reading may change them, and written, if that counts."""
        names = {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
        traced: type[State] = new_class(
            cls.__name__, (cls,), {"checked": False}, lambda body: body.update(names)
        )
        for name, field in self._fields.items():
            if self._assertions or not field.fixed:
                setattr(traced, name, self._property(field))
        return traced

    def _property(self, field: _Field) -> property:
        noted, name, get, put = self._noted, field.name, field.get, field.set

        def read(state: Any) -> Any:
            if field.container is None:
                noted.setdefault(name, False)
            return get(state)

        def write(state: Any, value: Any) -> None:
            if field.fixed or value is not get(state):
                noted[name] = True
            else:
                noted.setdefault(
                    name, False
                )  # `self.lines += [line]` changes the list and assigns it as it is
            put(state, value)

        return property(get if field.fixed else read, write)


def _looking(fields: list[_Field]) -> Callable[[Any], tuple[Any, ...]]:
    """A function that gives the values of some fields, quickly."""
    names = [field.name for field in fields]
    match names:
        case []:
            return lambda _state: ()
        case [name]:
            return lambda state: (getattr(state, name),)
    return attrgetter(*names)
