"""An open branch: a name that is followed when the branch is moved, and the rules of every write to it.

Both faces, `Database` and `AsyncDatabase`, hold a `Handle` and add nothing to these rules.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import msgspec

from backstory.decide.drafting import Drafter
from backstory.errors import AheadOfLog, BranchMoved, HistoryLost, HistoryMoved, StoreError
from backstory.forks import on_fork
from backstory.history.refs.branches import Branch, Branches, Chain
from backstory.history.refs.revision import FURTHEST, Point, Range, Revision, resolve, resolve_range
from backstory.line import Line, Lines, lines_of
from backstory.lookup import commit_with
from backstory.place import After, Place
from backstory.refs import MAIN, MAIN_MOVES
from backstory.store import Log, Verdict
from backstory.stores.opened import opened
from backstory.unit import Holds, SetRef
from backstory.values.commit import Commit, Draft, Head

T = TypeVar("T")


class Tip(msgspec.Struct, frozen=True):
    """The meaning of a name at one moment: a line, its log for writes to the name, and the guard of these writes.

    Without a name there is no guard, and the log is the line's.
    """

    line: Line
    log: Log
    stays: SetRef | None

    def append(self, draft: Draft, left: Head | None = None) -> Verdict:
        """Append a draft while the branch still names this log, and the log still has the point where it was left.

        The verdict is `HistoryMoved` if values were withheld in the store since. Raises `HistoryLost` if the log does
        not have that point.
        """
        if left is None:
            [verdict] = self.log.append([(draft,)])
            return verdict
        [verdict] = self.log.append([(draft,)], beside=(self.has(left),))
        if isinstance(verdict, (HistoryMoved, AheadOfLog)):
            if self.line.loader.head().withheld != left.withheld and self._still_has(left):
                return verdict
            raise HistoryLost(
                f"commit {left.hash.hex()[:10]} at #{left.position} is not there any more. The store was put back to an"
                " earlier time. Open it again, or start this process again: open objects remember commits that are lost"
            )
        return verdict

    def _still_has(self, point: Head) -> bool:
        """Whether the log has a point where it was left: another mark may also be that of a store that was put back."""
        found = self.line.stored.commits_at([point.position]) if point.position else ()
        return point.position == 0 or any(
            (commit.position, commit.hash) == (point.position, point.hash) for commit in found
        )

    def has(self, head: Head) -> Holds:
        """The guard that the log has this point, and that nothing was withheld since it was seen there."""
        return Holds(self.line.chain[-1], head.position, head.hash, withheld=head.withheld)

    def opened(self) -> Log:
        """The same log, its events opened."""
        return opened(self.log, self.line.codec)


class Handle:
    """A branch that somebody has open, by its name; by its logs alone where it has no name.

    Each verb works on the log that the name means when it begins: a branch that was moved is followed, and nothing that
    was remembered of the old history is used. A branch that was deleted can be read as it was.

    Positions up to the end of the shared history stay valid. A position beyond that, up to the old end, may have been
    given out before the move, and would name another event now: this handle refuses it from then on.
    """

    def __init__(self, branches: Branches, drafter: Drafter, held: Branch | Chain) -> None:
        self.branches = branches
        self.drafter = drafter
        self.lines: Lines = lines_of(branches.store)
        self._refused = range(0)
        self.name: str | None = None
        if isinstance(held, Branch):
            self.name = held.name
            self.tip = self._tip(held)
        else:
            line = self.line(held)
            self.tip = Tip(line, line.stored, None)
        self.moves = self.name is not None and self._may_move(self.name)
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()

    def _tip(self, branch: Branch) -> Tip:
        line = self.line(branch.chain)
        return Tip(line, line.guarded(branch), branch.stays)

    def _may_move(self, name: str) -> bool:
        """Whether a name may mean another history some day: main only if the store's owner allows it."""
        return name != MAIN or self.branches.store.refs.get(MAIN_MOVES) is not None

    def line(self, chain: Chain) -> Line:
        """The line of a chain of logs."""
        return self.lines.line(self.branches, chain, self.drafter.codec)

    def on(self, held: Branch | Chain) -> Handle:
        """A handle on another branch of the same store."""
        return Handle(self.branches, self.drafter, held)

    def now(self) -> Line:
        """The line that the name means now."""
        if self.moves:
            self._look()
        return self.tip.line

    def named(self) -> tuple[str, str | None] | None:
        """The branch's ref and its value, if the branch may be moved: a move changes it."""
        stays = self.tip.stays
        if not self.moves or stays is None:
            return None
        return stays.name, self.branches.store.refs.get(stays.name)

    def _look(self) -> None:
        stays = self.tip.stays
        if self.name is None or stays is None or self.branches.store.refs.get(stays.name) == stays.value:
            return
        branch = self.branches.find(self.name)
        if branch is not None:
            self._follow(branch)

    @property
    def log(self) -> Log:
        """The log that the name means now, as it is stored. It takes nothing once the name means another."""
        self.now()
        return self.tip.log

    def _follow(self, branch: Branch) -> None:
        old, new = self.tip.line, self._tip(branch)
        lost = self._lost(old, branch)
        with self._lock:
            if self.tip.line is not old or new.line is old:
                return
            if lost and self._refused:
                lost = range(min(lost[0], self._refused[0]), max(lost[-1], self._refused[-1]) + 1)
            self._refused = lost or self._refused
            self.tip = new

    def _lost(self, old: Line, branch: Branch) -> range:
        """The positions of the old history that the new one does not share."""
        try:
            _, shared = self.branches.shared(old.chain, branch.chain)
            return range(shared + 1, old.log.head().position + 1)
        except StoreError:  # the old log was dropped: nobody knows any more where it ended
            return range(1, FURTHEST)

    def check(self, position: int) -> None:
        """Refuse a position that may have been given out before the branch was moved. Raises `HistoryMoved`."""
        if position in self._refused:
            shared = self._refused[0] - 1
            same = f"only positions up to #{shared} mean" if shared else "no position means"
            raise HistoryMoved(
                position,
                f"branch {self.name!r} was moved since it was opened here, and {same} the same;"
                " open it again with switch, and ask there",
                shared=shared,
            )

    def position(self, after: After, line: Line) -> int:
        """The position on a line after which somebody reads: as it is, or a place. Raises `HistoryMoved`."""
        if isinstance(after, str):
            after = Place.parse(after)
        if isinstance(after, Place):
            return after.on(self.branches.places(line.chain))
        self.check(after)
        return after

    def point(self, at: Revision) -> Point:
        """The point that a revision means, seen from this branch. Raises `RevisionError`."""
        line = self.now()
        if isinstance(at, int):
            self.check(at)
        return self._checked(resolve(self.branches, at, line.chain), line)

    def span(self, text: str) -> Range | None:
        """The points of a range, seen from this branch; None if the text is not a range. Raises `RevisionError`."""
        line = self.now()
        span = resolve_range(self.branches, text, line.chain)
        if span is not None:
            self._checked(span.start, line)
            self._checked(span.end, line)
        return span

    def _checked(self, point: Point, line: Line) -> Point:
        if point.exact and point.chain == line.chain:
            self.check(point.position)
        return point

    def end(self) -> Point:
        """The end of the branch, as a point."""
        line = self.now()
        return Point(line.chain, line.log.head().position)

    def known(self, id: str | None) -> Commit | None:
        """The commit with this id."""
        if id is None:
            return None
        return commit_with(self.now().log, id)

    def left(self, tip: Tip, told: Exception | None = None) -> bool:
        """Whether the branch was moved away from here, as an error may have told."""
        if self.moves or isinstance(told, BranchMoved):
            self._look()
        return self.tip.line is not tip.line

    def following(self, work: Callable[[Tip], T | None]) -> T | None:
        """The result of work on the branch; the work is done again if the branch was moved before the work ended.

        A refusal, or a decision to do nothing, may be right on the old history only; and the store refuses appends to
        it.
        """
        while True:
            tip = self.tip
            try:
                result = work(tip)
            except Exception as told:
                if not self.left(tip, told):
                    raise
            else:
                if result is not None or not self.left(tip):
                    return result
