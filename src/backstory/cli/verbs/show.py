"""`backstory show`: one commit with all that it says and all its events, or one event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from backstory.cli.parse.parser import application_options
from backstory.cli.show import commits
from backstory.cli.show.text import count
from backstory.cli.show.times import human, in_log
from backstory.documents.causes import SHOWN
from backstory.documents.show import show_document
from backstory.documents.states import name_of
from backstory.errors import BackstoryError, UnknownRevision
from backstory.history.ask.causes import causes, direct_effects, undone_by
from backstory.history.ask.unread import told_unread
from backstory.history.forget.withholding import names_of
from backstory.lookup import events_of
from backstory.subject import Subjects, subject_of
from backstory.told import pasted, plain
from backstory.values.commit import QUERY

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.decide.state import State
    from backstory.history.ask.unread import Unread
    from backstory.session import Session
    from backstory.store import Log
    from backstory.values.commit import Commit
    from backstory.values.event_data import RecordedEvent

EXAMPLES = """\
backstory show
backstory show '#2'
backstory show HEAD --json
"""

TEXT = """\
REVISION is a branch, a mark, HEAD, a commit's id or 4 or more digits of its hash, a position, or any of these with
~3 (three commits before), ^ or @{yesterday} behind it. '#2' shows the one event at that position, and needs the
quotes: without them a shell takes it for a comment. 2 means the same."""


def arguments(parser: ArgumentParser) -> None:
    """The revision."""
    parser.add_argument(
        "revision", nargs="?", default="HEAD", metavar="REVISION", help="default: the last commit"
    )
    application_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Show it."""
    point = session.point(arguments.revision)
    log = session.branches.view(point.chain)
    if (commit := point.commit) is None:
        raise UnknownRevision(arguments.revision, "no commit stands there; it is before the first one")
    shown = events(log, commit, point.position if point.exact else None)
    found = told_unread(log, commit, states_of(session)) if commit.condition is not None else None
    if out.json:
        out.document("commit", **show_document(log, commit, shown, found))
        return 0
    subject = subject_of(log, commit)
    out.page()
    out.lines(header(commit, out))
    out.lines(unread_lines(found or ()))
    out.lines(related(log, commit, Subjects(log)))
    out.lines(commits.message(commit, subject, out))
    for event in shown:
        out.line()
        out.line(commits.event(event, out))
        out.lines(commits.data(event))
    if point.exact and commit.size > 1:
        short = commit.hash.hex()[: commits.SHORT]
        out.say(f"\nOne event of {commit.size:,} in this commit. All of them: {pasted('show', short)}")
    return 0


def states_of(session: Session) -> Iterable[type[State]] | None:
    """The states of the application; None without one, or if it cannot be loaded: a commit can be shown without it."""
    try:
        return session.application.states if session.has_application else None
    except BackstoryError:
        return None


def unread_lines(found: Iterable[Unread]) -> Iterator[str]:
    """A line for each such state."""
    for each in found:
        fields = ", ".join(plain(field.removeprefix("/")) for field in each.fields)
        events = ", ".join(f"#{event.position} {plain(event.type)}" for event in each.events)
        more = " and more" if each.more else ""
        state = plain(name_of(each.reference))
        yield f"Unread:    {state}: {fields} also follows from {events}{more}, which was not read"


def related(log: Log, commit: Commit, subjects: Subjects) -> Iterator[str]:
    """The commits that caused this one, that it caused, and that undo it."""

    def told(other: Commit) -> str:
        by = f" by {plain(other.author)}" if other.author else ""
        return f"{commits.span(other)}{by}: {plain(subjects.of(other))}"

    for cause in islice(causes(log, commit), 1):
        where = "which is not on this branch" if cause.commit is None else told(cause.commit)
        yield f"Caused by: {plain(cause.id)}, {where}" if cause.commit is None else f"Caused by: {where}"
    effects = list(islice(direct_effects(log, commit), SHOWN + 1))
    for effect in effects[:SHOWN]:
        yield f"Caused:    {told(effect)}"
    if len(effects) > SHOWN:
        yield f"           and more: {pasted('causes', commit.hash.hex()[: commits.SHORT])}"
    for each in undone_by(log, commit):
        again = next(undone_by(log, each), None)
        itself = "" if again is None else f", which was undone itself by {commits.span(again)}"
        yield f"Undone by: {told(each)}{itself}"


def events(log: Log, commit: Commit, position: int | None) -> Iterable[RecordedEvent]:
    """The event at a position, or all of the commit."""
    if position is not None:
        return log.read(after=position - 1, upto=position)
    return events_of(log, commit)


def header(commit: Commit, out: Output) -> Iterator[str]:
    """Every field of a commit but its message, by name."""
    name = out.paint(f"commit {commit.hash.hex()}", "yellow")
    yield f"{name} {out.paint(commits.span(commit), 'cyan')} ({count(commit.size, 'event')})"
    yield f"Id:        {plain(commit.id)}"
    if commit.author:
        yield f"Author:    {plain(commit.author)}"
    yield f"Date:      {human(commit.authored)}"
    if in_log(commit):
        yield f"In log as: {human(commit.time)}, because a commit before it is that late"
    yield f"Content:   {commit.content.hex()}"
    if commit.condition is not None and QUERY not in commit.withheld:
        after = commit.condition.after
        yield f"Condition: {commits.readable(commit.condition.query)}{f' after #{after}' if after else ' ever'}"
    if commit.command_json:
        yield f"Command:   {plain(commits.shown_command(commit).decode())}"
    if commit.metadata_json != b"{}":
        yield f"Metadata:  {plain(commit.metadata_json.decode())}"
    if commit.withheld:
        yield f"Withheld:  {', '.join(names_of(commit))}"
