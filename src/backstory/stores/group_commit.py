"""Group commit: concurrent units of one process are written in one transaction, and each gets its own verdict.

One durable commit costs one fsync, whatever its size. So the first caller writes at once; callers that come while it
writes wait, and then the first of them writes for all of them. A thread whose append just finished usually appends
again at once, so a group waits a little until it is as large as the one before. A caller that is alone never waits,
and no thread runs when nobody writes.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import copy

from backstory.errors import StoreCorrupt, StoreError, StoreFull, StoreRefused
from backstory.forks import on_fork
from backstory.unit import Append, Outcome, Unit

COMPANY, LONGEST = 0.25, 0.002
"""The longest wait of a group for more calls: as a part of the time that the last write took, and in seconds."""

INTERRUPTED = "the thread that wrote for this one was interrupted; append again, with the same ids"

GROUP_EVENTS = 10_000
"""A group takes no further call once it has this many events, so that no caller waits long for another's bulk."""


class _Call:
    """One caller's units, and their outcomes. `group` are the calls that it writes together with its own."""

    __slots__ = ("error", "group", "outcomes", "units", "woken")

    def __init__(self, units: Sequence[Unit]) -> None:
        self.units = units
        self.outcomes: list[Outcome] | None = None
        self.error: BaseException | None = None
        self.group: list[_Call] = []

    def get_ready(self) -> None:
        """Be ready to be woken: only a call that waits needs a lock."""
        self.woken = threading.Lock()
        self.woken.acquire()

    @property
    def done(self) -> bool:
        """Whether there is an answer for its caller."""
        return self.outcomes is not None or self.error is not None

    def events(self) -> int:
        """The number of events that it appends."""
        return sum(
            len(draft.events)
            for unit in self.units
            for step in unit.steps
            if isinstance(step, Append)
            for draft in step.batch
        )

    def take(self, waiting: deque[_Call]) -> None:
        """Take the first waiting calls into its group, until the group is large enough."""
        events = self.events()
        while waiting and events < GROUP_EVENTS:
            if waiting[0] is not self:  # it is where Ctrl-C came to the one that let it lead
                events += waiting[0].events()
                self.group.append(waiting[0])
            waiting.popleft()

    def wake(self) -> None:
        """Let its thread go on. A second call does no harm."""
        with suppress(RuntimeError):
            self.woken.release()


class GroupCommit:
    """Lets the units that threads write at the same time share transactions of `write`, also those of several logs."""

    def __init__(self, write: Callable[[Sequence[Unit]], list[Outcome]]) -> None:
        self._alone = write
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[_Call] = deque()
        self._leader: _Call | None = None
        self._size, self._pause = 1, 0.0
        self._gathered: threading.Lock | None = None

    def write(self, units: Sequence[Unit]) -> list[Outcome]:
        """Do each unit, together with those of other threads; see `Store.write`."""
        call = _Call(units)
        try:
            self._enter(call)
            if not call.done:
                self._lead(call)
        finally:
            # Ctrl-C may come anywhere, also here. Nobody else may have to wait for ever because of it.
            try:
                self._leave(call)
            except KeyboardInterrupt:
                self._hand_on(call)
                raise
        if call.error is not None:
            raise call.error
        assert call.outcomes is not None
        return call.outcomes

    def _enter(self, call: _Call) -> None:
        """Become the leader, or wait until another call has written this one or lets it lead."""
        with self._guard:
            if self._leader is None:
                self._leader = call
                return
            call.get_ready()
            self._waiting.append(call)
            if self._gathered is not None and len(self._waiting) >= self._size - 1:
                gathered, self._gathered = self._gathered, None
                gathered.release()
        call.woken.acquire()

    def _lead(self, call: _Call) -> None:
        """Write this thread's own call, with those of others."""
        if self._size > 1:
            self._gather()
        if self._waiting:
            with self._guard:
                call.take(self._waiting)
        began = time.perf_counter()
        self._write([call, *call.group])
        self._size = 1 + len(call.group)
        self._pause = min((time.perf_counter() - began) * COMPANY, LONGEST)

    def _gather(self) -> None:
        """Wait a little for the threads that wrote together last time: most of them append again at once."""
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

    def _write(self, calls: list[_Call]) -> None:
        """Write these calls in one transaction; the first call is this thread's own."""
        try:
            if len(calls) == 1:
                calls[0].outcomes = self._alone(calls[0].units)
                return
            outcomes = iter(self._alone([unit for call in calls for unit in call.units]))
            for call in calls:
                call.outcomes = [next(outcomes) for _ in call.units]
        except Exception as error:
            if len(calls) > 1 and _may_be_of_one(error):
                self._write_apart(calls)
                return
            for call in calls[1:]:
                call.error = _own(error)
            raise

    def _write_apart(self, calls: list[_Call]) -> None:
        """A call of the group failed: write each call alone, so that only the one at fault gets the error."""
        for number, call in enumerate(calls, 1):
            try:
                call.outcomes = self._alone(call.units)
            except Exception as error:  # noqa: BLE001 - it is raised in the thread that made the call
                call.error = error
                if not _may_be_of_one(error):
                    for other in calls[number:]:
                        other.error = _own(error)
                    return

    def _leave(self, call: _Call) -> None:
        """Hand the lead on, unless this call was just one of another call's group."""
        if not call.done or self._leader is call or call.group:
            self._hand_on(call)

    def _hand_on(self, call: _Call) -> None:
        """Let the next caller lead, and wake the callers whose units were written. A second call does no harm."""
        with self._guard:
            if not call.done:
                gone = {call, *call.group}
                self._waiting = deque(one for one in self._waiting if one not in gone)
            if self._leader is call:
                self._leader = self._waiting[0] if self._waiting else None
            if self._waiting and self._waiting[0] is self._leader:
                self._waiting[0].wake()
                self._waiting.popleft()
        for other in call.group:
            if not other.done:
                other.error = StoreError(INTERRUPTED)
            other.wake()


def _may_be_of_one(error: Exception) -> bool:
    """Whether an error may be about the data or the condition of one of several calls.

    It is not if the store is away, locked, read-only or closed: each call would get the error again, and some of them
    only after a long wait.
    """
    return isinstance(error, (StoreRefused, StoreFull, StoreCorrupt)) or not isinstance(error, StoreError)


def _own(error: Exception) -> Exception:
    """The same error for another thread: an error that several threads raise would collect the traces of all."""
    own = copy(error)
    own.__cause__ = error
    return own
