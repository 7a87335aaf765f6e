"""Objects in the place of others: a command that was not called, a class for a state. Errors say what to write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from inspect import signature
from typing import Any

from backstory.decide.call import LONGEST_ARGUMENT, Command, shortened
from backstory.decide.commands import CommandType
from backstory.decide.gathering import key_of
from backstory.decide.parameters import Shape, StateParameter, each_state
from backstory.decide.state import State, state_type
from backstory.errors import DecisionError, DefinitionError
from backstory.told import two_of_one_name
from backstory.values.event import is_event


def need_command(given: Any) -> Command:
    """The given object, which must be a command with its arguments. Raises `TypeError`."""
    if type(given) is Command:
        return given
    if isinstance(given, CommandType):
        words = f"the command {given.name} was not called; write {given.name}({', '.join(given.signature.parameters)})"
    elif isinstance(given, State):
        words = f"{given!r} is a state: db.load gives it, and a command decides on it"
    elif is_event(type(given)):
        words = f"{given!r} is an event: db.append appends it, without a decision"
    elif callable(given) and not isinstance(given, type):
        words = f"{_name(given)} is a function, and no command yet: put @command before it, and call it"
    else:
        words = f"a command with its arguments is needed, as withdraw(Account('a-7'), cents=5), not {_what(given)}"
    raise TypeError(words)


def need_state(given: Any) -> State:
    """The given object, which must be a state with its identity. Raises `TypeError`."""
    if isinstance(given, State):
        return given
    if isinstance(given, type) and issubclass(given, State):
        words = f"{given.__name__} is a class; say which one is meant: {_example(given)}"
    elif isinstance(given, str) and ":" in given:
        words = f"{given!r} is a tag; a state of its latest values is Latest({given!r}), from backstory"
    elif isinstance(given, (Command, CommandType)):
        words = f"{given.name} is a command: db.execute executes it, db.preview shows what it would do"
    elif is_event(type(given)):
        words = f"{given!r} is an event; a state is needed, and db.read reads events"
    else:
        words = f"a state with its identity is needed, as Account('a-7'), not {_what(given)}"
    raise TypeError(words)


def need_untouched(command: Command, given: Mapping[str, Any], loaded: Iterable[State]) -> None:
    """Raise `DecisionError` if a command that gave no event changed a state that it was given: that would be lost."""
    known = {key_of(state): state for state in loaded}
    for name, state in each_state({name: given[name] for name in command.kind.reads}):
        before = known.get(key_of(state), state)
        # Values that do not equal their copies cannot be compared.
        if state != before and state_type(type(before)).copy(before) == before:
            raise DecisionError(
                f"{command} gave no event, and changed {name}: only events are kept, so the change would be lost. Give"
                f" an event that {type(before).__name__} applies; to try something out, change a copy.deepcopy({name})"
            )


def no_event(wrong: DefinitionError, given: Any) -> DefinitionError:
    """The error for an object that was given as an event, and is none."""
    if isinstance(given, (list, tuple)):
        words = "a list is not an event; give its elements: db.append(*events)"
    elif isinstance(given, (Command, CommandType)):
        words = f"{given.name} is a command, which db.execute executes; only events are appended"
    elif isinstance(given, State):
        words = f"{given!r} is a state, which follows from events; only events are appended"
    elif isinstance(given, type) and is_event(given):
        words = f"{given.__name__} is a class; an event has its values: {_example(given)}"
    else:
        return wrong
    return DefinitionError(words)


def not_read(given: Any) -> str:
    """The reason why `read` does not take an object."""
    if isinstance(given, type) and issubclass(given, State):
        return f"{given.__name__} is a state's class; say which one is meant: {_example(given)}"
    if is_event(type(given)):
        return f"{given!r} is one event; its class stands for all of them"
    if isinstance(given, (Command, CommandType)):
        return f"{given.name} is a command; its boundary is a query: command.query"
    return f"it does not take {_what(given)}"


def no_such_state(wanted: StateParameter, given: Any, *, guarded: bool) -> str:
    """The end of an error about an argument that should be such states; `guarded` hides its value."""
    cls = wanted.cls
    if wanted.shape is Shape.MANY and isinstance(given, cls):
        return "not one alone; put it into a list"
    if given is cls:
        return f"not the class; say which one is meant: {_example(cls)}"
    if isinstance(given, State) and (twice := two_of_one_name(cls, type(given))):
        return f"not one of another class{twice}"
    if guarded:
        return f"not a value of type {type(given).__name__}"
    one = isinstance(given, (str, int)) and len(state_type(cls).identity) == 1
    simple = one and wanted.shape is not Shape.MANY
    shown = shortened(repr(given), LONGEST_ARGUMENT)
    return f"not {shown}" + (f"; write {cls.__name__}({shown})" if simple else "")


def _example(cls: type[Any]) -> str:
    names = state_type(cls).identity if issubclass(cls, State) else signature(cls).parameters
    return f"{cls.__name__}({', '.join(f'{name}=...' for name in names)})"


def _name(function: Any) -> str:
    return getattr(function, "__name__", type(function).__name__)


def _what(given: Any) -> str:
    return f"a value of type {type(given).__name__}"
