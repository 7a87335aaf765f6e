"""How a command of an application is written on a command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.documents.application import identity_types
from backstory.documents.types import bare, item, spelled

if TYPE_CHECKING:
    from backstory.decide.commands import CommandType

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
    """For each state that a command reads, the words that say which one: `ACCOUNT`, or several for several fields."""
    found = {}
    for name, cls in command.states.items():
        fields = list(identity_types(cls))
        if fields:
            found[name] = (
                name.upper() if len(fields) == 1 else " ".join(f"{name}.{field}".upper() for field in fields)
            )
    return found


def required(command: CommandType[...], name: str) -> bool:
    """Whether a parameter has no default."""
    parameter = command.signature.parameters[name]
    return parameter.default is parameter.empty
