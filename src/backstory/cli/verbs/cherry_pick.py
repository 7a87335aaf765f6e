"""`backstory cherry-pick`: take over one commit of another branch, judged again on this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.cli.exits import answer
from backstory.cli.parse import merging
from backstory.cli.show.merging import Showing
from backstory.session.merging import carried_out

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session

EXAMPLES = """\
backstory cherry-pick what-if
backstory cherry-pick what-if --dry-run
"""

TEXT = f"""\
The commit that REVISION means, with its id, author, message and time. It is also in conflict if it relied on commits
of its branch that this one does not have.

{merging.TEXT}"""


def arguments(parser: ArgumentParser) -> None:
    """The commit, and the ways out of a conflict."""
    parser.add_argument("revision", nargs="?", metavar="REVISION", help="the commit")
    merging.options(parser, "cherry-pick")


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Take the commit over, or show the conflict."""
    revision = arguments.revision or merging.taken_for_value(arguments, session.branches)
    pending = merging.begun(arguments, session, "cherry-pick", revision)
    if pending is None:
        out.say("the cherry-pick is forgotten; nothing was changed")
        return 0
    session.check(pending.target)
    pending = merging.chosen(pending, arguments, session.branches, pending.source)
    showing = Showing(session, pending)
    report = carried_out(session, pending, merging.options_of(pending, arguments, session))
    showing.write(report, out, dry_run=arguments.dry_run)
    return answer(report.clean)
