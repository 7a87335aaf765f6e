"""Processes: states that react, and have deadlines.

class Payment(Process):
    order: Tag[str]
    paid: bool = False

    def apply(self, event: OrderPlaced | OrderPaid) -> None:
        self.paid = self.paid or isinstance(event, OrderPaid)

    @react
    def placed(self, event: OrderPlaced) -> Iterator[Step]:
        yield Deadline("unpaid", after=timedelta(days=3))

    @react
    def unpaid(self, due: Due) -> Iterator[Step]:
        if not self.paid:
            yield cancel_order(Order(self.order))
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeAlias, TypeVar, get_type_hints
from weakref import WeakKeyDictionary

import msgspec

from backstory.decide.call import Command
from backstory.decide.state import State, identity
from backstory.errors import DecisionError, DefinitionError
from backstory.reactions.deadlines import (
    DUE,
    DeadlineDue,
    Timer,
    cancel_deadline,
    deadline_key,
    set_deadline,
)
from backstory.reactions.declare import (
    Delivery,
    Policy,
    Reacting,
    Reaction,
    Wait,
    check_name,
    events_of,
    named,
    referenced,
    shared,
    steps,
)
from backstory.values.event_types import EventType, event_type
from backstory.values.fields import unresolved

F = TypeVar("F", bound=Callable[..., Any])

AnyReaction: TypeAlias = "Reaction | type[Process]"
"""The forms in which the verbs take a reaction or a process."""

MARK = "__backstory_reacts__"


class Deadline(msgspec.Struct, frozen=True):
    """Call the method of this name later: so long `after` the event was decided (`record.authored`), or `at` a time.

    A process has one deadline of each name; to set it again moves it.
    """

    name: str
    after: timedelta | None = None
    at: datetime | None = None

    def due(self, event: datetime) -> datetime:
        """When it is due, if it is set because of an event that was decided then. Raises `DecisionError`."""
        if (self.after is None) == (self.at is None):
            raise DecisionError(f"deadline {self.name} has either after= or at=")
        if self.after is not None:
            return event + self.after
        assert self.at is not None
        if self.at.tzinfo is None:
            raise DecisionError(f"deadline {self.name} is at a time with a zone, not {self.at!r}")
        return self.at


class Cancel(msgspec.Struct, frozen=True):
    """Do not call the method of this name any more; nothing, if it is not to be called."""

    name: str


class Due(msgspec.Struct, frozen=True):
    """A deadline that has come: its name, and the time for which it was set."""

    name: str
    at: datetime


Step: TypeAlias = Command | Deadline | Cancel
"""A step that a process gives: a command to execute, a deadline to set, or one to cancel."""


class Process(State):
    """The base class of processes: states whose methods react to events, and set deadlines.

    Methods marked with `@react` get one event, or a `Due`: then the method's name is that of the deadline. A `Delivery`
    may follow. Each event shares its tags with the identity, as those of `apply`. The fields are those as of the event,
    with that event applied. `policy` says how events are delivered (`Policy`).
    """

    policy: ClassVar[Policy] = Policy()


def react(method: F) -> F:
    """Mark a method of a process that reacts to an event, or to a deadline."""
    if inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method):
        raise DefinitionError(
            f"{method.__qualname__} is async, and a process waits for nothing; let a @reaction do what is async"
        )
    setattr(method, MARK, True)
    return method


class ProcessType:
    """A process class, compiled; see `declare.Reacting`."""

    def __init__(self, cls: type[Process], name: str | None = None) -> None:
        self.cls = cls
        self.name = named(cls) if name is None else name
        self.policy = cls.policy.check(self.name)
        check_name(self.name, cls.__qualname__)
        self._methods: dict[str, list[tuple[str, bool]]] = {}
        self._deadlines: dict[str, bool] = {}
        self._events: dict[str, EventType] = {}
        for method, function in inspect.getmembers(cls, inspect.isfunction):
            if getattr(function, MARK, False):
                self._take(method, function)
        if not self._methods:
            raise DefinitionError(f"{cls.__qualname__} has no method with @react, so it is a State")

    def _take(self, method: str, function: Callable[..., Any]) -> None:
        what = f"{self.cls.__qualname__}.{method}"
        try:
            hints = get_type_hints(function, include_extras=True, localns=local_names(self.cls))
        except NameError as wrong:
            raise DefinitionError(f"{what}: {unresolved(wrong)}") from wrong
        parameters = list(inspect.signature(function).parameters)[1:]
        if not parameters or parameters[0] not in hints:
            raise DefinitionError(
                f"{what}: its parameter is the event, and its annotation says which: event: Paid"
            )
        wants = parameters[1:]
        if wants and (len(wants) > 1 or hints.get(wants[0]) is not Delivery):
            raise DefinitionError(f"{what} takes an event, and perhaps a Delivery")
        if hints[parameters[0]] is Due:
            self._deadlines[method] = bool(wants)
            return
        for event in events_of(hints[parameters[0]], what):
            shared(self.cls, event, what)
            self._events[event.name] = event
            self._methods.setdefault(event.name, []).append((method, bool(wants)))

    def __repr__(self) -> str:
        return f"<process {self.name}>"

    @property
    def event_types(self) -> tuple[EventType, ...]:
        """The events that it takes, but for deadlines."""
        return tuple(self._events.values())

    @property
    def deadlines(self) -> Collection[str]:
        """The names of its deadlines."""
        return self._deadlines

    def methods_of(self, event: str) -> list[str]:
        """The names of the methods that take an event."""
        return [method for method, _ in self._methods.get(event, ())]

    @property
    def types(self) -> frozenset[str]:
        """The names of the events that it takes."""
        return frozenset({*self._methods, DUE} if self._deadlines else self._methods)

    def concerns(self, event: Any) -> bool:
        """Whether an event is for it: a deadline may be another process's."""
        return not isinstance(event, DeadlineDue) or (
            event.process == self.name and event.name in self._deadlines
        )

    def key_of(self, event: Any) -> str:
        """The identity of the process that an event is about."""
        return "/".join(str(part) for part in identity(self._reference(event)).values())

    def _reference(self, event: Any) -> State:
        if isinstance(event, DeadlineDue):
            return msgspec.convert(event.of, self.cls)
        return referenced(self.cls, event, event_type(type(event)), self.name)

    def references(self, event: Any) -> dict[str, State]:
        """The process, to be loaded as of the event."""
        return {"self": self._reference(event)}

    def run(
        self,
        event: Any,
        states: Mapping[str, State],
        delivery: Delivery,
        wait: Wait,  # noqa: ARG002
    ) -> list[Command]:
        """Call each method that takes the event; see `declare.Reacting.run`."""
        process = states["self"]
        if isinstance(event, DeadlineDue):
            given: Any = Due(event.name, event.due)
            methods = [(event.name, self._deadlines[event.name])]
        else:
            given, methods = event, self._methods[event_type(type(event)).name]
        found: list[Command] = []
        for method, wants in methods:
            result = getattr(process, method)(given, *([delivery] if wants else []))
            found += (self._command(each, process, method, delivery) for each in steps(result))
        return found

    def _command(self, step: Any, process: State, method: str, delivery: Delivery) -> Command:
        if isinstance(step, Command):
            return step
        if not isinstance(step, Deadline | Cancel):
            raise DecisionError(
                f"{self.name}.{method} gave {step!r}, which is no command, no Deadline and no Cancel"
            )
        if step.name not in self._deadlines:
            known = ", ".join(sorted(self._deadlines)) or "none"
            raise DecisionError(
                f"{self.name}.{method} names a deadline {step.name!r}, and no method with @react and a Due has this"
                f" name; it has {known}"
            )
        of: dict[str, Any] = msgspec.to_builtins(identity(process))
        timer = Timer(deadline_key(self.name, of, step.name))
        if isinstance(step, Cancel):
            return cancel_deadline(timer, process=self.name)
        return set_deadline(
            timer, process=self.name, of=of, name=step.name, due=step.due(delivery.record.authored)
        )


def local_names(cls: type[Process]) -> Mapping[str, Any]:
    """Names of events that are local to a function: those that `apply` takes, and those of its commands."""
    from backstory.decide.state import state_type

    return {event.cls.__name__: event.cls for event in state_type(cls).events.values()}


_compiled: WeakKeyDictionary[type[Process], ProcessType] = WeakKeyDictionary()


def process_type(cls: type[Process]) -> ProcessType:
    """The compiled form of a process. Raises `DefinitionError`."""
    compiled = _compiled.get(cls)
    if compiled is None:
        compiled = _compiled[cls] = ProcessType(cls)
    return compiled


def is_reaction(thing: Any) -> bool:
    """Whether something is a reaction or a process."""
    return isinstance(thing, Reaction) or (
        isinstance(thing, type) and issubclass(thing, Process) and thing is not Process
    )


def reacting(thing: AnyReaction | Any) -> Reacting:
    """A reaction or a process as the runner sees it. Raises `DefinitionError`."""
    return thing if isinstance(thing, Reaction) else process_type(thing)


def check_names(names: Iterable[str]) -> None:
    """Raise `DefinitionError` if two reactions or outboxes have one name: they would share a checkpoint."""
    for name, count in Counter(names).items():
        if count > 1:
            raise DefinitionError(
                f"two reactions have the name {name!r}; say name= for one of them, or name the outbox otherwise"
            )
