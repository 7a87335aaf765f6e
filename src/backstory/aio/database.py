"""`Database` for async code: the same verbs, each in a worker thread."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast, overload

import anyio

from backstory import database
from backstory.aio.face import Shared
from backstory.aio.table import AsyncTable
from backstory.aio.verbs import Verbs
from backstory.aio.workers import Workers
from backstory.aio.writes import Write
from backstory.decide.drafting import Said
from backstory.decide.execution import ATTEMPTS
from backstory.errors import UnknownOption
from backstory.verbs.held import LEASE
from backstory.writing import Appending, Execution, Writing

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Self

    from backstory.atomic import Atomic, Pending
    from backstory.decide.call import Command, R
    from backstory.history.refs.revision import Revision
    from backstory.live import Seen
    from backstory.outbox.message import Outbox
    from backstory.reactions.run import Runnable, Running
    from backstory.rows.shape import Found
    from backstory.values.commit import Commit
    from backstory.values.query import Condition
    from backstory.verbs.held import S

T = TypeVar("T")

THREADS = 32
"""How many verbs run at once, unless `connect` is told otherwise."""

NOT_OPEN = "a database for async code is opened by `async with backstory.aio.connect(...) as db:`"


class AsyncDatabase(Verbs):
    """A `Database` whose verbs are awaited; they are described there. `db` is that database."""

    async def execute(
        self,
        command: Command[R],
        *,
        id: str | None = None,
        author: str | None = None,
        message: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        at: datetime | None = None,
        seen: Seen[Any] | None = None,
        attempts: int = ATTEMPTS,
    ) -> R:
        """See `Database.execute`. Commands that many tasks execute meanwhile share a transaction."""
        said = Said(id, author, message, metadata, at)
        execution = Execution(self.db.handle, command, said, attempts, seen)
        return cast("R", await (self._run(execution.whole) if execution.alone else self._write(execution)))

    async def append(
        self,
        *events: Any,
        condition: Condition | None = None,
        id: str | None = None,
        author: str | None = None,
        message: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        at: datetime | None = None,
    ) -> Commit:
        """See `Database.append`. Appends of many tasks share a transaction."""
        appending = Appending(self.db.handle, events, condition, Said(id, author, message, metadata, at))
        return cast("Commit", await self._write(appending))

    @asynccontextmanager
    async def atomic(self, attempts: int = ATTEMPTS) -> AsyncIterator[AsyncAtomic]:
        """See `Database.atomic`: `async with db.atomic() as tx: await tx.execute(a)`."""
        from backstory.atomic import Atomic

        unit = await self._run(Atomic, self.db.handle, attempts)
        try:
            yield AsyncAtomic(unit, self)
        except BaseException:
            unit.end(keep=False)  # forgets it, no more
            raise
        await self._run(partial(unit.end, keep=True))

    async def _write(self, writing: Writing) -> Commit | None:
        tip = self.db.handle.tip
        commit: Commit | None = await self._shared.of(tip.line).writes.run(Write(writing, tip))
        return commit

    @overload
    def table(
        self, what: str, *, key: str | None = None, unique: Iterable[str] = ()
    ) -> AsyncTable[Found]: ...

    @overload
    def table(
        self, what: type[T], *, name: str | None = None, key: str | None = None, unique: Iterable[str] = ()
    ) -> AsyncTable[T]: ...

    def table(
        self,
        what: str | type[T],
        *,
        name: str | None = None,
        key: str | None = None,
        unique: Iterable[str] = (),
    ) -> AsyncTable[Any]:
        """See `Database.table`."""
        return AsyncTable(self.db.table(cast("Any", what), name=name, key=key, unique=unique), self)

    def run(self, *things: Runnable | Outbox, lease: float = LEASE) -> AsyncRunning:
        """See `Database.run`: `async with db.run(Orders): ...`, or `await db.run(Orders).run(once=True)`."""
        return AsyncRunning(partial(self.db.run, *things, lease=lease), self._shared.workers)

    @asynccontextmanager
    async def what_if(
        self, at: Revision | None = None, *, clock: Callable[[], datetime] | None = None
    ) -> AsyncIterator[AsyncDatabase]:
        """See `Database.what_if`; keep it with `await trial.keep(name)`. Its followers end with the block."""
        block = self.db.what_if(at, clock=clock)
        trial = AsyncDatabase(await self._run(block.__enter__), self._shared)
        try:
            yield trial
        finally:
            self._shared.leave(trial.db.handle.tip.line)
            block.__exit__(None, None, None)  # forgets it, no more

    async def leave(self) -> None:
        """End the tasks that wait here, with `StoreClosed`, and the threads. The database below stays open."""
        await self._shared.close(lambda: None)

    async def keep(self, name: str) -> AsyncDatabase:
        """Make a real branch of a branch of `what_if`. Raises `BranchError`."""
        if not isinstance(self.db, database.WhatIf):
            raise TypeError("only a branch of what_if() can be kept; this is a branch already")
        return AsyncDatabase(await self._run(self.db.keep, name), self._shared)


class AsyncRunning:
    """All that runs together, for the length of an `async with` block, or while `run` is awaited; see `Running`."""

    def __init__(self, make: Callable[[], Running], workers: Workers) -> None:
        self._make = make
        self._workers = workers
        self._made: Running | None = None

    async def _running(self) -> Running:
        if self._made is None:
            self._made = await self._workers.run(self._make)
        return self._made

    async def __aenter__(self) -> Self:
        running = await self._running()
        await self._workers.run(running.__enter__)
        return self

    async def __aexit__(self, *_: object) -> None:
        running = await self._running()
        with anyio.CancelScope(shield=True):
            await self._workers.run(running.__exit__)

    def stop(self) -> None:
        """Tell all to end after the step that is being taken."""
        if self._made is not None:
            self._made.stop()

    async def run(self, *, once: bool = False) -> None:
        """Run until `stop`, until one fails, or until the task is cancelled; `once`: until nothing is left to do."""
        running = await self._running()
        await self._workers.run_until(running.stop, partial(running.run, once=once))


class AsyncAtomic:
    """The commands of one `async with db.atomic()` block; see `backstory.atomic.Atomic`."""

    def __init__(self, unit: Atomic, db: AsyncDatabase) -> None:
        self._unit = unit
        self._db = db

    def __repr__(self) -> str:
        """Its commands, and whether it has ended."""
        return repr(self._unit)

    async def execute(
        self,
        command: Command,
        *,
        id: str | None = None,
        author: str | None = None,
        message: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        at: datetime | None = None,
    ) -> Pending:
        """See `Atomic.execute`."""
        decided = partial(
            self._unit.execute, command, id=id, author=author, message=message, metadata=metadata, at=at
        )
        return await self._db._run(decided)

    async def load(self, state: S) -> S:
        """See `Atomic.load`."""
        return await self._db._run(self._unit.load, state)


class Opening(AbstractAsyncContextManager["AsyncDatabase"]):
    """A database that is opened by `async with`, and by nothing else."""

    def __init__(self, block: AbstractAsyncContextManager[AsyncDatabase]) -> None:
        self._block = block

    async def __aenter__(self) -> AsyncDatabase:
        return await self._block.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        return await self._block.__aexit__(kind, error, traceback)

    def __await__(self) -> NoReturn:
        raise TypeError(NOT_OPEN)

    def __enter__(self) -> NoReturn:
        raise TypeError(NOT_OPEN)

    def __exit__(self, *_: object) -> None: ...

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"there is no {name} yet: {NOT_OPEN}")


def over(db: database.Database, threads: int = THREADS) -> AsyncDatabase:
    """An open database for async code, too: make one for all tasks, and `await` its `leave` at the end.

    The code that has opened `db` closes it. At most `threads` verbs run at once.
    """
    return AsyncDatabase(db, Shared(Workers(threads)))


def connect(address: str | PathLike[str] = "memory:", *, threads: int = THREADS, **options: Any) -> Opening:
    """Open a database for async code: `async with connect("bank.db") as db`; options as for `backstory.connect`.

    At most `threads` verbs run at once, each in a thread. One more thread looks for events of other processes while
    somebody follows any branch. At the end of the block, verbs that have begun are waited for, and tasks that wait for
    events get `StoreClosed`.
    """
    return Opening(_opened(address, threads, options))


@asynccontextmanager
async def _opened(
    address: str | PathLike[str], threads: int, options: dict[str, Any]
) -> AsyncIterator[AsyncDatabase]:
    shared = Shared(Workers(threads))
    opened: list[database.Database] = []

    def connect() -> None:
        try:
            opened.append(database.connect(address, **options))
        except UnknownOption as unknown:
            raise unknown.among("threads") from None

    def close() -> None:
        for db in opened:
            db.close()

    try:
        # Kept from inside the thread: a task that is cancelled meanwhile would not get it, and could not close it.
        await shared.workers.run(connect)
        yield AsyncDatabase(opened[0], shared)
    finally:
        # Also in a task that is being cancelled.
        with anyio.CancelScope(shield=True):
            await shared.close(close)
