"""`backstory rebase`: let this branch start at another point, its commits judged again there."""

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
backstory rebase main -b what-if
backstory rebase main -b what-if --dry-run
"""

TEXT = f"""\
The branch that this folder is on, or -b NAME, then stands on that point. Its old log stays in the store, and the reflog
knows it. main is never rebased: published history is never rewritten.

{merging.TEXT}"""


def arguments(parser: ArgumentParser) -> None:
    """The new start, and the ways out of a conflict."""
    parser.add_argument("onto", nargs="?", metavar="REVISION", help="the new start of the branch")
    merging.options(parser, "rebase")


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Rebase, or show the conflicts."""
    onto = arguments.onto or merging.taken_for_value(arguments, session.branches)
    pending = merging.begun(arguments, session, "rebase", onto)
    if pending is None:
        out.say("the rebase is forgotten; nothing was changed")
        return 0
    session.check(pending.target)
    pending = merging.chosen(pending, arguments, session.branches, pending.target)
    showing = Showing(session, pending)
    report = carried_out(session, pending, merging.options_of(pending, arguments, session))
    showing.write(report, out, dry_run=arguments.dry_run)
    return answer(report.clean)
