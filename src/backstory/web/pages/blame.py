"""Blame: for each field of an entity, the event that gave it its value: who, when and why, and what it was before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from backstory.decide.latest import Latest
from backstory.decide.state import identity
from backstory.documents import document
from backstory.documents.blame import blame_document
from backstory.documents.commits import call_document
from backstory.failing import theirs
from backstory.history.ask.causes import causes
from backstory.history.ask.steps import Events, Step
from backstory.history.blame.blame import Blame, Blamed, blaming
from backstory.history.compare.flat import Leaf
from backstory.history.compare.jsonable import names_of
from backstory.history.compare.place import written
from backstory.history.compare.pointer import Path
from backstory.lookup import event_at
from backstory.store import Log
from backstory.subject import Subjects
from backstory.values.commit import Commit
from backstory.web.ask import Ask, NotFound
from backstory.web.entities import Entity, entity, is_whole, log_of, newest, parts_of
from backstory.web.page import Answer, Elsewhere, Pace, Page, Progress, soon
from backstory.web.steps import around_of, compared

FIELDS = 400
"""Fields that are shown; the document has all of them."""

EARLIER = 4
"""Values of a field before the one that it has, which are shown."""


class Earlier(NamedTuple):
    """A value that a field had: the position and the author of the commit that gave it; position 0 for a default."""

    leaf: Leaf
    position: int
    url: str
    author: str


def page(ask: Ask) -> Answer:
    """The form that leads to the blame of an entity."""
    if len(ask.path) > 1:
        raise NotFound("the blame of an entity is at its own address, /e/Order/o-1/blame")
    text = ask.one("of").strip()
    if text:
        parts = parts_of(text)
        if not is_whole(ask, parts):
            return Elsewhere(ask.url("e", *parts))
        return Elsewhere(ask.url("e", *entity(ask, parts).path, "blame"))
    return Page("blame_form.html", "Blame", document("blame"), ("blame", "--help"))


def of(ask: Ask, found: Entity) -> Answer:
    """The blame of an entity."""
    around = around_of(ask, found)
    return soon(f"Blame of {found.name}", _steps(ask, found, around))


def _steps(ask: Ask, found: Entity, around: Events) -> Iterator[Progress | Page]:
    looking = blaming(log_of(ask), found.reference, ask.position, assertions=ask.flag("assertions"))
    pace = Pace()
    with theirs(found.reference):
        while True:
            try:
                position = next(looking)
            except StopIteration as end:
                blamed: Blame = end.value
                break
            if pace.due():
                stop = ask.here(at=f"{ask.branch}#{position}") if ask.point.chain == ask.db.chain else ""
                yield Progress(position, ask.position, None, stop)
    yield _page(ask, found, around, blamed)


def _page(ask: Ask, found: Entity, around: Events, blamed: Blame) -> Page:
    log, reference, assertions = log_of(ask), found.reference, ask.flag("assertions")
    blamed.fetch()
    subjects = Subjects(log)
    steps = compared(ask, found, around)
    known = () if isinstance(reference, Latest) else identity(reference)
    hidden = {names_of(type(reference))[name] for name in known}
    labels = {leaf.path: label for label, leaf in steps.leaves.items()}
    parts = [part for part in blamed.leaves if part.path[0] not in hidden]
    types = _types(log, {part.position for part in parts[:FIELDS] if part.position})
    rows = [_row(ask, subjects, part, labels.get(part.path, part.path), types) for part in parts[:FIELDS]]
    upto = [step for step in steps.steps if step.event.position <= ask.position]
    for row in rows:
        row["earlier"] = _earlier(ask, upto, row["label"], row["position"])
    first, last = steps.steps[0].event.position, upto[-1].event.position
    for row in rows:
        row["age"] = f"{0.1 + 0.9 * max(0, row['position'] - first) / max(1, last - first):.2f}"
    if ask.one("order") == "newest":
        rows.sort(key=lambda row: -row["position"])
    _mark_same(rows)
    words = ["blame", *found.path, *(["--at", ask.meant(ask.at)] if ask.at else [])]
    words += ["--assertions"] if assertions else []
    return Page(
        "blame.html",
        f"Blame of {found.name}",
        document("blame", **blame_document(reference, blamed, ask.position, subjects)),
        (*words, *(() if isinstance(reference, Latest) else ("--app",))),
        {
            "entity": found,
            "rows": rows,
            "left": len(parts) - len(rows),
            "answer": _answer(ask, rows),
            "here": last,
            "since_first": f"(before #{first})"
            if around.before or first != around.events[0].position
            else "(default)",
            "assertions": assertions,
            "by_age": ask.one("order") == "newest",
            "diff": ask.url("diff", "#0", newest(ask) or "HEAD", of=found.of, at=newest(ask)),
        },
    )


def _types(log: Log, positions: set[int]) -> Mapping[int, str]:
    """The types of the events at some positions, a look-up each."""
    found = (event_at(log, each) for each in sorted(positions))
    return {event.position: event.type for event in found if event is not None}


def _row(ask: Ask, subjects: Subjects, part: Blamed, label: Path, types: Mapping[int, str]) -> dict[str, Any]:
    commit = part.commit
    row: dict[str, Any] = {
        "label": label,
        "name": written(label),
        "value": part.shown,
        "position": part.position,
        "type": types.get(part.position, ""),
        "commit": commit,
        "same": False,
        "link": "",
        "why": "",
        "command": "",
    }
    if commit is not None:
        called = call_document(commit)
        row |= {
            "link": ask.url("c", part.position),
            "why": subjects.of(commit),
            "command": called.get("name", "") if isinstance(called, dict) else "",
        }
    return row


def _earlier(ask: Ask, steps: Sequence[Step], label: Path, since: int) -> list[Earlier]:
    """The values that a field had before, the latest first; the default, if the first event is among the steps."""
    found: list[Earlier] = []
    default: Leaf | None = None
    for step in reversed(steps):
        if label not in step.changes or len(found) > EARLIER:
            continue
        before, leaf = step.changes[label]
        default = before
        if step.event.position < since and leaf is not None:
            url = ask.url("c", step.event.position)
            found.append(Earlier(leaf, step.event.position, url, step.commit.author))
    if default is not None and len(found) <= EARLIER:
        found.append(Earlier(default, 0, "", ""))
    return found


def _mark_same(rows: list[dict[str, Any]]) -> None:
    """Mark a row that has the event of the row before it, so that the words are not said again."""
    last = 0
    for row in rows:
        row["same"] = row["position"] == last and last > 0
        last = 0 if row["earlier"] else row["position"]


def _answer(ask: Ask, rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The sentence: about the field that is asked for, else about the one that was changed last."""
    wanted = ask.one("field")
    known = [row for row in rows if row["commit"] is not None and wanted in ("", row["name"])]
    if not known:
        return None
    row = max(known, key=lambda row: row["position"])
    commit: Commit = row["commit"]
    cause = next(causes(log_of(ask), commit), None)
    about = None
    if cause is not None and cause.commit is not None:
        about = cause.commit.position, Subjects(log_of(ask)).of(cause.commit)
    return {**row, "message": commit.message, "cause": about}
