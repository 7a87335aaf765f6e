"""Tools that read: the list of commits, one commit, a state."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from backstory.decide.latest import Latest
from backstory.documents import document
from backstory.documents.commits import commit_document, event_document
from backstory.documents.show import show_document
from backstory.documents.states import latest_document, state_document
from backstory.errors import InputError, UnknownRevision
from backstory.failing import theirs
from backstory.history.ask.listing import Filter, Side
from backstory.history.ask.similar import unknown_tags, unknown_types
from backstory.history.ask.unread import told_unread
from backstory.history.refs.parse_time import parse_time
from backstory.history.refs.revision import missing
from backstory.lookup import commit_at
from backstory.mcp.tool import Arguments, At, Entry, Identity, Listed, Paged, Short, StateName, Tool
from backstory.place import Place
from backstory.texts.having import having
from backstory.timelimit import OutOfTime
from backstory.values.query import Query

if TYPE_CHECKING:
    from backstory.mcp.served import Served
    from backstory.values.commit import Commit

EVENTS = 10
"""Events that are listed of one commit."""


class LogArguments(Paged, kw_only=True):
    """The arguments of `log`."""

    revision: Annotated[
        Short | None,
        Meta(description="Begin there, or a range: main~20..main, main..what-if. Default: HEAD."),
    ] = None
    types: Annotated[
        tuple[Short, ...], Meta(description="Only commits with events of any of these types.")
    ] = ()
    tags: Annotated[
        tuple[Short, ...], Meta(description="Only commits with events that have all these tags.")
    ] = ()
    author: Annotated[str, Meta(max_length=500, description="Only authors that contain this text.")] = ""
    grep: Annotated[
        str, Meta(max_length=500, description="Only commits whose message or subject contains this text.")
    ] = ""
    since: Annotated[
        str, Meta(max_length=100, description="Not earlier: 2026-11-03 14:00, or yesterday.")
    ] = ""
    until: Annotated[str, Meta(max_length=100, description="Not later than this time.")] = ""
    having: Annotated[
        str,
        Meta(
            max_length=2_000,
            description="Only commits after which a field has a value that it had not before: status=paid.",
        ),
    ] = ""
    of: Annotated[
        tuple[Short, ...],
        Meta(description='With `having`: whose field, ["Account", "a-7"], ["Account"] for any, or a tag.'),
    ] = ()


def log(served: Served, asked: LogArguments) -> Listed:
    """The commits, newest first."""
    side = _side(served, asked)
    stopped: str | None = None

    def entries() -> Iterator[Entry[dict[str, Any]]]:
        nonlocal stopped
        last: Commit | None = None
        try:
            for commit in side.wanted.candidates(side.log, backwards=True):
                if side.wanted.wants(commit, side.subjects):
                    events = list(side.events(commit, EVENTS))
                    found = commit_document(commit, side.subjects.of(commit), events)
                    if len(events) == EVENTS < commit.size:
                        found["more_events"] = True
                    yield Entry(found, str(Place.of(commit)))
                last = commit
        except OutOfTime:
            if last is None:
                raise
            stopped = str(Place.of(last))

    unknown = [*unknown_types(side.log, asked.types), *unknown_tags(side.log, asked.tags)]
    return Listed("commits", "commits", entries(), {"unknown": unknown} if unknown else {}, lambda: stopped)


def _side(served: Served, asked: LogArguments) -> Side:
    """The history that is meant, and its wanted commits; a cursor is the last commit that was listed before."""
    db, text = served.db, asked.revision or "HEAD"
    pattern = re.compile(re.escape(asked.grep), re.IGNORECASE) if asked.grep else None
    wanted = Filter(Query.of(types=asked.types, tags=asked.tags), asked.author.casefold(), pattern)
    span = db.handle.span(text)
    if span is None:
        end = served.point(text)
        wanted.upto = end.position
    elif span.both:
        raise InputError(f"{text} has two sides: ask for each, as in main..what-if and what-if..main")
    else:
        end = span.end
        wanted.missing = missing(db.branches, span.start, end)
        wanted.after, wanted.upto = wanted.missing.after, wanted.missing.upto
    side, now = Side(db.handle.line(end.chain).log, wanted), db.branches.clock()
    wanted.during(side.log, _time(asked.since, now), _time(asked.until, now))
    if asked.cursor is not None:
        last = Place.parse(asked.cursor).on(db.branches.places(end.chain))
        wanted.upto = commit_at(side.log, last).first - 1
    if asked.having:
        wanted.only = having(side.log, asked.having, asked.of, served.kind, wanted.after, wanted.upto)
    return side


def _time(text: str, now: datetime) -> datetime | None:
    return parse_time(text, now) if text else None


class ShowArguments(Paged, kw_only=True):
    """The arguments of `show`."""

    revision: At = None


def show(served: Served, asked: ShowArguments) -> Listed:
    """One commit with all that it says, and its events; or one event."""
    point = served.point(asked.revision)
    at = served.db.handle.line(point.chain).log
    if (commit := point.commit) is None:
        raise UnknownRevision(asked.revision or "HEAD", "no commit stands there; it is before the first one")
    unread = None
    if commit.condition is not None and served.known is not None:
        unread = told_unread(at, commit, served.known.states)
    fields = show_document(at, commit, (), unread)
    del fields["events"]
    after, upto = (point.position - 1, point.position) if point.exact else (commit.first - 1, commit.position)
    if asked.cursor is not None:
        after = max(after, Place.parse(asked.cursor).on(served.db.branches.places(point.chain)))
    entries = (
        Entry(event_document(event), str(Place.of(commit, event.position)))
        for event in at.read(after=after, upto=upto)
    )
    return Listed("commit", "events", entries, fields)


class StateArguments(Arguments, kw_only=True):
    """The arguments of `state`."""

    state: StateName
    id: Identity = ()
    at: At = None


def state(served: Served, asked: StateArguments) -> dict[str, Any]:
    """A state of the application, or the latest values of a tag, now or then."""
    reference = served.reference(asked.state, asked.id)
    at, upto = served.view(asked.at)
    with theirs(reference):
        served.need_events(at, reference, upto, asked.at)
        last = next(served.db.read(reference.query(), at=asked.at, backwards=True, limit=1))
        if isinstance(reference, Latest):
            for event in at.read(reference.query(), upto=upto):
                reference.apply(event)
            givers = {each.position: commit_at(at, each.position) for each in reference.fields.values()}
            return document("state", **latest_document(reference, givers))
        return document("state", **state_document(served.db.load(reference, asked.at), last))


TOOLS = (
    Tool(
        "log",
        "List commits",
        """List commits, newest first, each with its author, time, message, command and first events.

Use it to see what happened: lately, to one thing (`tags`), of one kind (`types`), by somebody (`author`), in a range.
Examples: {} for the last commits; {"tags": ["account:a-7"], "limit": 5}; {"revision": "main~20..main"};
{"having": "status=paid", "of": ["Order", "o-1"]} for the commit after which the order was paid.""",
        LogArguments,
        log,
    ),
    Tool(
        "show",
        "Show a commit or an event",
        """Show one commit whole: its events, its command, the condition that it was decided on, what caused it and what
it caused, and states that it changed without having read all that they follow from.

Examples: {} for the last commit; {"revision": "#12"} for the one event at position 12; {"revision": "0f3a9c1b"}.""",
        ShowArguments,
        show,
    ),
    Tool(
        "state",
        "Show a state",
        """Show what is true of one thing, now or at any point of history: a state of the application, folded from its
events, or the latest values of the fields of a tag, each with its event.

Examples: {"state": "Account", "id": "a-7"}; {"state": "Account", "id": "a-7", "at": "main~10"};
{"state": "account:a-7"}, which needs no application.""",
        StateArguments,
        state,
    ),
)
