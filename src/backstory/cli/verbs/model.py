"""`backstory model`: the event model of an application, read from its code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.cli.parse.model import model_options, read_model
from backstory.cli.parse.parser import application_options
from backstory.model.document import document
from backstory.told import plain

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.model import Model
    from backstory.model.elements import Slice
    from backstory.session import Session

EXAMPLES = """\
backstory model
backstory model --json
"""

TEXT = """\
The model is what the code says: which commands give which events, who reads them, and what then happens. Beside it
stands what the tests have tried (record that with: pytest --scenarios scenarios.json), and what the store has seen."""


def arguments(parser: ArgumentParser) -> None:
    """The form, and what is looked at beside the code."""
    model_options(parser)
    application_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Show it."""
    model = read_model(arguments, session, out)
    if out.json:
        out.whole(document(model))
        return 0
    out.page()
    for one in model.slices:
        out.line(f"{one.kind:<10} {out.paint(plain(one.title), 'bold')}")
        out.lines(f"    {line}" for line in told(one, model))
    return 0


def told(one: Slice, model: Model) -> list[str]:
    """A slice in lines."""
    events = ", ".join(named(each) for each in one.events) or "any event"
    if one.kind == "change":
        reads = ", ".join(map(named, one.reads)) or "nothing"
        refuses = [each.code for id in one.commands for each in model.element(id).refuses]
        return [
            f"reads    {reads}",
            f"gives    {events}",
            *(f"refuses  {plain(code)}" for code in refuses),
        ]
    if one.kind == "view":
        return [f"of       {events}"]
    commands = ", ".join(map(named, one.commands)) or "nothing that its code names"
    return [f"on       {events}", f"gives    {commands}"]


def named(id: str) -> str:
    """The name of an element."""
    return plain(id.partition(":")[2])
