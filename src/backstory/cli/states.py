"""`backstory states`: what an application can know: its states, their identity, and the events that make them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backstory.cli import application, values
from backstory.cli.entity import identity_types
from backstory.cli.text import plain
from backstory.state import State, state_type

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.output import Output

EXAMPLES = """\
backstory states
backstory states --app bank --json
"""

TEXT = """\
An application is a module, or a package with its submodules. One of its states is shown by: backstory state NAME ..."""


def arguments(parser: ArgumentParser) -> None:
    """Of which application."""
    application.add_option(parser)


def run(arguments: Namespace, out: Output) -> int:
    """List them."""
    app = application.loaded(arguments)
    found = [described(cls) for cls in app.states]
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


def described(cls: type[State]) -> dict[str, Any]:
    """A state class for --json."""
    import msgspec

    identity = identity_types(cls)
    return {
        "name": cls.__name__,
        "module": cls.__module__,
        "doc": first_line(cls.__doc__),
        "identity": {name: values.spelled(field.type) for name, field in identity.items()},
        "fields": {
            field.name: type_name(field.type)
            for field in msgspec.structs.fields(cls)
            if field.name not in identity
        },
        "events": sorted(state_type(cls).events),
    }


def first_line(doc: str | None) -> str:
    """What a docstring says first."""
    return (doc or "").strip().partition("\n")[0]


def type_name(annotation: Any) -> str:
    """A type as it is written in code."""
    import re

    text = (
        annotation.__name__
        if isinstance(annotation, type) and not hasattr(annotation, "__args__")
        else str(annotation)
    )
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", text)
