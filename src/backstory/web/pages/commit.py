"""One commit: why it was decided, on what, by whom; what it changed and caused; whether it can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from backstory.documents import document
from backstory.documents.show import show_document
from backstory.errors import BackstoryError
from backstory.history.ask.causes import family
from backstory.history.ask.changes import LARGE, Changes, changes
from backstory.history.ask.decided_on import decided_on
from backstory.history.ask.unread import told_unread
from backstory.history.check.verify import commit_problems
from backstory.history.compare.jsonable import words_of
from backstory.history.forget.withholding import names_of
from backstory.history.refs.revision import Point
from backstory.subject import Subjects
from backstory.values.commit import METADATA, ORIGIN, Commit
from backstory.web import why
from backstory.web.ask import SHORT, Ask, NotFound
from backstory.web.events import EVENTS, Window, event_shown, whole_of, window_of
from backstory.web.named import at_position, by_hash
from backstory.web.page import Answer, Page, Slow
from backstory.web.proven import proof_of
from backstory.web.shown import LINE
from backstory.web.wrong import told

if TYPE_CHECKING:
    from backstory.decide.state import State
    from backstory.line import Line
    from backstory.store import Log

CHANGED = 100
"""Fields that a commit changed, on a page."""

HOLDERS = 100
"""Branches that are asked whether they have the commit."""

FOLDED = 100_000
"""Events of a log in which a state may have so many that its fold is waited for: the frame is sent before."""


def page(ask: Ask) -> Answer:
    """The page of a commit, or the commits that a hash may mean."""
    if len(ask.path) == 3 and ask.path[1] == "h":
        found = by_hash(ask, ask.path[2])
        if not isinstance(found, Point):
            return found
        point = found
    elif len(ask.path) == 2:
        point = at_position(ask, ask.path[1])
    else:
        raise NotFound("a commit is at /c/ and a position, or at /c/h/ and the beginning of its hash")
    commit = point.commit
    assert commit is not None
    line = ask.db.handle.line(point.chain)
    if ask.one("proof"):
        return proof_of(ask, line, commit)
    if whole := ask.one("whole"):
        return whole_of(commit, line.log, whole)
    window = window_of(ask, point, commit, line.log)
    wanted = commit.size > LARGE and ask.flag("changes")
    if ask.head.position <= FOLDED and not wanted:
        return _shown(ask, point, commit, line, window)
    steps = (_shown(ask, point, commit, line, each) for each in [window])
    return Slow(f"#{commit.position} {Subjects(line.log).of(commit)}", steps)


def _shown(ask: Ask, point: Point, commit: Commit, line: Line, window: Window) -> Page:
    log, subjects = line.log, Subjects(line.log)
    states = None if ask.site.application is None else ask.site.application.states
    unread = told_unread(log, commit, states)
    start, events = window
    subject = subjects.of(commit)
    before = next(log.commits(upto=commit.first - 1, backwards=True, limit=1), None)
    after = next(log.commits(after=commit.position, limit=1), None)
    changed, wrong = _changes(ask, commit, log, states or ())
    values: dict[str, Any] = {
        "commit": commit,
        "subject": subject,
        "message": commit.message.strip("\n").partition("\n")[2].strip("\n"),
        "hash": commit.hash.hex()[:SHORT],
        "file": ask.url("c", commit.position, whole="message") if len(commit.message) > LINE else "",
        "withheld": names_of(commit),
        "late": commit.time != commit.authored,
        "branches": _holders(ask, commit),
        "marks": ask.names.get(commit.hash, ((), ()))[1],
        "before": before,
        "after": after,
        "changed": changed,
        "wrong": wrong,
        "large": LARGE,
        "may_append": ask.may("append") and ask.reader.scope.is_whole,
        "may_prove": ask.reader.scope.is_whole,
        "call": why.call(ask, commit),
        "decided_on": decided_on(commit, log),
        "unread": [
            {
                "words": words_of(each.reference), "events": each.events, "more": each.more,
                "fields": [field.removeprefix("/") for field in each.fields],
            }
            for each in unread or ()
        ],
        "undone": why.undone(ask, point, commit, log, subjects),
        "tree": family(log, commit, why.upto_of(ask, point, commit)),
        "events": [event_shown(ask, commit, event) for event in events],
        "start": start,
        "window": EVENTS,
        "as_json": ask.flag("json"),
        "metadata": _metadata(commit),
        "sound": _sound(ask, line, commit, before),
        "hashes": {"Commit": _grouped(commit.hash), "Content": _grouped(commit.content)},
    }  # fmt: skip
    every = events if commit.size > LARGE else log.read(after=commit.first - 1, upto=commit.position)
    name = (
        f"#{commit.position}"
        if commit.size == 1 and point.chain == ask.db.chain
        else commit.hash.hex()[:SHORT]
    )
    return Page(
        "commit.html",
        f"#{commit.position} {subject}",
        document("commit", **show_document(log, commit, every, unread)),
        ("show", name, *(["--app"] if states is not None else [])),
        values,
    )


def _changes(ask: Ask, commit: Commit, log: Log, states: Sequence[type[State]]) -> tuple[Changes | None, str]:
    """The fields that it changed; None where they are many and nobody asked. Else the words of what went wrong."""
    if commit.size > LARGE and not ask.flag("changes"):
        return None, ""
    try:
        return changes(log, commit, states, limit=CHANGED), ""
    except BackstoryError as wrong:
        return None, str(told(ask, wrong))


def _metadata(commit: Commit) -> Any:
    """Its metadata; None if it has none, or if they are withheld."""
    if METADATA in commit.withheld or commit.metadata_json == b"{}":
        return None
    return msgspec.json.decode(commit.metadata_json)


def _holders(ask: Ask, commit: Commit) -> list[str]:
    """The branches that have it."""
    branches = ask.db.branches
    return [
        branch.name
        for branch in islice(branches.all(), HOLDERS)
        if any(each.hash == commit.hash for each in branches.view(branch.chain).commits_at([commit.position]))
    ]


def _sound(ask: Ask, line: Line, commit: Commit, before: Commit | None) -> bool | None:
    """Whether its hashes are those of what it says; None if that was not looked at."""
    if not ask.reader.scope.is_whole or commit.size > LARGE:
        return None
    events = list(line.stored.read(after=commit.first - 1, upto=commit.position))
    return next(commit_problems(commit, events, ORIGIN if before is None else before.point), None) is None


def _grouped(hash: bytes) -> str:
    """A hash in groups of 8 digits, which can be read out."""
    digits = hash.hex()
    return " ".join(digits[index : index + 8] for index in range(0, len(digits), 8))
