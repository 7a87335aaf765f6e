"""Tells those who watch tables that the tables have moved, whoever feeds them.

Another process may feed them, and tells nobody. So one thread looks at the checkpoints while somebody watches: every
few milliseconds while tables are behind the log, else after the store has told of something new, or a second.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from backstory.errors import StoreClosed
from backstory.forks import on_fork
from backstory.projections.catalog import RUNNING, newest
from backstory.projections.homes import Home
from backstory.projections.source import Source
from backstory.stores.watchers import Watchers

SOON, LATER = 0.005, 0.1
"""Seconds between looks while tables are behind: the pause doubles from the first to the second."""

SURE = 1.0
"""Seconds between looks where the store has told of nothing: a rebuild may have been swapped in."""


class _Watched:
    """A group that is watched: where its tables are, as far as is known."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.watchers = Watchers()
        self.known: Any = None

    def look(self, source: Source) -> bool:
        """Call the watchers if the tables have moved; whether more is to be expected soon."""
        rows = self.home.rows()
        row = newest(row for row in rows if row.live) or newest(rows)
        found = row and (row.key, row.position, row.live, row.state)
        if found != self.known:
            self.known = found
            self.watchers.call()
        if row is None or row.state != RUNNING:
            return False
        return source.lies_between(row.position, source.head().position, self.home.group.types)


class Moves:
    """The watchers of the tables of all groups of a store, and the thread that looks for them."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._watched: dict[tuple[str, str], _Watched] = {}
        self._thread: threading.Thread | None = None
        self.closed = False
        self.look_now = threading.Event()

    def add(self, home: Home, callback: Callable[[], None]) -> Callable[[], None]:
        """Call a function after the tables of a group have moved; return a function that ends it."""
        with self._lock:
            watched = self._watched.setdefault(home.group.key, _Watched(home))
            end = watched.watchers.add(callback)
            self.look_now.set()
            if self._thread is None and not self.closed:
                self._thread = threading.Thread(target=self._run, name="backstory tables", daemon=True)
                self._thread.start()
        return end

    def _run(self) -> None:
        end = self._source.branches.store.watch(self.look_now.set)
        pause = SOON
        try:
            while (watched := self._still()) is not None:
                self.look_now.clear()
                behind = max(map(self._look, watched))
                told = self.look_now.wait(pause if behind else SURE)
                pause = SOON if told or not behind else min(2 * pause, LATER)
        except StoreClosed:
            self.close()
        finally:
            end()

    def _look(self, one: _Watched) -> bool:
        try:
            return one.look(self._source)
        except StoreClosed:
            raise
        except Exception:  # noqa: BLE001 - each of them looks, and gets an error of its own
            one.watchers.call()
            return True

    def _still(self) -> list[_Watched] | None:
        """The groups that somebody watches. None, and no thread any more, if there are none."""
        with self._lock:
            self._watched = _with_watchers(self._watched)
            if not self._watched or self.closed:
                self._thread = None
                return None
            return list(self._watched.values())

    def close(self) -> None:
        """Call everybody a last time."""
        with self._lock:
            self.closed = True
            watched, self._watched = self._watched, {}
            thread = self._thread
        for one in watched.values():
            one.watchers.call()
        self.look_now.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(SURE)


def _with_watchers(watched: dict[tuple[str, str], _Watched]) -> dict[tuple[str, str], _Watched]:
    return {key: one for key, one in watched.items() if one.watchers}
