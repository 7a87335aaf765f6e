"""The diagram as boxes and lines: a column for each slice, lanes for automations, commands, events and read models.

Time goes to the right. It is only numbers and names; `svg.py` writes it, and so does the history browser.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from backstory.model.elements import Id, Model, Slice, edges_of

LANES = {
    "reaction": "Automations",
    "command": "Commands",
    "event": "Events",
    "state": "States and read models",
}
"""The lanes from top to bottom, by the kind of what is in them, and their names."""

LEFT, TOP = 110, 34
COLUMN, WIDTH = 174, 150
GAP, HEIGHT, ROW = 28, 40, 48
LONGEST = 20
"""Characters of a name that fit into a box."""

MOST = 6
"""Boxes of a column in one lane; if there are more, the last one says how many."""


class Box(msgspec.Struct, frozen=True):
    """An element in a column. `again` says that it is of another column, and stands here because this one takes it.

    `unseen` is of a state that applies none of the events of its column.
    """

    id: Id
    kind: str
    label: str
    detail: str
    x: int
    y: int
    again: bool
    unseen: bool = False

    @property
    def short(self) -> str:
        """The label, cut to fit: what stands after its last point, if that fits, is what tells it from others."""
        if len(self.label) <= LONGEST:
            return self.label
        last = self.label.rpartition(".")[2]
        return f"…{last}" if len(last) < LONGEST else f"{self.label[: LONGEST - 1]}…"


class Lane(msgspec.Struct, frozen=True):
    """A lane."""

    name: str
    y: int
    height: int


class Column(msgspec.Struct, frozen=True):
    """A slice: its place, what is in it, and the lines between, as paths of SVG."""

    id: Id
    kind: str
    title: str
    x: int
    boxes: list[Box]
    flows: list[str]


class Picture(msgspec.Struct, frozen=True):
    """The whole diagram."""

    width: int
    height: int
    lanes: list[Lane]
    columns: list[Column]


def picture(model: Model) -> Picture:
    """The diagram of a model."""
    contents = [_contents(one, model) for one in model.slices]
    lanes: dict[str, Lane] = {}
    y = TOP
    for kind, name in LANES.items():
        rows = max((len(_shown(each[kind])) for each in contents), default=0)
        if rows:
            lanes[kind] = Lane(name, y, rows * ROW + 12)
            y += rows * ROW + 12 + GAP
    columns: list[Column] = []
    for number, (one, each) in enumerate(zip(model.slices, contents, strict=True)):
        x = LEFT + number * COLUMN
        boxes = [box for kind in lanes for box in _boxes(each[kind], kind, x, lanes[kind].y, model, one)]
        columns.append(Column(one.id, one.kind, one.title, x, boxes, list(_flows(one, boxes))))
    return Picture(LEFT + len(columns) * COLUMN, y, list(lanes.values()), columns)


def _contents(one: Slice, model: Model) -> dict[str, list[Id]]:
    """The elements of a column, by lane."""
    states = list(one.reads)
    if one.kind in ("change", "table"):
        states += [
            id
            for event in one.events
            for id in model.element(event).read_by
            if id.startswith("state:") and id not in states
        ]
    takes = {id: set(getattr(model.elements().get(id), "events", None) or ()) for id in states}
    states = sorted(
        (id for id in states if not id.startswith("reaction:")),
        key=lambda id: takes[id].isdisjoint(one.events),
    )
    return {
        "reaction": one.automations,
        "command": _writers(one, model),
        "event": one.events,
        "state": list(dict.fromkeys(states)),
    }


def _writers(one: Slice, model: Model) -> list[Id]:
    """The commands of a slice. A table of rows stands for its own, which write every table alike."""
    if one.kind != "table":
        return one.commands
    return [id for id in one.reads if model.element(id).commands]


def _shown(ids: Sequence[Id]) -> Sequence[Id]:
    return ids if len(ids) <= MOST else [*ids[: MOST - 1], ""]


def _boxes(ids: Sequence[Id], kind: str, x: int, y: int, model: Model, one: Slice) -> Iterator[Box]:
    known = model.elements()
    own = {"change": ("command", "event"), "view": ("state",), "automation": ("reaction",), "table": LANES}[
        one.kind
    ]
    for row, id in enumerate(_shown(ids)):
        place = y + 8 + row * ROW
        if not id:
            yield Box(one.id, kind, f"{len(ids) - MOST + 1} more", "", x, place, again=True)
        else:
            takes = getattr(known.get(id), "events", None) if kind == "state" else one.events
            unseen = takes is not None and not set(takes) & set(one.events) and one.kind != "automation"
            name = id.partition(":")[2]
            label = f"change {name}" if kind == "command" and id.startswith("table:") else name
            detail = _detail(id, kind, model)
            yield Box(id, kind, label, detail, x, place, kind not in own, unseen and kind == "state")


def _detail(id: Id, kind: str, model: Model) -> str:
    """The line under the name in a lane: what the store has seen of it."""
    seen, name = model.observed, id.partition(":")[2]
    if kind == "event":
        version = f"v{model.element(id).version}"
        return (
            version if seen is None else f"{version}, {sum(e.events for e in seen.types if e.type == name):,}"
        )
    if kind == "command" and seen is not None:
        number = sum(edge.events for edge in edges_of(model.element(id), seen))
        return f"{number:,} event{'' if number == 1 else 's'}"
    return ""


def _flows(one: Slice, boxes: Sequence[Box]) -> Iterator[str]:
    """Lines from lane to lane; on the left, up from the events to the automation that takes them."""
    stacks = [[box for box in boxes if box.kind == kind] for kind in LANES]
    automations, commands, events, states = stacks
    if one.kind == "automation":
        pairs = [(automations, commands)]
        if events and automations:
            x, low, high = events[0].x, events[0].y + HEIGHT // 2, automations[-1].y + HEIGHT // 2
            yield f"M{x} {low}H{x - 10}V{high}H{x - 2}"
    else:
        pairs = [(commands, events), (events, [box for box in states if not box.unseen])]
    for above, below in pairs:
        if above and below:
            x = above[0].x + WIDTH // 2
            yield f"M{x} {above[-1].y + HEIGHT}V{below[0].y - 3}"
