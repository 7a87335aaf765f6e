"""One entity: what it is, what it was at a time, and which event made it so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from backstory.decide.latest import Latest
from backstory.decide.state import identity
from backstory.documents import document
from backstory.documents.states import latest_document, state_document
from backstory.failing import theirs
from backstory.history.ask.steps import Events, Step, Steps, events_around, most_steps, steps_of
from backstory.history.compare.flat import Leaf
from backstory.history.compare.jsonable import names_of
from backstory.history.compare.place import written
from backstory.history.compare.pointer import Path
from backstory.lookup import Together
from backstory.store import Log, Record
from backstory.subject import Subjects
from backstory.values.event_data import RecordedEvent
from backstory.web import shown
from backstory.web.ask import SHORT, Ask
from backstory.web.entities import Entity, at, entity, is_tag, is_whole, log_of, newest, nothing, stated
from backstory.web.page import Answer, Page, Slow
from backstory.web.pages import blame, kinds

MOST, PART = 2_000, 500
"""Events that one page looks at, where these are all there are, or else a part of more: the slider has a step for each.
"""

LISTED = 50
"""Events in the list."""

PRINTED = 100
"""Events up to which every one of them is in the page for paper; more are if `print=1` asks for them."""

BLOCK = 256_000
"""Characters of the values that are in the page for the script; above, it asks for each state."""

FIELDS = 400
"""Fields of a state that are shown."""

SPARKS, POINTS = 60, 120
"""Fields that have a spark line, and the groups of steps that it is drawn of."""

TICKS = 240
"""Ticks of the slider; of more events, several share one."""

RAW = 200_000
"""Characters of the raw state that are shown."""


def page(ask: Ask) -> Answer:
    """An entity, the entities of a kind, or all kinds; and the blame of an entity, whose address ends so."""
    parts = ask.path[1:]
    if not parts:
        return kinds.page(ask)
    if parts[-1] == "blame" and len(parts) > 1 and is_whole(ask, parts[:-1]):
        return blame.of(ask, entity(ask, parts[:-1]))
    if not is_tag(parts) and not is_whole(ask, parts):
        return kinds.kind(ask, parts)
    return _entity(ask, entity(ask, parts))


def around_of(ask: Ask, found: Entity, most: int | None = None) -> Events:
    """The events of an entity around the point that is looked at. Raises `NotFound` if there is none up to it."""
    log = log_of(ask)
    # `ask.head` is where the stream of newer events begins: what is newer is not in the page yet
    end = ask.head if ask.point.chain == ask.db.chain else log.head()
    around = events_around(log, found.reference, ask.position, end.position, most or MOST)
    if around is None:
        raise nothing(ask, found)
    return around


def compared(ask: Ask, found: Entity, around: Events) -> Steps:
    """What each of the events changed: of fewer events, if there are more or the state is large."""
    loader, reference = ask.db.handle.line(ask.point.chain).loader, found.reference
    with theirs(reference):
        most = most_steps(loader.load(reference), PART if around.before or around.after else MOST)
        if most < len(around.events):
            around = around_of(ask, found, most)
        return steps_of(log_of(ask), reference, around, loader.load)


def _entity(ask: Ask, found: Entity) -> Answer:
    around = around_of(ask, found)
    if not around.before:
        return _page(ask, found, around)
    return Slow(found.name, _late(ask, found, around))


def _late(ask: Ask, found: Entity, around: Events) -> Iterator[Page]:
    yield _page(ask, found, around)


def _page(ask: Ask, found: Entity, around: Events) -> Page:
    log, steps = log_of(ask), compared(ask, found, around)
    first, last = steps.steps[0].event, steps.steps[-1].event
    query = found.reference.query()
    before = next(iter(log.read(query, upto=first.position - 1, backwards=True, limit=1)), None)
    after = next(iter(log.read(query, after=last.position, limit=1)), None)
    told = _document(log, steps)
    here = steps.steps[steps.chosen].event.position
    subjects = Subjects(log)
    rows = [_row(ask, subjects, index, step) for index, step in enumerate(steps.steps)]
    fields = _fields(found, steps)
    revision = f"#{here}" if ask.at.isdecimal() else ask.at
    app = () if is_tag(found.path) else ("--app",)
    words = ("state", *found.path, *(("--at", revision) if revision else ()), *app)
    beyond = {
        "before": before and _revision(ask, log, before)[0],
        "after": after and _revision(ask, log, after)[0],
    }
    wants_print = ask.flag("print")
    return Page(
        "entity.html",
        found.name,
        told,
        words,
        {
            "entity": found,
            "states": stated(ask, found.path[0]) if is_tag(found.path) else [],
            "tab": "raw" if ask.flag("raw") else "state",
            "raw": _raw(told) if ask.flag("raw") else "",
            "only_changed": ask.one("fields") == "changed",
            "rows": rows,
            "now": rows[steps.chosen],
            "chosen": steps.chosen,
            "listed": rows[_first_listed(steps) :][:LISTED],
            "fields": fields[:FIELDS],
            "fields_left": len(fields) - FIELDS,
            "number": sum(each["is_there"] for each in fields),
            "ticks": _ticks(rows),
            "wire": None
            if ask.flag("raw")
            else _wire(steps, rows, fields[:FIELDS]) | beyond | {"command": _command(ask, found, app)},
            "counts": None if before or after else _counts(steps.steps),
            "first_at": _revision(ask, log, next(iter(log.read(query, limit=1)))),
            **beyond,
            "newest": newest(ask),
            **({} if ask.flag("raw") else {"live": _live(ask, found)}),
            "diff": _diff(ask, found, steps),
            "printed": rows if wants_print or len(rows) <= PRINTED else [],
            "wants_print": wants_print,
        },
    )


def _live(ask: Ask, found: Entity) -> str:
    """The address of the stream of its newer events, on the branch of the point; none where nothing goes on."""
    if ask.point.chain != ask.db.chain:
        return ""
    return ask.url("live", at=newest(ask), after=ask.head.position, of=found.of)


def _first_listed(steps: Steps) -> int:
    """The first step in the list: the newest are shown, or else those around the chosen one."""
    last = len(steps.steps) - LISTED
    return max(0, last if steps.chosen >= last else steps.chosen - LISTED // 2)


def _document(log: Log, steps: Steps) -> Mapping[str, Any]:
    """The document of the state after the chosen event, as `state --json` gives it."""
    state, step = steps.state, steps.steps[steps.chosen]
    if isinstance(state, Latest):
        positions = {field.position for field in state.fields.values()}
        find = Together(log, positions)
        return document("state", **latest_document(state, {each: find(each) for each in positions}))
    return document("state", **state_document(state, Record(step.event, step.event, lambda _: step.commit)))


def _raw(told: Mapping[str, Any]) -> str:
    return shown.cut(msgspec.json.format(msgspec.json.encode(told, enc_hook=str), indent=2).decode(), RAW)


def _row(ask: Ask, subjects: Subjects, index: int, step: Step) -> dict[str, Any]:
    """What the page says of an event."""
    event, commit = step.event, step.commit
    return {
        "index": index,
        "position": event.position,
        "at": at(ask, event.position, commit),
        "type": event.type,
        "author": commit.author,
        "why": subjects.of(commit),
        "time": commit.authored,
        "changes": [(written(label), *pair) for label, pair in step.changes.items()],
        "commit": commit,
    }


def _fields(found: Entity, steps: Steps) -> list[dict[str, Any]]:
    """The fields of the state in all steps of the window, as they are after the chosen one."""
    known = names_of(type(found.reference))
    hidden = (
        () if isinstance(found.reference, Latest) else {known[name] for name in identity(found.reference)}
    )
    labels = dict.fromkeys(
        [*steps.last, *steps.base, *(label for step in steps.steps for label in step.changes)]
    )
    changed_at: dict[Path, list[int]] = {}
    for index, step in enumerate(steps.steps):
        for label in step.changes:
            changed_at.setdefault(label, []).append(index)
    now = steps.steps[steps.chosen].changes
    rows: list[dict[str, Any]] = []
    sparks = 0
    for label in labels:
        if label[0] in hidden:
            continue
        leaf, changes = steps.leaves.get(label), changed_at.get(label, [])
        series = _series(steps, label) if len(changes) > 1 and sparks < SPARKS else None
        sparks += series is not None
        rows.append(
            {
                "label": label,
                "name": written(label),
                "is_there": leaf is not None,
                "leaf": leaf,
                "change": now.get(label),
                "since": max((index for index in changes if index <= steps.chosen), default=None),
                "series": series,
            }
        )
    return rows


def _series(steps: Steps, label: Path) -> dict[str, Any] | None:
    """The numbers that a field has had, grouped if they are many; None if it has had other values."""
    leaf = steps.base.get(label)
    numbers: list[float] = []
    for step in steps.steps:
        if label in step.changes:
            leaf = step.changes[label][1]
        number = 0 if leaf is None else leaf.shown
        if isinstance(number, bool) or not isinstance(number, (int, float)) or abs(number) > 1e300:
            return None
        numbers.append(number)
    low, high = min(numbers), max(numbers)
    words = f"from {numbers[0]} to {numbers[-1]}, least {low}, most {high}"
    return {"values": numbers, "path": _spark(numbers, steps.chosen), "words": words}


def _spark(numbers: Sequence[float], chosen: int) -> Mapping[str, str]:
    """The paths of a spark line; of many numbers, the least and the most of each group."""
    if len(numbers) <= 2 * POINTS:
        return shown.steps(numbers, chosen)
    size = -(-len(numbers) // POINTS)
    drawn: list[float] = []
    for start in range(0, len(numbers), size):
        part = numbers[start : start + size]
        drawn += (
            [min(part), max(part)]
            if part.index(min(part)) < part.index(max(part))
            else [max(part), min(part)]
        )
    return shown.steps([*drawn[:-1], numbers[-1]], min(len(drawn) - 1, chosen * len(drawn) // len(numbers)))


def _ticks(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, int, int, int]]:
    """The ticks of the slider: place, height, hue, and the step from which on it is past."""
    size = -(-len(rows) // TICKS)
    last = max(1, len(rows) - 1)
    found = []
    for start in range(0, len(rows), size):
        most = max(rows[start : start + size], key=lambda row: len(row["changes"]))
        height = 24 - min(len(most["changes"]), 5) * 4
        found.append((f"{start * 100 / last:.2f}%", height, shown.hue(most["type"]), start))
    return found


def _wire(
    steps: Steps, rows: Sequence[Mapping[str, Any]], fields: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What the script needs to go through the steps; without states, if they are large, and it asks for each."""
    numbers = {field["label"]: index for index, field in enumerate(fields)}
    told: list[dict[str, Any]] = []
    base = {numbers[label]: _text(leaf) for label, leaf in steps.base.items() if label in numbers}
    size = sum(map(len, base.values()))
    for row, step in zip(rows, steps.steps, strict=True):
        values = {
            numbers[label]: None if pair[1] is None else _text(pair[1])
            for label, pair in step.changes.items()
            if label in numbers
        }
        size += sum(len(text or "") + 8 for text in values.values())
        told.append(
            {
                "at": row["at"],
                "position": row["position"],
                "type": shown.line(row["type"]),
                "author": shown.line(row["author"]),
            }
        )
        told[-1]["commit"] = step.commit.hash.hex()[:SHORT]
        told[-1]["time"] = row["time"].isoformat()
        if size <= BLOCK:
            told[-1]["set"] = values
    whole = size <= BLOCK
    if not whole:
        for each in told:
            each.pop("set", None)
    return {"steps": told, "chosen": steps.chosen, "base": base if whole else None}


def _command(ask: Ask, found: Entity, app: tuple[str, ...]) -> tuple[str, str]:
    """The command line before and after the revision."""
    words = ask.site.command(("state", *found.path))
    return words, ask.site.command(("state", *found.path, *app)).removeprefix(words)


def _text(leaf: Leaf) -> str:
    return shown.value(leaf.shown, shown.CUT)


def _counts(steps: Sequence[Step]) -> str:
    """How many events there are, in how many commits, and by how many authors."""
    commits = {step.commit.position: step.commit.author for step in steps}
    events, authors = shown.count(len(steps), "event"), shown.count(len(set(commits.values())), "author")
    return f"{events} in {shown.count(len(commits), 'commit')} by {authors}"


def _revision(ask: Ask, log: Log, event: RecordedEvent) -> tuple[str, datetime]:
    """The revision of an event, and its time."""
    commit = Together(log, {event.commit})(event.commit)
    return at(ask, event.position, commit), commit.authored


def _diff(ask: Ask, found: Entity, steps: Steps) -> str:
    """The address of the difference: since the chosen event, or at the end of the branch, what the last one made."""
    step = steps.steps[steps.chosen]
    end = newest(ask) or "HEAD"
    if steps.chosen < len(steps.steps) - 1:
        return ask.url("diff", at(ask, step.event.position, step.commit), end, of=found.of, at=newest(ask))
    before = steps.steps[steps.chosen - 1] if steps.chosen else None
    start = "0" if before is None else at(ask, before.event.position, before.commit)
    return ask.url("diff", f"#{start}" if start == "0" else start, end, of=found.of, at=newest(ask))
