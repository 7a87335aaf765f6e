"""Branches and marks: how branches stand, how far they are apart, and what may be brought back."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from time import monotonic
from typing import Any

from backstory.documents import document
from backstory.documents.branches import mark_document, standing_document
from backstory.history.refs.branches import MAIN, Mark
from backstory.history.refs.former import named
from backstory.history.refs.standing import MOST as COUNTED
from backstory.history.refs.standing import Standing, Standings
from backstory.store import Log
from backstory.subject import subject_of
from backstory.web.ask import Ask, NotFound
from backstory.web.page import Answer, Page, Progress, soon
from backstory.web.railmap import hues, railmap

MOST = 500
"""Branches, and marks, on the page."""

GONE = 20
"""Deleted branches that are offered to be brought back."""

PATIENCE = 0.5
"""Seconds between two words of how far it is."""


def page(ask: Ask) -> Answer:
    """The page; `/branches/marks` has the document of `mark --json`."""
    if ask.path[1:] not in ([], ["marks"]):
        raise NotFound(f"there is no page {'/'.join(ask.path)}; a merge is at /merge/SOURCE/TARGET")
    _ = ask.point  # a wrong revision is told before the frame is sent
    return soon("Branches and marks", _steps(ask))


def _steps(ask: Ask) -> Iterator[Progress | Page]:
    branches = ask.db.branches
    every = list(islice(branches.all(), MOST + 1))
    standings, told, of = [], monotonic(), Standings(branches)
    for number, branch in enumerate(every[:MOST]):
        standings.append(of.of(branch))
        if monotonic() - told > PATIENCE:
            told = monotonic()
            yield Progress(number + 1, len(every), number + 1)
    logs = {branch.name: branches.view(branch.chain) for branch in every}  # a name may be gone by now
    marks = sorted(branches.marks(), key=lambda mark: (mark.position, mark.name))
    more = max(0, len(ask.branch_names) - MOST)
    colors = hues(standings)
    if ask.path[1:]:
        found = document("marks", marks=[mark_document(mark) for mark in marks[-MOST:]])
    else:
        found = document("branches", branches=[standing_document(each, ask.branch) for each in standings])
    yield Page(
        "branches.html",
        "Branches and marks",
        found | ({"left": more} if more else {}),
        ("mark",) if ask.path[1:] else ("branch", "-v"),
        {
            "rows": [_row(logs[each.name], each, colors[each.name]) for each in standings],
            "more": more,
            "marks": marks[-MOST:][::-1],
            "marks_left": max(0, len(marks) - MOST),
            "map": railmap(logs, standings, marks),
            "hues": colors,
            "gone": _gone(ask),
            "acts": ask.may("append") and ask.reader.scope.is_whole,
            "COUNTED": COUNTED,
            "at_mark": at_mark,
        },
    )


def _row(log: Log, each: Standing, hue: int) -> dict[str, Any]:
    """The values of a row of the table."""
    last = next(log.commits(backwards=True, limit=1), None)
    most = max(each.ahead, each.behind, 10)
    return {
        "standing": each,
        "hue": hue,
        "is_main": each.name == MAIN,
        "ahead": round(45 * each.ahead / most, 1),
        "behind": round(45 * each.behind / most, 1),
        "last": last,
        "subject": "" if last is None else subject_of(log, last),
    }


def _gone(ask: Ask) -> list[dict[str, Any]]:
    """The branches that were deleted and not made again, newest first, for those who may bring them back."""
    if not (ask.may("append") and ask.reader.scope.is_whole):
        return []
    names, found = set(ask.branch_names), []
    for entry, _ in islice(named(ask.db.branches.reflog.read()), 10 * GONE):
        if entry.kind == "BranchDeleted" and entry.name not in names:
            names.add(entry.name)
            found.append({"name": entry.name, "time": entry.time, "position": entry.details.get("position")})
    return found[:GONE]


def at_mark(mark: Mark) -> str:
    """The hash prefix of a mark's commit; empty for a mark of the beginning."""
    return mark.hash[:10] if mark.position else ""
