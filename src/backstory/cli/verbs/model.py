"""`backstory model`: the event model of an application, read from its code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from backstory import outfile
from backstory.cli.exits import UsageError
from backstory.cli.parse import files
from backstory.cli.parse.model import model_options, read_model
from backstory.cli.parse.parser import application_options
from backstory.cli.show.text import count
from backstory.model.document import document
from backstory.model.elements import edges_of
from backstory.model.export.html import html
from backstory.model.export.schemas import asyncapi, json_schemas
from backstory.model.export.svg import svg
from backstory.model.export.text import markdown, mermaid
from backstory.told import plain

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.application import Application
    from backstory.cli.show.output import Output
    from backstory.model import Model
    from backstory.model.elements import Slice
    from backstory.session import Session

EXAMPLES = """\
backstory model
backstory model --json
backstory model --html -o model.html
backstory model --markdown
backstory model --json-schema schemas
"""

TEXT = """\
The model is what the code says: which commands give which events, who reads them, and what then happens. Beside it
stands what the tests have tried (record that with: pytest --scenarios scenarios.json), and what the store has seen."""


def arguments(parser: ArgumentParser) -> None:
    """The form, and what is looked at beside the code."""
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument(
        "--html",
        action="store_true",
        help="one page with the diagram, a table that says the same, and all elements",
    )
    forms.add_argument("--svg", action="store_true", help="the diagram alone")
    forms.add_argument("--mermaid", action="store_true", help="a flow chart for Mermaid")
    forms.add_argument(
        "--markdown", action="store_true", help="text that is short enough to paste into a prompt"
    )
    forms.add_argument(
        "--asyncapi", action="store_true", help="the events as an AsyncAPI 3 document, in JSON"
    )
    forms.add_argument(
        "--json-schema", metavar="DIR", help="write the JSON Schema of each event into a folder"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write to a file (default: standard output)")
    model_options(parser)
    application_options(parser)


def shows_data(_: Namespace) -> bool:
    """It shows names and numbers alone."""
    return False


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Show it, or write it."""
    form = next((name for name in FORMS if getattr(arguments, name)), None)
    if out.json and (form or arguments.json_schema):
        raise UsageError("--json is a form of its own: take one of them")
    if arguments.output is not None:
        if form is None and not out.json:
            raise UsageError("-o FILE goes with a form, such as --html")
        files.check_output(arguments.output, session.address if session.has_store else None)
    model = read_model(arguments, session, out)
    if arguments.json_schema:
        return schemas(model, session.application, Path(arguments.json_schema), out)
    if form is not None:
        text = FORMS[form](model, session.application)
    elif out.json:
        text = pretty(document(model))
    else:
        out.page()
        listed(model, out)
        return 0
    if arguments.output is None:
        if out.json:
            out.whole(document(model))
        else:
            out.lines(text.removesuffix("\n").split("\n"))
    else:
        with outfile.written(arguments.output) as file:
            file.write(text.encode())
        out.say(f"wrote {arguments.output}")
    return 0


FORMS: dict[str, Callable[[Model, Application], str]] = {
    "html": lambda model, _: html(model),
    "svg": lambda model, _: svg(model),
    "mermaid": lambda model, _: mermaid(model),
    "markdown": lambda model, _: markdown(model),
    "asyncapi": lambda model, app: pretty(asyncapi(model, app)),
}
"""The forms that are one text, by their options."""


def pretty(document: object) -> str:
    """A document as JSON for people."""
    return f"{msgspec.json.format(msgspec.json.encode(document), indent=2).decode()}\n"


def schemas(model: Model, app: Application, folder: Path, out: Output) -> int:
    """Write a file for each event."""
    found = json_schemas(model, app)
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in found.items():
        with outfile.written(str(folder / name)) as file:
            file.write(pretty(schema).encode())
    out.say(f"wrote {count(len(found), 'schema')} into {folder}")
    return 0


def listed(model: Model, out: Output) -> None:
    """The slices, for people."""
    for one in model.slices:
        out.line(f"{one.kind:<10} {out.paint(plain(one.title), 'bold')}")
        out.lines(f"    {line}" for line in told(one, model))
    for each in model.differences:
        if each.kind != "never-observed":
            name = " ".join(filter(None, [each.command, each.event]))
            out.line(f"{out.paint('differs', 'yellow'):<10} {plain(name)}: {plain(each.says)}")


def told(one: Slice, model: Model) -> list[str]:
    """A slice in lines."""
    events = ", ".join(with_count(each, one, model) for each in one.events) or "any event"
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
    if one.kind == "table":
        [rows] = (model.element(id) for id in one.reads)
        columns = ", ".join(plain(field.name) for field in rows.fields)
        return [plain(rows.described), *([f"fields   {columns}"] if columns else ()), f"gives    {events}"]
    commands = ", ".join(map(named, one.commands)) or "nothing that its code names"
    return [f"on       {events}", f"gives    {commands}"]


def with_count(event: str, one: Slice, model: Model) -> str:
    """The name of an event in a slice, with what the store has seen of it there."""
    seen, name = model.observed, event.partition(":")[2]
    if seen is None:
        return plain(name)
    if one.kind != "change":
        return f"{plain(name)} ({sum(each.events for each in seen.types if each.type == name):,})"
    edges = [edge for id in one.commands for edge in edges_of(model.element(id), seen) if edge.event == name]
    return f"{plain(name)} ({', '.join(f'{edge.events:,}, {edge.when}' for edge in edges) or 'never yet'})"


def named(id: str) -> str:
    """The name of an element."""
    return plain(id.partition(":")[2])
