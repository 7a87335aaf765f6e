"""`backstory log`: the commits, newest first, as Git lists them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from backstory.cli import UsageError, commits, place
from backstory.query import Query
from backstory.store import ALL

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.output import Output
    from backstory.commit import Commit
    from backstory.record import Recorded
    from backstory.store import Log

EXAMPLES = """\
backstory log -n 20
backstory log --oneline --tag account:a-7
backstory log --type Withdrawn --type Deposited --since yesterday
backstory log --author ann --grep 'rent|food' --until 2030-01-01
backstory log --follow --ndjson
"""

TEXT = """\
With --type or --tag: the commits that hold such events, and of their events these. Several --type mean
any of them, several --tag all of them. Times are local where they name no zone; a date is its midnight."""

SHOWN = 10
"""Events that are listed of one commit."""

RECENT = 10
"""Commits that --follow begins with, as `tail -f` does with lines."""


def arguments(parser: ArgumentParser) -> None:
    """What to show, and how."""
    parser.add_argument("--oneline", action="store_true", help="each commit on one line")
    parser.add_argument(
        "--type",
        action="append",
        default=[],
        metavar="TYPE",
        help="with events of this type; repeat for more",
    )
    parser.add_argument(
        "--tag",
        action="append",
        default=[],
        metavar="KEY:VALUE",
        help="with events that have this tag; repeat for all",
    )
    parser.add_argument("--author", metavar="TEXT", help="whose author has this text, in either case")
    parser.add_argument("--grep", metavar="REGEX", help="whose message matches this regular expression")
    parser.add_argument("--since", metavar="TIME", help="not earlier than this")
    parser.add_argument("--until", metavar="TIME", help="not later than this")
    parser.add_argument("-n", "--number", type=int, metavar="N", help="at most so many commits")
    parser.add_argument("--reverse", action="store_true", help="oldest first, of the same commits")
    parser.add_argument(
        "-f",
        "--follow",
        action="store_true",
        help=f"go on with new commits as they come, oldest first, until Ctrl-C; begins with the last {RECENT}, or N",
    )
    parser.add_argument(
        "--ndjson", action="store_true", help="print a JSON document for each commit, on one line"
    )


class Filter(msgspec.Struct):
    """Which commits are wanted."""

    query: Query = ALL
    author: str = ""
    grep: re.Pattern[str] | None = None
    after: int = 0
    upto: int | None = None

    def commits(self, log: Log, *, backwards: bool) -> Iterator[Commit]:
        """The commits that are wanted, streamed; with types or tags the index finds them."""
        if self.query.is_all:
            found = log.commits(after=self.after, upto=self.upto, backwards=backwards)
        else:
            found = self._holding(log, backwards)
        return filter(self.wants, found)

    def _holding(self, log: Log, backwards: bool) -> Iterator[Commit]:
        last = 0
        for event in log.read(self.query, after=self.after, upto=self.upto, backwards=backwards):
            if event.commit != last:
                last = event.commit
                yield from log.commits(after=last - 1, upto=last)

    def wants(self, commit: Commit) -> bool:
        """Whether author and message are wanted."""
        return self.author in commit.author.casefold() and (
            self.grep is None or self.grep.search(commit.message) is not None
        )

    def events(self, log: Log, commit: Commit, limit: int | None = None) -> Iterator[Recorded]:
        """The events of a commit that are wanted."""
        return log.read(self.query, after=commit.first - 1, upto=commit.position, limit=limit)


def run(arguments: Namespace, out: Output) -> int:
    """List the commits."""
    wanted = Filter(
        Query.of(types=arguments.type, tags=arguments.tag),
        (arguments.author or "").casefold(),
        pattern(arguments.grep),
    )
    if arguments.number is not None and arguments.number < 0:
        raise UsageError(f"-n takes a number of commits, not {arguments.number}")
    if arguments.follow and (arguments.until or out.json):
        raise UsageError(
            "--follow never ends: it goes neither with --until nor with --json, but with --ndjson"
        )
    with place.opened(arguments) as store:
        log = store.log()
        between(log, wanted, arguments.since, arguments.until)
        if arguments.follow:
            return follow(log, wanted, arguments, out)
        found = chosen(log, wanted, arguments.number, oldest_first=arguments.reverse)
        if out.json or out.ndjson:
            fields = (commits.commit_fields(commit, wanted.events(log, commit)) for commit in found)
            out.records("commit", fields, plural="commits")
            return 0
        out.page()
        write(log, wanted, found, out, oneline=arguments.oneline)
        if log.head().position == 0:
            out.say("no commits yet; make one with: backstory append")
    return 0


def pattern(regex: str | None) -> re.Pattern[str] | None:
    """The regular expression of --grep. Raises `UsageError` that says where it is wrong."""
    try:
        return re.compile(regex) if regex else None
    except re.error as wrong:
        raise UsageError(f"--grep {regex!r} is no regular expression: {wrong}") from wrong


def between(log: Log, wanted: Filter, since: str | None, until: str | None) -> None:
    """Turn times into positions."""
    if since is None and until is None:
        return
    from backstory.cli.times import parsed
    from backstory.history import timeline

    if since is not None:
        wanted.after = timeline.last_before(log, parsed(since))
    if until is not None:
        wanted.upto = timeline.last_at(log, parsed(until))


def chosen(log: Log, wanted: Filter, number: int | None, *, oldest_first: bool) -> Iterator[Commit]:
    """The commits to show. `number` takes the newest, in whichever order they are shown."""
    if oldest_first and number is None:
        return wanted.commits(log, backwards=False)
    found = islice(wanted.commits(log, backwards=True), number)
    return reversed(list(found)) if oldest_first else found


def write(log: Log, wanted: Filter, found: Iterator[Commit], out: Output, *, oneline: bool) -> None:
    """Write commits for people."""
    for index, commit in enumerate(found):
        if oneline:
            out.line(commits.line(commit, wanted.events(log, commit, 1), out))
        else:
            out.lines([""] if index else [])
            out.lines(entry(log, wanted, commit, out))


def entry(log: Log, wanted: Filter, commit: Commit, out: Output) -> Iterator[str]:
    """A commit with its message and its events, or the first of them."""
    yield commits.title(commit, out)
    yield from commits.signature(commit)
    yield from commits.message(commit)
    yield ""
    shown = list(wanted.events(log, commit, SHOWN))
    yield from (commits.INDENT + text for text in commits.events(shown, out))
    if len(shown) < commit.size:
        yield out.paint(f"{commits.INDENT}and {commit.size - len(shown):,} more", "dim")


def follow(log: Log, wanted: Filter, arguments: Namespace, out: Output) -> int:
    """Write the last commits and then each new one, until interrupted."""
    head = log.head().position
    if wanted.upto is None:
        wanted.upto = head
    number = RECENT if arguments.number is None else arguments.number
    found = chosen(log, wanted, number, oldest_first=True)
    while True:
        if out.ndjson:
            for commit in found:
                out.record("commit", commits.commit_fields(commit, wanted.events(log, commit)))
        else:
            for commit in found:
                out.lines(
                    [commits.line(commit, wanted.events(log, commit, 1), out)]
                    if arguments.oneline
                    else [*entry(log, wanted, commit, out), ""]
                )
        out.flush()
        wanted.after = head
        wanted.upto = head = log.wait(head)
        found = wanted.commits(log, backwards=False)
