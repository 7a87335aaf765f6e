"""`backstory reflog`: the changes of branches and marks."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from backstory.cli.exits import UsageError
from backstory.cli.show import table
from backstory.cli.show.times import short
from backstory.history.refs.branches import Branches
from backstory.history.refs.former import named
from backstory.lookup import commit_with
from backstory.subject import subject_of
from backstory.told import plain

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backstory.cli.show.output import Output
    from backstory.history.refs.reflog import Entry
    from backstory.session import Session

EXAMPLES = """\
backstory reflog
backstory reflog what-if -n 5
backstory reflog --ndjson
"""

TEXT = """\
The newest first. The reflog is a log in the store like any other, and verify checks it; it has deleted branches too.
`before: trial@{1}` names the log that a branch had before: `backstory branch --restore trial@{1} NAME`."""

WORDS = {
    "BranchCreated": "made",
    "BranchDeleted": "deleted",
    "BranchRestored": "restored",
    "Merged": "merged",
    "Rebased": "rebased",
    "CherryPicked": "cherry-pick",
    "Marked": "marked",
    "Unmarked": "mark forgotten",
    "Withheld": "withheld",
}
"""The words for each action; any other action is shown by its own name."""


def arguments(parser: ArgumentParser) -> None:
    """The name, and the number of entries."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="only of this branch or mark")
    parser.add_argument("-n", "--number", type=int, metavar="N", help="the highest number of lines")
    parser.add_argument("--ndjson", action="store_true", help="print a JSON document for each, on one line")


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """List it."""
    if arguments.number is not None and arguments.number < 0:
        raise UsageError(f"-n takes a number of entries, not {arguments.number}")
    branches = session.branches
    found = list(islice(named(branches.reflog.read(arguments.name)), arguments.number))
    if out.json or out.ndjson:
        entries = [msgspec.structs.asdict(entry) | {"former": former} for entry, former in found]
        out.records("entry", entries, plural="entries")
        return 0
    rows = [row(branches, entry, former) for entry, former in found]
    if not rows:
        out.say(f"nothing has happened to {arguments.name or 'branches and marks'} yet")
        return 0
    out.page()
    table.write(out, ("time", "name", "what", ""), rows)
    return 0


def row(branches: Branches, entry: Entry, former: str | None) -> tuple[str, ...]:
    """An entry as a row of the table, with the name of the log that the branch had before."""
    what, words = WORDS.get(entry.kind, plain(entry.kind)), details(branches, entry)
    if former is not None:
        words = f"{words} (before: {plain(former)})"
    return short(entry.time), plain(entry.name), what, words


def details(branches: Branches, entry: Entry) -> str:
    """Further details, in words."""
    match entry.kind:
        case "Merged":
            how = (
                "fast-forward" if entry.details.get("fast_forward") else f"both had #{entry.details['base']}"
            )
            words = f"{entry.details['source']}, {how}"
        case "Rebased":
            words = f"onto #{entry.details['onto']}"
        case "CherryPicked":
            words = f"commit {picked(branches, entry)}"
        case "Withheld":
            words = ", ".join(entry.details["parts"])
        case _:
            words = f"at #{entry.details['position']}" if "position" in entry.details else ""
    why = entry.details.get("message")
    return plain(f"{words}: {why}" if why else words)


def picked(branches: Branches, entry: Entry) -> str:
    """The id of a commit that was taken over, and its subject if the branch has it."""
    id, branch = entry.details["commit"], branches.find(entry.name)
    if branch is not None:
        log = branches.view(branch.chain)
        if (commit := commit_with(log, id)) is not None:
            return f"{id}, {subject_of(log, commit)}"
    return str(id)
