"""`backstory mark`: give points of history names that stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.cli.exits import UsageError
from backstory.cli.parse.author import author, author_option
from backstory.cli.show import table
from backstory.cli.show.times import short
from backstory.documents.branches import mark_document
from backstory.told import pasted, plain

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session

EXAMPLES = """\
backstory mark q3-closed -m 'the books of the third quarter'
backstory mark first '#1'
backstory mark
backstory mark -d q2-closed
"""

TEXT = """\
A mark is a tag in Git; here, tags say which things an event is about. A mark is a revision for every verb that takes
one, and never moves. `verify` checks that it still names the commit that it was made for."""


def arguments(parser: ArgumentParser) -> None:
    """The name, the revision, and the message."""
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="the mark to make; without a name, marks are listed"
    )
    parser.add_argument(
        "revision",
        nargs="?",
        metavar="REVISION",
        help="the commit that it names (default: the head of this branch)",
    )
    parser.add_argument("-m", "--message", default="", metavar="TEXT", help="why")
    author_option(parser)
    parser.add_argument("-d", "--delete", metavar="NAME", help="forget a mark")


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Make, delete or list."""
    if arguments.name is not None and arguments.delete is not None:
        raise UsageError("one thing at a time: make a mark, or delete one")
    branches = session.branches
    if arguments.delete is not None:
        was = branches.mark(arguments.delete)
        branches.delete_mark(arguments.delete)
        if out.json:
            out.document("deleted", mark=arguments.delete)
        elif was is not None:
            out.line(f"forgot {plain(was.name)}, which named #{was.position} ({was.hash[:10]})")
        return 0
    if arguments.name is not None:
        point = session.point(arguments.revision or "HEAD")
        who = author(arguments)
        made = branches.set_mark(
            arguments.name, point.chain, point.position, message=arguments.message, author=who
        )
        if out.json:
            out.document("mark", **mark_document(made))
        else:
            out.line(f"{plain(made.name)} names #{made.position} ({made.hash[:10]})")
        return 0
    found = sorted(branches.marks(), key=lambda mark: (mark.position, mark.name))
    if out.json:
        out.document("marks", marks=[mark_document(mark) for mark in found])
        return 0
    if not found:
        out.say(f"no marks yet; make one with: {pasted('mark', 'NAME', '-m', 'why')}")
        return 0
    out.page()
    rows = [
        (
            plain(mark.name),
            f"#{mark.position}",
            mark.hash[:10],
            short(mark.time),
            plain(mark.author),
            plain(mark.message.partition("\n")[0]),
        )
        for mark in found
    ]
    table.write(out, ("mark", "names", "commit", "made", "by", "message"), rows)
    return 0
