"""The base of `AsyncDatabase`: the database below, worker threads, and the parts of a line that tasks share."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

import anyio

from backstory.aio.stream import Bell, Following, Stream
from backstory.aio.watch import Watch
from backstory.aio.writes import Writes
from backstory.history.blame.blame import Blame
from backstory.live import Giving, Live, Reader, Seen
from backstory.store import Record

if TYPE_CHECKING:
    from typing import Self

    from backstory.aio.workers import Workers
    from backstory.database import Database
    from backstory.line import Line
    from backstory.rows.kinds import Row
    from backstory.table import Key, Table

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")


class Gathering:
    """The parts of a line that all tasks share: its waiting tasks, and its writes."""

    def __init__(self, workers: Workers, line: Line) -> None:
        self.watch = Watch(line, workers)
        self.writes = Writes(workers)


class Shared:
    """The common part of an `AsyncDatabase` and those that it gave. Safe for many threads and event loops."""

    def __init__(self, workers: Workers) -> None:
        self.workers = workers
        self._gatherings: dict[Line, Gathering] = {}

    def of(self, line: Line) -> Gathering:
        """The parts of a line that tasks share."""
        known = self._gatherings.get(line)
        return known or self._gatherings.setdefault(line, Gathering(self.workers, line))

    def leave(self, line: Line) -> None:
        """End the tasks that wait for a line that is gone."""
        gathering = self._gatherings.pop(line, None)
        if gathering is not None:
            gathering.watch.close()
            gathering.writes.close()

    async def close(self, last: Callable[[], object]) -> None:
        """End waiting tasks, wait for verbs that have begun, run `last`, and end the threads."""
        gatherings = list(self._gatherings.values())
        for gathering in gatherings:
            gathering.watch.close()

        def close() -> None:
            last()
            for thread in [gathering.writes.close() for gathering in gatherings]:
                if thread is not None:
                    thread.join()

        await self.workers.close(close)


def complete(found: T) -> T:
    """The same, with the commits that it would look up when a task asks for them: they are read in this thread."""
    if isinstance(found, Seen):
        complete(found.value)
    elif isinstance(found, Record):
        found.commit  # noqa: B018 - it is kept
    elif isinstance(found, Blame):
        found.fetch()
    return found


def completed(items: Iterator[T]) -> Iterator[T]:
    """The same items, each with its commit."""
    for item in items:
        yield complete(item)


class Face:
    """A `Database`, below, and how its verbs are awaited."""

    def __init__(self, db: Database, shared: Shared) -> None:
        self.db = db
        self._shared = shared

    def __repr__(self) -> str:
        branch = "a branch without a name" if self.name is None else f"branch {self.name}"
        return f"<{type(self).__name__} {self.db.store!r}, {branch}>"

    @property
    def name(self) -> str | None:
        """The branch's name; None inside `what_if`."""
        return self.db.name

    async def _run(self, verb: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._shared.workers.run(lambda: complete(verb(*args, **kwargs)))

    def _stream(self, items: Callable[[], Iterator[T]]) -> Stream[T]:
        return Stream(self._shared.workers, lambda: completed(items()))

    def _live(self, verb: Callable[..., Live[T]], *args: Any, **kwargs: Any) -> Stream[T]:
        """A verb that goes on for ever, for tasks."""
        return self.given(verb(*args, **kwargs).reader)

    def given(self, reader: Giving[T]) -> Stream[T]:
        """Everything that a reader gives, for one task: none costs a thread, however many wait."""
        if isinstance(reader, Reader) and reader.waits_for_events:
            return self._following(reader)
        return self._ringing(reader, timed=not isinstance(reader, Reader))

    def _following(self, reader: Reader[T]) -> Stream[T]:
        """A stream that waits for events of the reader's branch, together with all others of that branch."""

        async def news() -> None:
            assert reader.position is not None
            watch = self._shared.of(reader.line).watch
            await watch.beyond(reader.position, reader.query, reader.named)

        return Following(self._shared.workers, lambda: completed(reader.take()), news)

    def _ringing(self, reader: Giving[T], *, timed: bool) -> Stream[T]:
        """A stream that waits for the reader's callback; `timed`: and no longer than the reader says."""
        bells: list[Bell] = []

        async def news() -> None:
            if not bells:  # now: earlier news is taken again
                bells.append(bell := Bell())
                weakref.finalize(stream, await self._run(reader.watch, bell.ring)).atexit = False
            else:
                with anyio.move_on_after(reader.pause() if timed else None):
                    await bells[0].wait()

        stream = Following(self._shared.workers, lambda: completed(reader.take()), news, reader.close)
        return stream

    def _opened(self, db: Database) -> Self:
        return type(self)(db, self._shared)


class TableFace(Generic[R]):
    """A `Table`, below, and how its verbs are awaited, as those of its database are."""

    def __init__(self, table: Table[R], face: Face) -> None:
        self.table = table
        self._run = face._run
        self._stream = face._stream

    def __repr__(self) -> str:
        return repr(self.table)

    @property
    def name(self) -> str:
        """The name of the table."""
        return self.table.name

    @property
    def state(self) -> type[Row]:
        """See `Table.state`."""
        return self.table.state

    def row(self, key: Key) -> Row:
        """See `Table.row`."""
        return self.table.row(key)
