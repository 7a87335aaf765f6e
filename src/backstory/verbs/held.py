"""The part of a database that all its verbs use: a branch of a store, and where a revision is on it."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, TypeVar

from backstory.decide.state import State
from backstory.errors import ProjectionError, UnknownRevision
from backstory.handle import Handle
from backstory.history.refs.branches import MAIN, Branches, Chain
from backstory.history.refs.revision import Point, Revision
from backstory.line import Line
from backstory.local import store_id
from backstory.values.commit import Commit, Head

if TYPE_CHECKING:
    from typing import Self

    from backstory.projections.views import Views
    from backstory.store import Log, Store

S = TypeVar("S", bound=State)

MOST_GIVEN = 100
"""Deliveries of a subscription at a time that nobody has said anything of, unless `subscribe` is told otherwise."""

LEASE = 30.0
"""Seconds after which another runner takes over from one that says nothing any more, unless `run` is told otherwise."""


class Held:
    """A branch of a store, as the verbs of every theme hold it."""

    handle: Handle
    _root: Held
    _owns: bool
    _made_views: Views | None

    @property
    def name(self) -> str | None:
        """The branch's name; None inside `what_if`."""
        return self.handle.name

    @property
    def store(self) -> Store:
        """The store in which the history is kept."""
        return self.handle.branches.store

    @property
    def branches(self) -> Branches:
        """The branches and marks of the store."""
        return self.handle.branches

    @property
    def log(self) -> Log:
        """The log that the branch is now, as it is stored; see `backstory.store`."""
        return self.handle.log

    @property
    def main(self) -> Handle:
        """The branch main, as it was opened first: what reactions follow."""
        return self._root.handle

    @property
    def views(self) -> Views:
        """The projections of the store, which all its branches share."""
        root = self._root
        if root._made_views is None:
            from backstory.projections.source import Source
            from backstory.projections.views import Views

            made = Views(root.store, Source(root.branches, root.handle.drafter.codec))
            with root.handle._lock:
                root._made_views = root._made_views or made
        return root._made_views

    @property
    def chain(self) -> Chain:
        """The logs that the branch is made of now."""
        return self.handle.now().chain

    def __repr__(self) -> str:
        """The store, and the branch: `<Database SqliteStore('bank.db'), branch main>`."""
        branch = "a branch without a name" if self.name is None else f"branch {self.name}"
        return f"<{type(self).__name__} {self.store!r}, {branch}>"

    def _on(self, handle: Handle) -> Self:
        """This database on another branch; they share the store, and its life is the first one's."""
        other = copy(self)
        other._owns = False
        other.handle = handle
        return other

    def store_id(self) -> str:
        """The random id of the store, the same on each of its branches. A clone has another."""
        return store_id(self.store)

    def head(self) -> Head:
        """The end of the branch."""
        return self.handle.now().log.head()

    def point(self, at: Revision) -> Point:
        """The point that a revision means, seen from this branch, as each verb with `at=` takes one.

        A time in a text, `@{2026-03-02 09:00}`, is of the zone of this machine if it names none. Raises
        `RevisionError`.
        """
        return self.handle.point(at)

    def _point(self, at: Revision | None) -> Point:
        return self.handle.end() if at is None else self.point(at)

    def _view(self, at: Revision | None) -> tuple[Line, int | None]:
        """The line that a revision is on, and its position there."""
        line = self.handle.now()
        if at is None:
            return line, None
        if isinstance(at, int):
            self.handle.check(at)
            head = line.loader.head().position
            if not 0 <= at <= head:
                raise UnknownRevision(f"#{at}", f"the log has #1 to #{head}")
            return line, at
        point = self.point(at)
        line = line if point.chain == line.chain else self.handle.line(point.chain)
        line.loader.head()  # what it remembers may be withheld since
        return line, point.position

    def _position(self, after: Commit | int | str) -> int:
        return after.position if isinstance(after, Commit) else self.handle.position(after, self.handle.now())

    def _need_main(self) -> None:
        if self.name != MAIN:
            raise ProjectionError(
                "projections follow main; on another branch, fold them for a query: rows(..., live=True)"
            )
