"""The same database for async code: every verb of `Database`, awaited, under asyncio and trio.

    async with backstory.aio.connect("bank.db") as db:
        await db.execute(withdraw(Account("a-7"), cents=50))
        async for record in db.follow(Account("a-7")):
            ...

There is one implementation, the synchronous one. A verb runs in a worker thread, of which there are at most
`threads`; what many tasks append at once shares transactions there. A task that is cancelled waits for the verb that
it is in, which takes no longer than one transaction: nothing is half-done, and no connection is lost. Only waiting
is given up at once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import anyio
from anyio.to_thread import run_sync

from backstory import database
from backstory.execution import RETRIES
from backstory.history.merge import DEFAULTS, MergeReport, Options

if TYPE_CHECKING:
    from backstory.commands import Command
    from backstory.commit import Commit, Head
    from backstory.execution import Preview
    from backstory.history.branches import Mark
    from backstory.history.revision import Revision
    from backstory.query import Condition, Query
    from backstory.state import State
    from backstory.store import Log, Record

    S = TypeVar("S", bound=State)

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 64
"""How many verbs run at once."""

CHUNK = 256
"""How many records a stream takes from a worker thread at a time."""

LONGEST_WAIT = 0.5
"""Seconds: how long a thread may sleep for new events before it looks whether anybody still waits."""


class Watch:
    """Where a log ends, for all tasks that wait for it to go on: one thread waits, however many they are."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._head = 0
        self._watched = False
        self._changed = anyio.Event()

    async def beyond(self, after: int) -> int:
        """Sleep until the head is beyond `after`; return its position."""
        while self._head <= after:
            if self._watched:
                await self._changed.wait()
                continue
            self._watched = True
            try:
                wait = partial(self._log.wait, max(after, self._head), LONGEST_WAIT)
                self._head = await run_sync(wait, abandon_on_cancel=True)
            finally:
                # Also where this task is cancelled: another one must take over.
                self._watched = False
                self._changed.set()
                self._changed = anyio.Event()
        return self._head


class AsyncDatabase:
    """A `Database` whose verbs are awaited; each says there what it does."""

    def __init__(self, db: database.Database, limiter: anyio.CapacityLimiter) -> None:
        self.db = db
        self._limiter = limiter
        self._watch = Watch(db.log)
        self.context = db.context

    async def _run(self, verb: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await run_sync(partial(verb, *args, **kwargs), limiter=self._limiter)

    async def _stream(self, items: Callable[[], Iterator[T]]) -> AsyncIterator[T]:
        iterator = await self._run(items)
        while chunk := await self._run(lambda: list(islice(iterator, CHUNK))):
            for item in chunk:
                yield item

    async def head(self) -> Head:
        """Where the branch ends."""
        return await self._run(self.db.head)

    async def load(self, state: S, at: Revision | None = None) -> S:
        """See `Database.load`."""
        return await self._run(self.db.load, state, at)

    async def execute(
        self,
        command: Command,
        *,
        id: str | None = None,
        author: str | None = None,
        message: str | None = None,
        meta: Mapping[str, Any] | None = None,
        retries: int = RETRIES,
    ) -> Commit | None:
        """See `Database.execute`."""
        return await self._run(
            self.db.execute, command, id=id, author=author, message=message, meta=meta, retries=retries
        )

    async def preview(self, command: Command) -> Preview:
        """See `Database.preview`."""
        return await self._run(self.db.preview, command)

    async def append(
        self,
        *events: Any,
        condition: Condition | None = None,
        id: str | None = None,
        author: str | None = None,
        message: str | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> Commit:
        """See `Database.append`."""
        return await self._run(
            self.db.append, *events, condition=condition, id=id, author=author, message=message, meta=meta
        )

    def read(
        self,
        *what: type[Any] | str | State | Query,
        tags: Iterable[str] = (),
        after: int = 0,
        at: Revision | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> AsyncIterator[Record]:
        """Stream what is there now; see `Database.read`."""
        return self._stream(
            partial(self.db.read, *what, tags=tags, after=after, at=at, backwards=backwards, limit=limit)
        )

    async def follow(
        self, *what: type[Any] | str | State | Query, tags: Iterable[str] = (), after: int | None = None
    ) -> AsyncIterator[Record]:
        """Stream what comes after a position (default: the head now), for ever; each event once, in order."""
        tags = tuple(tags)
        position = (await self.head()).position if after is None else after
        while True:
            head = await self._watch.beyond(position)
            async for record in self.read(*what, tags=tags, after=position, at=head):
                yield record
            position = head

    def commits(
        self, *, after: int = 0, at: Revision | None = None, backwards: bool = False
    ) -> AsyncIterator[Commit]:
        """See `Database.commits`."""
        return self._stream(partial(self.db.commits, after=after, at=at, backwards=backwards))

    async def branch(self, name: str, at: Revision | None = None) -> AsyncDatabase:
        """See `Database.branch`."""
        return AsyncDatabase(await self._run(self.db.branch, name, at), self._limiter)

    async def switch(self, name: str) -> AsyncDatabase:
        """See `Database.switch`."""
        return AsyncDatabase(await self._run(self.db.switch, name), self._limiter)

    @asynccontextmanager
    async def what_if(self) -> AsyncIterator[AsyncDatabase]:
        """See `Database.what_if`; keep it with `await trial.keep(name)`."""
        with self.db.what_if() as trial:
            yield AsyncDatabase(trial, self._limiter)

    async def keep(self, name: str) -> AsyncDatabase:
        """Make a real branch of what `what_if` gave. Raises `BranchError`."""
        if not isinstance(self.db, database.WhatIf):
            raise TypeError("only what what_if() gave can be kept; this is a branch already")
        return AsyncDatabase(await self._run(self.db.keep, name), self._limiter)

    async def mark(
        self, name: str, at: Revision | None = None, *, message: str = "", author: str = ""
    ) -> Mark:
        """See `Database.mark`."""
        return await self._run(self.db.mark, name, at, message=message, author=author)

    async def merge(self, source: str, options: Options = DEFAULTS) -> MergeReport:
        """See `Database.merge`."""
        return await self._run(self.db.merge, source, options)

    async def rebase(self, onto: Revision, options: Options = DEFAULTS) -> MergeReport:
        """See `Database.rebase`."""
        return await self._run(self.db.rebase, onto, options)

    async def cherry_pick(self, commit: Revision, options: Options = DEFAULTS) -> MergeReport:
        """See `Database.cherry_pick`."""
        return await self._run(self.db.cherry_pick, commit, options)


@asynccontextmanager
async def connect(
    address: str = "memory:", *, threads: int = THREADS, **options: Any
) -> AsyncIterator[AsyncDatabase]:
    """Open a database for async code: `async with connect("bank.db") as db`; options as for `backstory.connect`.

    `threads` bounds how many verbs run at once.
    """
    db = await run_sync(partial(database.connect, address, **options))
    try:
        yield AsyncDatabase(db, anyio.CapacityLimiter(threads))
    finally:
        # Also in a task that is being cancelled.
        with anyio.CancelScope(shield=True):
            await run_sync(db.close)
