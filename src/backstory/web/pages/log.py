"""The log: what happens right now, what happened around a time, and who did it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from markupsafe import Markup

from backstory.documents import document
from backstory.documents.commits import commit_document
from backstory.errors import ApplicationError
from backstory.history.ask.activity import Activity, activity
from backstory.history.ask.changes import changes
from backstory.history.ask.graph import Row, rows
from backstory.history.ask.listing import Filter, Side
from backstory.history.ask.similar import unknown_tags, unknown_types
from backstory.texts.having import having as commits_having
from backstory.values.commit import Commit
from backstory.values.ids import REACTION, derived
from backstory.web import filters, tracks
from backstory.web.ask import SHORT, Ask
from backstory.web.page import Answer, Elsewhere, Pace, Page, Progress, soon
from backstory.web.shown import CUT
from backstory.web.shown import value as written
from backstory.web.wrong import told

SHOWN = 50
"""Commits on a page."""

MOST_SHOWN = 500
"""Commits on a page at most, however many are asked for."""

CHANGES = 8
"""Fields of a commit that are shown in the list."""

FEW = 20
"""Events of the largest commit whose changes are shown in the list: each state that they concern is folded."""

EVENTS = 12
"""Events of a commit that are looked at for its types and tags."""

COLUMNS = 12
"""Branches that are drawn together at most; of more, only the one that is looked at."""

REACTED = derived(REACTION, "")
"""The beginning of the ids of commits that a reaction made: their author is a program."""

PLACE = {"before", "after", "n"}
"""The parameters that say which part of the list is shown, and how long it is."""


def page(ask: Ask) -> Answer:
    """A page of the log; one whose filter no index answers says how far it has come."""
    if added := ask.one("filter"):
        return Elsewhere(ask.here(filter=None, before=None, after=None, **filters.added(ask, added)))
    return soon(f"Log of {ask.branch}", _steps(ask))


def _steps(ask: Ask) -> Iterator[Progress | Page]:
    before = ask.number("before")
    upto = ask.position if before is None else min(ask.position, before - 1)
    wanted = filters.filtered(ask, ask.number("after", 0) or 0, upto)
    number = ask.number("n", SHOWN, MOST_SHOWN) or SHOWN
    if having := ask.one("S"):
        yield Progress(0, upto)
        wanted.only = commits_having(ask.db.log, having, ask.many("of"), ask.state, wanted.after, wanted.upto)
    is_graph = not ask.at and not filters.switched_on(ask) and len(ask.branch_names) <= COLUMNS
    if is_graph:
        found = list(islice(_graph(ask, wanted), number + 1))
    else:
        found = []
        yield from _looking(ask, wanted, number + 1, found)
    older = found[number - 1][1].position if len(found) > number else None
    found = found[:number]
    shown, pace = [], Pace()
    for each in found:
        shown.append(_fields(ask, *each))
        if pace.due():
            yield Progress(len(shown), len(found))
    _mark_days(ask, shown)
    if is_graph:
        width = tracks.width_of([row for _, _, row in found if row is not None])
        for fields in shown:
            fields["width"] = width
    yield Page(
        "log.html",
        f"Log of {ask.branch}",
        document("commits", commits=[fields.pop("document") for fields in shown]),
        filters.command_of(ask, is_graph=is_graph),
        {
            "rows": shown,
            "is_graph": is_graph,
            "filters": filters.switched_on(ask),
            "kept": [(name, value) for name in {*ask.params} - PLACE for value in ask.params.getlist(name)],
            "patch": ask.flag("patch"),
            "older": older,
            "after": ask.number("after"),
            "is_top": before is None,
            "live": _live(ask) if ask.goes_on and not ask.one("S") else "",
            "near": [] if found else _near(ask),
            "activity": _activity(ask) if found else None,
        },
    )


def _live(ask: Ask) -> str:
    """The address of the stream of what is newer, of what the filter wants."""
    return ask.url("live", after=ask.position, **{name: ask.many(name) for name in filters.OPTIONS})


Found = tuple[Side, Commit, Row | None]


def _looking(ask: Ask, wanted: Filter, number: int, found: list[Found]) -> Iterator[Progress]:
    """Find the newest commits of the branch that are wanted, and say how far that is."""
    side, pace = Side(ask.db.log, wanted), Pace()
    upto = wanted.upto or 0
    for commit in wanted.candidates(side.log, backwards=True):
        if wanted.wants(commit, side.subjects):
            found.append((side, commit, None))
            if len(found) == number:
                return
        if pace.due():
            stop = ask.here(after=commit.first - 1)
            yield Progress(upto - commit.first + 1, upto - wanted.after, len(found), stop)


def _graph(ask: Ask, wanted: Filter) -> Iterator[Found]:
    branches = ask.db.branches
    tips = [(branch.chain, branches.view(branch.chain).head().position) for branch in branches.all()]
    return ((row.side, row.commit, row) for row in rows(branches, tips, wanted))


def _fields(ask: Ask, side: Side, commit: Commit, row: Row | None) -> dict[str, Any]:
    """The values of a row of the list."""
    events = list(side.wanted.events(side.log, commit, EVENTS))
    names = ask.names.get(commit.hash, ((), ()))
    subject = side.subjects.of(commit)
    types = Counter(event.type for event in events)
    return {
        "document": commit_document(commit, subject, events),
        "commit": commit,
        "subject": written(subject, CUT),
        "hash": commit.hash.hex()[:SHORT],
        "at": commit.hash.hex()[:SHORT] if row is not None and row.column else None,
        "last": _last(commit),
        "types": list(types.items()),
        "tags": list(dict.fromkeys(tag for event in events for tag in event.tags)),
        "more": commit.size > len(events) >= EVENTS,
        "branches": names[0],
        "marks": names[1],
        "hue": 1 if row is None else tracks.hue_of(row.column),
        "on": "",
        "program": commit.id.startswith(REACTED),
        "track": Markup() if row is None else tracks.track(row),
        "width": 18,
        **_changed(ask, side, commit),
        "day": "",
    }


def _last(commit: Commit) -> str:
    """The position of the last event of a commit, by the digits that differ from its first, at least two."""
    first, last = str(commit.first), str(commit.position)
    if len(first) < len(last):
        return last
    same = next((at for at, (one, other) in enumerate(zip(first, last, strict=True)) if one != other), 0)
    return last[min(same, len(last) - 2) :] if len(last) > 2 else last


def _changed(ask: Ask, side: Side, commit: Commit) -> dict[str, Any]:
    """The changes of a commit, where the reader wants to see them; a larger one has a page of its own."""
    if not ask.flag("patch"):
        return {"changed": None, "untold": ""}
    if commit.size > FEW:
        return {"changed": None, "untold": f"What its {commit.size:,} events changed is on its own page."}
    try:
        found = changes(side.log, commit, ask.states, ask.many("tag"), CHANGES)
    except ApplicationError as error:  # of a state of the application; the rest of the log is as it should be
        return {"changed": None, "untold": str(told(ask, error))}
    return {"changed": found, "untold": ""}


def _near(ask: Ask) -> list[str]:
    """Types and tags of the filter that the log does not have, each with names that are like it."""
    types, tags = unknown_types(ask.db.log, ask.many("type")), unknown_tags(ask.db.log, ask.many("tag"))
    return [*types, *tags]


def _activity(ask: Ask) -> Activity | None:
    """The events of the branch over time; nothing for readers who may not see all of them, or of the past."""
    if ask.is_past or not ask.reader.scope.is_whole:
        return None
    return activity(ask.db.log, ask.now)


def _mark_days(ask: Ask, shown: list[dict[str, Any]]) -> None:
    """Put the day above the first commit of each."""
    last = ""
    for fields in shown:
        day = ask.day(fields["commit"].authored)
        fields["day"] = day if day != last else ""
        last = day
