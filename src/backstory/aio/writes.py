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
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from backstory.aio.workers import Call, Workers
from backstory.commit import Commit, Draft
from backstory.errors import Conflict, StoreError
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
        self._guard = threading.Lock()
        self._pending: deque[Write] = deque()
        self._rounds = 0
        self._began = 0.0

    async def run(self, write: Write) -> Any:
        """Write it with what others write. Raises what each of its halves raises, and its verdict's error."""
        return await self._workers.outcome(write, lambda: self._add(write))

    def _add(self, write: Write) -> None:
        with self._guard:
            self._pending.append(write)
            late = self._rounds < THREADS and time.monotonic() - self._began > PATIENCE
            begin = self._rounds == 0 or late
            if begin:
                self._rounds += 1
                self._began = time.monotonic()
        if begin:
            self._workers.submit(self._write_all)

    def _write_all(self) -> None:
        while writes := self._take():
            halves = list(self._decided(writes))
            if halves:
                self._append(halves)

    def _take(self) -> list[Write]:
        """What begins now: writes that were not withdrawn."""
        with self._guard:
            taken: list[Write] = []
            while self._pending and len(taken) < MOST:
                taken.append(self._pending.popleft())
            if not taken:
                self._rounds -= 1
            self._began = time.monotonic()
        return taken

    def _decided(self, writes: Sequence[Write]) -> Any:
        until = time.monotonic() + LONGEST
        for index, write in enumerate(writes):
            if index and time.monotonic() > until:
                with self._guard:
                    self._pending.extendleft(reversed(writes[index:]))
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
