"""`backstory cherry-pick`: take over one commit of another branch, judged again on this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.cli import merging
from backstory.history.merge import cherry_pick
from backstory.history.revision import resolve_commit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.output import Output
    from backstory.session import Session

EXAMPLES = """\
backstory cherry-pick what-if
backstory cherry-pick what-if --dry-run
"""

TEXT = f"""\
The commit that REVISION means, with its id, author, message and time. It is in conflict too where it relied on commits
of its branch that this one has not.

{merging.TEXT}"""


def arguments(parser: ArgumentParser) -> None:
    """Which commit, and what to do about conflicts."""
    parser.add_argument("revision", nargs="?", metavar="REVISION", help="the commit")
    merging.options(parser, "cherry-pick")


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Take it over, or say what is in conflict."""
    branches = session.branches
    revision = arguments.revision or merging.taken_for_value(arguments, branches)
    pending = merging.begun(arguments, session, "cherry-pick", revision)
    if pending is None:
        out.say("the cherry-pick is forgotten; nothing was changed")
        return 0
    session.check(pending.target)
    point, _ = resolve_commit(branches, pending.source, pending.target)
    pending = merging.chosen(pending, arguments, branches, pending.source)
    target = pending.target
    return merging.settle(
        pending,
        arguments,
        session,
        lambda known, options: cherry_pick(known, point, target, options),
        out,
    )
