"""The event model: what can be decided, what happens then, and who reads it; read from the code, counted in the store.

The code is no secret, and neither are names and numbers. Events of the store are counted for a reader who may see
all of it, at the end of a branch; others are shown the code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from backstory.documents import document as nothing
from backstory.model import Model
from backstory.model.document import document
from backstory.model.elements import Field, Id, Observed, ObservedEdge, Projection, Refusal, Slice, edges_of
from backstory.model.export.picture import picture
from backstory.model.export.svg import anchor, outline
from backstory.model.observed import observing
from backstory.model.unguarded import unguarded
from backstory.web.ask import Ask, NotFound
from backstory.web.page import Answer, Pace, Page, Progress, soon

KINDS = {"change": "state change", "view": "state view", "automation": "automation", "table": "table of rows"}
HUES = {"reaction": 6, "command": 1, "event": 4, "state": 5, "projection": 5, "table": 5}
"""The colour of each kind of box."""

NOTED = 5
"""Notes above the drawing at most."""


def page(ask: Ask) -> Answer:
    """The model."""
    if ask.path[1:]:
        raise NotFound(f"there is no page {'/'.join(ask.path)}")
    return soon("Event model", _steps(ask))


def _steps(ask: Ask) -> Iterator[Progress | Page]:
    seen: Observed | None = None
    if ask.site.application is not None and ask.reader.scope.is_whole and not ask.is_past:
        pace, head = Pace(), ask.head.position
        for step in observing(ask.db.log, ask.whole.store.caches, ask.branch):
            if isinstance(step, Observed):
                seen = step
            elif pace.due():
                yield Progress(step, head)
    yield _page(ask, seen)


def _page(ask: Ask, seen: Observed | None) -> Page:
    model = ask.site.model(seen)
    return Page(
        "model.html",
        "Event model",
        nothing("model", app=None) if model is None else document(model),
        ("model", "--app"),
        {"model": None} if model is None else _values(model),
    )


def _values(model: Model) -> dict[str, Any]:
    notes = list(unguarded(model))
    return {
        "model": model,
        "known": model.elements(),
        "drawn": picture(model),
        "anchor": anchor,
        "outline": outline,
        "hues": HUES,
        "kinds": KINDS,
        "name": _name,
        "rows": [_row(one, model) for one in model.slices],
        "notes": notes[:NOTED],
        "more": len(notes[NOTED:]),
        "drift": [one for one in model.differences if one.kind != "never-observed"],
        "groups": _groups(model),
    }


def _name(id: Id) -> str:
    return id.partition(":")[2]


def _row(one: Slice, model: Model) -> dict[str, Any]:
    """The cells of a row of the table."""
    if one.kind in ("change", "table"):
        readers = dict.fromkeys(id for event in one.events for id in model.element(event).read_by)
        return {
            "one": one,
            "by": one.commands or one.reads,
            "reads": one.reads,
            "gives": one.events,
            "read_by": list(readers),
        }
    if one.kind == "view":
        return {"one": one, "by": one.reads, "reads": one.events, "gives": [], "read_by": []}
    reads = [*one.events, *one.reads]
    return {"one": one, "by": one.automations, "reads": reads, "gives": one.commands, "read_by": []}


class Shown(msgspec.Struct, frozen=True):
    """An element: its fields, its links to others by what they are, how it refuses, and what the store has seen."""

    one: Any
    fields: Sequence[Field]
    rows: Sequence[tuple[str, Sequence[Id]]]
    refuses: Sequence[Refusal] = ()
    edges: Sequence[ObservedEdge] = ()


def _groups(model: Model) -> list[tuple[str, list[Shown]]]:
    """Every element, by kind."""
    events = [
        Shown(one, one.fields, [("given by", one.given_by), ("read by", one.read_by)]) for one in model.events
    ]
    commands = []
    for one in model.commands:
        reads, gives = [read.state for read in one.reads], [each.event for each in one.gives]
        rows = [("reads", reads), ("gives", gives), ("executed by", one.executed_by)]
        commands.append(Shown(one, one.parameters, rows, one.refuses, edges_of(one, model.observed)))
    states = [
        Shown(one, [*one.identity, *one.fields], [("applies", one.events or []), ("read by", one.read_by)])
        for one in model.states
    ]
    projections = [Shown(one, _columns(one), [("takes", one.events)]) for one in model.projections]
    reactions = [
        Shown(one, one.fields, [("takes", one.events), ("reads", one.reads), ("gives", one.gives)])
        for one in model.reactions
    ]
    tables = [
        Shown(one, one.fields, [("events", one.events)], edges=edges_of(one, model.observed))
        for one in model.tables
    ]
    groups = [
        ("Events", events),
        ("Commands", commands),
        ("States", states),
        ("Read models", projections),
        ("Automations", reactions),
        ("Tables of rows", tables),
    ]
    return [(title, found) for title, found in groups if found]


def _columns(one: Projection) -> list[Field]:
    """The columns of all tables, each with its table's name."""
    return [
        msgspec.structs.replace(column, name=f"{table.name}.{column.name}")
        for table in one.tables
        for column in table.columns
    ]
