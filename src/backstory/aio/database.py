"""`Database` for async code: the same verbs, each in a worker thread."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import anyio

from backstory import database
from backstory.aio.stream import Following, Stream
from backstory.aio.watch import Watch
from backstory.aio.workers import Workers
from backstory.aio.writes import Half, Write, Writes
from backstory.execution import RETRIES
from backstory.history.merge import DEFAULTS, MergeReport, Options

if TYPE_CHECKING:
    from backstory.commands import Command
    from backstory.commit import Commit, Head
    from backstory.execution import Preview
    from backstory.history.bisect import Found
    from backstory.history.blame import Blame
    from backstory.history.branches import Chain, Mark
    from backstory.history.diff import Difference
    from backstory.history.revision import Point, Revision
    from backstory.query import Condition, Query
    from backstory.state import State
    from backstory.store import Record

    S = TypeVar("S", bound=State)

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 32
"""How many verbs run at once, unless `connect` is told otherwise."""


class Branch:
    """What all that is open of one branch share: who waits for it, and who writes to it."""

    def __init__(self, workers: Workers, db: database.Database) -> None:
        self.watch = Watch(db.log)
        self.writes = Writes(workers, db.log)


class Shared:
    """What an `AsyncDatabase` and those that it gave have in common. Safe for many threads and event loops."""

    def __init__(self, workers: Workers) -> None:
        self.workers = workers
        self._branches: dict[tuple[str, Chain], Branch] = {}

    def branch(self, db: database.Database) -> Branch:
        """The branch of a database; a new one where it has no name, and so is nobody else's."""
        made = Branch(self.workers, db)
        return made if db.name is None else self._branches.setdefault((db.name, db.chain), made)

    async def close(self, last: Callable[[], object]) -> None:
        """End those who wait, wait for those who work, run `last`, and end the threads."""
        threads = [branch.watch.close() for branch in self._branches.values()]

        def close() -> None:
            last()
            paces = [branch.writes.close() for branch in self._branches.values()]
            for thread in (*threads, *paces):
                if thread is not None:
                    thread.join()

        await self.workers.close(close)


class AsyncDatabase:
    """A `Database` whose verbs are awaited; each says there what it does. `db` is that database."""

    def __init__(self, db: database.Database, shared: Shared) -> None:
        self.db = db
        self._shared = shared
        self._branch = shared.branch(db)

    @property
    def name(self) -> str | None:
        """The branch's name; None inside `what_if`."""
        return self.db.name

    async def _run(self, verb: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._shared.workers.run(verb, *args, **kwargs)

    async def store_id(self) -> str:
        """See `Database.store_id`."""
        return await self._run(self.db.store_id)

    async def head(self) -> Head:
        """Where the branch ends."""
        return await self._run(self.db.head)

    async def point(self, at: Revision) -> Point:
        """See `Database.point`."""
        return await self._run(self.db.point, at)

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
        """See `Database.execute`. Commands that many tasks execute meanwhile share a transaction."""
        execute = partial(self.db.execute, command, id=id, author=author, message=message, meta=meta)
        if id is not None or not retries:
            return await self._run(execute, retries=retries)
        executor, tries = self.db.executor, 0

        def half() -> Half | None:
            nonlocal tries
            tries += 1
            drafting = self.db.drafter.for_command(command, author=author, message=message, meta=meta)
            attempt = executor.attempt(command, drafting)
            return None if attempt is None else (attempt.draft, partial(executor.settle, attempt))

        write = Write(half, lambda: execute(retries=retries - tries), partial(executor.contended, command))
        commit: Commit | None = await self._branch.writes.run(write)
        return commit

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
        """See `Database.append`. What many tasks append meanwhile shares a transaction."""

        def half() -> Half:
            draft = self.db.drafter.for_facts(
                events, condition, id=id, author=author, message=message, meta=meta
            )
            return draft, lambda verdict: verdict[0]

        commit: Commit = await self._branch.writes.run(Write(half))
        return commit

    def read(
        self,
        *what: type[Any] | str | State | Query,
        tags: Iterable[str] = (),
        after: int = 0,
        at: Revision | None = None,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Stream[Record]:
        """Stream what is there now; see `Database.read`."""
        read = partial(
            self.db.read, *what, tags=tuple(tags), after=after, at=at, backwards=backwards, limit=limit
        )
        return Stream(self._shared.workers, read)

    def follow(
        self, *what: type[Any] | str | State | Query, tags: Iterable[str] = (), after: int | None = None
    ) -> Stream[Record]:
        """Stream what comes after a position, for ever; each event once, in order. `what` and `tags` as for `read`.

        Without `after`, it begins where the log ends when its first event is asked for. One thread waits for
        all followers. It ends with `StoreClosed` when the database is closed.
        """
        wanted = tuple(tags)

        async def head() -> int:
            return (await self.head()).position

        return Following(
            self._shared.workers,
            lambda after, upto: self.db.read(*what, tags=wanted, after=after, at=upto),
            self._branch.watch.beyond,
            head,
            after,
        )

    def commits(
        self, *, after: int = 0, at: Revision | None = None, backwards: bool = False
    ) -> Stream[Commit]:
        """See `Database.commits`."""
        return Stream(self._shared.workers, partial(self.db.commits, after=after, at=at, backwards=backwards))

    def between(self, text: str) -> Stream[Commit]:
        """See `Database.between`."""
        return Stream(self._shared.workers, partial(self.db.between, text))

    async def branch(self, name: str, at: Revision | None = None) -> AsyncDatabase:
        """See `Database.branch`."""
        return AsyncDatabase(await self._run(self.db.branch, name, at), self._shared)

    async def switch(self, name: str) -> AsyncDatabase:
        """See `Database.switch`."""
        return AsyncDatabase(await self._run(self.db.switch, name), self._shared)

    @asynccontextmanager
    async def what_if(self) -> AsyncIterator[AsyncDatabase]:
        """See `Database.what_if`; keep it with `await trial.keep(name)`. Who follows it is ended with the block."""
        block = self.db.what_if()
        trial = AsyncDatabase(await self._run(block.__enter__), self._shared)
        try:
            yield trial
        finally:
            trial._branch.watch.close()
            trial._branch.writes.close()
            block.__exit__(None, None, None)  # forgets it, no more

    async def keep(self, name: str) -> AsyncDatabase:
        """Make a real branch of what `what_if` gave. Raises `BranchError`."""
        if not isinstance(self.db, database.WhatIf):
            raise TypeError("only what what_if() gave can be kept; this is a branch already")
        return AsyncDatabase(await self._run(self.db.keep, name), self._shared)

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

    async def revert(
        self,
        commits: Revision,
        *,
        force: bool = False,
        author: str | None = None,
        message: str | None = None,
    ) -> Commit | None:
        """See `Database.revert`."""
        return await self._run(self.db.revert, commits, force=force, author=author, message=message)

    async def diff(self, a: Revision, b: Revision, state: State) -> Difference:
        """See `Database.diff`."""
        return await self._run(self.db.diff, a, b, state)

    async def blame(self, state: State, at: Revision | None = None, *, assertions: bool = False) -> Blame:
        """See `Database.blame`."""
        return await self._run(self.db.blame, state, at, assertions=assertions)

    async def bisect(
        self,
        state: State,
        where: Callable[[Any], bool] | str,
        *,
        good: Revision | None = None,
        bad: Revision | None = None,
    ) -> Found:
        """See `Database.bisect`; `where` is called in a worker thread."""
        return await self._run(self.db.bisect, state, where, good=good, bad=bad)

    def context(
        self,
        *,
        author: str | None = None,
        message: str | None = None,
        correlation: str | None = None,
        because: Record | None = None,
        **metadata: Any,
    ) -> AbstractContextManager[None]:
        """See `Database.context`: a plain `with`, for this task and those that it starts."""
        return self.db.context(
            author=author, message=message, correlation=correlation, because=because, **metadata
        )


@asynccontextmanager
async def connect(
    address: str = "memory:", *, threads: int = THREADS, **options: Any
) -> AsyncIterator[AsyncDatabase]:
    """Open a database for async code: `async with connect("bank.db") as db`; options as for `backstory.connect`.

    `threads` bounds how many verbs run at once, and so how many threads there are, besides one for each branch that
    somebody follows. At the end of the block, what has begun is waited for, and who waits for events gets
    `StoreClosed`.
    """
    shared = Shared(Workers(threads))
    opened: list[database.Database] = []

    def close() -> None:
        for db in opened:
            db.close()

    try:
        # Kept from inside the thread: a task that is cancelled meanwhile would not get it, and could not close it.
        await shared.workers.run(lambda: opened.append(database.connect(address, **options)))
        yield AsyncDatabase(opened[0], shared)
    finally:
        # Also in a task that is being cancelled.
        with anyio.CancelScope(shield=True):
            await shared.close(close)
