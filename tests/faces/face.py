"""The two faces of a database, called in the same way, so that one sentence is tested on both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial, wraps
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, cast

from anyio.from_thread import BlockingPortal

from backstory import Database
from backstory.aio import AsyncDatabase, Stream
from backstory.aio.database import AsyncAtomic, AsyncRunning
from backstory.aio.face import Shared
from backstory.aio.table import AsyncTable
from backstory.aio.workers import Workers

if TYPE_CHECKING:
    from typing import Self


@contextmanager
def awaited(db: Database, portal: BlockingPortal) -> Iterator[Database]:
    """The asynchronous face of a database, whose verbs a test calls without `await`."""
    shared = Shared(Workers(8))
    yield cast("Database", Awaited(AsyncDatabase(db, shared), portal))
    portal.call(shared.close, db.close)


class Awaited:
    """Each verb is awaited in the portal's event loop; what is no verb is that of the database below."""

    def __init__(self, db: Any, portal: BlockingPortal) -> None:
        self._db = db
        self._portal = portal

    def __getattr__(self, name: str) -> Any:
        if name == "close":
            return partial(self._portal.call, self._db._shared.close, self._db.db.close)
        if not hasattr(self._db, name):
            return getattr(self._db.db, name)
        found = getattr(self._db, name)
        return wraps(found)(partial(self._call, found)) if callable(found) else found

    @contextmanager
    def _block(self, block: Any) -> Iterator[Any]:
        around: AbstractContextManager[Any] = self._portal.wrap_async_context_manager(block)
        with around as given:
            yield Awaited(given, self._portal) if isinstance(given, (AsyncDatabase, AsyncAtomic)) else given

    def _call(self, verb: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        async def call() -> Any:
            result = verb(*args, **kwargs)
            return await result if isawaitable(result) else result

        result = self._portal.call(call)
        if isinstance(result, AsyncDatabase):
            return Awaited(result, self._portal)
        if isinstance(result, AsyncTable):
            return AwaitedTable(result, self._portal)
        if isinstance(result, Stream):
            return Items(result, self._portal)
        if isinstance(result, AsyncRunning):
            return Runs(result, self._portal)
        if hasattr(result, "__aenter__"):
            return self._block(result)
        return result


class AwaitedTable(Awaited):
    """The same for a table."""

    def __init__(self, table: AsyncTable[Any], portal: BlockingPortal) -> None:
        self._table = table
        self._portal = portal

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._table, name)
        return partial(self._call, found) if callable(found) and name != "state" else found


class Runs:
    """Everything that runs together, for the length of a block or while its `run` is awaited."""

    def __init__(self, running: AsyncRunning, portal: BlockingPortal) -> None:
        self._running = running
        self._portal = portal
        self.stop = running.stop

    def __enter__(self) -> None:
        self._portal.call(self._running.__aenter__)

    def __exit__(self, *_: object) -> None:
        self._portal.call(self._running.__aexit__)

    def run(self, *, once: bool = False) -> None:
        """Await it."""
        self._portal.call(partial(self._running.run, once=once))


class Items(Iterator[Any]):
    """A stream, each item of which is awaited."""

    def __init__(self, stream: Stream[Any], portal: BlockingPortal) -> None:
        self._stream = stream
        self._portal = portal

    def __next__(self) -> Any:
        try:
            return self._portal.call(anext, self._stream)
        except StopAsyncIteration:
            raise StopIteration from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave it, as a block does."""
        self._portal.call(self._stream.aclose)
