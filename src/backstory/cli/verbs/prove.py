"""`backstory prove`: a proof of one event, for somebody who has no store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.cli.exits import UsageError
from backstory.cli.parse.parser import application_options
from backstory.cli.show.text import count
from backstory.errors import UnknownRevision
from backstory.history.check.proof import NAMES, is_marked, placed, prove
from backstory.values.commit import ORIGIN
from backstory.values.masking import masked_command

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.history.refs.revision import Point
    from backstory.session import Session
    from backstory.store import Log
    from backstory.values.commit import Commit

EXAMPLES = """\
backstory prove '#3' > proof.json && backstory verify --proof proof.json --head "$(backstory verify --head)"
backstory prove rent/2 --show author --show message
backstory prove HEAD/1 --without-data --upto main
"""

TEXT = """\
REVISION/2 is the second event of a commit; '#3' names an event by its position. The proof is JSON: it holds for the
history that ends with the last commit, or with --upto, and is checked without the store by verify --proof. It shows the
event and its data, with the commit's id and time, and of all other events and parts only hashes and salted digests.
It has 75 bytes for each commit after that of the event, so keep heads or marks near. An event with values that the
application marks is proven with --without-data, or with --personal if they are personal."""

LONG = 10_000


def arguments(parser: ArgumentParser) -> None:
    """The event, and the parts that are shown."""
    parser.add_argument("revision", metavar="REVISION[/N]", help="a commit, and which of its events, from 1")
    parser.add_argument(
        "--show",
        action="append",
        default=[],
        choices=NAMES,
        metavar="PART",
        help=f"also show this part of the commit: {', '.join(NAMES)}",
    )
    parser.add_argument(
        "--without-data",
        action="store_true",
        help="prove type, tags, id and time alone, with a digest of the data",
    )
    parser.add_argument(
        "--upto", metavar="REVISION", help="the head that the proof leads to (default: the end of the branch)"
    )
    application_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Make it, and print it."""
    point, event = pointed(session, arguments.revision)
    commit, place = placed(point, event)
    end = None if arguments.upto is None else session.point(arguments.upto)
    log = session.branches.view((end or point).chain)
    head = log.head() if end is None else ORIGIN if end.commit is None else end.commit.point
    proof = prove(log, commit, place, head, show=arguments.show, data=not arguments.without_data)
    check_marks(log, commit, place, arguments)
    if len(proof.chain) > LONG:
        out.say(
            f"This proof has {count(len(proof.chain), 'later commit')}; --upto names an earlier head or mark"
        )
    out.json_line(proof.json().rstrip())
    return 0


def pointed(session: Session, text: str) -> tuple[Point, int | None]:
    """The point that a text names, and the event; a branch may have a name such as `release/1`."""
    name, slash, number = text.rpartition("/")
    if not (name and slash and number.isascii() and number.isdecimal() and len(number) < 10):
        return session.point(text), None
    try:
        return session.point(text), None
    except UnknownRevision:
        return session.point(name), int(number)


def check_marks(log: Log, commit: Commit, place: int, arguments: Namespace) -> None:
    """Raise `UsageError` if the proof would show a value that is masked elsewhere."""
    if not arguments.without_data and is_marked(log, commit, place):
        raise UsageError(
            f"the data of #{commit.first + place - 1} has values that the application marks, and a proof shows them as"
            " they are: use --without-data, or --personal if they are personal"
        )
    if "command" in arguments.show and masked_command(commit.command_json) != commit.command_json:
        raise UsageError("the command has arguments that the application marks: leave it out")
