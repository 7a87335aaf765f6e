"""Commands that somebody asks for in words: on a command line, or in a form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from backstory.decide.parameters import Shape
from backstory.errors import InputError
from backstory.texts import values
from backstory.texts.states import referred

if TYPE_CHECKING:
    from backstory.decide.call import Command
    from backstory.decide.commands import CommandType


def called(
    command: CommandType[...],
    states: Mapping[str, Any],
    texts: Mapping[str, str | list[str]],
    spelled: Callable[[str], str] = str,
) -> Command:
    """The command with these states, by their identities, and these texts as its other arguments.

    A state has a word for each field of its identity; a parameter that is many states has a list of such. A parameter
    that is left out has its default; a state of which there may be none is none. `spelled` says how a parameter is
    named where these words come from. Raises `InputError`, which names the parameter.
    """
    given: dict[str, Any] = {}
    for name, state in command.states.items():
        words = states.get(name)
        if words is not None:
            many = state.shape is Shape.MANY
            given[name] = (
                [referred(state.cls, each) for each in words] if many else referred(state.cls, words)
            )
        elif state.shape is Shape.OPTIONAL and _has_no_default(command, name):
            given[name] = None
    given |= {name: _plain(command, name, text, spelled) for name, text in texts.items()}
    names = (*command.states, *command.plain)
    missing = [spelled(name) for name in names if name not in given and required(command, name)]
    if missing:
        raise InputError(f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing")
    try:
        return command(**given)
    except TypeError as wrong:
        raise InputError(str(wrong).removeprefix(f"{command.name}: ")) from None


def required(command: CommandType[...], name: str) -> bool:
    """Whether a parameter has no default; a state of which there may be none has one here, since None has no words."""
    state = command.states.get(name)
    optional = state is not None and state.shape is Shape.OPTIONAL
    return _has_no_default(command, name) and not optional


def _has_no_default(command: CommandType[...], name: str) -> bool:
    parameter = command.signature.parameters[name]
    return parameter.default is parameter.empty


def _plain(command: CommandType[...], name: str, text: str | list[str], spelled: Callable[[str], str]) -> Any:
    annotation = command.plain[name]
    try:
        if isinstance(text, list):
            return values.parsed_many(text, annotation)
        return values.parsed(text, annotation)
    except ValueError as wrong:
        raise InputError(f"{spelled(name)} {wrong}") from None
