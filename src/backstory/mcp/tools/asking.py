"""Tools that ask history: differences, blame, bisect, and states that are found by a condition."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from backstory.documents.bisect import state_turn_document, turns_document
from backstory.documents.blame import blame_document
from backstory.documents.commits import commit_document
from backstory.documents.differences import (
    difference_document,
    ends_document,
    state_diff_document,
)
from backstory.documents.states import found_document, reference_document
from backstory.errors import InputError
from backstory.failing import theirs
from backstory.history.ask.bisect import Looked, first, looking_for_turns
from backstory.history.ask.diff_all import both
from backstory.history.blame.blame import blame as blamed
from backstory.history.compare.diff import diff_states
from backstory.history.refs.revision import Range, commits_between
from backstory.lookup import events_of
from backstory.mcp.tool import (
    Answer,
    At,
    Entry,
    Identity,
    Listed,
    Paged,
    Short,
    StateName,
    Tool,
    Where,
    offset,
)
from backstory.subject import Subjects
from backstory.texts import finding, states
from backstory.timelimit import OutOfTime, current
from backstory.values.codec import Codec

if TYPE_CHECKING:
    from backstory.mcp.served import Served
    from backstory.store import Log
    from backstory.values.commit import Commit

AS_STORED = Codec(classes={})
"""Turns are shown as they are stored: an event that its class cannot read any more is shown too."""

EVENTS = 10
"""Events that are listed of one commit."""

All = Annotated[
    bool, Meta(description="All states of this class, or with state `tags` all tags; then without `id`.")
]


class DiffArguments(Paged, kw_only=True):
    """The arguments of `diff`."""

    a: Annotated[Short, Meta(min_length=1, description="The revision before, such as main~10 or '#12'.")]
    b: Annotated[Short, Meta(description="The revision after. Default: HEAD.")] = "HEAD"
    state: Annotated[
        Short, Meta(description="What to compare: Account, or a tag. Without it: the commits of each side.")
    ] = ""
    id: Identity = ()
    all: All = False


def diff(served: Served, asked: DiffArguments) -> Answer:
    """The difference between two points: of a state, of all states of a kind, or of commits."""
    span = Range(served.point(asked.a), served.point(asked.b), both=False)
    db = served.db
    view = [db.handle.line(point.chain).log for point in (span.start, span.end)]
    if not asked.state:
        sides = (
            commits_between(db.branches, span.end, span.start),
            commits_between(db.branches, span.start, span.end),
        )
        removed, added = (_commits(log, found) for log, found in zip(view, sides, strict=True))
        lost, gained = list(islice(removed, asked.limit + 1)), list(_page(added, asked))
        fields = {**ends_document(span), "removed": lost[: asked.limit], "differs": bool(lost or gained)}
        notes = () if len(lost) <= asked.limit else (f"more removed: ask log for {asked.b}..{asked.a}",)
        return Listed("diff", "added", gained, fields, notes=notes)
    if asked.all:
        cls = served.kind(asked.state)
        found = both(db.branches, lambda chain: db.handle.line(chain).log, span.start, span.end, cls).found()
        listed = (
            {**reference_document(each.reference), **difference_document(each.difference)} for each in found
        )
        with theirs(cls):
            return Listed("diff", "states", [*_page(listed, asked)], ends_document(span))
    reference = served.reference(asked.state, asked.id)
    with theirs(reference):
        difference = diff_states(view[0], span.start.position, view[1], span.end.position, reference)
    return state_diff_document(span, reference, difference)


def _page(listed: Iterable[dict[str, Any]], asked: Paged) -> Iterable[Entry[dict[str, Any]]]:
    """A page of a list, and one more entry."""
    return islice(offset(listed, asked.cursor), asked.limit + 1)


def _commits(log: Log, found: Iterable[Commit]) -> Iterator[dict[str, Any]]:
    subjects = Subjects(log)
    return (commit_document(each, subjects.of(each), events_of(log, each, EVENTS)) for each in found)


class BlameArguments(Paged, kw_only=True):
    """The arguments of `blame`."""

    state: StateName
    id: Identity = ()
    at: At = None
    assertions: Annotated[
        bool, Meta(description="Count also a write of the value that was there already.")
    ] = False


def blame(served: Served, asked: BlameArguments) -> Listed:
    """For every field of a state, the event and the commit that gave it its value."""
    reference = served.reference(asked.state, asked.id)
    log, upto = served.view(asked.at)
    with theirs(reference):
        served.need_events(log, reference, upto, asked.at)
        found = blamed(log, reference, upto, assertions=asked.assertions)
        fields = blame_document(reference, found, upto, Subjects(log))
    return Listed("blame", "parts", offset(fields.pop("parts"), asked.cursor), fields)


class BisectArguments(Paged, kw_only=True):
    """The arguments of `bisect`."""

    state: StateName
    id: Identity = ()
    all: All = False
    where: Where
    good: Annotated[
        Short | None, Meta(description="Look after this revision. Default: before everything.")
    ] = None
    bad: Annotated[Short | None, Meta(description="Look no later than this revision. Default: HEAD.")] = None


def bisect(served: Served, asked: BisectArguments) -> Listed:
    """Every event after which a condition became true of a state, or not any more."""
    end = served.point(asked.bad)
    start = served.db.point(asked.good or 0)
    if start.position > end.position:
        raise InputError(f"good (#{start.position}) is to be before bad (#{end.position})")
    log = served.db.handle.line(end.chain).log
    if asked.all:
        return _turns(served, log, start.position, end.position, asked)
    reference = served.reference(asked.state, asked.id)
    holds = states.condition(asked.where, type(reference))
    with theirs(reference):
        served.need_events(log, reference, end.position, asked.bad)
        found = first(log, reference, holds, start.position, end.position, AS_STORED)
    fields = turns_document(reference, asked.where, found)
    return Listed("bisect", "turns", offset(fields.pop("turns"), asked.cursor), fields)


CURSOR = re.compile(r"(\d{1,18})\.(\d{1,9})", re.ASCII)


def _turns(served: Served, log: Log, after: int, upto: int, asked: BisectArguments) -> Listed:
    """The turns of all states of a kind. A cursor is where to begin, and how many turns after that were listed."""
    cls, skip = served.kind(asked.state), 0
    holds = states.condition(asked.where, cls)
    if asked.cursor is not None:
        if (match := CURSOR.fullmatch(asked.cursor)) is None:
            raise InputError(
                f"this cursor is one such as 12.1, as the answer before gave it, not {asked.cursor!r}"
            )
        after, skip = max(after, int(match[1])), int(match[2])
    stopped: str | None = None

    def entries() -> Iterator[Entry[dict[str, Any]]]:
        nonlocal stopped
        reached: str | None = None
        position = count = 0
        passed = 0
        try:
            with theirs(cls):
                for each in looking_for_turns(log, cls, holds, after, upto, AS_STORED):
                    if isinstance(each, Looked):
                        reached = f"{each.position}.0"
                        continue
                    at, passed = each.record.position, passed + 1
                    position, count = at, count + 1 if at == position else 1
                    if passed > skip:
                        reached = f"{at - 1}.{count}"
                        yield Entry(state_turn_document(each), reached)
        except OutOfTime:
            if reached is None:
                raise
            stopped = reached

    return Listed("turns", "turns", entries(), {"where": asked.where}, lambda: stopped)


TABLE = (
    "Without a table, every event of every such state is read. An application that keeps one, as"
    ' accounts = Materialized(Account, index=["balance"]), has the answer at once for the end of the log; `projections`'
    " shows whether the table is there and up to date."
)
"""The advice where no table answers."""


class FindArguments(Paged, kw_only=True):
    """The arguments of `find`."""

    state: Annotated[Short, Meta(min_length=1, description="A state of the application: Account.")]
    where: Where = ""
    sort: Annotated[
        tuple[Short, ...], Meta(description='Fields to sort by; with - before it descending: ["-balance"].')
    ] = ()
    count: Annotated[bool, Meta(description="Also say how many there are in all.")] = False
    at: At = None


def find(served: Served, asked: FindArguments) -> Listed:
    """The states of a kind for which a condition is true."""
    cls = served.kind(asked.state)
    try:
        page = finding.found(
            served.db,
            served.known,
            cls,
            asked.where,
            sort=asked.sort,
            limit=asked.limit,
            after=asked.cursor,
            count=asked.count,
            at=asked.at,
        )
    except OutOfTime as over:
        limit = current()
        raise over.hinted(*([TABLE] if limit is not None and limit.furthest else [])) from None
    fields: dict[str, Any] = {"state": cls.__name__, "total": page.total}
    if page.withheld:
        fields["withheld"] = list(page.withheld)
    return Listed("found", "states", offset(map(found_document, page), None), fields, lambda: page.cursor)


TOOLS = (
    Tool(
        "diff",
        "Compare two points of history",
        """Show what differs between two points of history, also of two branches: one state field by field, every state
of a kind that differs, or the commits that only one side has.

Examples: {"a": "main~10", "state": "Account", "id": "a-7"};
{"a": "main", "b": "what-if", "state": "Account", "all": true};
{"a": "main~3"} for the commits since then.""",
        DiffArguments,
        diff,
    ),
    Tool(
        "blame",
        "Show who gave each field its value",
        """Show for every field of a state the event that gave it its value, with commit, author, time and command.

Use `why` for one field in depth. Examples: {"state": "Account", "id": "a-7"};
{"state": "account:a-7", "at": "main~5"}.""",
        BlameArguments,
        blame,
    ),
    Tool(
        "bisect",
        "Find since when something is true",
        """Find the events after which a condition became true of a state, or stopped being true: exact, for every event
is looked at. Use it first when a rule was broken: when did it begin?

Examples: {"state": "Account", "id": "a-7", "where": "balance < 0"};
{"state": "Account", "all": true, "where": "balance < 0", "limit": 1} for the first account of all.""",
        BisectArguments,
        bisect,
    ),
    Tool(
        "find",
        "Find states by a condition",
        """Find the states of a kind for which a condition is true, sorted, now or at a point of history.

Examples: {"state": "Account", "where": "balance < 400", "sort": ["-balance"]};
{"state": "Order", "count": true, "limit": 1}.""",
        FindArguments,
        find,
    ),
)
