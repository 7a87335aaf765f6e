"""The graph of branches: the commits of several histories by time, each in the column of its log.

A branch is a chain of logs, so the graph is a tree of logs: each log is a column, which ends at the point of another
one that it stands on. Commits come by time, but never before those that stand on them. `log --graph` draws it as text,
and a page as a picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec

from backstory.history.ask.listing import Filter, Side
from backstory.history.refs.branches import Branches, Chain

if TYPE_CHECKING:
    from backstory.values.commit import Commit


class Row(msgspec.Struct, frozen=True):
    """A commit in the graph. Columns are numbers from 0, the leftmost.

    `before` are the columns with a line above this commit, and `after` those with one below it. `joins` are the columns
    that end here, or at a commit between the row before and this one that is not wanted; each with the column that it
    ends in.
    """

    side: Side
    commit: Commit
    column: int
    before: frozenset[int]
    after: frozenset[int]
    joins: tuple[tuple[int, int], ...]


class Column:
    """A log that is drawn: its commits, newest first, down to the point of its parent that it stands on."""

    def __init__(self, branches: Branches, chain: Chain, parent: Column | None) -> None:
        self.log = branches.view(chain)
        self.parent = parent
        self.base = branches.store.origin(chain[-1]).position
        self.upto = 0
        self.depth = len(chain)
        self.index: int | None = None
        self.live = False
        self.joined = False
        self.next: Commit | None = None
        self._commits: Iterator[Commit] = iter(())

    def settle(self) -> None:
        """Leave commits to the parent that it has too, by a fast-forward; without own commits, stand on its parent."""
        if self.parent is None:
            return
        for mine in self.log.commits(after=self.base, upto=self.upto):
            theirs = next(self.parent.log.commits(after=mine.position - 1, limit=1), None)
            if theirs is None or theirs.hash != mine.hash:
                break
            self.base = mine.position
        while self.parent.parent is not None and self.base <= self.parent.base:
            self.parent = self.parent.parent

    def start(self) -> None:
        """Look at the newest commit."""
        self._commits = self.log.commits(after=self.base, upto=self.upto, backwards=True)
        self.step()

    def step(self) -> None:
        """Go to the next older commit."""
        self.next = next(self._commits, None)


def rows(branches: Branches, tips: Iterable[tuple[Chain, int]], wanted: Filter) -> Iterator[Row]:
    """The wanted commits of the histories up to these positions, newest first."""
    columns = _columns(branches, tips)
    sides = {column: Side(column.log, wanted) for column in columns}
    joins: list[tuple[int, int]] = []
    before = frozenset[int]()
    while (column := _youngest(columns)) is not None:
        commit = column.next
        assert commit is not None
        joins += _joined(columns, column, commit.position)
        column.step()
        if not _shown(sides[column], commit):
            continue
        _place(columns, column)
        assert column.index is not None
        goes_on = column.next is not None or (column.parent is not None and column.base > 0)
        column.live, column.joined = goes_on, not goes_on
        after = frozenset(each.index for each in columns if each.live and each.index is not None)
        yield Row(sides[column], commit, column.index, before, after, tuple(joins))
        before, joins = after, []


def _columns(branches: Branches, tips: Iterable[tuple[Chain, int]]) -> list[Column]:
    """A column for each log, the ones below first; each is read from the newest commit that a tip has of it."""
    found: dict[Chain, Column] = {}
    for chain, position in sorted(tips, key=lambda tip: len(tip[0])):
        for depth in range(1, len(chain) + 1):
            part = chain[:depth]
            if part not in found:
                found[part] = Column(branches, part, found.get(part[:-1]))
        column = found[chain]
        column.upto = max(column.upto, position)
    columns = sorted(found.values(), key=lambda column: column.depth)
    _reach(columns)
    for column in columns:
        column.settle()
    _reach(columns)
    for column in columns:
        column.start()
    return columns


def _reach(columns: list[Column]) -> None:
    """Let each column begin no later than the points at which others stand on it."""
    for column in reversed(columns):
        if column.parent is not None:
            column.parent.upto = max(column.parent.upto, min(column.base, column.upto))


def _youngest(columns: list[Column]) -> Column | None:
    """Whose commit comes next: the latest, but none on which a commit that is still to come stands."""
    ready = [
        column
        for column in columns
        if column.next is not None
        and not any(
            child.next is not None and child.parent is column and child.base >= column.next.position
            for child in columns
        )
    ]
    return max(ready, key=lambda column: (column.next.time, column.depth), default=None)  # type: ignore[union-attr]


def _shown(side: Side, commit: Commit) -> bool:
    """Whether the options want the commit."""
    wanted = side.wanted
    if wanted.upto is not None and commit.position > wanted.upto:
        return False
    return (
        commit.position > wanted.after
        and wanted.wants(commit, side.subjects)
        and (wanted.query.is_all or next(iter(wanted.events(side.log, commit, 1)), None) is not None)
    )


def _place(columns: list[Column], column: Column) -> None:
    """Give a column its place, right of the one that it stands on."""
    if column.index is not None:
        return
    if column.parent is not None:
        _place(columns, column.parent)
    taken = {other.index for other in columns if other.index is not None and not other.joined}
    start = 0 if column.parent is None or column.parent.index is None else column.parent.index + 1
    column.index = next(index for index in range(start, len(columns) + 1) if index not in taken)


def _joined(columns: list[Column], parent: Column, position: int) -> Iterator[tuple[int, int]]:
    """The columns that end at a commit that they stand on, the rightmost first, each with the parent's column."""
    ending = [
        column
        for column in columns
        if column.parent is parent and column.live and column.next is None and column.base >= position
    ]
    for column in sorted(ending, key=lambda column: -(column.index or 0)):
        assert column.index is not None
        assert parent.index is not None
        column.live, column.joined = False, True
        yield column.index, parent.index
