"""Parameters of a command that are states: one, one or none, or many; given by the caller, or found by a function.

@command
def close(ticket: Ticket, agent: Agent | None = depends(assignee), watchers: list[User] = depends(watching)): ...
"""

from __future__ import annotations

import enum
import inspect
import types
from collections.abc import Callable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec

from backstory.decide.call import LONGEST, shortened
from backstory.decide.state import State, identity
from backstory.errors import DecisionError, DefinitionError
from backstory.values.privacy import unmarked

T = TypeVar("T")


class Shape(enum.Enum):
    """How many states a parameter is."""

    ONE = "one"
    OPTIONAL = "one or none"
    MANY = "many"


class StateParameter(msgspec.Struct, frozen=True):
    """A parameter that is a state, by its annotation."""

    cls: type[State]
    shape: Shape

    @property
    def wanted(self) -> str:
        """Its annotation in words."""
        name = self.cls.__name__
        return {Shape.ONE: name, Shape.OPTIONAL: f"{name} | None", Shape.MANY: f"list[{name}]"}[self.shape]

    def fits(self, value: Any) -> bool:
        """Whether a value is a reference, or references, of this class and shape."""
        if self.shape is Shape.MANY:
            return isinstance(value, (list, tuple)) and all(isinstance(each, self.cls) for each in value)
        return isinstance(value, self.cls) or (value is None and self.shape is Shape.OPTIONAL)

    def each(self, value: Any, change: Callable[[State], Any]) -> Any:
        """The value with something else in the place of each of its states."""
        if self.shape is Shape.MANY:
            return [change(state) for state in value]
        return None if value is None else change(value)

    def states(self, value: Any) -> list[State]:
        """The states of the value: none, one, or many."""
        if self.shape is Shape.MANY:
            return list(value)
        return [] if value is None else [value]

    def parsed(self, given: Any, *, strict: bool) -> Any:
        """The references, from JSON or a command line. Raises `msgspec.ValidationError`."""
        if self.shape is Shape.MANY and not isinstance(given, list):
            raise msgspec.ValidationError(f"Expected `array`, got `{type(given).__name__}`")
        if given is None and self.shape is not Shape.OPTIONAL:
            raise msgspec.ValidationError(f"Expected `object`, got `null` for {self.wanted}")
        return self.each(given, lambda one: _reference(self.cls, one, strict=strict))


def each_state(values: Mapping[str, Any]) -> Iterator[tuple[str, State]]:
    """The states of some parameters, each with a name: `ticket`, or `tickets[0]` for one of many."""
    for name, value in values.items():
        if isinstance(value, list):
            yield from ((f"{name}[{index}]", state) for index, state in enumerate(value))
        elif value is not None:
            yield name, value


class Depends(msgspec.Struct, frozen=True):
    """The default of a parameter whose states a function names."""

    function: Callable[..., Any]

    def __repr__(self) -> str:
        return f"depends({getattr(self.function, '__name__', self.function)})"


def depends(function: Callable[..., T]) -> T:
    """The default of a parameter that is a state which other parameters determine.

    The function is pure, and gets parameters of the command, by name and type: filled states, arguments, inputs. It
    returns a reference; None where the annotation allows it, a list where the annotation is one. The state is read at
    the same position as those before it, and the condition of the commit covers them all. A caller leaves it out.
    """
    return cast("T", Depends(function))


class Dependent(msgspec.Struct, frozen=True):
    """A parameter whose states a function names, from these parameters."""

    state: StateParameter
    function: Callable[..., Any]
    needs: tuple[str, ...]

    def find(self, name: str, values: Mapping[str, Any]) -> Any:
        """The references. Raises `DecisionError` if the function gives something else, and its own errors."""
        found = self.function(**{need: values[need] for need in self.needs})
        if not self.state.fits(found):
            gave = shortened(repr(found), LONGEST)
            raise DecisionError(f"{self.function.__name__} gave {gave} for {name}: {self.state.wanted}")
        return found


def state_parameter(annotation: Any) -> StateParameter | None:
    """The states that an annotation asks for; None if it asks for none."""
    if is_state(annotation):
        return StateParameter(annotation, Shape.ONE)
    parts = get_args(annotation)
    if get_origin(annotation) is list and is_state(parts[0]):
        return StateParameter(parts[0], Shape.MANY)
    if get_origin(annotation) in (Union, types.UnionType) and len(parts) == 2 and types.NoneType in parts:
        cls = parts[0] if parts[1] is types.NoneType else parts[1]
        return StateParameter(cls, Shape.OPTIONAL) if is_state(cls) else None
    return None


def _reference(cls: type[State], given: Any, *, strict: bool) -> State:
    """The state with an identity that comes from JSON or a command line: of the types that its fields name."""
    reference = cls(**given) if isinstance(given, Mapping) else cls(*[given])
    return msgspec.convert(identity(reference), cls, strict=strict)


def is_state(annotation: Any) -> bool:
    """Whether an annotation is a class of states."""
    return isinstance(annotation, type) and issubclass(annotation, State)


def inside(annotation: Any) -> Iterator[Any]:
    """The types that a type is made of."""
    for part in get_args(annotation):
        yield part
        yield from inside(part)


def dependent(
    command: str, name: str, mark: Depends, hints: Mapping[str, Any], names: Mapping[str, Any] | None
) -> Dependent:
    """The parameter `name` of a command, whose parameters have these types. Raises `DefinitionError`."""
    state, function = state_parameter(hints[name]), mark.function
    what = f"{command}: {name} depends on {getattr(function, '__name__', repr(function))}"
    if state is None:
        raise DefinitionError(
            f"{what}, so it is a state, one or none, or a list of them, not {hints[name]!r}"
        )
    if not inspect.isroutine(function):
        raise DefinitionError(
            f"{what}, which is a value of type {type(function).__name__}; write a function of the parameters that it"
            " needs, by their names"
        )
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise DefinitionError(
            f"{what}, which is async; it is a part of a pure decision, and waits for nothing"
        )
    if inspect.isgeneratorfunction(function):
        raise DefinitionError(f"{what}, which is a generator; let it return a list")
    own = get_type_hints(function, localns=dict(names or {}), include_extras=True)
    needs = tuple(inspect.signature(function).parameters)
    for need, parameter in inspect.signature(function).parameters.items():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise DefinitionError(f"{what}, whose parameter {need} cannot be given by its name")
        if need not in hints:
            raise DefinitionError(f"{what}, which asks for {need}, and that is no parameter of {command}")
        if unmarked(own.get(need, hints[need])) != unmarked(hints[need]):
            raise DefinitionError(
                f"{what}, which takes {need} as {own[need]!r}, and {command} has it as {hints[need]!r}"
            )
    gives = state_parameter(own["return"]) if "return" in own else state
    if gives is None or gives.cls is not state.cls or gives.shape not in (state.shape, Shape.ONE):
        raise DefinitionError(f"{what}, which gives {own['return']!r}, and not {state.wanted}")
    if gives.shape is not state.shape and state.shape is Shape.MANY:
        raise DefinitionError(f"{what}, which gives one state, and not {state.wanted}")
    return Dependent(state, function, needs)


def stages(command: str, dependents: Mapping[str, Dependent]) -> list[tuple[str, ...]]:
    """The dependent parameters in the order in which they can be read. Raises `DefinitionError` for a circle."""
    order = TopologicalSorter(
        {name: [need for need in one.needs if need in dependents] for name, one in dependents.items()}
    )
    found = []
    try:
        order.prepare()
    except CycleError as circle:
        names = " on ".join(reversed(circle.args[1]))
        raise DefinitionError(f"{command}: {names} depends in a circle; nothing can be read first") from None
    while order.is_active():
        ready = order.get_ready()
        found.append(tuple(sorted(ready, key=list(dependents).index)))
        order.done(*ready)
    return found


def check_renamed(command: str, parameters: Mapping[str, object], renamed: Mapping[str, str]) -> None:
    """Raise `DefinitionError` if an old name is a parameter still, or a new one is none."""
    for old, new in renamed.items():
        if new not in parameters or old in parameters:
            raise DefinitionError(
                f"{command}: renamed has the parameter that was, and the one that is: {old!r} is"
                f" {'still a parameter' if old in parameters else f'{new!r} now, which is no parameter'}"
            )
