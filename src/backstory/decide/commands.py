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
import random
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar, get_type_hints, overload

import msgspec

from backstory.decide.arguments import Arguments
from backstory.decide.call import Command, G, R
from backstory.decide.inputs import Input, InputType, bound, for_callers, input_type, provided
from backstory.decide.parameters import (
    Dependent,
    Depends,
    Shape,
    StateParameter,
    check_renamed,
    dependent,
    inside,
    is_state,
    stages,
    state_parameter,
)
from backstory.decide.register import register
from backstory.decide.returned import given_events
from backstory.errors import DecisionError, DefinitionError, MissingInput
from backstory.told import two_of_one_name
from backstory.values.event import Event, is_event
from backstory.values.fields import unresolved
from backstory.values.masking import masked_repr, masked_words, plainly
from backstory.values.privacy import Privacy
from backstory.values.veil import HIDDEN, OPEN, Veil, own_veil, united

if TYPE_CHECKING:
    from backstory.values.commit import Commit

P = ParamSpec("P")
T = TypeVar("T")
V = TypeVar("V", bound="Event")
W = TypeVar("W")


FOLLOWING = frozenset(
    ["states", "dependents", "reads", "stages", "is_plain", "inputs", "plain", "withheld", "veil", "gives"]
)
"""The attributes of a command that follow from its annotations: plain ones, because each execution asks for some."""


class CommandType(Generic[P, R, G]):
    """A function that was marked with `@command`."""

    states: dict[str, StateParameter]
    """The parameters that are states, which a caller gives."""
    dependents: dict[str, Dependent]
    """The parameters that are states, which a function names."""
    reads: dict[str, StateParameter]
    """The parameters that are states, all of them."""
    stages: list[tuple[str, ...]]
    """The parameters that a function names, in the order in which their states can be read."""
    is_plain: bool
    """Whether each of its states is one that a caller gives."""
    inputs: dict[str, InputType]
    """The parameters that are provided: time, author, ids, chance."""
    plain: dict[str, Any]
    """The other parameters, and their types."""
    withheld: tuple[str, ...]
    """The parameters that are not recorded: they are secret, or have a secret part."""
    veil: Veil | None
    """The marks of its arguments; None if no argument is marked."""
    gives: tuple[type[Any], ...]
    """The event classes that its return annotation names."""
    decides_again: bool = False
    """Whether a merge decides its commits again by itself, where something is in their way."""

    def __init__(
        self,
        function: Callable[P, Any],
        names: Mapping[str, Any] | None = None,
        name: str | None = None,
        renamed: Mapping[str, str] | None = None,
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
        self.signature = self._signature = inspect.signature(function)
        self._resolved = False
        for parameter in self.signature.parameters.values():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
                raise DefinitionError(
                    f"{self.name}: a command's parameters have names, so {parameter} cannot be one"
                )
        self.renamed = dict(renamed or {})
        check_renamed(self.name, self.signature.parameters, self.renamed)
        with suppress(NameError):  # a forward reference: resolved at the first call
            self._resolve(names)

    def today(self, recorded: Mapping[str, T]) -> dict[str, T]:
        """Recorded values by the names that the parameters have today. Raises `TypeError` if one has two values."""
        values: dict[str, T] = {}
        for name, value in recorded.items():
            now = self.renamed.get(name, name)
            if now in values:
                raise TypeError(f"{self.name}: {now} has two values: it was {name}")
            values[now] = value
        return values

    def _resolve(self, names: Mapping[str, Any] | None = None) -> None:
        """Read from the annotations which parameters are states, the types of the others, and the possible events."""
        hints = get_type_hints(self.function, localns=names, include_extras=True)
        returned = hints.pop("return", Any)
        parameters = self._signature.parameters
        missing = [name for name in parameters if name not in hints]
        if missing:
            raise DefinitionError(f"{self.name}: parameter {missing[0]} has no annotation")
        self.inputs = {name: kind for name, hint in hints.items() if (kind := input_type(hint)) is not None}
        self.dependents = {
            name: dependent(self.name, name, parameter.default, hints, names)
            for name, parameter in parameters.items()
            if isinstance(parameter.default, Depends)
        }
        self.stages = stages(self.name, self.dependents)
        states = {name: state for name, hint in hints.items() if (state := state_parameter(hint)) is not None}
        self.states = {name: state for name, state in states.items() if name not in self.dependents}
        self.reads = self.states | {name: one.state for name, one in self.dependents.items()}
        self.plain = {
            name: hint for name, hint in hints.items() if name not in states and name not in self.inputs
        }
        self.is_plain = not self.dependents and all(
            state.shape is Shape.ONE for state in self.states.values()
        )
        for name, hint in self.plain.items():
            if any(map(is_state, inside(hint))):
                raise DefinitionError(
                    f"{self.name}: {name} holds states, but a state is loaded only as a parameter of its own:"
                    " Ticket, Ticket | None or list[Ticket]"
                )
            if hint is random.Random:
                raise DefinitionError(
                    f"{self.name}: {name} is a random.Random, which cannot be recorded; annotate it with"
                    " backstory.Random, which is recorded by its seed"
                )
        self.signature = for_callers(self._signature, self.inputs)
        self._names = tuple(self.signature.parameters)
        self._left_out = {*self.inputs, *self.dependents}
        veils = {name: own_veil(self.plain.get(name)) for name in hints}
        self.veil = united(veils | {old: veils[new] for old, new in self.renamed.items()})
        self.withheld = tuple(
            name for name, hint in self.plain.items() if Privacy.SECRET in (own_veil(hint) or OPEN).marks()
        )
        self._guards = self.veil is not None or any(own_veil(state.cls) for state in states.values())
        self.keeps_marked = any(
            own_veil(hint) for name, hint in self.plain.items() if name not in self.withheld
        )
        self.gives = given_events(returned, self.name)
        fields = [(name, hint, self._default(name)) for name, hint in self.plain.items()]
        self._arguments: type[Any] = msgspec.defstruct(self.name, fields, kw_only=True)
        try:
            msgspec.json.Decoder(self._arguments)
        except TypeError as wrong:
            raise DefinitionError(f"{self.name}: {wrong}") from wrong
        self._recording: Arguments | None = None  # made when it is needed: the states are defined by then
        self._resolved = True

    def _default(self, name: str) -> Any:
        default = self.signature.parameters[name].default
        empty = default is inspect.Parameter.empty
        return msgspec.NODEFAULT if empty else msgspec.field(default_factory=lambda: default)

    def __getattr__(self, name: str) -> Any:
        """Read annotations that could not be read before, for what follows from them. Raises `DefinitionError`."""
        if name in FOLLOWING and not self._resolved:
            self._need_types()
            return getattr(self, name)
        raise AttributeError(f"{type(self).__name__} has no {name}")

    def recorded_veil(self) -> Veil | None:
        """The same to show a recorded command: everything is masked if an annotation cannot be read yet."""
        try:
            return self.veil
        except DefinitionError:
            return HIDDEN

    def shown(self, name: str, value: Any) -> str:
        """An argument as somebody would write it, its marked parts masked."""
        return masked_repr(value, self.veil and self.veil.at(name), plainly)

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

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Command[R, G]:
        """Check the arguments against the annotations. Raises `TypeError`, as the function itself would."""
        self._need_types()
        arguments = self._bound(args, kwargs)
        inputs = self._taken_out(arguments) if self._left_out else None
        for name, state in self.states.items():
            given = arguments[name]
            exact = type(given) is state.cls and state.shape is not Shape.MANY
            if not exact and not state.fits(given):
                from backstory.decide.mistaken import no_such_state

                words = no_such_state(state, given, guarded=self._guards)
                raise TypeError(f"{self.name}: {name} is a {state.wanted}, {words}")
            if state.shape is Shape.MANY:
                arguments[name] = list(arguments[name])
        arguments |= self._converted({name: arguments[name] for name in self.plain})
        return Command(self, arguments, inputs)

    def _taken_out(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The inputs among the arguments, which keep neither these nor what depends on others. Raises `TypeError`."""
        for name, one in self.dependents.items():
            if not isinstance(arguments.pop(name), Depends):
                raise TypeError(f"{self.name}: {name} is found by {one.function.__name__}; leave it out")
        given = {name: value for name in self.inputs if (value := arguments.pop(name)) is not provided}
        try:
            return {name: self.inputs[name].given(value) for name, value in given.items()}
        except TypeError as wrong:
            raise TypeError(f"{self.name}: an input is {wrong}") from None

    def _bound(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments by name, in the order of the parameters, with the defaults."""
        arguments = {**dict(zip(self._names, args, strict=False)), **kwargs}
        if len(args) + len(kwargs) == len(arguments) and tuple(arguments) == self._names:
            return arguments  # all are there and in order, the usual case: no need for `bind`, which is slow
        try:
            return bound(self.signature, args, kwargs)
        except TypeError as wrong:
            raise TypeError(f"{self.name}: {wrong}") from None

    def _converted(self, plain: dict[str, Any]) -> dict[str, Any]:
        """The arguments in the types of their annotations: 5 as 5.0, a tuple as a list. Raises `TypeError`."""
        try:
            converted = msgspec.convert(plain, self._arguments, from_attributes=True)
        except msgspec.ValidationError as wrong:
            raise TypeError(f"{self.name}: {masked_words(wrong, self.veil).replace('`$.', '`')}") from None
        return {name: getattr(converted, name) for name in plain}

    def recorded(self, arguments: Mapping[str, Any]) -> bytes:
        """A command with these arguments as it is recorded, without inputs. Raises `InvalidEvent`."""
        # Several threads may be the first: each goes on with the one that it made.
        recording = self._recording or Arguments(self)
        self._recording = recording
        return recording.recorded(arguments)

    def parse(self, arguments: Mapping[str, Any], *, strict: bool = True) -> Command:
        """The command that `recorded` described; `strict=False` also takes numbers and the like from text.

        Raises `TypeError` if the arguments do not fit the function, for instance after the function has changed.
        """
        given = self.today(arguments)
        if strangers := set(given) - {*self.states, *self.plain}:
            old = min(strangers)
            raise TypeError(
                f"{self.name} has no parameter {old}; if it has another name now, say"
                f' @command(renamed={{"{old}": "..."}})'
            )
        try:
            states = {
                name: state.parsed(given.pop(name), strict=strict)
                for name, state in self.states.items()
                if name in given
            }
            plain = msgspec.convert(given, self._arguments, strict=strict)
        except msgspec.ValidationError as wrong:
            raise TypeError(f"{self.name}: {masked_words(wrong, self.veil)}") from None
        return self(**states, **{name: getattr(plain, name) for name in self.plain})  # type: ignore[call-arg]

    def again(self, recorded: Mapping[str, Any], author: str) -> Command:
        """The command of a commit of this author, with the inputs that were recorded, to be decided again.

        Raises `TypeError` if it does not fit the function, and `MissingInput` if the function asks for more inputs.
        """
        command = self.parse(recorded["arguments"])
        inputs = recorded.get("inputs", {})
        if not isinstance(inputs, dict):
            raise TypeError(f"{self.name}: its recorded inputs are no object")
        inputs = self.today(inputs)
        try:
            command.inputs = {
                name: kind.parsed(inputs[name]) for name, kind in self.inputs.items() if name in inputs
            }
        except msgspec.ValidationError as wrong:
            raise TypeError(f"{self.name}: {wrong}") from None
        command.author = author
        for name, kind in self.inputs.items():
            if name not in inputs and kind.kind is not Input.AUTHOR:
                raise MissingInput(f"{self.name}: {name} was not recorded")
        command.given()
        return command

    def events(self, result: Any) -> list[Any]:
        """The result of the function as a list of events: it may be an iterable, one event, or None."""
        if result is None:
            return []
        many = isinstance(result, (list, tuple)) or hasattr(result, "__next__")
        events = list(result) if many else [result]
        for event in events:
            if type(event) in self.gives:
                continue
            if not is_event(type(event)):
                shown = f"a value of type {type(event).__name__}" if self._guards else repr(event)
                raise DecisionError(f"{self.name} gave {shown}, which is not an event")
            if self.gives and Event not in self.gives:
                names = " | ".join(cls.__name__ for cls in self.gives)
                twice = "".join(two_of_one_name(cls, type(event)) for cls in self.gives)
                raise DecisionError(
                    f"{self.name} gave {event!r}, but its return annotation says {names}{twice}"
                )
        return events


class _Naming(Protocol):
    """`command(name=...)`, which waits for the function."""

    @overload
    def __call__(self, function: Callable[P, V], /) -> CommandType[P, Commit, V]: ...

    @overload
    def __call__(self, function: Callable[P, W], /) -> CommandType[P, Commit | None, W]: ...


@overload
def command(function: Callable[P, V], /) -> CommandType[P, Commit, V]: ...


@overload
def command(function: Callable[P, W], /) -> CommandType[P, Commit | None, W]: ...


@overload
def command(*, name: str | None = None, renamed: Mapping[str, str] | None = None) -> _Naming: ...


def command(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    renamed: Mapping[str, str] | None = None,
) -> Any:
    """Make a command of a function from states, and plain arguments, to events.

    It may be a generator, or return a list, one event or None; to refuse, it raises `Refused`. It must be pure: it may
    run several times, on newer states, and again in a merge. Commits record `name` (default: the function's): give one
    if two modules have a function of the same name, or if the function has another name now. They record the names of
    parameters, too: `renamed={"reason": "resolution"}` reads a recorded `reason` as `resolution`. Raises
    `DefinitionError` if it cannot be a command.
    """
    local = sys._getframe(1).f_locals

    def made(function: Callable[..., Any]) -> CommandType[...]:
        kind = CommandType(function, local, name, renamed)
        register(kind)
        return kind

    return made if function is None else made(function)
