"""The memory store: plain Python, for tests, and the oracle that the other stores are compared with."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from operator import attrgetter

from backstory.commit import ORIGIN, Commit, Head
from backstory.errors import StoreClosed
from backstory.forks import on_fork
from backstory.query import Condition, Query, matcher
from backstory.record import Recorded
from backstory.store import ALL, Batch, Verdict
from backstory.stores.judge import judge

BY_POSITION = attrgetter("position")

LOOK = 1.0
"""Seconds: a thread that waits looks by itself that often, in case Ctrl-C kept another from waking it."""


class MemoryLog:
    """A log in two lists.

    It ends at its head. What stands in the lists beyond the head was never appended: Ctrl-C broke the append off, or a
    fork whose child lacks the thread that was writing. The next append takes it away.
    """

    def __init__(self, origin: Head = ORIGIN, refs: MemoryRefs | None = None) -> None:
        self.origin = origin
        self.refs = MemoryRefs() if refs is None else refs
        self._events: list[Recorded] = []
        self._commits: list[Commit] = []
        self._ids: dict[str, Commit] = {}
        self._head = origin
        self._closed = False
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        # `with` takes the lock itself: Ctrl-C may come while a condition takes or gives back its lock.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)

    def append(self, batches: Sequence[Batch]) -> list[Verdict]:
        """Judge and append each batch; see `Log.append`."""
        with self._lock, self.refs.unchanged():
            self._check_open()
            try:
                return list(map(self._append, batches))
            finally:
                self._changed.notify_all()

    def _append(self, batch: Batch) -> Verdict:
        verdict, new = judge(batch, _View(self))
        if new and isinstance(verdict, tuple) and verdict:
            self._clear_beyond_head()
            for draft, commit in zip(batch, verdict, strict=True):
                self._events += (
                    Recorded(position, commit.position, event.type, event.version, event.tags, event.data)
                    for position, event in enumerate(draft.events, commit.first)
                )
                self._commits.append(commit)
                self._ids[commit.id] = commit
            end = Head(verdict[-1].position, verdict[-1].hash, verdict[-1].time)
            self._head = end  # all of the batch is there at once
        return verdict

    def _clear_beyond_head(self) -> None:
        end = self._head.position - self.origin.position
        if len(self._events) > end:
            whole = self._whole_commits()
            for commit in self._commits[whole:]:
                self._ids.pop(commit.id, None)
            del self._commits[whole:]
            del self._events[end:]  # at last: that they are there says that there is something to clear

    def _whole_commits(self) -> int:
        return bisect_right(self._commits, self._head.position, key=BY_POSITION)

    def read(
        self,
        query: Query = ALL,
        *,
        after: int = 0,
        upto: int | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Iterator[Recorded]:
        """Stream the events that match; see `Log.read`."""
        with self._lock:
            self._check_open()
            upto = self._head.position if upto is None else min(upto, self._head.position)
        low, high = max(after - self.origin.position, 0), max(upto - self.origin.position, 0)
        indexes = range(high - 1, low - 1, -1) if backwards else range(low, high)
        matches = matcher(query)
        events = (self._events[index] for index in indexes)
        found = (event for event in events if matches(event.type, event.tags))
        return islice(found, limit)

    def commits(
        self, *, after: int = 0, upto: int | None = None, backwards: bool = False, limit: int | None = None
    ) -> Iterator[Commit]:
        """Stream the commits; see `Log.commits`."""
        with self._lock:
            self._check_open()
            upto = self._head.position if upto is None else min(upto, self._head.position)
            low = bisect_right(self._commits, after, key=BY_POSITION)
            high = bisect_right(self._commits, upto, key=BY_POSITION)
        indexes = range(high - 1, low - 1, -1) if backwards else range(low, high)
        return islice((self._commits[index] for index in indexes), limit)

    def find(self, name: str) -> list[Commit]:
        """The commits that `name` may mean; see `Log.find`."""
        with self._lock:
            self._check_open()
            whole = self._commits[: self._whole_commits()]
            known = self.by_id(name)
        found = [commit for commit in whole if name and commit.hash.hex().startswith(name.lower())]
        return found if known is None else [known, *(commit for commit in found if commit is not known)]

    def by_id(self, id: str) -> Commit | None:
        """The commit with this id."""
        known = self._ids.get(id)
        return known if known is not None and known.position <= self._head.position else None

    def head(self) -> Head:
        """Where the log ends."""
        with self._lock:
            self._check_open()
            return self._head

    def wait(self, after: int, timeout: float | None = None) -> int:
        """Sleep until the head is beyond `after`; see `Log.wait`."""
        until = time.monotonic() + (threading.TIMEOUT_MAX if timeout is None else timeout)
        with self._lock:
            self._wait(after, until)
            self._check_open()
            return self._head.position

    def _wait(self, after: int, until: float) -> None:
        while not self._closed and self._head.position <= after:
            left = until - time.monotonic()
            if left <= 0:
                break
            self._changed.wait(min(left, LOOK))

    def close(self) -> None:
        """Refuse every later call, and wake who waits."""
        with self._lock:
            self._closed = True
            self._changed.notify_all()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosed("this store is closed")


class _View:
    """What the judge may see of a memory log; made with the log's lock held."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log
        self.head = log.head()

    def known(self, id: str) -> Commit | None:
        return self._log.by_id(id)

    def matching(self, condition: Condition, limit: int) -> Sequence[Recorded]:
        return list(self._log.read(condition.query, after=condition.after, limit=limit))

    def ref(self, name: str) -> str | None:
        return self._log.refs.get(name)


class MemoryRefs:
    """Refs in a dict."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}
        self._closed = False
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()

    def get(self, name: str) -> str | None:
        """The value of a ref, None where there is none."""
        self._check_open()
        return self._values.get(name)

    def list(self, prefix: str = "") -> Mapping[str, str]:
        """All refs whose names start with `prefix`, sorted by name."""
        self._check_open()
        with self._lock:
            found = sorted(self._values.items())
        return {name: value for name, value in found if name.startswith(prefix)}

    def set(self, name: str, value: str | None, *, old: str | None) -> bool:
        """Compare and set; see `Refs.set`."""
        self._check_open()
        with self._lock:
            if self._values.get(name) != old:
                return False
            if value is None:
                self._values.pop(name, None)
            else:
                self._values[name] = value
            return True

    def unchanged(self) -> AbstractContextManager[object]:
        """For the length of a block, let nobody set a ref."""
        return self._lock

    def close(self) -> None:
        """Refuse every later call."""
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosed("this store is closed")


class MemoryStore:
    """Logs and refs that are gone when the process ends."""

    def __init__(self) -> None:
        self.refs = MemoryRefs()
        self._logs = [MemoryLog(ORIGIN, self.refs)]
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._creating = threading.Lock()

    def log(self, number: int = 0) -> MemoryLog:
        """Open a log; see `Store.log`."""
        if not 0 <= number < len(self._logs):
            raise KeyError(number)
        return self._logs[number]

    def create_log(self, origin: Head) -> int:
        """Make an empty log; see `Store.create_log`."""
        with self._creating:
            self._logs[0].head()  # refuses where the store is closed
            self._logs.append(MemoryLog(origin, self.refs))
            return len(self._logs) - 1

    def logs(self) -> Sequence[int]:
        """The numbers of all logs."""
        self._logs[0].head()  # refuses where the store is closed
        return range(len(self._logs))

    def origin(self, number: int = 0) -> Head:
        """What a log stands on."""
        return self.log(number).origin

    def problems(self) -> Iterator[str]:
        """Nothing can be wrong inside a list."""
        return iter(())

    def close(self) -> None:
        """Refuse every later call."""
        self.refs.close()
        for log in self._logs:
            log.close()
