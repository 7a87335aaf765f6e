"""`backstory append`: a commit with one event, from the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from backstory.cli.exits import UsageError
from backstory.cli.parse.author import author, author_option
from backstory.cli.parse.fields import fields
from backstory.cli.parse.parser import application_options
from backstory.cli.show import commits
from backstory.documents.commits import commit_document
from backstory.errors import EventError
from backstory.lookup import events_of
from backstory.store import append
from backstory.subject import subject_of
from backstory.told import plain
from backstory.transfer.typed import check
from backstory.values.commit import draft
from backstory.values.event_data import encoded
from backstory.values.ids import new_id
from backstory.values.query import Condition, Query

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session
    from backstory.values.event_data import EventData

EXAMPLES = """\
backstory append Deposited --tag account:a-7 account=a-7 cents=500 -m 'first pay'
backstory append Deposited --tag account:a-7 --data '{"account": "a-7", "cents": 500}'
backstory append AccountOpened --tag account:c-1 --if-type AccountOpened --if-tag account:c-1
"""

TEXT = """\
A value is JSON if it reads as JSON (500, true, null, "500", [1, 2]), and else text. If the application's class
of the event cannot read it, or would give it other tags, that is said. With --if-tag, --if-type or
--if-none-after the commit is appended only if no selected event came after POSITION (default: 0, the beginning). Exit
code 1: one did."""


def arguments(parser: ArgumentParser) -> None:
    """The event with its tags and data, the commit with its author and id, and the condition."""
    parser.add_argument("type", metavar="TYPE", help="the event's type")
    parser.add_argument(
        "fields", nargs="*", default=[], metavar="FIELD=VALUE", help="the event's data, field by field"
    )
    parser.add_argument(
        "--tag",
        action="append",
        default=[],
        metavar="KEY:VALUE",
        help="a thing that the event is about; repeat for more",
    )
    parser.add_argument(
        "--data", metavar="JSON", help="the event's data as a JSON object; - reads it from standard input"
    )
    parser.add_argument("-m", "--message", default="", metavar="TEXT", help="why")
    author_option(parser)
    parser.add_argument(
        "--id", metavar="ID", help="the commit's id: appending the same once more changes nothing"
    )
    parser.add_argument(
        "--if-none-after",
        type=int,
        metavar="POSITION",
        help="append only if no event that --if-type or --if-tag selects (default: its own tags) came after POSITION",
    )
    parser.add_argument(
        "--if-type",
        action="append",
        default=[],
        metavar="TYPE",
        help="select events of this type; repeat it for any of several types",
    )
    parser.add_argument(
        "--if-tag",
        action="append",
        default=[],
        metavar="KEY:VALUE",
        help="select events with this tag; repeat it for all of several tags",
    )
    application_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Append it, and print the commit."""
    event = encoded(arguments.type, data(arguments), tuple(arguments.tag))
    commit_draft = draft(
        [event],
        id=new_id() if arguments.id is None else arguments.id,
        time=datetime.now(UTC),
        condition=condition(arguments),
        author=author(arguments),
        message=arguments.message,
    )
    log = session.log
    [commit] = append(log, commit_draft)
    if why := misfit(event, session):
        out.say(f"the event is in the log, but the application would have written another one: {plain(why)}")
    events = list(events_of(log, commit))
    subject = subject_of(log, commit)
    if out.json:
        out.document("commit", **commit_document(commit, subject, events))
    else:
        out.line(commits.line(commit, subject, out))
    return 0


def misfit(event: EventData, session: Session) -> str:
    """The reason why the class of an event refuses it; empty if it fits, or if the application has no such class."""
    kinds = session.application.events if session.has_application else ()
    for kind in kinds:
        if kind.name == event.type:
            try:
                check(event, kind)
            except EventError as wrong:
                return str(wrong)
    return ""


def data(arguments: Namespace) -> bytes:
    """The event's data as JSON. Raises `UsageError`; the encoder checks that it is an object."""
    if arguments.data is not None:
        if arguments.fields:
            raise UsageError("give the data either with --data or as FIELD=VALUE")
        if arguments.data != "-":
            return str(arguments.data).encode()
        from backstory.cli.parse.files import standard_input

        return standard_input().read()
    return msgspec.json.encode(fields(arguments.fields))


def condition(arguments: Namespace) -> Condition | None:
    """The condition that the options ask for."""
    if arguments.if_none_after is None and not arguments.if_type and not arguments.if_tag:
        return None
    tags = arguments.if_tag or ([] if arguments.if_type else arguments.tag)
    return Condition(Query.of(arguments.if_type, tags), arguments.if_none_after or 0)
