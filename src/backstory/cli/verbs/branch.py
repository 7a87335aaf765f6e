"""`backstory branch`: list branches, make one, delete one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from backstory.cli.exits import UsageError
from backstory.cli.show import table
from backstory.cli.show.counts import amount, commits
from backstory.cli.show.times import short
from backstory.documents.branches import standing_document
from backstory.history.refs.branches import MAIN, Branches
from backstory.history.refs.former import restore
from backstory.history.refs.standing import Standing, Standings
from backstory.subject import subject_of
from backstory.told import pasted, plain

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session

EXAMPLES = """\
backstory branch
backstory branch trial main~2
backstory branch -v
backstory branch -d what-if
backstory branch --restore gone
backstory branch --restore gone@{1} back-again
"""

TEXT = """\
A branch is a name for a log that stands on a point of another one. Making one costs the same however long the history
is, and changes on it do not change the other. Deleting takes only the name away: the commits stay in the store.
`ahead` counts the commits that the branch has and the one below does not have, `behind` those that only the one below
has. A commit that a merge decided differently, skipped or refused is not counted. The logs that a deletion or a rebase
left behind can be restored until `gc` drops them: `backstory reflog` names them, as in `trial@{1}`."""


def arguments(parser: ArgumentParser) -> None:
    """The name and start of a new branch; or that branches are listed, deleted or restored."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="the branch to make, or to restore")
    parser.add_argument(
        "revision",
        nargs="?",
        metavar="REVISION",
        help="the start of the branch (default: the head of this branch)",
    )
    parser.add_argument("--list", action="store_true", help="list the branches, as without a name")
    parser.add_argument("-v", "--verbose", action="store_true", help="list them with their last commits")
    parser.add_argument("-d", "--delete", metavar="NAME", help="delete a branch's name")
    parser.add_argument(
        "--restore",
        metavar="FORMER",
        help="name a log again that a branch had before: trial, trial@{2}, or a commit (default NAME: the branch's)",
    )


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Make, delete, restore or list."""
    restores = arguments.restore is not None
    makes = None if restores else arguments.name
    asked = [makes, arguments.delete, arguments.restore, arguments.list or None]
    if sum(each is not None for each in asked) > 1 or (restores and arguments.revision is not None):
        raise UsageError("one thing at a time: make, delete, restore or list").hinted(
            f"Try: {pasted('branch', '--help')}"
        )
    branches = session.branches
    if arguments.delete is not None:
        return delete(session, arguments.delete, out)
    if arguments.restore is not None:
        return restored(branches, arguments.restore, arguments.name, out)
    if arguments.name is not None:
        return make(session, arguments, out)
    return write(branches, session.branch, out, verbose=arguments.verbose)


def make(session: Session, arguments: Namespace, out: Output) -> int:
    """Make a branch, and say how to get there."""
    point = session.point(arguments.revision or "HEAD")
    branches = session.branches
    made = branches.create(arguments.name, point.chain, point.position)
    if out.json:
        out.document("branch", **standing_document(Standings(branches).of(made)))
        return 0
    out.line(f"made {plain(made.name)} at #{point.position}")
    out.say(f"go there:  {pasted('switch', made.name)}")
    return 0


def delete(session: Session, name: str, out: Output) -> int:
    """Delete a branch's name, unless one is on it."""
    branches, on = session.branches, session.memory.branch
    if name == on and name != MAIN:
        raise UsageError(f"this folder is on {name}; leave it first: {pasted('switch', MAIN)}")
    was = Standings(branches).of(branches.get(name))
    branches.delete(name)
    if out.json:
        out.document("deleted", branch=name, position=was.position, head=was.head)
        return 0
    others = f"{plain(was.parent)} does not have" if was.parent else "no other branch has"
    left = f", with {commits(was.ahead)} that {others}" if was.ahead else ""
    out.line(f"deleted {plain(name)}, which was at #{was.position} ({was.head[:10]}){left}")
    out.say(f"bring it back:  {pasted('branch', '--restore', name)}")
    return 0


def restored(branches: Branches, former: str, name: str | None, out: Output) -> int:
    """Give a log that a branch had before a name again."""
    branch = restore(branches, former, name)
    position = branches.view(branch.chain).head().position
    if out.json:
        out.document("restored", branch=branch.name, position=position)
        return 0
    out.line(f"{plain(branch.name)} is back, at #{position}")
    return 0


def write(branches: Branches, current: str, out: Output, *, verbose: bool) -> int:
    """List them, the current one marked."""
    found = list(map(Standings(branches).of, branches.all()))
    if out.json:
        out.document("branches", branches=[standing_document(each, current) for each in found])
        return 0
    out.page()
    titles = ["  branch", "head", "from", "ahead", "behind"]
    rows = [list(cells(each, current)) for each in found]
    if verbose:
        titles.append("last commit")
        for row, each in zip(rows, found, strict=True):
            row.append(last(branches, each))
    table.write(out, titles, rows, right="ahead behind")
    return 0


def cells(each: Standing, current: str) -> Iterator[str]:
    """A branch as a row."""
    yield f"{'*' if each.name == current else ' '} {plain(each.name)}"
    yield f"#{each.position}"
    yield "" if each.name == MAIN else f"{plain(each.parent or '(deleted)')} #{each.base}"
    yield "" if each.name == MAIN else amount(each.ahead)
    yield "" if each.name == MAIN else amount(each.behind)


def last(branches: Branches, each: Standing) -> str:
    """A branch's last commit in a few words."""
    log = branches.log(each.name)
    commit = next(log.commits(backwards=True, limit=1), None)
    if commit is None:
        return ""
    return f"{commit.hash.hex()[:10]} {short(commit.authored)} {plain(subject_of(log, commit))}"
