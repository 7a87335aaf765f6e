"""`@reaction`, which people write, and the arguments and results of a reaction.

@reaction
def confirm(event: OrderPaid, order: Order, delivery: Delivery) -> Iterator[Command]:
    receipt = mailer.send(order.email, "Thank you", idempotency_key=delivery.key)
    yield note_confirmed(Order(event.order), receipt=receipt.id)
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, get_type_hints, overload

import msgspec

from backstory.decide.call import Command
from backstory.decide.parameters import is_state
from backstory.decide.state import State, state_type
from backstory.errors import DecisionError, DefinitionError
from backstory.projections.projection import NAME
from backstory.store import Record
from backstory.values.event_types import EventType, event_classes, event_type
from backstory.values.fields import unresolved

if TYPE_CHECKING:
    from typing import Self


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How events are delivered to a reaction.

    - `since="now"`: it begins where the log ends when it is first run; `"start"`: at the first event.
    - `retries`: how often it is tried at one event, with longer and longer pauses, before the event is parked.
    - `partition`: the field of the events which says what must stay in order. If an event is parked, so are all later
      ones with the same value. Without it, an event is parked alone. A process has one by itself: its identity.
    - `on_refused="note"`: a command that is refused is an answer. It is counted, and the reaction goes on; `"park"`
      parks the event.
    - `at_most_once`: each try is noted before it begins, and an event whose try did not end is left out. So what the
      function does happens once or not at all; else it happens once, and again if the process dies in that moment.
    - `concurrency`: at how many events the function works at once, in as many threads. It begins at them in the order
      of the log, and at one of a `partition` only when all earlier ones of the same value are over.
    """

    since: str = "now"
    retries: int = 5
    partition: str | None = None
    on_refused: str = "note"
    at_most_once: bool = False
    concurrency: int = 1

    def check(self, name: str) -> Self:
        """Raise `DefinitionError` for a value that means nothing."""
        if self.since not in ("now", "start"):
            raise DefinitionError(f"{name}: since is 'now' or 'start', not {self.since!r}")
        if self.on_refused not in ("note", "park"):
            raise DefinitionError(f"{name}: on_refused is 'note' or 'park', not {self.on_refused!r}")
        if self.retries < 1:
            raise DefinitionError(f"{name}: it is tried once at least, not {self.retries} times")
        if self.concurrency < 1:
            raise DefinitionError(f"{name}: it works at 1 event at once at least, not at {self.concurrency}")
        if self.concurrency > 1 and self.at_most_once:
            raise DefinitionError(
                f"{name}: at_most_once notes each try before the next one begins, so concurrency is 1"
            )
        return self


class Delivery(msgspec.Struct, frozen=True):
    """One try of a reaction at one event.

    `key` is the same at each try, in each process, and after a merge: the key for a mail service that sends a message
    once for each key. `attempt` counts from 1.
    """

    key: str
    attempt: int
    record: Record

    @property
    def position(self) -> int:
        """The place of the event in the log."""
        return self.record.position

    @property
    def time(self) -> datetime:
        """The time of the event in the log."""
        return self.record.time


Wait = Callable[[Any], Any]
"""Takes a coroutine, or an async iterator, to its end, and returns its result."""


class Reacting(Protocol):
    """A reaction or a process, as the runner sees it."""

    name: str
    policy: Policy

    @property
    def event_types(self) -> tuple[EventType, ...]:
        """The events that it takes, but for deadlines."""
        ...

    @property
    def types(self) -> frozenset[str]:
        """The names of the events that it takes."""
        ...

    def concerns(self, event: Any) -> bool:
        """Whether an event of these types is for it."""
        ...

    def key_of(self, event: Any) -> str | None:
        """The key of an event: events of one key stay in order. None if an event may be parked alone."""
        ...

    def references(self, event: Any) -> dict[str, State]:
        """The states to load as of an event, by the name under which `run` gets them."""
        ...

    def run(self, event: Any, states: Mapping[str, State], delivery: Delivery, wait: Wait) -> list[Command]:
        """Run the code once, and return the commands that it gives. Raises its errors, and `DecisionError`.

        `wait` takes a coroutine or an async iterator to its end.
        """
        ...


class Reaction:
    """A function that was marked with `@reaction`. To call it is to call the function, as a test may do."""

    def __init__(
        self, function: Callable[..., Any], names: Mapping[str, Any] | None, name: str | None, policy: Policy
    ) -> None:
        self.function = function
        self.name = function.__name__ if name is None else name
        self.policy = policy.check(self.name)
        self.__doc__, self.__name__ = function.__doc__, function.__name__
        self.__qualname__, self.__module__ = function.__qualname__, function.__module__
        self.__wrapped__ = function
        check_name(self.name, function.__qualname__)
        self._events: tuple[EventType, ...] = ()
        self._parts: dict[str, Any] = {}
        with suppress(NameError):  # a forward reference: resolved when it is run
            self._resolve(names)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the function itself."""
        return self.function(*arguments, **named)

    def __repr__(self) -> str:
        return f"<reaction {self.name}>"

    def __reduce__(self) -> str:
        """Copied and pickled by its name, as functions are."""
        return self.__qualname__

    def _resolve(self, names: Mapping[str, Any] | None = None) -> None:
        hints = get_type_hints(self.function, localns=dict(names or {}), include_extras=True)
        parameters = list(inspect.signature(self.function).parameters)
        if not parameters or parameters[0] not in hints:
            raise DefinitionError(
                f"{self.name}: its first parameter is the event, and its annotation says which: event: OrderPaid"
            )
        events = events_of(hints[parameters[0]], self.name)
        for name in parameters[1:]:
            kind = hints.get(name)
            if kind is not Delivery and kind is not Record and not is_state(kind):
                raise DefinitionError(
                    f"{self.name}: {name} is to be a state, Delivery or Record; everything else is in the event"
                )
            if isinstance(kind, type) and issubclass(kind, State):
                for event in events:
                    shared(kind, event, self.name)
            self._parts[name] = kind
        if (field := self.policy.partition) is not None:
            for event in events:
                if field not in getattr(event.cls, "__annotations__", {}) and not hasattr(event.cls, field):
                    raise DefinitionError(f"{self.name}: {event.name} has no field {field!r}, its partition")
        self._events = events

    @property
    def parts(self) -> Mapping[str, Any]:
        """Its parameters after the event, and their types. Raises `DefinitionError`."""
        return self._parts if self.event_types else {}

    @property
    def event_types(self) -> tuple[EventType, ...]:
        """The events that it takes. Raises `DefinitionError`."""
        if not self._events:
            try:
                self._resolve()
            except NameError as wrong:
                raise DefinitionError(f"{self.name}: {unresolved(wrong)}") from wrong
        return self._events

    @property
    def types(self) -> frozenset[str]:
        """The names of the events that it takes."""
        return frozenset(event.name for event in self.event_types)

    def concerns(self, event: Any) -> bool:  # noqa: ARG002 - each does
        """Whether an event of these types is for it."""
        return True

    def key_of(self, event: Any) -> str | None:
        """The key of an event: events of one key stay in order."""
        return None if self.policy.partition is None else str(getattr(event, self.policy.partition))

    def references(self, event: Any) -> dict[str, State]:
        """The states to load as of an event."""
        kind = event_type(type(event))
        return {
            name: referenced(cls, event, kind, self.name)
            for name, cls in self._parts.items()
            if is_state(cls)
        }

    def run(self, event: Any, states: Mapping[str, State], delivery: Delivery, wait: Wait) -> list[Command]:
        """Run the function once; see `Reacting.run`."""
        given: dict[str, Any] = {
            name: delivery if kind is Delivery else delivery.record
            for name, kind in self._parts.items()
            if name not in states
        }
        result = self.function(event, **states, **given)
        if inspect.iscoroutine(result) or inspect.isasyncgen(result):
            result = wait(result)
        return list(commands(result, self.name))


def check_name(name: str, what: str) -> None:
    """Raise `DefinitionError` for a name that cannot be part of a ref's."""
    if not NAME.fullmatch(name):
        raise DefinitionError(f"{what}: {name!r} cannot be a name; take one like {NAME.pattern}")


def events_of(annotation: Any, name: str) -> tuple[EventType, ...]:
    """The events that an annotation names. Raises `DefinitionError`."""
    try:
        return tuple(map(event_type, event_classes(annotation)))
    except DefinitionError as wrong:
        raise DefinitionError(f"{name}: {wrong}") from None


def shared(cls: type[State], event: EventType, name: str) -> dict[str, str]:
    """The fields of an event that are the identity of a state, by the state's own. Raises `DefinitionError`."""
    kind = state_type(cls)
    own = {field.key: field.name for field in event.tag_fields if not field.many}
    fields = {field.name: own[field.key] for field in kind.tag_fields if field.key in own}
    missing = [field for field in kind.identity if field not in fields]
    if missing or not kind.identity:
        raise DefinitionError(
            f"{name}: {event.name} does not say which {cls.__name__} it is about: it has no tag like"
            f" {cls.__name__}.{', '.join(missing)}"
        )
    return fields


def referenced(cls: type[State], event: Any, kind: EventType, name: str) -> State:
    """The state of a class that an event is about, by the tags that both have."""
    return cls(**{own: getattr(event, field) for own, field in shared(cls, kind, name).items()})


def commands(given: Any, name: str) -> Iterable[Command]:
    """The result of a reaction as commands: it may be an iterable, one command, or None. Raises `DecisionError`."""
    for each in steps(given):
        if not isinstance(each, Command):
            raise DecisionError(
                f"{name} gave {each!r}, and a reaction gives commands, as note_sent(Order('o-1'))"
            )
        yield each


def steps(given: Any) -> Iterable[Any]:
    """The result of code as an iterable: code may give an iterable, one thing, or None."""
    if given is None:
        return ()
    return given if hasattr(given, "__next__") or isinstance(given, (list, tuple)) else (given,)


@overload
def reaction(function: Callable[..., Any], /) -> Reaction: ...


@overload
def reaction(
    *,
    name: str | None = None,
    since: str = "now",
    retries: int = 5,
    partition: str | None = None,
    on_refused: str = "note",
    at_most_once: bool = False,
    concurrency: int = 1,
) -> Callable[[Callable[..., Any]], Reaction]: ...


def reaction(function: Callable[..., Any] | None = None, /, *, name: str | None = None, **policy: Any) -> Any:
    """Make a reaction of a function: it is called once for each event, and may do what cannot be taken back.

    Its first parameter is the event, of one type or a union. Others are states, which are loaded as of the event by the
    tags that both have; a `Delivery`; a `Record`. It yields commands, or returns one, several or none. They are
    executed when it has ended, in one unit with its checkpoint, each once under an id that follows from the event.
    It may be `async def`: then it runs in an event loop of asyncio that belongs to the reaction.

    It runs in one store only, and on main only; see `backstory.right`. Parameters are those of `Policy`, and `name`
    (default: the function's), which says for ever which events it has had. Raises `DefinitionError`.
    """
    local = sys._getframe(1).f_locals

    def made(function: Callable[..., Any]) -> Reaction:
        return Reaction(function, local, name, Policy(**policy))

    return made if function is None else made(function)


def named(cls: type[Any]) -> str:
    """The name of a class as the name of a reaction: `UnpaidOrders` is `unpaid_orders`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
