"""How a command of an application is written on a command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.decide.parameters import Shape
from backstory.documents.application import identity_types
from backstory.documents.types import bare, item, spelled
from backstory.texts.calls import required

if TYPE_CHECKING:
    from backstory.decide.commands import CommandType
    from backstory.decide.state import State

TAKEN = {
    *("app", "personal", "preview", "author", "message", "id"),
    *("store", "branch", "json", "color", "no-pager", "help"),
}
"""Options that belong to the verb. A parameter of one of these names is written with `arg-` before it."""


def option(name: str) -> str:
    """How a parameter is written."""
    written = name.replace("_", "-")
    return f"--arg-{written}" if TAKEN & {written, f"no-{written}"} else f"--{written}"


def usage(command: CommandType[...]) -> str:
    """A command with its arguments: `withdraw ACCOUNT --cents INT [--note TEXT]`."""
    parts = [command.name, *which(command).values()]
    for name, cls in named(command).items():
        words = f"{option(name)} {' '.join(map(str.upper, identity_types(cls)))}"
        parts.append(words if required(command, name) else f"[{words}]")
        if command.states[name].shape is Shape.MANY:
            parts[-1] += " ..."
    for name, annotation in command.plain.items():
        kind, written = bare(annotation), option(name)
        if kind is bool:
            part = f"{written}|--no-{written[2:]}"
        elif (inner := item(annotation)) is not None:
            part = f"{written} {spelled(inner)} ..."
        else:
            part = f"{written} {spelled(annotation)}"
        parts.append(part if required(command, name) else f"[{part}]")
    return " ".join(parts)


def which(command: CommandType[...]) -> dict[str, str]:
    """For each single state that is given, the words that say which one: `ACCOUNT`, or several for several fields."""
    found = {}
    for name, state in command.states.items():
        fields = list(identity_types(state.cls))
        if fields and state.shape is Shape.ONE:
            found[name] = (
                name.upper() if len(fields) == 1 else " ".join(f"{name}.{field}".upper() for field in fields)
            )
    return found


def named(command: CommandType[...]) -> dict[str, type[State]]:
    """The parameters of which there may be no state, or many: they are given by name."""
    return {name: state.cls for name, state in command.states.items() if state.shape is not Shape.ONE}
