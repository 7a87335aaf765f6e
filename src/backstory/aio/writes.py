"""Writes of several tasks in one transaction.

A thread for every command would mostly wait for others: for the interpreter, and for its group to be written. So one
thread takes the calls of many tasks, lets each command decide, and appends all drafts; meanwhile the calls of the next
round gather. A command that comes too late, or whose boundary is hot, is executed as if it were alone, in a thread of
its own.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from backstory.aio.workers import Call, Workers
from backstory.errors import StoreError
from backstory.forks import on_fork
from backstory.handle import Tip
from backstory.store import Log, Verdict
from backstory.writing import Contended, Half, Writing

MOST = 128
"""Writes in one round."""

LONGEST = 0.005
"""Seconds for which a round lets commands decide before it appends; the rest is for the next round."""

PATIENCE = 0.02
"""Seconds: when a round has taken so long, a slow command holds it up, and another thread begins one."""

THREADS = 4
"""Rounds at once, at most."""


class Write(Call):
    """A write that a task asked for, on the line that its branch was then."""

    __slots__ = ("tip", "writing")

    def __init__(self, writing: Writing, tip: Tip) -> None:
        super().__init__(writing.whole)
        self.writing = writing
        self.tip = tip


class Writes:
    """Gathers writes to one line."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._guard = threading.Lock()
        self._pending: deque[Write] = deque()
        self._rounds: list[float] = []  # when those that are deciding now began, in order
        self._pace: threading.Thread | None = None
        self._stop = threading.Event()

    async def run(self, write: Write) -> Any:
        """Write it together with writes of others. Raises the errors of its halves, and its verdict's error."""
        return await self._workers.outcome(write, lambda: self._add(write))

    def _add(self, write: Write) -> None:
        with self._guard:
            self._pending.append(write)
            if self._rounds and self._pace is None:
                self._pace = threading.Thread(target=self._keep_pace, name="backstory pace", daemon=True)
                self._pace.start()
        self._look()

    def _look(self) -> None:
        """Begin a round, unless one that is going on will soon be over."""
        with self._guard:
            if not self._pending or len(self._rounds) >= THREADS:
                return
            now = time.monotonic()
            if self._rounds and now - self._rounds[-1] < PATIENCE:
                return
            self._rounds.append(now)
        self._workers.submit(lambda: self._round(now))

    def _keep_pace(self) -> None:
        """Look now and then whether a slow command holds up a round. Ends when nobody writes."""
        while not self._stop.wait(PATIENCE):
            self._look()
            with self._guard:
                if not self._rounds and not self._pending:
                    self._pace = None
                    return

    def close(self) -> threading.Thread | None:
        """Stop the thread that looks, once nobody writes any more, and return it; it ends at once."""
        self._stop.set()
        return self._pace

    def _round(self, began: float) -> None:
        halves = list(self._decided())
        # The next round decides while this one is written.
        with self._guard:
            self._rounds.remove(began)
        self._look()
        for log, group in groupby(halves, lambda one: one[1].log):
            self._append(log, list(group))

    def _decided(self) -> Iterator[tuple[Write, Half]]:
        until = time.monotonic() + LONGEST
        for _ in range(MOST):
            with self._guard:
                # One by one: writes that wait behind a slow command can still be taken by another round.
                write = self._pending.popleft() if self._pending else None
            if write is None:
                return
            if not write.claim():
                continue
            try:
                half = write.context.run(write.writing.half, write.tip)
            except Contended:
                self._alone(write)
                continue
            except BaseException as error:  # noqa: BLE001 - it is raised in the task
                write.fail(error)
                continue
            if isinstance(half, Half):
                yield write, half
            else:
                write.finish(half)
            if time.monotonic() > until:
                return

    def _append(self, log: Log, halves: Sequence[tuple[Write, Half]]) -> None:
        """Append to the log of one name; there may be several names for one history."""
        try:
            verdicts = log.append([half.batch for _, half in halves])
        except StoreError as error:
            for write, _ in halves:
                write.fail(error)
        except Exception as error:  # noqa: BLE001 - one draft broke them all: each alone, so that only its task is told
            if len(halves) == 1:
                halves[0][0].fail(error)
                return
            for one in halves:
                self._append(log, [one])
        else:
            for (write, half), verdict in zip(halves, verdicts, strict=True):
                self._settle(write, half, verdict)

    def _settle(self, write: Write, half: Half, verdict: Verdict) -> None:
        try:
            if isinstance(verdict, tuple):
                write.finish(half.settle(verdict))
            elif write.writing.late(verdict, write.tip):
                self._alone(write)
            else:
                write.fail(verdict)
        except BaseException as error:  # noqa: BLE001 - it is raised in the task
            write.fail(error)

    def _alone(self, write: Write) -> None:
        self._workers.submit(write.run)
