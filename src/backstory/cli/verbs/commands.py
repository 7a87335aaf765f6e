"""`backstory commands`: the commands of an application: their arguments, the states they read, their events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.cli.parse.parser import application_options
from backstory.decide.commands import CommandType
from backstory.decide.state import State, state_type
from backstory.documents.application import command_type_document
from backstory.texts.usage import usage
from backstory.told import plain

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session

EXAMPLES = """\
backstory commands
backstory commands --app bank --json
"""

TEXT = """\
The events that a command reads are its consistency boundary: it is decided again if one of them came in between."""


def arguments(parser: ArgumentParser) -> None:
    """The application."""
    application_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """List them."""
    app = session.application
    if out.json:
        found = [command_type_document(command, usage(command)) for command in app.commands]
        out.document("commands", app=app.name, commands=found)
        return 0
    out.page()
    for command in app.commands:
        about = command_type_document(command, usage(command))
        name, _, rest = about["usage"].partition(" ")
        out.line(f"{out.paint(name, 'bold')} {rest}".rstrip())
        if about["doc"]:
            out.line(f"    {plain(about['doc'])}")
        for state, names in grouped(command).items():
            which = f" ({', '.join(names)})" if len(names) > 1 else ""
            events = ", ".join(map(plain, sorted(state_type(state).events)))
            out.line(f"    reads {state.__name__}{which}: {events or 'the events of its query'}")
        out.line(f"    gives {', '.join(map(plain, about['gives'])) or 'any event'}")
    if not app.commands:
        out.say(f"backstory: {app.name} has no commands")
    return 0


def grouped(command: CommandType[...]) -> dict[type[State], list[str]]:
    """The state classes that a command reads, each with its parameters."""
    found: dict[type[State], list[str]] = {}
    for name, state in command.reads.items():
        found.setdefault(state.cls, []).append(name)
    return found
