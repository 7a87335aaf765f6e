"""Commands: functions from states to events. The events that a command reads are its consistency boundary.

    @command
    def withdraw(account: Account, cents: int) -> Iterator[Withdrawn]:
        if account.balance < cents:
            raise Refused("insufficient funds")
        yield Withdrawn(account.account, cents)

Calling `withdraw(Account("a-7"), cents=50)` decides nothing yet: it checks the arguments and gives a `Command`, a value
that can be executed, previewed, stored, and decided again.
"""

from __future__ import annotations

import inspect
import sys
import types
from collections import abc
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Generic, ParamSpec, get_args, get_origin, get_type_hints, overload

import msgspec

from backstory.decide.arguments import Arguments
from backstory.decide.state import State, boundary, identity
from backstory.errors import DecisionError, DefinitionError
from backstory.values.event import Event, is_event
from backstory.values.event_types import event_classes
from backstory.values.fields import unresolved
from backstory.values.masking import know_command, masked_repr, masked_words, plainly
from backstory.values.privacy import Privacy
from backstory.values.query import Query
from backstory.values.veil import HIDDEN, OPEN, Veil, united, veil_of

P = ParamSpec("P")

_decode = msgspec.json.Decoder(dict[str, Any]).decode


ANY_EVENT = (Any, None, types.NoneType, list, tuple, abc.Iterator, abc.Iterable, abc.Generator, abc.Sequence)
"""Return annotations that name no event class."""

LONGEST, LONGEST_ARGUMENT = 200, 60
"""Characters of a command, and of one of its arguments, as they are shown in errors and previews."""


class Command:
    """A decision that was asked for: which function, and with which arguments. States in it are references."""

    __slots__ = ("arguments", "kind", "states")

    def __init__(self, kind: CommandType[...], arguments: dict[str, Any]) -> None:
        self.kind = kind
        self.arguments = arguments
        self.states: dict[str, State] = {name: arguments[name] for name in kind.states}
        """The states that it reads, as references, by parameter."""

    def __repr__(self) -> str:
        return str(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy is made of the same function, and of copies of the arguments."""
        return Command, (self.kind, self.arguments)

    def __str__(self) -> str:
        """As one would call it: `withdraw(a-7, cents=50)`. Long arguments are cut short, and marked ones are masked."""
        return shortened(f"{self.kind.name}({', '.join(self._shown())})", LONGEST)

    def _shown(self) -> Iterable[str]:
        for name, value in self.arguments.items():
            if name in self.states:
                yield "/".join(str(part) for part in identity(value).values()) or type(value).__name__
            else:
                yield f"{name}={shortened(self.kind.shown(name, value), LONGEST_ARGUMENT)}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Command) and (self.kind, self.arguments) == (other.kind, other.arguments)

    __hash__ = None  # type: ignore[assignment]  # its arguments may change

    @property
    def name(self) -> str:
        """The name under which it is recorded."""
        return self.kind.name

    @property
    def query(self) -> Query:
        """Its boundary: the union of the queries of its states."""
        return boundary(self.states.values())

    def recorded(self) -> dict[str, Any]:
        """As a commit records it, in plain JSON values: the name, the arguments, and which of them are states.

        States are recorded by their identity, and named, so that a reader without this code can tell them from other
        arguments. An argument that is secret or has a secret part is left out, and `withheld` names it. Raises
        `InvalidEvent` if an argument would not come back equal: then the command could not be decided again.
        """
        return _decode(self.recorded_json())

    def recorded_json(self) -> bytes:
        """The same as JSON. Raises the errors of `recorded`."""
        return self.kind.recorded(self.arguments)

    def decide(self, states: Mapping[str, State]) -> list[Any]:
        """Run the function on these states and return its events. Raises `Refused`, and any error of the function."""
        return self.kind.events(self.kind.function(**{**self.arguments, **states}))


class CommandType(Generic[P]):
    """A function that was marked with `@command`."""

    def __init__(
        self, function: Callable[P, Any], names: Mapping[str, Any] | None = None, name: str | None = None
    ) -> None:
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            raise DefinitionError(
                f"{function.__qualname__} is async, but a command is a pure decision: it does not wait for anything."
                " Await what it needs before, and pass it as an argument"
            )
        self.function = function
        self.name = name or function.__name__
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__
        self.__qualname__ = function.__qualname__
        self.__module__ = function.__module__
        self.__wrapped__ = function
        self.signature = inspect.signature(function)
        self._names = tuple(self.signature.parameters)
        self._resolved = False
        for parameter in self.signature.parameters.values():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
                raise DefinitionError(
                    f"{self.name}: a command's parameters have names, so {parameter} cannot be one"
                )
        with suppress(NameError):  # a forward reference: resolved at the first call
            self._resolve(names)

    def _resolve(self, names: Mapping[str, Any] | None = None) -> None:
        """Read from the annotations which parameters are states, the types of the others, and the possible events."""
        hints = get_type_hints(self.function, localns=names, include_extras=True)
        returned = hints.pop("return", Any)
        missing = [name for name in self._names if name not in hints]
        if missing:
            raise DefinitionError(f"{self.name}: parameter {missing[0]} has no annotation")
        self._states = {name: hint for name, hint in hints.items() if _is_state(hint)}
        self._plain = {name: hint for name, hint in hints.items() if name not in self._states}
        for name, hint in self._plain.items():
            if any(map(_is_state, _inside(hint))):
                raise DefinitionError(
                    f"{self.name}: {name} holds states, but a state is loaded only as a parameter of its own"
                )
        self._veil = united({name: veil_of(self._plain.get(name)) for name in hints})
        self._withheld = tuple(
            name for name, hint in self._plain.items() if Privacy.SECRET in (veil_of(hint) or OPEN).marks()
        )
        self._guards = self._veil is not None or any(map(veil_of, self._states.values()))
        self.keeps_marked = any(
            veil_of(hint) for name, hint in self._plain.items() if name not in self._withheld
        )
        self._events = _event_classes(returned, self.name)
        fields = [(name, hint, self._default(name)) for name, hint in self._plain.items()]
        self._arguments: type[Any] = msgspec.defstruct(self.name, fields, kw_only=True)
        try:
            msgspec.json.Decoder(self._arguments)
        except TypeError as wrong:
            raise DefinitionError(f"{self.name}: {wrong}") from wrong
        self._recording: Arguments | None = None  # made when it is needed: the states are defined by then
        self._resolved = True

    def _default(self, name: str) -> Any:
        default = self.signature.parameters[name].default
        if default is inspect.Parameter.empty:
            return msgspec.NODEFAULT
        return msgspec.field(default_factory=lambda: default)

    @property
    def states(self) -> dict[str, type[State]]:
        """The parameters that are states, and their classes."""
        self._need_types()
        return self._states

    @property
    def plain(self) -> dict[str, Any]:
        """The other parameters, and their types."""
        self._need_types()
        return self._plain

    @property
    def withheld(self) -> tuple[str, ...]:
        """The parameters that are not recorded: they are secret, or have a secret part."""
        self._need_types()
        return self._withheld

    @property
    def veil(self) -> Veil | None:
        """The marks of its arguments; None if no argument is marked."""
        self._need_types()
        return self._veil

    def recorded_veil(self) -> Veil | None:
        """The same to show a recorded command: everything is masked if an annotation cannot be read yet."""
        try:
            return self.veil
        except DefinitionError:
            return HIDDEN

    def shown(self, name: str, value: Any) -> str:
        """An argument as somebody would write it, its marked parts masked."""
        return masked_repr(value, self.veil and self.veil.at(name), plainly)

    @property
    def gives(self) -> tuple[type[Any], ...]:
        """The event classes that its return annotation names."""
        self._need_types()
        return self._events

    def _need_types(self) -> None:
        if not self._resolved:
            try:
                self._resolve()
            except NameError as wrong:
                raise DefinitionError(f"{self.name}: {unresolved(wrong)}") from wrong

    def __repr__(self) -> str:
        return f"<command {self.name}{self.signature}>"

    def __reduce__(self) -> str:
        """Copied and pickled by its name, as functions and classes are."""
        return self.__qualname__

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Command:
        """Check the arguments against the annotations. Raises `TypeError`, as the function itself would."""
        self._need_types()
        arguments = self._bound(args, kwargs)
        for name, cls in self._states.items():
            if not isinstance(arguments[name], cls):
                from backstory.decide.mistaken import no_such_state

                words = no_such_state(cls, arguments[name], guarded=self._guards)
                raise TypeError(f"{self.name}: {name} is a {cls.__name__}, {words}")
        arguments |= self._converted({name: arguments[name] for name in self._plain})
        return Command(self, arguments)

    def _bound(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments by name, in the order of the parameters, with the defaults."""
        arguments = {**dict(zip(self._names, args, strict=False)), **kwargs}
        if len(args) + len(kwargs) == len(arguments) and tuple(arguments) == self._names:
            return arguments  # all are there and in order, the usual case: no need for `bind`, which is slow
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as wrong:
            raise TypeError(f"{self.name}: {wrong}") from None
        bound.apply_defaults()
        return bound.arguments

    def _converted(self, plain: dict[str, Any]) -> dict[str, Any]:
        """The arguments in the types of their annotations: 5 as 5.0, a tuple as a list. Raises `TypeError`."""
        try:
            converted = msgspec.convert(plain, self._arguments, from_attributes=True)
        except msgspec.ValidationError as wrong:
            raise TypeError(f"{self.name}: {masked_words(wrong, self.veil).replace('`$.', '`')}") from None
        return {name: getattr(converted, name) for name in plain}

    def recorded(self, arguments: Mapping[str, Any]) -> bytes:
        """A command with these arguments as it is recorded. Raises `InvalidEvent`."""
        # Several threads may be the first: each goes on with the one that it made.
        recording = self._recording or Arguments(self)
        self._recording = recording
        return recording.recorded(arguments)

    def parse(self, arguments: Mapping[str, Any], *, strict: bool = True) -> Command:
        """The command that `recorded` described; `strict=False` also takes numbers and the like from text.

        Raises `TypeError` if the arguments do not fit the function, for instance after the function has changed.
        """
        given = dict(arguments)
        if strangers := set(given) - set(self._names):
            raise TypeError(f"{self.name} has no parameter {min(strangers)}")
        try:
            states = {
                name: _reference(cls, given.pop(name), strict=strict)
                for name, cls in self.states.items()
                if name in given
            }
            plain = msgspec.convert(given, self._arguments, strict=strict)
        except msgspec.ValidationError as wrong:
            raise TypeError(f"{self.name}: {masked_words(wrong, self.veil)}") from None
        return self(**states, **{name: getattr(plain, name) for name in self.plain})  # type: ignore[arg-type, call-arg]

    def events(self, result: Any) -> list[Any]:
        """The result of the function as a list of events: it may be an iterable, one event, or None."""
        if result is None:
            return []
        many = isinstance(result, (list, tuple)) or hasattr(result, "__next__")
        events = list(result) if many else [result]
        for event in events:
            if type(event) in self._events:
                continue
            if not is_event(type(event)):
                shown = f"a value of type {type(event).__name__}" if self._guards else repr(event)
                raise DecisionError(f"{self.name} gave {shown}, which is not an event")
            if self._events and Event not in self._events:
                names = " | ".join(cls.__name__ for cls in self._events)
                raise DecisionError(f"{self.name} gave {event!r}, but its return annotation says {names}")
        return events


definitions: dict[str, CommandType[...]] = {}
"""Every command by its name: so that a recorded decision can be made again."""

clashes: set[str] = set()
"""Names that two modules gave to commands: a command that was recorded under such a name could be either."""


@overload
def command(function: Callable[P, Any], /) -> CommandType[P]: ...


@overload
def command(*, name: str) -> Callable[[Callable[P, Any]], CommandType[P]]: ...


def command(function: Callable[..., Any] | None = None, /, *, name: str | None = None) -> Any:
    """Make a command of a function from states, and plain arguments, to events.

    It may be a generator, or return a list, one event or None; to refuse, it raises `Refused`. It must be pure: it may
    run several times, on newer states, and again in a merge. Commits record `name` (default: the function's): give one
    if two modules have a function of the same name. Raises `DefinitionError` if it cannot be a command.
    """
    local = sys._getframe(1).f_locals

    def made(function: Callable[..., Any]) -> CommandType[...]:
        kind = CommandType(function, local, name)
        other = definitions.get(kind.name)
        if other is not None and other.__module__ != kind.__module__:
            clashes.add(kind.name)
        definitions[kind.name] = kind
        know_command(kind.name, kind.__module__, kind.recorded_veil)
        return kind

    return made if function is None else made(function)


def shortened(text: str, length: int) -> str:
    """The beginning and the end of a text that is longer than this."""
    if len(text) <= length:
        return text
    end = length // 4
    return f"{text[: length - end - 3]}...{text[-end:]}"


def first_of(texts: Iterable[str], most: int = 3) -> str:
    """The first of some texts, and how many there are beside."""
    found = list(texts)
    more = f", and {len(found) - most} more" if len(found) > most else ""
    return f"{', '.join(found[:most])}{more}"


def _reference(cls: type[State], given: Any, *, strict: bool) -> State:
    """The state with an identity that comes from JSON or a command line: of the types that its fields name."""
    reference = cls(**given) if isinstance(given, Mapping) else cls(*[given])
    return msgspec.convert(identity(reference), cls, strict=strict)


def _is_state(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, State)


def _inside(annotation: Any) -> Iterator[Any]:
    """The types that a type is made of."""
    for part in get_args(annotation):
        yield part
        yield from _inside(part)


def _event_classes(annotation: Any, name: str) -> tuple[type[Any], ...]:
    """The event classes inside a return annotation such as `Iterator[A | B]`, `list[A]`, `A | None`; none: any."""
    annotation = getattr(annotation, "__value__", annotation)  # of a `type` statement
    if annotation in ANY_EVENT:
        return ()
    origin = get_origin(annotation)
    if origin is not None:
        parts = get_args(annotation)
        if origin is abc.Generator:
            parts = parts[:1]
        found = [_event_classes(part, name) for part in parts if part not in (Ellipsis, types.NoneType)]
        return () if () in found else tuple(cls for classes in found for cls in classes)
    if annotation is Event:
        return (annotation,)
    try:
        return tuple(event_classes(annotation))
    except DefinitionError as wrong:
        raise DefinitionError(f"{name}: its return annotation: {wrong}") from None
