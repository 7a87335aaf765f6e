"""`backstory log`: the commits, newest first, as Git lists them.

Code that only some of its options need is in modules of its own: `selection.py`, `details.py`, `graph.py`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from backstory.cli.exits import UsageError
from backstory.cli.parse.parser import application_options
from backstory.cli.verbs.log import view
from backstory.cli.verbs.log.view import View
from backstory.history.ask.listing import Filter, Side, followed, listed
from backstory.told import pasted, plain
from backstory.values.query import Query

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from datetime import datetime
    from typing import NoReturn

    from backstory.cli.show.output import Output
    from backstory.session import Session

EXAMPLES = """\
backstory log -n 20
backstory log main~2
backstory log main~2..main --oneline --stat
backstory log --graph --oneline
backstory log --patch --tag account:a-7
backstory log -S cents=200
backstory log -S balance=300 --of Account a-7
backstory log --format '{short} {authored:%d.%m.%Y} {author:<10} {subject}'
backstory log --type Withdrawn --type Deposited --since yesterday
backstory log --author ann --grep 'rent|food' --until 2030-01-01
backstory log --follow --ndjson
"""

TEXT = """\
The list begins at REVISION (default: the head of this branch); A..B are the commits that B has and A does not
have, A...B those that only one has, marked < and >. With --type or --tag: the commits that hold such events, and of
their events only these. Several --type mean any of them, several --tag all of them. Times without a zone are local; a
date is its midnight.

The date of a commit is the time at which it was decided, {authored} in --format. {time} is the log's own, by which
@{time}, --since and --until go; where it is later, because the commit came in after a newer one, it is shown as well.

-S finds the commits after which a field has this value and had another one before: a field of a tag's data, or with
--of of one state (Account a-7), or of any of a kind (Account). A path leads into nested values, as in lines.0.sku. A
name with a dot, a slash or = in it stands in double quotes: '"price.eur"=6'.

--format takes {hash} {short} {id} {author} {authored} {time} {message} {subject} {position} {first} {size} {command}
{content} {names} {types} {tags}, with a width or a time's form behind a colon; \\n and \\t are a new line and a tab."""

RECENT = 10
"""Commits that --follow begins with, as `tail -f` does with lines."""


BEYOND = "the commits of one tag, such as that of a row, are listed by --tag KEY:VALUE, as in --tag orders:17"


def arguments(parser: ArgumentParser) -> None:
    """The commits to list, and the form of the list."""
    parser.add_argument(
        "revision", nargs="?", metavar="REVISION|A..B", help="the revision to begin at, or a range"
    )
    parser.add_argument("--oneline", action="store_true", help="each commit on one line")
    parser.add_argument(
        "--graph", action="store_true", help="draw the branches, all of them without REVISION"
    )
    parser.add_argument(
        "--stat", action="store_true", help="count the events of each type, instead of listing them"
    )
    parser.add_argument(
        "-p",
        "--patch",
        action="store_true",
        help="also the changes of each commit: of the states of the application, or without one of its tags",
    )
    parser.add_argument("--format", metavar="TEXT", help="each commit as this text, with {fields}")
    parser.add_argument("-S", dest="value", metavar="PATH=VALUE", help="after which a field has this value")
    application_options(parser)
    parser.add_argument(
        "--of", nargs="+", metavar="WORD", help="-S: of a tag, a state, or any state of a kind"
    )
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
    parser.add_argument(
        "--grep", metavar="REGEX", help="whose message or subject matches this regular expression"
    )
    parser.add_argument("--since", metavar="TIME", help="not earlier than this")
    parser.add_argument("--until", metavar="TIME", help="not later than this")
    parser.add_argument("-n", "--number", type=int, metavar="N", help="the highest number of commits")
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


def shows_data(arguments: Namespace) -> bool:
    """Whether values may be seen, or found out: a plain list of commits is not to wait for an application."""
    asked = arguments.json or arguments.ndjson or arguments.patch or "{command" in (arguments.format or "")
    return bool(asked or arguments.value is not None)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """List the commits."""
    wanted = Filter(
        Query.of(types=arguments.type, tags=arguments.tag),
        (arguments.author or "").casefold(),
        pattern(arguments.grep),
    )
    check(arguments, out)
    log = session.log
    if arguments.revision is None and arguments.value is None:
        sides = [Side(log, wanted)]
    else:
        from backstory.cli.verbs.log import selection

        sides = selection.sides(session, wanted, arguments)
    since, until = times(arguments)
    if since is not None or until is not None:
        for side in sides:
            side.wanted.during(side.log, since, until)
    names = {} if out.json or out.ndjson else view.named(session)
    shown = view.viewed(arguments, session, names, out)
    if arguments.follow:
        follow(sides[0], arguments, shown, out)
    if arguments.graph:
        from backstory.cli.verbs.log import graph

        out.page()
        out.lines(graph.drawn(session, sides[0].wanted, arguments, shown))
        return 0
    found = listed(sides, arguments.number, oldest_first=arguments.reverse)
    if out.json or out.ndjson:
        out.records("commit", (shown.fields(*each) for each in found), plural="commits")
        return 0
    out.page()
    apart = not arguments.oneline and arguments.format is None
    number = 0
    for number, each in enumerate(found, 1):
        out.lines([""] if apart and number > 1 else [])
        out.lines(shown.lines(*each))
    if log.head().position == 0:
        from backstory.cli.show.commits import none_yet

        out.say(none_yet())
    elif not number and (arguments.type or arguments.tag):
        from backstory.history.ask.similar import unknown_tags, unknown_types

        for words in (*unknown_types(log, arguments.type), *unknown_tags(log, arguments.tag)):
            out.say(f"backstory: {plain(words)}")
    return 0


def check(arguments: Namespace, out: Output) -> None:
    """Raise `UsageError` if options do not go together."""
    if arguments.number is not None and arguments.number < 0:
        raise UsageError(f"-n takes a number of commits, not {arguments.number}")
    if arguments.follow and (
        arguments.until or out.json or arguments.revision or arguments.value or arguments.graph
    ):
        raise UsageError(
            "--follow never ends: it goes neither with --until, a REVISION, -S or --graph, nor with --json, but with"
            " --ndjson"
        )
    if arguments.graph and (arguments.reverse or arguments.value or out.json or out.ndjson):
        raise UsageError("--graph goes neither with --reverse, nor with -S, nor with --json")
    if arguments.graph and ".." in (arguments.revision or ""):
        raise UsageError("--graph takes a revision, not a range")
    if arguments.of and not arguments.value:
        example = pasted("log", "-S", "balance=0", "--of", "Account", "a-7")
        raise UsageError(f"--of says whose field -S means: {example}")
    if arguments.format is not None and (arguments.oneline or out.json or out.ndjson):
        raise UsageError(
            "--format says all about how a commit looks: it goes neither with --oneline nor with --json"
        )


def pattern(regex: str | None) -> re.Pattern[str] | None:
    """The regular expression of --grep. Raises `UsageError` with the place of the fault."""
    try:
        return re.compile(regex) if regex else None
    except re.error as wrong:
        raise UsageError(f"--grep {regex!r} is not a regular expression: {wrong}") from wrong


def times(arguments: Namespace) -> tuple[datetime | None, datetime | None]:
    """The times of --since and --until. Raises `UsageError`."""
    if arguments.since is None and arguments.until is None:
        return None, None
    from backstory.cli.parse.times import parsed

    since, until = (None if text is None else parsed(text) for text in (arguments.since, arguments.until))
    return since, until


def follow(side: Side, arguments: Namespace, view: View, out: Output) -> NoReturn:
    """Write the last commits and then each new one, until interrupted."""
    number = RECENT if arguments.number is None else arguments.number
    for found in followed(side, number):
        for each in found:
            if out.ndjson:
                out.record("commit", view.fields(*each))
            else:
                out.lines(view.lines(*each))
                out.lines([] if arguments.oneline or arguments.format is not None else [""])
        out.flush()
    raise AssertionError("what is followed has no end")
