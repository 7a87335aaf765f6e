"""The model as text: Markdown that is short enough for a prompt, and a flow chart for Mermaid."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from backstory.model.elements import Command, Field, Id, Model, Slice
from backstory.told import plain

MARKUP = re.compile(r"[\\`*\[\]<>|]|(?<![^\W_])_|_(?![^\W_])")
"""The characters that mean something in Markdown; a `_` between letters does not."""

SHAPES = {
    "reaction": ("{{", "}}"),
    "command": ("([", "])"),
    "event": (">", "]"),
    "state": ("[(", ")]"),
    "projection": ("[(", ")]"),
    "table": ("[(", ")]"),
}
"""The brackets around a node of Mermaid, by the kind of its element."""

COLOURS = {
    "reaction": "#9a5bd0",
    "command": "#3f7fd8",
    "event": "#d98a1f",
    "state": "#3f9a57",
    "projection": "#3f9a57",
    "table": "#3f9a57",
}


def markdown(model: Model) -> str:
    """The whole model: events with their fields, commands with what they read, give and refuse, and who reads what."""
    return "\n".join([f"# The event model of {_text(model.app)}", "", *_sections(model), ""])


def _sections(model: Model) -> Iterator[str]:
    yield from ("## Events", "", "A field with `#` is a tag.", "")
    of_rows = {id for table in model.tables for id in table.events}
    for event in model.events:
        if event.id in of_rows:
            continue
        version = "" if event.version == 1 else f" v{event.version}"
        yield f"- {_code(event.name)}{version} ({_fields(event.fields)}){_doc(event.doc)}"
    if model.states:
        yield from ("", "## States", "")
    for state in model.states:
        events = "stored events of any type" if state.events is None else _names(state.events)
        kept = ", ".join(_text(field.name) for field in state.fields) or "nothing"
        yield f"- {_code(state.name)} ({_fields(state.identity)}): keeps {kept}; applies {events}{_doc(state.doc)}"
    if model.commands:
        yield from ("", "## Commands", "")
    for command in model.commands:
        yield from _command(command)
    if model.projections:
        yield from ("", "## Read models", "")
    for one in model.projections:
        columns = "; ".join(
            f"{table.name}: {', '.join(c.name for c in table.columns)}" for table in one.tables
        )
        yield f"- {_code(one.name)} of {_names(one.events)}{columns and f' ({_text(columns)})'}{_doc(one.doc)}"
    if model.reactions or model.outboxes:
        yield from ("", "## Automations", "")
    for reaction in model.reactions:
        due = f"; deadlines {', '.join(map(_text, reaction.deadlines))}" if reaction.deadlines else ""
        gives = _names(reaction.gives) or "no command that its code names"
        yield f"- {_code(reaction.name)} on {_names(reaction.events)}: {gives}{due}{_doc(reaction.doc)}"
    for outbox in model.outboxes:
        yield f"- outbox {_code(outbox.name)} sends {'all events' if outbox.events is None else _names(outbox.events)}"
    if model.tables:
        yield from ("", "## Tables of rows", "")
    for rows in model.tables:
        given = ", ".join(id.rpartition(".")[2] for id in rows.events)
        fields = f" ({_fields(rows.fields)})" if rows.fields else ""
        yield f"- {_code(rows.name)}{fields}: {given}. {_text(rows.described)}{_doc(rows.doc).removeprefix('.')}"
    drift = [one for one in model.differences if one.kind != "never-observed"]
    if drift:
        yield from ("", "## Where the code and the store differ", "")
    for each in drift:
        yield f"- {_code(' '.join(filter(None, [each.command, each.event])))} {_text(each.says)}"


def _command(command: Command) -> Iterator[str]:
    gives = _names(each.event for each in command.gives) or "any event"
    reads = _names(dict.fromkeys(read.state for read in command.reads)) or "nothing"
    yield f"- {_code(command.name)} ({_fields(command.parameters)}): reads {reads}, gives {gives}{_doc(command.doc)}"
    if command.refuses:
        yield f"  - refuses: {', '.join(_code(refusal.code) for refusal in command.refuses)}"


def _fields(fields: Iterable[Field]) -> str:
    return ", ".join(
        f"{'#' if field.tag else ''}{_text(field.name)}: {_text(field.type)}" for field in fields
    )


def _names(ids: Iterable[Id]) -> str:
    return ", ".join(_code(id.partition(":")[2]) for id in ids)


def _code(text: str) -> str:
    """Text in backticks, more of them than it has itself."""
    shown = plain(text)
    fence = "`" * (1 + max((len(run) for run in _runs(shown)), default=0))
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}"


def _runs(text: str) -> list[str]:
    return ["`" * len(run) for run in "".join(c if c == "`" else " " for c in text).split()]


def _doc(doc: str) -> str:
    return f". {_text(doc)}" if doc else ""


def _text(text: str) -> str:
    return MARKUP.sub(r"\\\g<0>", plain(text))


def mermaid(model: Model) -> str:
    """A flow chart: a group for each slice, and a line for each step from one element to the next."""
    return "\n".join(_chart(model)) + "\n"


def _chart(model: Model) -> Iterator[str]:
    yield "flowchart LR"
    for kind, colour in COLOURS.items():
        yield f"  classDef {kind} fill:#fff,stroke:{colour},color:#1d1f24"
    numbers = {id: f"n{number}" for number, id in enumerate(_drawn(model))}
    placed: set[Id] = set()
    for number, one in enumerate(model.slices):
        own = [id for id in _own(one) if id not in placed]
        placed.update(own)
        if own:
            yield f'  subgraph s{number}["{_quoted(one.title)}"]'
            yield from (f"    {_node(id, numbers[id])}" for id in own)
            yield "  end"
    yield from (f"  {_node(id, number)}" for id, number in numbers.items() if id not in placed)
    for before, after in dict.fromkeys(_lines(model)):
        if before in numbers and after in numbers:
            yield f"  {numbers[before]} --> {numbers[after]}"


def _drawn(model: Model) -> list[Id]:
    groups = (model.commands, model.events, model.states, model.projections, model.reactions, model.tables)
    return [one.id for group in groups for one in group]


def _own(one: Slice) -> list[Id]:
    """The elements that a slice brings."""
    if one.kind == "change":
        return [*one.commands, *one.events]
    if one.kind == "table":
        return [*one.events, *one.reads]
    return list(one.reads if one.kind == "view" else one.automations)


def _lines(model: Model) -> Iterator[tuple[Id, Id]]:
    for command in model.commands:
        yield from ((read.state, command.id) for read in command.reads)
        yield from ((command.id, given.event) for given in command.gives)
    for event in model.events:
        yield from ((event.id, reader) for reader in event.read_by)
    for reaction in model.reactions:
        yield from ((reaction.id, given) for given in reaction.gives)


def _node(id: Id, number: str) -> str:
    kind, _, name = id.partition(":")
    before, after = SHAPES[kind]
    return f'{number}{before}"{_quoted(name)}"{after}:::{kind}'


def _quoted(text: str) -> str:
    """Text as it stands in quotes in Mermaid: each character that means something there by its number."""
    return "".join(char if char.isalnum() or char in " .-_" else f"#{ord(char)};" for char in plain(text))
