"""The register of commands: every command of the process by its name, so that a recorded decision can be made again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from backstory.errors import DefinitionError
from backstory.values.event_data import RESERVED
from backstory.values.masking import know_command

if TYPE_CHECKING:
    from backstory.decide.commands import CommandType

definitions: dict[str, CommandType[...]] = {}
"""The last command of each name."""

clashes: set[str] = set()
"""Names that two modules gave to commands: a command that was recorded under such a name could be either."""

_built_in: dict[str, CommandType[...]] = {}
"""Those of Backstory itself, which each merge knows, whatever application it is done for."""


def register(kind: CommandType[...]) -> None:
    """Remember a command. Raises `DefinitionError` if its name is one of those that are kept for Backstory."""
    if kind.name.startswith(RESERVED):
        if not kind.__module__.startswith("backstory."):
            raise DefinitionError(
                f"{kind.__qualname__}: the name {kind.name!r} begins with {RESERVED!r}, which is kept for Backstory"
                " itself"
            )
        _built_in[kind.name] = kind
    other = definitions.get(kind.name)
    if other is not None and other.__module__ != kind.__module__:
        clashes.add(kind.name)
    definitions[kind.name] = kind
    know_command(kind.name, kind.__module__, kind.recorded_veil)


def known(commands: Mapping[str, CommandType[...]] | None) -> Mapping[str, CommandType[...]]:
    """The commands that a merge may decide again, by name: these, or all of the process that have a name of their own.

    Those of Backstory itself are always among them.
    """
    if commands is None:
        commands = {name: kind for name, kind in definitions.items() if name not in clashes}
    return {**commands, **_built_in}


@contextmanager
def redefining() -> Iterator[None]:
    """Let commands of the same names be defined in a block of code, and be forgotten at its end."""
    before, clashing = dict(definitions), set(clashes)
    try:
        yield
    finally:
        definitions.clear()
        definitions.update(before)
        clashes.clear()
        clashes.update(clashing)
