"""The runner: feeds groups in the background, for as long as it holds their leases.

One thread feeds all groups that it was given, a batch of each in turn. Any number of runners may have the same groups:
for each generation one of them holds the lease, and the others look now and then whether it is over. The lease is no
lock: whoever lost it without knowing finds another epoch in the row, and writes nothing.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from backstory.errors import StoreClosed, StoreError
from backstory.projections.applying import passes
from backstory.projections.catalog import DIVERGED, RUNNING, LostError, Row, current
from backstory.projections.feed import Feed, Step
from backstory.projections.files import GoneError
from backstory.projections.homes import Home
from backstory.projections.projection import Group
from backstory.projections.rounds import LOOK, Pauses, Rounds
from backstory.projections.views import Views
from backstory.refs import MAIN_MOVES

if TYPE_CHECKING:
    from typing import Self


class _Post:
    """One generation: fed here, or by somebody else."""

    def __init__(self, home: Home, row: Row, views: Views, owner: str, lease: float) -> None:
        self.home = home
        self.row = row
        self.feed: Feed | None = None
        self.error: Exception | None = None
        self.at_end = False
        self.due = 0.0  # when there is something to do by itself
        self._views = views
        self._owner = owner
        self._lease = lease
        self._renew = 0.0
        self._pauses = Pauses()

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do for a generation here: it is at the end, kept back, or fed by somebody else."""
        if self.error is not None:
            return False
        return self.feed is None or self.at_end or self.feed.row.state != RUNNING

    def turn(self) -> bool:
        """Take one step; whether there is more to do at once. Raises `StoreClosed`."""
        now = time.monotonic()
        if now < self.due:
            return False
        try:
            moved = self._turn(now)
        except StoreClosed:
            raise
        except (LostError, GoneError):
            self.feed, self.at_end = None, False
            self.due = now + self._lease / 3
        except Exception as error:
            if not (isinstance(error, StoreError) or passes(error)):
                raise
            self.error = error
            self.due = now + self._pauses.after_error()
        else:
            self.error = None
            self._pauses.reset()
            return moved
        return False

    def _turn(self, now: float) -> bool:
        if self.feed is None and not self._take(now):
            return False
        feed = self.feed
        assert feed is not None
        step = feed.step()
        self.at_end = step is Step.AT_END
        if step is Step.MOVED:
            self._renew = now + self._lease / 3
            self._views.tell()
            return True
        if step is Step.AT_END and not feed.row.live:
            if feed.finish():
                self._views.tell()
            return True
        if now > self._renew:
            self._hold(feed, now)
        if step is Step.KEPT:
            self.due = now + LOOK
        return False

    def _take(self, now: float) -> bool:
        with self.home.writing(self.row.generation) as tx:
            row = self.home.catalog.take(tx, self.row.key, self._owner, self._lease)
        if row is None:  # each looks at another moment
            self.due = now + self._lease * random.uniform(0.2, 0.4)  # noqa: S311
            return False
        self.feed = Feed(self.home, self._views.source, row, self._lease)
        self._renew = now + self._lease / 3
        return True

    def _hold(self, feed: Feed, now: float) -> None:
        with self.home.writing(feed.row.generation) as tx:
            if not self.home.catalog.renew(tx, feed.row, self._lease):
                raise LostError(feed.row.name)
        self._renew = now + self._lease / 3

    def release(self) -> None:
        """Give the lease back. Where that cannot be written now, it ends by itself."""
        feed, self.feed = self.feed, None
        if feed is not None:
            with suppress(GoneError, StoreError), self.home.writing(feed.row.generation) as tx:
                self.home.catalog.release(tx, feed.row)


class Runner(Rounds[_Post]):
    """Feeds groups until it is told to stop."""

    def __init__(
        self,
        views: Views,
        groups: Sequence[Group],
        watch: Callable[..., Callable[[], None]],
        *,
        lease: float,
    ) -> None:
        super().__init__(watch)
        self._views = views
        self._groups = groups
        self._lease = lease

    def __enter__(self) -> Self:
        """Begin to feed the groups in a thread. Raises `ProjectionError` if one of them cannot be fed."""
        for group in self._groups:
            self._views.ensured(group)
        return super().__enter__()

    def look(self) -> None:
        """Find new generations, and forget those that are gone."""
        found: set[tuple[str, str, int]] = set()
        for group in self._groups:
            home = self._views.ensured(group)
            for row in current(home.rows()):
                found.add(row.key)
                if row.key not in self.posts:
                    self.posts[row.key] = _Post(home, row, self._views, self.owner, self._lease)
        for key in set(self.posts) - found:
            del self.posts[key]

    def turned(self, post: _Post) -> None:
        """Build tables anew where main was moved, if this store allows that main is moved."""
        if post.feed is None or post.feed.row.state != DIVERGED:
            return
        if self._views.source.branches.store.refs.get(MAIN_MOVES) is None:
            return
        rows = post.home.rows()
        if post.row.generation == max(row.generation for row in rows):
            post.home.make(post.row.generation + 1)
            self.look_soon()
