"""One entity: what it is, what it was at a time, and which event made it so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from backstory.decide.latest import Latest
from backstory.documents import document
from backstory.documents.states import latest_document, state_document
from backstory.history.ask.steps import Events, Step, Steps
from backstory.history.compare.place import written
from backstory.lookup import Together
from backstory.store import Log, Record
from backstory.subject import Subjects
from backstory.told import cut
from backstory.values.event_data import RecordedEvent
from backstory.web import shown
from backstory.web.ask import Ask
from backstory.web.entities import Entity, at, entity, is_tag, is_whole, log_of, newest, stated
from backstory.web.leaves import FIELDS, fields_of
from backstory.web.page import Answer, Page, Slow
from backstory.web.pages import blame, kinds
from backstory.web.steps import around_of, compared
from backstory.web.wire import wire

LISTED = 50
"""Events in the list."""

PRINTED = 100
"""Events up to which every one of them is in the page for paper; more are if `print=1` asks for them."""

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
    fields = fields_of(found, steps, ask.one("named"), ask.number("skip", 0, 10**9) or 0)
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
            "fields": fields,
            "window": FIELDS,
            "ticks": _ticks(rows),
            "wire": None
            if ask.flag("raw")
            else wire(steps, rows, fields.rows) | beyond | {"command": _command(ask, found, app)},
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
    text = msgspec.json.format(msgspec.json.encode(told, enc_hook=str), indent=2).decode()
    return cut(text, RAW, counted=True)


def _row(ask: Ask, subjects: Subjects, index: int, step: Step) -> dict[str, Any]:
    """The values that the page shows of an event."""
    event, commit = step.event, step.commit
    return {
        "index": index,
        "position": event.position,
        "at": at(ask, event.position, commit),
        "type": event.type,
        "author": commit.author,
        "why": subjects.of(commit),
        "time": commit.authored,
        "changes": [(written(label), *pair) for label, pair in step.told.items()],
        "commit": commit,
    }


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


def _command(ask: Ask, found: Entity, app: tuple[str, ...]) -> tuple[str, str]:
    """The command line before and after the revision."""
    words = ask.site.command(("state", *found.path))
    return words, ask.site.command(("state", *found.path, *app)).removeprefix(words)


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
