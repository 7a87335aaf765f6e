"""`backstory verify`: does this history fit together, and is it still the one of which a head was kept?"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from backstory.cli.exits import DIFFERENT, FINE, UsageError, answer
from backstory.cli.parse.files import standard_input
from backstory.cli.parse.parser import application_options
from backstory.cli.show.text import count
from backstory.cli.show.times import human
from backstory.documents.verification import proven_document, verification_document
from backstory.errors import ProofError, StoreError
from backstory.history.check.heads import kept, written
from backstory.history.check.proof import proof_of
from backstory.history.check.verify import verify
from backstory.history.refs.branches import MAIN
from backstory.told import plain

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterable, Iterator

    from backstory.cli.show.output import Output
    from backstory.decide.state import State
    from backstory.history.check.snapshots import Kept
    from backstory.history.check.verify import Verification
    from backstory.history.refs.branches import Branches
    from backstory.projections.check import Checked
    from backstory.session import Session
    from backstory.store import Store

EXAMPLES = """\
backstory verify
backstory verify --json
backstory verify --head > bank.head && backstory verify --since "$(cat bank.head)"
backstory verify --snapshots --app bank
backstory verify --projections --app bank
"""

TEXT = """\
Recomputes every hash and compares every position and index, of every branch, also of deleted ones, and the point that
each stands on. Exit code 1: something does not fit, or is not as it was when a head was kept.
A store whose last commits were cut off still fits together, and so does one whose hashes were all made anew. Only a
head that was kept in a safe place shows such a change. --since KEPT finds every change up to that head: its hash
covers everything before it. --head KEPT also finds commits that came after it. Both are about the branch that this
folder is on, or -b NAME. A kept head is the position and the hash of the last commit, as verify prints it: 6-0f3a...;
the hash alone, with all its 64 digits, is enough.
--proof FILE checks a proof of one event instead, as `backstory prove` makes it, against the head of --head KEPT. It
needs no store. Exit code 1: the proof does not hold."""


def arguments(parser: ArgumentParser) -> None:
    """The heads that were kept, and whether the snapshots of an application are compared too."""
    parser.add_argument(
        "--head",
        nargs="?",
        const=True,
        metavar="KEPT",
        help="the branch must end with this head; without KEPT: print only the head to keep, if all is sound",
    )
    parser.add_argument(
        "--since",
        metavar="KEPT",
        help="this head must be a commit of the branch, at the same place; others may come after it",
    )
    parser.add_argument(
        "--proof", metavar="FILE", help="check this proof of an event against --head; - is standard input"
    )
    parser.add_argument(
        "--snapshots",
        action="store_true",
        help="also compare every snapshot of the application's states with a replay",
    )
    parser.add_argument(
        "--projections",
        action="store_true",
        help="also make the tables of the application's projections aside, and compare all rows",
    )
    application_options(parser)


def shows_data(arguments: Namespace) -> bool:
    """Whether values may be seen: those of snapshots that differ from a replay."""
    return bool(arguments.snapshots)


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Check, and print the report."""
    if arguments.app and not (arguments.snapshots or arguments.projections):
        raise UsageError(
            "--app is for --snapshots and --projections: the history itself is verified without any code"
        )
    if "" in (arguments.head, arguments.since):  # as of an empty file: then nothing would be compared
        raise UsageError("--head or --since is followed by an empty text, so no head is named")
    if arguments.proof is not None:
        return proven(arguments, out)
    states = session.application.states if arguments.snapshots else ()
    branch = session.branch
    asked = arguments.head is True
    session.check(branch)
    with out.progress("verifying", size(session.store)) as tick:
        report = verify(
            session.store,
            branch=branch,
            head=None if asked else arguments.head,
            since=arguments.since,
            progress=tick,
        )
    snapshots = compared(session.branches, states) if arguments.snapshots else None
    if snapshots is not None:
        report.problems += snapshots.problems
    tables = fed(session) if arguments.projections else None
    for each in tables or ():
        report.problems += each.problems
    if out.json:
        out.document("verification", **verification_document(report, branch, snapshots, tables))
    elif asked and report.sound and report.head is not None:
        out.line(written(report.head))
    else:
        write(report, arguments, branch, snapshots, out)
        out.lines(
            f"compared {count(each.rows, 'row')} of {each.name} at #{each.position}" for each in tables or ()
        )
    return answer(report.sound)


def proven(arguments: Namespace, out: Output) -> int:
    """Check a proof, and say what it proves."""
    if arguments.since or arguments.snapshots or not isinstance(arguments.head, str):
        raise UsageError(
            "--proof FILE goes with --head KEPT, the head that you have kept, and with nothing else"
        )
    with (
        nullcontext(standard_input()) if arguments.proof == "-" else Path(arguments.proof).open("rb") as file
    ):
        proof = proof_of(file.read())
    try:
        found = proof.check(arguments.head)
    except ProofError as wrong:
        if out.json:
            out.document("proven", proven=False, problem=str(wrong))
        else:
            out.line(f"{out.paint('not proven', 'red')}: {plain(str(wrong))}")
        return DIFFERENT
    if out.json:
        out.document("proven", **proven_document(found))
        return FINE
    tags = "  ".join(map(plain, found.tags))
    version = "" if found.version == 1 else f" v{found.version}"
    out.line(
        f"{out.paint('proven', 'green')}: {out.paint(plain(found.type), 'bold')}{version}  {tags}".rstrip()
    )
    out.line(f"in commit {plain(found.id)}, authored {human(found.authored)}")
    out.line(f"of the history that ends with {found.head.hex()}")
    for name, text in found.parts.items():
        out.line(f"{name}: {plain(text)}")
    if found.data is None:
        out.line("its data is not shown")
    else:
        out.lines(f"    {plain(line)}" for line in indented(found.data).splitlines())
    return FINE


def indented(data: bytes) -> str:
    """Data as JSON for people; as it is, if it is none."""
    try:
        return msgspec.json.format(data, indent=2).decode()
    except msgspec.DecodeError:
        return data.decode()


def size(store: Store) -> int:
    """The number of main's events; 0 if it cannot be read because of damage."""
    try:
        return store.log().head().position
    except StoreError:
        return 0


def write(
    report: Verification, arguments: Namespace, branch: str, snapshots: Kept | None, out: Output
) -> None:
    """The report for people."""
    out.lines(out.paint(problem, "red") for problem in report.problems)
    looked = f"{count(report.commits, 'commit')}, {count(report.events, 'event')}"
    if report.others:
        looked += f", {count(report.others, 'other log')}"
    if report.sound:
        out.line(f"{out.paint('sound', 'green')}: {looked}, {' and '.join(fits(arguments))}")
    else:
        out.line(f"{out.paint('not sound', 'red')}: {count(len(report.problems), 'problem')} in {looked}")
    if snapshots is not None:
        others = f", {snapshots.passed_over:,} of other code passed over" if snapshots.passed_over else ""
        out.line(f"compared {count(snapshots.compared, 'snapshot')} with a replay{others}")
    if report.sound and report.head is not None:
        out.line(f"{'head' if branch == MAIN else f'head of {branch}'} {written(report.head)}")


def fits(arguments: Namespace) -> Iterator[str]:
    """The statements about a sound history."""
    yield "every hash fits"
    if arguments.since:
        yield f"all is as it was up to the kept head {kept(arguments.since)}"
    if arguments.head and arguments.head is not True:
        yield "all is as it was when the head was kept"


def fed(session: Session) -> list[Checked]:
    """The tables of the application's projections, each compared with the events; those that were never run are not."""
    from backstory.projections.check import check

    views = session.database.views
    found = (check(views, group) for group in views.know(session.application.projections))
    return [each for each in found if each is not None]


def compared(branches: Branches, states: Iterable[type[State]]) -> Kept:
    """The snapshots of these states, each compared with a replay."""
    from backstory.history.check.snapshots import verify_snapshots
    from backstory.values.codec import PLAIN

    return verify_snapshots(branches, states, PLAIN)
