"""Group commit: concurrent appends of one process are written in one transaction, and each gets its own verdict.

One durable commit costs one fsync, whatever it holds. So the first caller writes at once; those who come while
it writes wait, and the first of them then writes for all of them. Who has just been written for is mostly back in a
moment, so a group waits a little until it is as large as the one before. Who is alone never waits, and no thread runs
when nobody writes.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence

from backstory.errors import StoreError
from backstory.store import Batch, Log, Verdict
from backstory.stores.fork import tell_of_forks

COMPANY, LONGEST = 0.25, 0.002
"""For how long a group waits for company: as a part of the time that the last one took to write, and in seconds."""

INTERRUPTED = "the thread that wrote for this one was interrupted; append again, with the same ids"

GROUP_EVENTS = 10_000
"""A group takes no further call once it has this many events, so that no caller waits long for another's bulk."""


class _Call:
    """One caller's batches, and what became of them."""

    __slots__ = ("batches", "error", "events", "leads", "verdicts", "woken")

    def __init__(self, batches: Sequence[Batch]) -> None:
        self.batches = batches
        self.events = sum(len(draft.events) for batch in batches for draft in batch)
        self.verdicts: list[Verdict] | None = None
        self.error: BaseException | None = None
        self.leads = False
        self.woken = threading.Lock()
        self.woken.acquire()


class GroupedLog:
    """A log whose concurrent appends share transactions."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.after_fork(child=True)
        tell_of_forks(self)
        self.read = log.read
        self.commits = log.commits
        self.find = log.find
        self.head = log.head
        self.wait = log.wait

    def before_fork(self) -> None:
        """Nothing: the calls of other threads go on in the parent."""

    def after_fork(self, *, child: bool) -> None:
        """Begin anew in a child, which has none of the threads that wait or write."""
        if child:
            self._guard = threading.Lock()
            self._waiting: deque[_Call] = deque()
            self._writing = False
            self._size, self._pause = 1, 0.0
            self._gathered: threading.Lock | None = None

    def append(self, batches: Sequence[Batch]) -> list[Verdict]:
        """Judge and append each batch, together with those of other threads; see `Log.append`."""
        call = _Call(batches)
        with self._guard:
            if not self._writing:
                self._writing = call.leads = True
            else:
                self._waiting.append(call)
                if self._gathered is not None and len(self._waiting) >= self._size - 1:
                    self._gathered.release()
                    self._gathered = None
        if not call.leads:
            try:
                call.woken.acquire()
            except BaseException:
                self._withdraw(call)
                raise
        if call.leads:
            self._lead(call)
        if call.error is not None:
            raise call.error
        assert call.verdicts is not None
        return call.verdicts

    def _lead(self, call: _Call) -> None:
        """Write this thread's own call, with those of others."""
        calls = [call]
        try:
            self._gather()
            calls += self._take(call.events)
            began = time.perf_counter()
            self._write(calls)
            self._pause = min((time.perf_counter() - began) * COMPANY, LONGEST)
        finally:
            self._size = len(calls)
            self._hand_on()
            for other in calls[1:]:
                if other.verdicts is None and other.error is None:
                    other.error = StoreError(INTERRUPTED)
                other.woken.release()

    def _gather(self) -> None:
        """Wait a little for those who wrote together last time: most of them are back in a moment."""
        with self._guard:
            if len(self._waiting) >= self._size - 1:
                return
            gathered = self._gathered = threading.Lock()
            gathered.acquire()
        try:
            gathered.acquire(timeout=self._pause)
        finally:
            with self._guard:
                if self._gathered is gathered:
                    self._gathered = None

    def _withdraw(self, call: _Call) -> None:
        """Take back the call of a thread that was interrupted while it waited, or the lead that it got meanwhile."""
        with self._guard:
            waits = call in self._waiting
            if waits:
                self._waiting.remove(call)
        if not waits and call.leads:
            self._hand_on()

    def _take(self, events: int) -> Iterator[_Call]:
        """The calls that go into the leader's group."""
        with self._guard:
            while self._waiting and events < GROUP_EVENTS:
                call = self._waiting.popleft()
                events += call.events
                yield call

    def _write(self, calls: list[_Call]) -> None:
        """Write these calls in one transaction; the first call is this thread's own."""
        try:
            verdicts = iter(self._log.append([batch for call in calls for batch in call.batches]))
            for call in calls:
                call.verdicts = [next(verdicts) for _ in call.batches]
        except StoreError as error:
            for call in calls:
                call.error = error
        except BaseException as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            self._write_apart(calls, error)

    def _write_apart(self, calls: list[_Call], error: BaseException) -> None:
        """One call broke the group: write each alone, so that only the one at fault gets the error.

        Where it is this thread that was interrupted, only its own caller is told so.
        """
        if not isinstance(error, Exception):
            calls[0].error = error
            return
        for call in calls:
            try:
                call.verdicts = self._log.append(call.batches)
            except Exception as own:  # noqa: BLE001 - it is raised in the thread that made the call
                call.error = own

    def _hand_on(self) -> None:
        """Let the first caller who waits write next."""
        with self._guard:
            if self._waiting:
                call = self._waiting.popleft()
                call.leads = True
                call.woken.release()
            else:
                self._writing = False
