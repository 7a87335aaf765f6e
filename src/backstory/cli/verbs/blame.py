"""`backstory blame`: for every field of a state, the event that last gave it its value."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from typing import TYPE_CHECKING

from backstory.cli.exits import DIFFERENT
from backstory.cli.parse import target
from backstory.cli.parse.parser import application_options
from backstory.cli.show import table
from backstory.cli.show.times import in_log, short
from backstory.cli.show.value import shown
from backstory.decide.latest import Latest
from backstory.decide.state import identity
from backstory.documents.blame import blame_document
from backstory.documents.states import name_of
from backstory.failing import theirs
from backstory.history.blame.blame import Blame, Blamed, blame
from backstory.subject import Subjects
from backstory.told import cut, plain

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.session import Session

EXAMPLES = """\
backstory blame account:a-7
backstory blame Account a-7
backstory blame Account a-7 --at main~1 --assertions
backstory blame Account a-7 --json
"""

TEXT = """\
A value that a list only moved keeps the event that gave it. Writing the value that
is there already does not count, except with --assertions. A field without an event has its default.

A time is the one at which a commit was decided. `in log` is the log's own, by which @{time} goes, where it is later."""


def arguments(parser: ArgumentParser) -> None:
    """The state or tag, and the revision."""
    parser.add_argument(
        "words", nargs="+", metavar=target.WORDS, help="a tag, or a state of the application and its identity"
    )
    parser.add_argument("--at", metavar="REVISION", help="as it was then: '#12', main~3, @{yesterday}")
    parser.add_argument(
        "--assertions", action="store_true", help="count also a write of the value that was there"
    )
    application_options(parser)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Blame the state or tag, and show the result. Exit code 1 if no event concerns it."""
    reference = target.reference(session, arguments.words)
    point = session.point(arguments.at or "HEAD")
    log = session.branches.view(point.chain)
    first = next(iter(log.read(reference.query(), upto=point.position, limit=1)), None)
    if first is None:
        out.say(f"backstory: no event concerns {name_of(reference)} at #{point.position}")
        return DIFFERENT
    with theirs(reference):
        found = blame(log, reference, point.position, assertions=arguments.assertions)
    subjects = Subjects(log)
    if out.json:
        out.document("blame", **blame_document(reference, found, point.position, subjects))
    else:
        out.page()
        write(found, subjects, () if isinstance(reference, Latest) else identity(reference), out)
    return 0


def write(found: Blame, subjects: Subjects, known_by: Collection[str], out: Output) -> None:
    """A line for each value that has no parts, but for those that say which state it is."""
    most = max(shutil.get_terminal_size().columns // 3, 20) if out.terminal else None
    rows = []
    for part in found.leaves:
        if part.path[0] in known_by:
            continue
        commit = part.commit
        known = (
            ("", "", "", "", "", "(default)")
            if commit is None
            else (
                f"#{part.position}",
                commit.hash.hex()[:10],
                short(commit.authored),
                in_log(commit),
                plain(commit.author),
                cut(plain(subjects.of(commit)), most),
            )
        )
        rows.append((label(part), cut(shown(part.shown), most), *known))
    titles = ("field", "value", "since", "commit", "time", table.IN_LOG, "author", "message")
    table.write(out, titles, rows)


def label(part: Blamed) -> str:
    """A path as people write it: `lines[0].sku`."""
    text = ""
    for step in part.path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return plain(text)
