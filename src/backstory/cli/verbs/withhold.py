"""`backstory withhold`: take parts of a commit away, for good, and keep everything verifiable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.cli.exits import UsageError
from backstory.cli.parse.parser import application_options
from backstory.cli.show import concerned
from backstory.history.forget.withholding import PARTS, names_of, withhold
from backstory.lookup import events_of

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session

EXAMPLES = """\
backstory withhold '#5' message --yes -m 'a name stood in it'
backstory withhold HEAD data:1 author --yes --json
"""

TEXT = f"""\
The parts are {", ".join(PARTS)}, data (of all events), and data:1, data:2 and so on. Their bytes are taken away in
every log of the store, and cannot be brought back; their digests stay, so `verify` finds the history as sound as
before. Data of an event are often in the arguments of its command, too: withhold both. Tags stay. A state that needs
withheld data cannot be loaded. The reflog notes it, with the message. Copies in other stores keep them. Tables of
projections keep them until they are made anew: the last line says which, if an application is named."""


def arguments(parser: ArgumentParser) -> None:
    """The commit, its parts, and that it is meant."""
    parser.add_argument("revision", metavar="REVISION", help="the commit")
    parser.add_argument("parts", nargs="+", metavar="PART", help="a part of it to take away")
    parser.add_argument("-m", "--message", default="", metavar="TEXT", help="why")
    parser.add_argument("--yes", action="store_true", help="do it: it cannot be undone")
    application_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Take the parts away, and show the withheld parts."""
    from backstory.history.refs.revision import resolve_commit

    point, commit = resolve_commit(session.branches, arguments.revision, session.branch)
    if not arguments.yes:
        said = arguments.revision.removeprefix("#")
        one = f"data:{int(said) - commit.first + 1}" if said.isdecimal() else "data:1"
        all_of_them = (
            f"; data are those of all {commit.size:,} events of this commit, and {one} those of one"
            if "data" in arguments.parts and commit.size > 1
            else ""
        )
        raise UsageError(
            f"this takes {', '.join(arguments.parts)} of commit {commit.hash.hex()[:10]} away for good{all_of_them};"
            " say that you mean it with --yes"
        )
    events = events_of(session.branches.view(point.chain), commit)
    found = concerned.projections(session, {event.type for event in events})
    left = withhold(session.branches, commit, arguments.parts, why=arguments.message)
    if out.json:
        out.document("withheld", hash=left.hash.hex(), id=left.id, parts=names_of(left), projections=found)
        return 0
    out.line(f"withheld of commit {left.hash.hex()[:10]} (#{left.position}): {', '.join(names_of(left))}")
    concerned.tell(out, found)
    return 0
