"""`backstory switch`: go to another branch; this folder remembers which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backstory.cli.exits import UsageError
from backstory.history.refs.branches import Branches
from backstory.history.refs.revision import Point, resolve
from backstory.session.memory import Memory
from backstory.told import pasted, plain

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session

EXAMPLES = """\
backstory switch -c trial
backstory switch what-if
backstory switch -
backstory switch main
"""

TEXT = """\
Every verb then reads and writes that branch, in this folder and those below it, until you switch again; other folders
do not change. -b NAME of any verb names another branch for once. The branch is remembered in the file .backstory, which
does not belong into version control."""


def arguments(parser: ArgumentParser) -> None:
    """The branch; or the name and start of a new one."""
    parser.add_argument("name", metavar="NAME", help="the branch; - is the one before")
    parser.add_argument(
        "revision", nargs="?", metavar="REVISION", help="with -c: the start of the new branch"
    )
    parser.add_argument("-c", "--create", action="store_true", help="make the branch first")


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Make the branch if that is asked for, and remember it."""
    if arguments.revision and not arguments.create:
        there = pasted("switch", "-c", "NAME", arguments.revision)
        raise UsageError(f"switch goes to the head of a branch; a branch from there: {there}")
    memory = session.memory
    name = memory.previous if arguments.name == "-" else arguments.name
    if not name:
        raise UsageError("this folder was on no other branch before")
    branches = session.branches
    if arguments.create:
        point = session.point(arguments.revision or "HEAD")
        branches.create(name, point.chain, point.position)
    elif branches.find(name) is None and found(branches, name, memory.branch) is not None:
        raise UsageError(
            f"{name!r} is a point of history and no branch; a branch from there: {pasted('switch', '-c', 'NAME', name)}"
        )
    head = branches.log(name).head().position
    if name != memory.branch:
        session.remember(Memory(name, memory.branch, memory.pending))
    if out.json:
        out.document("switched", branch=name, position=head, made=arguments.create)
        return 0
    if arguments.create:
        out.line(f"made {plain(name)} at #{head}, and on it now")
    else:
        out.line(f"{'already' if name == memory.branch else 'now'} on {plain(name)}, at #{head}")
    return 0


def found(branches: Branches, name: str, current: str) -> Point | None:
    """The meaning of a name that is not a branch."""
    from backstory.errors import RevisionError

    try:
        return resolve(branches, name, current)
    except RevisionError:
        return None
