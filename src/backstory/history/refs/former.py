"""Logs that branches had before: a deletion or a rebase left them behind, and the reflog knows them.

`trial@{1}` is the log that the branch `trial` had before its newest deletion or rebase; `trial@{2}` is the one before.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from backstory.errors import BranchError
from backstory.history.refs.branches import Branch, Branches
from backstory.history.refs.reflog import Entry
from backstory.refs import REFLOG
from backstory.told import pasted
from backstory.values.commit import Commit

FORMER = re.compile(r"(.+)@\{(\d+)\}")
SHORTEST = 4
"""The beginning of a hash must have so many characters to name a commit."""


def named(entries: Iterable[Entry]) -> Iterator[tuple[Entry, str | None]]:
    """Each entry, newest first, and the name of the log that the branch had before it; None if that is no other log."""
    passed: Counter[str] = Counter()
    for entry in entries:
        if "was" in entry.details:
            passed[entry.name] += 1
            yield entry, f"{entry.name}@{{{passed[entry.name]}}}"
        else:
            yield entry, None


def restore(branches: Branches, text: str, name: str | None = None) -> Branch:
    """Give a log that has no name any more a name: the one that it had, or `name`.

    `text` is the branch, as in `trial`; an earlier log of it, as in `trial@{2}`; or a commit that only the log has.
    Raises `BranchError` if there is no such log, or if the name is taken.
    """
    had, number = found(branches, text)
    if had is None and name is None:
        raise BranchError(f"a log that is found by its commit {text!r} needs a name for the branch")
    return branches.restore(name or had or "", number)


def found(branches: Branches, text: str) -> tuple[str | None, int]:
    """The name that a log had which has none any more, and its number; no name if it is found by a commit.

    Raises `BranchError` if there is no such log.
    """
    former = FORMER.fullmatch(text)
    had, count = (text, 1) if former is None else (former[1], int(former[2]))
    numbers = [entry.details["was"] for entry in branches.reflog.read(had) if "was" in entry.details]
    if former is None and not numbers:
        return None, _with_commit(branches, text)
    if not 0 < count <= len(numbers):
        known = (
            f"the reflog knows {had}@{{1}} to {had}@{{{len(numbers)}}}"
            if numbers
            else "the reflog knows none"
        )
        raise BranchError(f"branch {had!r} had no such log: {known}").hinted(f"see:  {pasted('reflog')}")
    return had, numbers[count - 1]


def _means(text: str, commit: Commit) -> bool:
    return commit.id == text or len(text) >= SHORTEST


def _with_commit(branches: Branches, text: str) -> int:
    """The log without a name that has a commit."""
    store = branches.store
    taken = {branch.number for branch in branches.all()} | {int(store.refs.get(REFLOG) or -1)}
    free = [number for number in store.logs() if number not in taken]
    logs = [number for number in free if any(_means(text, commit) for commit in store.log(number).find(text))]
    if not logs:
        raise BranchError(
            f"{text!r} is no branch that was deleted or rebased, and no commit of a log without a name"
        ).hinted(f"see:  {pasted('reflog')}")
    if len(logs) > 1:
        ends = ", ".join(store.log(number).head().hash.hex()[:16] for number in logs)
        raise BranchError(
            f"{len(logs)} logs without a name have {text!r}; name one by its last commit: {ends}"
        )
    return logs[0]
