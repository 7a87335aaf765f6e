"""Reading on: the events after a place, or the last value of something, for as long as somebody wants it.

A `Reader` knows what to give, and its place; it never waits. `Live` waits in a thread of the caller, and
`backstory.aio` in a task, so that both faces give the same.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

import msgspec

from backstory.decide.mistaken import need_state
from backstory.decide.read_query import wanted
from backstory.decide.state import State
from backstory.forks import on_fork
from backstory.handle import Handle
from backstory.place import After, Place
from backstory.values.commit import Head
from backstory.values.query import Query
from backstory.waiting import LOOK

if TYPE_CHECKING:
    from typing import Self

    from backstory.line import Line
    from backstory.projections.projection import Group
    from backstory.projections.views import Views

T = TypeVar("T")
Given_co = TypeVar("Given_co", covariant=True)

_NOTHING: Any = object()


class CaughtUp(msgspec.Struct, frozen=True):
    """Told by `follow(..., caught_up=True)`: everything up to this place was given, and the log ended there."""

    place: Place

    @property
    def position(self) -> int:
        """The position of the place."""
        return self.place.position


class Seen(msgspec.Struct, Generic[T], frozen=True):
    """A value that `watch` gives, and the place in the log that it is of: with `after=seen.place`, `watch` goes on."""

    value: T
    place: Place

    @property
    def position(self) -> int:
        """The position of the place."""
        return self.place.position


class Reader(Generic[T]):
    """Somebody who reads on, on a branch, which may be moved meanwhile."""

    query: Query
    waits_for_events: ClassVar[bool] = True
    """Whether an appended event of its query is its news; else only its `watch` tells of any."""

    def __init__(self, handle: Handle, after: After | None) -> None:
        self.handle = handle
        self.line: Line = handle.tip.line
        self.named: tuple[str, str | None] | None = None
        self.position: int | None = None
        self._after = after

    def take(self) -> Iterator[T]:
        """All that is new since the last time. Raises `HistoryMoved`."""
        raise NotImplementedError

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call a function soon after there may be something new; return a function that ends this."""
        return self.line.home.watch(callback)

    def pause(self) -> float:
        """Seconds after which to look again, though nobody has called."""
        return LOOK

    def close(self) -> None:
        """Let go of everything."""

    def _look(self) -> Head:
        """Go with the branch, and look where it ends."""
        handle = self.handle
        self.named = handle.named()  # before it is followed: a move in between is seen the next time
        self.line = handle.now()
        if self.position is not None:
            handle.check(self.position)
        elif self._after is not None:
            self.position = handle.position(self._after, self.line)
        return self.line.log.head()


class Follower(Reader[Any]):
    """Gives each event that matches, in order, and tells where it has caught up, if it is to."""

    def __init__(self, handle: Handle, query: Query, after: After | None, *, caught_up: bool) -> None:
        super().__init__(handle, after)
        self.query = query
        self._owes = caught_up
        self._tells = caught_up

    def take(self) -> Iterator[Any]:
        """The events up to the end of the branch; see `Reader.take`."""
        head = self._look()
        while True:
            if self.position is None:
                self.position = head.position
            if head.position > self.position:
                for record in self.line.read(self.query, after=self.position, upto=head.position):
                    self._owes = self._tells
                    yield record
                self.position = head.position
            now = self._look()
            if now.position <= head.position:
                break
            head = now
        if self._owes:
            self._owes = False
            yield CaughtUp(Place.of(head))


class Last(Reader[Seen[Any]]):
    """Gives the last value after each change. A slow reader gets the last value only."""

    def __init__(self, handle: Handle, query: Query, after: After | None) -> None:
        super().__init__(handle, after)
        self.query = query

    def take(self) -> Iterator[Seen[Any]]:
        """The value now, if it may have changed; see `Reader.take`."""
        head = self._look()
        if self.position is None or self._changed(self.position, head):
            value, head = self._value(head)
            self.position = head.position
            if value is not None:
                yield Seen(value, Place.of(head))
        else:
            self.position = max(self.position, head.position)

    def _changed(self, after: int, head: Head) -> bool:
        if head.position <= after:
            return False
        return any(True for _ in self.line.log.read(self.query, after=after, upto=head.position, limit=1))

    def _value(self, head: Head) -> tuple[Any, Head]:
        """The last event that matches; None if there is none."""
        last = next(self.line.read(self.query, upto=head.position, backwards=True, limit=1), None)
        return last, head


class LastState(Last):
    """Gives a state after each change."""

    def __init__(self, handle: Handle, state: State, after: After | None) -> None:
        super().__init__(handle, need_state(state).query(), after)
        self._state = state

    def _value(self, head: Head) -> tuple[Any, Head]:  # noqa: ARG002 - it may be further by now
        return self.line.loader.load_with_head(self._state)


class LastRows(Reader[Seen[list[Any]]]):
    """Gives the rows of a query over a projection's tables whenever they are others."""

    waits_for_events = False

    def __init__(
        self,
        handle: Handle,
        views: Views,
        group: Group,
        ask: tuple[str, Sequence[Any], Callable[..., Any] | None],
        after: After | None,
    ) -> None:
        super().__init__(handle, after)
        self.query = Query.of(group.types)
        self._views = views
        self._group = group
        self._ask = ask
        self._last: Any = _NOTHING

    def take(self) -> Iterator[Seen[list[Any]]]:
        """The rows now, if they are others; see `Reader.take`."""
        if self.position is None:
            self._look()
        found = self._views.seen(self._group, *self._ask)
        if found is None:
            return
        rows, place = self._told(*found), found[1]
        if self._last is _NOTHING and self.position is not None and place.position <= self.position:
            return
        if rows != self._last:
            self._last, self.position = rows, place.position
            yield Seen(rows, place)

    def _told(self, rows: list[Any], place: Place) -> Any:  # noqa: ARG002 - of tables it is the place
        """The value that is given, if it is another one."""
        return rows

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call a function soon after the tables have moved; see `Reader.watch`."""
        return self._views.watch(self._group, callback)


class LastTables(LastRows):
    """Gives the place of a projection's tables whenever they have moved."""

    def __init__(self, handle: Handle, views: Views, group: Group, after: After | None) -> None:
        super().__init__(handle, views, group, ("SELECT 1", (), None), after)

    def _told(self, rows: list[Any], place: Place) -> Any:  # noqa: ARG002 - they say nothing
        return place


class Giving(Protocol[Given_co]):
    """A reader, or something else that gives what is new and never waits; see `Reader`."""

    def take(self) -> Iterator[Given_co]:
        """All that is new."""
        ...

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call a function soon after there may be something new."""
        ...

    def pause(self) -> float:
        """Seconds after which to look again."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class Live(Iterator[T], Generic[T]):
    """An iterator over everything that a reader gives, for one thread, for ever.

    `stop` ends it. Closing the database ends it too, with `StoreClosed`.
    """

    def __init__(self, reader: Giving[T]) -> None:
        self.reader = reader
        self._items: Iterator[T] = iter(())
        self._stopped = False
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._news = threading.Event()
        self._end: Callable[[], object] | None = None

    def __next__(self) -> T:
        while not self._stopped:
            item = next(self._items, _NOTHING)
            if item is not _NOTHING:
                return item
            if self._end is None:
                self._end = end = weakref.finalize(self, self.reader.watch(self._news.set))
                end.atexit = False
            else:
                self._news.wait(self.reader.pause())
                self._news.clear()
            self._items = self.reader.take()
        self._leave()
        raise StopIteration

    def _leave(self) -> None:
        if self._end is not None:
            self._end()
        self._items = iter(())
        self.reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._leave()

    def stop(self) -> None:
        """End it, now and for ever: the thread that waits, or comes next, gets nothing more. Any thread may call it."""
        self._stopped = True
        self._news.set()


def reader_of(handle: Handle, what: Any, tags: Iterable[str], after: After | None) -> Reader[Seen[Any]]:
    """The reader of a state, or of the last event of those that `read` would give."""
    if isinstance(what, State):
        return LastState(handle, what, after)
    return Last(handle, wanted((what,), tags), after)
