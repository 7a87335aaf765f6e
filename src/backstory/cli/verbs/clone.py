"""`backstory clone`: copy the branches and marks of a store into another one."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from backstory.cli.exits import UsageError
from backstory.cli.show.bar import Bar
from backstory.cli.show.text import count
from backstory.documents.copies import clone_document
from backstory.stores import open_store, scheme_of, shown
from backstory.told import repeating

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session
    from backstory.transfer.clone import Cloned

EXAMPLES = """\
backstory clone bank.db copy.db
backstory clone bank.db sqlite:///copy.db --json
"""

TEXT = """\
Main, every branch and every mark go over, with the same ids, times, positions and hashes, between any two kinds of
store: a file and postgresql://localhost/shop, either way. Each commit is checked as it arrives. The reflog, settings
and snapshots are left out, and so are the id of SOURCE and the key of its imports: TARGET has its own.

TARGET is made if it does not exist. All names are set at the end, at once. A clone that was cut off goes on, and a
later one brings over new commits; names that only TARGET has stay. If a name would lose commits that SOURCE does not
have, the clone is refused, and TARGET is left as it is."""


def arguments(parser: ArgumentParser) -> None:
    """The addresses of both stores."""
    parser.add_argument("source", metavar="SOURCE", help="the store to copy: a path or an address")
    parser.add_argument("target", metavar="TARGET", help="the target: a path or an address")


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Copy, and say how much."""
    if arguments.store is not None or arguments.branch is not None:
        raise UsageError("clone copies all branches of SOURCE into TARGET; -s and -b have no part in it")
    source, target = shown(arguments.source), shown(arguments.target)
    if same(arguments.source, arguments.target):
        raise UsageError(f"{source} and {target} are one store: there is nothing to copy")
    from backstory.transfer.clone import clone

    # The source first: where there is none, no target is made.
    with (
        repeating(lambda hint: ["-s", source, *hint]),  # the source is damaged, not the copy
        closing(open_store(arguments.source, create=False)) as original,
        closing(open_store(arguments.target)) as copy,
        Bar(f"clone {source}") as bar,
    ):
        report = clone(original, copy, progress=bar)
    if out.json:
        out.document("clone", **clone_document(report, source, target))
    else:
        out.line(f"{summary(report)}; head {report.head.hash.hex()[:10]}")
    return 0


def same(source: str, target: str) -> bool:
    """Whether both are one store, as far as names can tell: paths by the file that they lead to."""
    source, target = source.removeprefix("sqlite:///"), target.removeprefix("sqlite:///")
    if scheme_of(source) or scheme_of(target):
        return shown(source) == shown(target)
    return Path(source).exists() and Path(target).exists() and Path(source).samefile(target)


def summary(report: Cloned) -> str:
    """The report in words."""
    branches = f"{report.branches:,} branch{'' if report.branches == 1 else 'es'}"
    known = count(report.known, "event")
    if report.known and not report.commits and not report.refs:
        return f"nothing new: {branches}, {known} there already"
    words = f"cloned {branches}: {count(report.commits, 'commit')}, {count(report.events, 'event')}"
    return f"{words}, and {known} there already" if report.known else words
