"""`backstory revert`: undo commits, by new events that say the opposite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.cli.exits import code_of
from backstory.cli.parse.author import author, author_option
from backstory.cli.parse.parser import application_options
from backstory.cli.show import commits
from backstory.failing import theirs

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session

EXAMPLES = """\
backstory revert HEAD~1
backstory revert '#2' -m 'paid in twice' --force
"""

TEXT = """\
One commit, or those of a range A..B, are undone by one new commit, whose metadata names them; nothing is taken out
of history. The application says how to undo an event, with @reverts. Exit code 1: it does not say how, a commit is
undone already, or later commits own fields that would change: revert the later commits first, or use --force."""


def arguments(parser: ArgumentParser) -> None:
    """The commits, and the message."""
    parser.add_argument("revision", metavar="REVISION|A..B", help="the commit or the commits")
    parser.add_argument(
        "--force", action="store_true", help="also if a commit is undone already, or later commits own fields"
    )
    parser.add_argument("-m", "--message", metavar="TEXT", help="why")
    author_option(parser)
    application_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Undo them, and print the commit."""
    from backstory.errors import RevertError

    if session.has_application:
        _ = session.application  # its functions that are registered with @reverts
    db = session.database
    try:
        with theirs("the function that is registered with @reverts"):
            commit = db.revert(
                arguments.revision,
                force=arguments.force,
                author=author(arguments),
                message=arguments.message,
            )
    except RevertError as no:
        if no.is_unknown and not session.has_application:
            _ = session.application  # which says how to name one
        out.say(f"backstory: {no}")
        return code_of(no)
    if commit is None:
        if out.json:
            out.document("nothing", revision=arguments.revision)
        else:
            out.line(f"there is nothing to undo in {arguments.revision}")
        return 0
    commits.show(db.log, commit, out)
    return 0
