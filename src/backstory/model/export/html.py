"""The model as one page: the diagram, a table that says the same, and every element with its fields and its source.

The page needs nothing beside it. It has no script, and its one style is named by its hash in the page's own policy, so
it may be put anywhere, and nothing in a name of the application can become code.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from backstory.model.elements import (
    Command,
    Event,
    Field,
    Id,
    Model,
    Place,
    Projection,
    Reaction,
    RowTable,
    Slice,
    State,
    edges_of,
)
from backstory.model.export.picture import picture
from backstory.model.export.svg import STYLE, anchor, drawing
from backstory.told import plain

PAGE_STYLE = f"""\
{STYLE}
body{{margin:0 auto;max-width:80rem;padding:1rem 1.5rem 4rem;font:15px/1.5 system-ui,sans-serif}}
body{{background:var(--paper);color:var(--ink)}}
h1{{font-size:1.5rem}}h2{{margin-top:2.5rem;font-size:1.2rem}}h3{{margin:1.75rem 0 .25rem;font-size:1rem}}
figure{{margin:1rem 0;overflow-x:auto;border:1px solid var(--line);border-radius:8px;padding:.5rem}}
.scroll{{overflow-x:auto}}table{{border-collapse:collapse;width:100%}}
@media(min-width:48rem){{.fields{{width:auto}}.fields th{{min-width:9rem}}.fields tbody td{{min-width:5rem}}}}
th,td{{text-align:start;vertical-align:top;padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line)}}
code{{font:.93em ui-monospace,monospace}}p{{margin:.25rem 0}}.soft{{color:var(--soft)}}
a{{color:inherit;text-underline-offset:.2em}}
section:target,tr:target{{outline:2px solid #3f7fd8;outline-offset:.5rem}}
"""

KINDS = {"change": "state change", "view": "state view", "automation": "automation", "table": "table of rows"}


def html(model: Model) -> str:
    """The page."""
    root = Element("html", lang="en")
    head = SubElement(root, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    digest = base64.b64encode(hashlib.sha256(PAGE_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": policy})
    SubElement(head, "title").text = plain(f"The event model of {model.app}")
    SubElement(head, "style").text = PAGE_STYLE
    main = SubElement(SubElement(root, "body"), "main")
    _said(main, "h1", f"The event model of {model.app}")
    _said(main, "p", _counted(model), kind="soft")
    figure = SubElement(
        main, "figure",
        {"role": "group", "tabindex": "0", "aria-label": "The event model as a drawing; the table below says the same"},
    )  # fmt: skip
    figure.append(drawing(picture(model), model.app))
    _slices(main, model)
    _differences(main, model)
    groups: list[tuple[str, Sequence[Any], Any]] = [
        ("Events", model.events, _event),
        ("Commands", model.commands, _command),
        ("States", model.states, _state),
        ("Read models", model.projections, _projection),
        ("Automations", model.reactions, _reaction),
        ("Tables of rows", model.tables, _rows),
    ]
    for title, elements, write in groups:
        if elements:
            _said(main, "h2", title)
        for one in elements:
            section = SubElement(main, "section", id=anchor(one.id))
            _said(section, "h3", one.name)
            if one.doc:
                _said(section, "p", one.doc)
            _source(section, one.place, one.module)
            write(section, one, model)
    _others(main, model)
    return f"<!doctype html>\n{tostring(root, encoding='unicode', method='html')}\n"


def _counted(model: Model) -> str:
    sources = [f"the code ({_number(model.events, 'event')}, {_number(model.commands, 'command')})"]
    if model.scenarios is not None:
        sources.append(_number(model.scenarios, "scenario"))
    if model.observed is not None:
        sources.append(f"a store up to #{model.observed.position:,}")
    *before, last = sources
    return f"Drawn from {', '.join(before)}{' and ' if before else ''}{last}."


def _number(some: Sequence[Any], what: str) -> str:
    return f"{len(some)} {what}{'' if len(some) == 1 else 's'}"


def _slices(main: Element, model: Model) -> None:
    _said(main, "h2", "The same as a table")
    rows = _table(main, ["Slice", "Kind", "By", "Reads", "Gives", "Read by"])
    for one in model.slices:
        row = SubElement(rows, "tr", id=anchor(one.id))
        _said(row, "th", one.title, scope="row")
        _said(row, "td", KINDS[one.kind])
        by, reads, gives, read_by = _cells(one, model)
        for ids in (by, reads, gives, read_by):
            _links(SubElement(row, "td"), ids, model)


def _cells(one: Slice, model: Model) -> tuple[Sequence[Id], Sequence[Id], Sequence[Id], Sequence[Id]]:
    if one.kind in ("change", "table"):
        readers = dict.fromkeys(id for event in one.events for id in model.element(event).read_by)
        return one.commands or one.reads, one.reads, one.events, list(readers)
    if one.kind == "view":
        return one.reads, one.events, [], []
    return one.automations, [*one.events, *one.reads], one.commands, []


def _differences(main: Element, model: Model) -> None:
    if not model.differences:
        return
    _said(main, "h2", "Where the code and the store differ")
    rows = _table(main, ["Command", "Event", "Difference"])
    for one in model.differences:
        row = SubElement(rows, "tr")
        _said(row, "th", one.command or one.event, scope="row")
        _said(row, "td", one.event)
        _said(row, "td", one.says)


def _event(section: Element, one: Event, model: Model) -> None:
    upcasters = ", ".join(f"from {each.version}" for each in one.upcasters)
    _said(
        section, "p", f"Version {one.version}{upcasters and f', mended {upcasters}'}. Class {one.class_name}."
    )
    _fields(section, one.fields)
    _row(section, "Given by", one.given_by, model)
    _row(section, "Read by", one.read_by, model)
    seen = [] if model.observed is None else [each for each in model.observed.types if each.type == one.name]
    for each in seen:
        _said(
            section,
            "p",
            f"In the store: {each.events:,} of version {each.version}, #{each.first}"
            f"{'' if each.first == each.last else f' to #{each.last}'}.",
        )


def _command(section: Element, one: Command, model: Model) -> None:
    _fields(section, one.parameters)
    for read in one.reads:
        looks = "" if read.uses is None else f", and looks at {', '.join(read.uses) or 'nothing of it'}"
        line = _said(section, "p", f"Reads as {read.parameter} ")
        _links(line, [read.state], model)
        SubElement(line, "span").text = plain(looks)
    for given in one.gives:
        line = _said(section, "p", "Gives ")
        _links(line, [given.event], model)
        SubElement(line, "span", {"class": "soft"}).text = f" by its {', '.join(given.known_by)}"
    for refusal in one.refuses:
        line = _said(section, "p", "Refuses: ")
        SubElement(line, "code").text = plain(refusal.code)
        tried = _number(refusal.scenarios, "scenario") if model.scenarios is not None else ""
        SubElement(line, "span", {"class": "soft"}).text = plain(f" {_at(refusal.place)} {tried}")
    if model.scenarios is not None:
        _said(
            section,
            "p",
            f"{_number(one.scenarios, 'test')} {'tries' if len(one.scenarios) == 1 else 'try'} it.",
        )
    for edge in edges_of(one, model.observed):
        _said(section, "p", f"In the store: gave {edge.events:,} {edge.event}, {edge.when}.")
    _row(section, "Executed by", one.executed_by, model)


def _state(section: Element, one: State, model: Model) -> None:
    _fields(section, [*one.identity, *one.fields])
    _row(section, "Applies", one.events or [], model)
    _row(section, "Read by", one.read_by, model)


def _projection(section: Element, one: Projection, model: Model) -> None:
    for table in one.tables:
        _said(section, "p", f"Table {table.name}")
        _fields(section, table.columns)
    _row(section, "Takes", one.events, model)


def _reaction(section: Element, one: Reaction, model: Model) -> None:
    _said(section, "p", f"A {one.kind}. It begins at {one.since}.")
    _row(section, "Takes", one.events, model)
    _row(section, "Reads", one.reads, model)
    _row(section, "Gives", one.gives, model)
    if one.deadlines:
        _said(section, "p", f"Deadlines: {', '.join(one.deadlines)}")


def _rows(section: Element, one: RowTable, model: Model) -> None:
    _said(section, "p", one.described)
    _fields(section, one.fields)
    _row(section, "Events", one.events, model)
    for edge in edges_of(one, model.observed):
        by = edge.command or "what was appended without a command"
        _said(section, "p", f"In the store: {edge.events:,} {edge.event} by {by}, {edge.when}.")


def _others(main: Element, model: Model) -> None:
    """Elements without a table of their own: they are named by events."""
    others: list[Any] = [*model.outboxes, *model.inverses, *model.uses]
    if others:
        _said(main, "h2", "Others that give and read events")
    for one in others:
        section = SubElement(main, "section", id=anchor(one.id))
        _said(section, "h3", one.id.partition(":")[2])
        place = getattr(one, "place", None)
        what = f"Code in {one.call}" if hasattr(one, "call") else one.id.partition(":")[0].capitalize()
        _said(section, "p", f"{what}. {_at(place)}")
        events = [one.event, *one.gives] if hasattr(one, "event") else one.events or []
        _row(section, "Events", events, model)


def _fields(section: Element, fields: Sequence[Field]) -> None:
    if not fields:
        return
    rows = _table(section, ["Field", "Type", "", ""], kind="fields")
    for field in fields:
        row = SubElement(rows, "tr")
        _said(row, "th", field.name, scope="row")
        SubElement(SubElement(row, "td"), "code").text = plain(field.type)
        _said(row, "td", " ".join(filter(None, [field.tag and f"tag {field.tag}", field.mark])))
        _said(row, "td", "" if field.filled is not False else "no event fills it")


def _source(section: Element, place: Place | None, module: str) -> None:
    _said(section, "p", _at(place) or module, kind="soft")


def _at(place: Place | None) -> str:
    return "" if place is None else f"{place.file}:{place.line}"


def _row(section: Element, title: str, ids: Sequence[Id], model: Model) -> None:
    if ids:
        _links(_said(section, "p", f"{title} "), ids, model)


def _links(parent: Element, ids: Iterable[Id], model: Model) -> None:
    known = model.elements()
    for number, id in enumerate(ids):
        if number:
            SubElement(parent, "span").text = ", "
        name = plain(id.partition(":")[2])
        if id in known:
            SubElement(parent, "a", href=f"#{anchor(id)}").text = name
        else:
            SubElement(parent, "span").text = name


def _table(parent: Element, titles: Sequence[str], kind: str = "") -> Element:
    table = SubElement(
        SubElement(parent, "div", {"class": "scroll"}), "table", {"class": kind} if kind else {}
    )
    row = SubElement(SubElement(table, "thead"), "tr")
    for title in titles:
        if title:
            _said(row, "th", title, scope="col")
        else:
            SubElement(row, "td")
    return SubElement(table, "tbody")


def _said(parent: Element, tag: str, text: str, kind: str = "", **attributes: str) -> Element:
    one = SubElement(parent, tag, {"class": kind, **attributes} if kind else attributes)
    one.text = plain(text)
    return one
