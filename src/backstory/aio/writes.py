"""What tasks write meanwhile, in one transaction.

A thread for every command would mostly wait for others: for the interpreter, and for its group to be written. So one
thread takes what many tasks asked for, lets each command decide, and appends it all; the tasks of the next round gather
meanwhile. A command that comes too late, or whose boundary is hot, is executed as if it were alone, in a thread of
its own.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from backstory.aio.workers import Call, Workers
from backstory.commit import Commit, Draft
from backstory.errors import Conflict, StoreError
from backstory.forks import on_fork
from backstory.store import Log, Verdict

MOST = 128
"""Writes in one round."""

LONGEST = 0.005
"""Seconds: how long a round lets commands decide before it appends; what is left is for the next."""

PATIENCE = 0.02
"""Seconds: when a round has taken so long, a slow command holds it up, and another thread begins one."""

THREADS = 4
"""Rounds at once, at most."""

Settle: TypeAlias = Callable[[tuple[Commit, ...]], Commit]
Half: TypeAlias = tuple[Draft, Settle]


class Write(Call):
    """A call in two halves: `work` gives a draft and what to do with its commits, None where nothing is to happen.

    `alone` is the whole of it, for when it is contended or came too late; None: its conflict is raised.
    """

    __slots__ = ("alone", "contended")

    def __init__(
        self,
        half: Callable[[], Half | None],
        alone: Callable[[], Any] | None = None,
        contended: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__(half)
        self.alone = alone
        self.contended = contended


class Writes:
    """Gathers writes to one log."""

    def __init__(self, workers: Workers, log: Log) -> None:
        self._workers = workers
        self._log = log
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._guard = threading.Lock()
        self._pending: deque[Write] = deque()
        self._rounds: list[float] = []  # when those that are deciding now began, in order
        self._pace: threading.Thread | None = None
        self._stop = threading.Event()

    async def run(self, write: Write) -> Any:
        """Write it with what others write. Raises what each of its halves raises, and its verdict's error."""
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
        """Look now and then: a round that a slow command holds up does not say so. Ends when nobody writes."""
        while not self._stop.wait(PATIENCE):
            self._look()
            with self._guard:
                if not self._rounds and not self._pending:
                    self._pace = None
                    return

    def close(self) -> threading.Thread | None:
        """Stop what keeps the pace, once nobody writes any more; return its thread, which ends at once."""
        self._stop.set()
        return self._pace

    def _round(self, began: float) -> None:
        halves = list(self._decided())
        # The next round decides while this one is written.
        with self._guard:
            self._rounds.remove(began)
        self._look()
        if halves:
            self._append(halves)

    def _decided(self) -> Iterator[tuple[Write, Draft, Settle]]:
        until = time.monotonic() + LONGEST
        for _ in range(MOST):
            with self._guard:
                # One by one: what waits behind a slow command can still be taken by another round.
                write = self._pending.popleft() if self._pending else None
            if write is None:
                return
            if not write.claim():
                continue
            try:
                if write.alone is not None and write.context.run(write.contended):
                    self._alone(write)
                    continue
                half: Half | None = write.context.run(write.work)
            except BaseException as error:  # noqa: BLE001 - it is raised in the task
                write.fail(error)
                continue
            if half is None:
                write.finish(None)
            else:
                yield write, *half
            if time.monotonic() > until:
                return

    def _append(self, halves: Sequence[tuple[Write, Draft, Settle]]) -> None:
        try:
            verdicts = self._log.append([[draft] for _, draft, _ in halves])
        except StoreError as error:
            for write, _, _ in halves:
                write.fail(error)
        except Exception as error:  # noqa: BLE001 - one draft broke them all: each alone, so that only its task is told
            if len(halves) == 1:
                halves[0][0].fail(error)
                return
            for half in halves:
                self._append([half])
        else:
            for (write, _, settle), verdict in zip(halves, verdicts, strict=True):
                self._settle(write, settle, verdict)

    def _settle(self, write: Write, settle: Settle, verdict: Verdict) -> None:
        if isinstance(verdict, Conflict) and write.alone is not None:
            self._alone(write)
        elif isinstance(verdict, tuple):
            try:
                write.finish(settle(verdict))
            except BaseException as error:  # noqa: BLE001 - it is raised in the task
                write.fail(error)
        else:
            write.fail(verdict)

    def _alone(self, write: Write) -> None:
        assert write.alone is not None
        write.work = write.alone
        self._workers.submit(write.run)
