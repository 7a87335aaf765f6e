"""`backstory grep`: commits whose message or subject a pattern finds, or events whose data it finds."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from backstory.cli.exits import UsageError, answer
from backstory.cli.parse.parser import application_options
from backstory.cli.show import commits
from backstory.documents.commits import commit_document, event_document
from backstory.history.ask.grep import data_text, grep_events, grep_messages
from backstory.subject import Subjects
from backstory.told import pasted, plain
from backstory.values.query import Query

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session
    from backstory.store import Log

EXAMPLES = """\
backstory grep rent
backstory grep -i 'RENT|food' --ndjson
backstory grep '"cents":(200|500)' --data
backstory grep a-7 main~1 --data --type Withdrawn -n 5
"""

TEXT = """\
PATTERN is a regular expression of Python. The newest come first. With --data the pattern is looked for in each event's
data: its JSON, without spaces. Exit code 1: nothing was found."""


def arguments(parser: ArgumentParser) -> None:
    """The pattern, and the commits or events to look through."""
    parser.add_argument("pattern", metavar="PATTERN", help="the regular expression to look for")
    parser.add_argument(
        "revision", nargs="?", default="HEAD", metavar="REVISION", help="look no later than this"
    )
    parser.add_argument(
        "--data", action="store_true", help="look in the data of events, not in messages and subjects"
    )
    parser.add_argument(
        "-i", "--ignore-case", action="store_true", help="take upper and lower case as the same"
    )
    parser.add_argument(
        "--type", action="append", default=[], metavar="TYPE", help="with --data: only events of this type"
    )
    parser.add_argument(
        "--tag", action="append", default=[], metavar="KEY:VALUE", help="with --data: only with this tag"
    )
    parser.add_argument("-n", "--number", type=int, metavar="N", help="the highest number of lines")
    parser.add_argument("--ndjson", action="store_true", help="print a JSON document for each, on one line")
    application_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Look, and list the commits or events that are found."""
    if (arguments.type or arguments.tag) and not arguments.data:
        raise UsageError(
            f"--type and --tag go with --data; for commits with such events: {pasted('log', '--grep', 'TEXT')}"
        )
    if arguments.number is not None and arguments.number < 0:
        raise UsageError(f"-n takes a number, not {arguments.number}")
    try:
        pattern = re.compile(arguments.pattern, re.IGNORECASE if arguments.ignore_case else 0)
    except re.error as wrong:
        raise UsageError(f"{arguments.pattern!r} is not a regular expression: {wrong}") from wrong
    log, upto = session.view(None if arguments.revision == "HEAD" else arguments.revision)
    found = in_data if arguments.data else in_messages
    number = found(log, pattern, upto, arguments, out)
    if not number:
        where = "data" if arguments.data else "message or subject; --data looks in the data of events"
        out.say(f"backstory: {arguments.pattern!r} matches no {where}")
    return answer(number)


def in_messages(
    log: Log, pattern: re.Pattern[str], upto: int | None, arguments: Namespace, out: Output
) -> int:
    """Commits by their messages and subjects."""
    found = list(islice(grep_messages(log, pattern, upto=upto, backwards=True), arguments.number))
    subjects = Subjects(log)
    if out.json or out.ndjson:
        fields = (commit_document(commit, subjects.of(commit)) for commit in found)
        out.records("commit", fields, plural="commits")
        return len(found)
    out.page()
    for commit in found:
        lines = [line for line in commit.message.splitlines() if pattern.search(line)]
        name = out.paint(commit.hash.hex()[: commits.SHORT], "yellow")
        where = out.paint(commits.span(commit), "cyan")
        for line in lines or [subjects.of(commit)]:
            out.line(f"{name} {where} {marked(pattern, plain(line), out)}")
    return len(found)


def in_data(log: Log, pattern: re.Pattern[str], upto: int | None, arguments: Namespace, out: Output) -> int:
    """Events by their data."""
    query = Query.of(arguments.type, arguments.tag)
    found = list(islice(grep_events(log, pattern, query, upto=upto, backwards=True), arguments.number))
    if out.json or out.ndjson:
        out.records("event", map(event_document, found), plural="events")
        return len(found)
    out.page()
    for event in found:
        out.line(f"{commits.event(event, out)}  {marked(pattern, plain(data_text(event)), out)}")
    return len(found)


def marked(pattern: re.Pattern[str], text: str, out: Output) -> str:
    """A text with the found parts in a colour."""
    return pattern.sub(lambda match: out.paint(match[0], "red", "bold") if match[0] else "", text)
