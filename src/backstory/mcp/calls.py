"""A command of the application, as an assistant asks for it: its name, and its arguments as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from backstory.decide.parameters import Shape
from backstory.errors import InputError
from backstory.likeness import did_you_mean
from backstory.mcp.tool import Short
from backstory.texts.calls import called

if TYPE_CHECKING:
    from backstory.decide.call import Command
    from backstory.mcp.served import Served

CommandName = Annotated[Short, Meta(min_length=1, description="A command of the application: withdraw.")]
CommandArguments = Annotated[
    dict[str, Any],
    Meta(
        description=(
            "The arguments of the command by the names of its parameters; a state by its identity:"
            ' {"account": "a-7", "cents": 500}. See `model` with {"part": "commands"}.'
        )
    ),
]


def command_of(served: Served, name: str, given: Mapping[str, Any]) -> Command:
    """The command with these arguments. Raises `ApplicationError`, `InputError`."""
    command = served.application.command(name)
    known = [*command.states, *command.plain]
    for each in given:
        if each not in known:
            listed = f"its parameters are {', '.join(known)}"
            raise InputError(
                f"{command.name} has no parameter {each[:60]!r}; {did_you_mean(each[:60], known, listed)}"
            )
    states = {
        each: _identities(given[each]) if state.shape is Shape.MANY else _identity(given[each])
        for each, state in command.states.items()
        if given.get(each) is not None
    }
    texts = {each: _texts(given[each]) for each in command.plain if given.get(each) is not None}
    return called(command, states, texts)


def _identities(value: Any) -> list[list[str]]:
    """The words of each identity of a parameter that is many states."""
    return list(map(_identity, value)) if isinstance(value, list) else [_identity(value)]


def _identity(value: Any) -> list[str]:
    """The words of an identity: one, or several."""
    return list(map(_text, value)) if isinstance(value, list) else [_text(value)]


def _texts(value: Any) -> str | list[str]:
    return list(map(_text, value)) if isinstance(value, list) else _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
