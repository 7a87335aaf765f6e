"""`backstory causes`: what caused a commit, back to the first cause, and what it caused."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from backstory.cli.exits import FINE, UsageError, answer
from backstory.cli.show import commits
from backstory.cli.show.text import count
from backstory.documents.causes import brief_document, causes_document
from backstory.errors import UnknownRevision
from backstory.history.ask.causes import Cause, Effect, causes, effects, undoes, undone_by
from backstory.subject import Subjects
from backstory.told import plain
from backstory.values.links import CORRELATION

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session
    from backstory.store import Log
    from backstory.values.commit import Commit

EXAMPLES = """\
backstory causes
backstory causes HEAD~1 --json
backstory causes --correlation req-77
"""

TEXT = """\
The first cause comes first, and each effect stands below its cause, set in; * is the commit that was asked about. A
cause is recorded by db.context(because=record); the reverts of the commit, and the commits that it reverts, are listed
at the end. Each commit is looked up in an index, so the cost does not grow with the log. --correlation lists instead
the commits that share an id of db.context(correlation=...). Exit code 1: no commit has this id."""

MOST, UNDONE = 1000, 20
"""Effects, and commits that the commit undoes, which are listed."""


def arguments(parser: ArgumentParser) -> None:
    """The commit, or an id that many share."""
    parser.add_argument(
        "revision", nargs="?", metavar="REVISION", help="the commit (default: the last one of the branch)"
    )
    parser.add_argument("--correlation", metavar="ID", help="list the commits that share this id")
    parser.add_argument("--at", metavar="REVISION", help="look no later than this (default: HEAD)")
    parser.add_argument(
        "-n", "--number", type=int, metavar="N", help=f"the highest number of effects (default: {MOST:,})"
    )


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Look them up, and show them."""
    most: int = MOST if arguments.number is None else arguments.number
    if most < 0:
        raise UsageError(f"-n takes a number, not {most}")
    if arguments.correlation is not None:
        if arguments.revision:
            raise UsageError("--correlation names commits by an id that they share; leave the revision out")
        log, upto = session.view(arguments.at)
        return shared(log, log.linked(CORRELATION, arguments.correlation, upto=upto, limit=most), out)
    revision = arguments.revision or "HEAD"
    point = session.point(revision)
    if (commit := point.commit) is None:
        raise UnknownRevision(revision, "no commit stands there; it is before the first one")
    log, upto = session.view(arguments.at) if arguments.at else (session.branches.view(point.chain), None)
    before = list(causes(log, commit))
    after = list(islice(effects(log, commit, upto), most + 1))
    undone = list(undone_by(log, commit, upto))
    found, more = after[:most], len(after) > most
    if out.json:
        related = before, found, undone, undoes(log, commit)
        out.document("causes", **causes_document(commit, *related, Subjects(log), more=more))
        return FINE
    out.page()
    out.lines(tree(before, commit, found, Subjects(log), out))
    for each in undone:
        out.line(f"undone by {commits.line(each, Subjects(log).of(each), out)}")
    out.lines(undoing(log, commit, out))
    if not before and not after:
        out.say("neither a cause nor an effect is recorded; db.context(because=record) records a cause")
    if more:
        out.say(f"There are more effects than {most:,}: -n")
    return FINE


def tree(
    before: list[Cause], commit: Commit, after: list[Effect], subjects: Subjects, out: Output
) -> Iterator[str]:
    """A line for each commit, set in below its cause."""
    for depth, cause in enumerate(reversed(before)):
        if cause.commit is None:
            yield f"  {'  ' * depth}{plain(cause.id)}, which is not on this branch"
        else:
            yield f"  {'  ' * depth}{commits.line(cause.commit, subjects.of(cause.commit), out)}"
    yield f"* {'  ' * len(before)}{commits.line(commit, subjects.of(commit), out)}"
    for effect in after:
        place = "  " * (len(before) + effect.depth)
        yield f"  {place}{commits.line(effect.commit, subjects.of(effect.commit), out)}"


def undoing(log: Log, commit: Commit, out: Output) -> Iterator[str]:
    """A line for each commit that this one undoes, or for the first of them."""
    subjects, found = Subjects(log), undoes(log, commit)
    for each in islice(found, UNDONE):
        what = f"{plain(each.id)}, which is not on this branch"
        yield f"undoes {what if each.commit is None else commits.line(each.commit, subjects.of(each.commit), out)}"
    if left := sum(1 for _ in found):
        yield f"and {count(left, 'more commit')}"


def shared(log: Log, found: Iterator[Commit], out: Output) -> int:
    """The commits that share an id."""
    subjects, number = Subjects(log), 0

    def each() -> Iterator[Commit]:
        nonlocal number
        for commit in found:
            number += 1
            yield commit

    if out.json:
        out.records("commit", (brief_document(commit, subjects) for commit in each()), plural="commits")
    else:
        out.page()
        out.lines(commits.line(commit, subjects.of(commit), out) for commit in each())
        if not number:
            out.say("backstory: no commit has this correlation")
    return answer(number)
