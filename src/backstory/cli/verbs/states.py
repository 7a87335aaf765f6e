"""`backstory states`: the states of an application: their identity, and the events that make them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.cli.parse.parser import application_options
from backstory.documents.application import state_class_document
from backstory.told import plain

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session

EXAMPLES = """\
backstory states
backstory states --app bank --json
"""

TEXT = """\
An application is a module, or a package with its submodules. One of its states is shown by: backstory state NAME ..."""


def arguments(parser: ArgumentParser) -> None:
    """The application."""
    application_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """List them."""
    app = session.application
    found = [state_class_document(cls) for cls in app.states]
    if out.json:
        out.document("states", app=app.name, states=found)
        return 0
    out.page()
    for state in found:
        which = " ".join(name.upper() for name in state["identity"])
        out.line(f"{out.paint(state['name'], 'bold')} {which}".rstrip())
        if state["doc"]:
            out.line(f"    {plain(state['doc'])}")
        out.line(f"    events  {', '.join(map(plain, state['events'])) or 'all that its query matches'}")
        for name, kind in state["fields"].items():
            out.line(f"    {name}: {kind}")
    if not found:
        out.say(f"backstory: {app.name} has no states")
    return 0
