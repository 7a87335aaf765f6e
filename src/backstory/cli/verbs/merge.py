"""`backstory merge`: take over the commits of another branch, each judged again on this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.cli.exits import UsageError, answer
from backstory.cli.parse import merging
from backstory.cli.show.merging import Showing
from backstory.refs import MAIN
from backstory.session.merging import carried_out
from backstory.told import pasted

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session

EXAMPLES = """\
backstory merge what-if --dry-run
backstory merge what-if --preview --json
backstory merge what-if --unconditioned overlap
"""

TEXT = f"""\
Into the branch that this folder is on, or -b NAME: all commits that only the other one has, as one batch, or none.
If it has no new commits, it is fast-forwarded. A decision is taken over once, however often it was decided again; a
commit that an earlier merge left out stays out, and cherry-pick takes it after all.

{merging.TEXT}"""


def arguments(parser: ArgumentParser) -> None:
    """The branch, and the ways out of a conflict."""
    parser.add_argument("source", nargs="?", metavar="BRANCH", help="the branch whose commits are taken over")
    merging.options(parser, "merge")


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Merge, or show the conflicts."""
    branches = session.branches
    source = arguments.source or merging.taken_for_value(arguments, branches)
    pending = merging.begun(arguments, session, "merge", source)
    if pending is None:
        out.say("the merge is forgotten; nothing was changed")
        return 0
    if pending.source == pending.target:
        raise UsageError(
            f"{pending.source} is the branch that this folder is on; go to the one that is to take it over:"
            f" {pasted('switch', MAIN)}"
        )
    branches.get(pending.source)
    session.check(pending.target)
    pending = merging.chosen(pending, arguments, session.branches, pending.source)
    showing = Showing(session, pending)
    report = carried_out(session, pending, merging.options_of(pending, arguments, session))
    showing.write(report, out, dry_run=arguments.dry_run)
    return answer(report.clean)
