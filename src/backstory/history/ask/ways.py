"""The ways in which a commit came into a log, beside a program that appended it: by a reaction, an import, a revert, a
merge, a cherry-pick."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Literal

import msgspec

from backstory.history.refs.branches import Branches
from backstory.history.refs.decisions import DECIDED_BY, names_of_decision, origin
from backstory.lookup import commit_with
from backstory.values.commit import AUTHOR, METADATA, Commit
from backstory.values.ids import DEADLINE, IMPORTS, REACTION, kind_of
from backstory.values.links import REVERTS, ids_of

Kind = Literal["reaction", "deadline", "import", "revert", "redecided", "merge", "cherry-pick"]

LOOKED = 200
"""The latest entries of the reflog that are looked at for a merge or a cherry-pick."""


class Way(msgspec.Struct, frozen=True):
    """A way: `by` a reaction or process, a format of import, the person who had it decided again, or from a branch.

    `ids` are the commits that it reverts, or the one that made its decision first.
    """

    kind: Kind
    by: str = ""
    ids: tuple[str, ...] = ()


def ways(commit: Commit) -> Iterator[Way]:
    """The ways that a commit tells of itself: by its id and its metadata."""
    kind = kind_of(commit.id)
    if kind == REACTION:
        yield Way("reaction", "" if AUTHOR in commit.withheld else commit.author)
    elif kind == DEADLINE:
        yield Way("deadline")
    elif kind in IMPORTS:
        yield Way("import", kind)
    if METADATA in commit.withheld:
        return
    if reverted := ids_of(commit.metadata_json, REVERTS):
        yield Way("revert", ids=reverted)
    if (first := origin(commit)) != commit.id:
        yield Way("redecided", str(commit.metadata.get(DECIDED_BY, "")), (first,))


def taken_over(branches: Branches, name: str | None, commit: Commit) -> Iterator[Way]:
    """How a commit came from another branch to this one, as its reflog says. A merged branch must still be there."""
    if name is None:
        return
    names = names_of_decision(commit)
    for entry in islice(branches.reflog.read(name), LOOKED):
        source = entry.details.get("source")
        if entry.kind == "CherryPicked" and entry.details.get("commit") in names:
            yield Way("cherry-pick", ids=(str(entry.details["commit"]),))
            return
        if entry.kind != "Merged" or not isinstance(source, str):
            continue
        found = branches.find(source)
        view = None if found is None else branches.view(found.chain)
        there = None if view is None else next(filter(None, (commit_with(view, id) for id in names)), None)
        if there is not None and there.position > int(entry.details.get("base", 0)):
            yield Way("merge", source)
            return
