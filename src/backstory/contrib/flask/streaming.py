"""Server-sent events from a worker of WSGI, where each answer that goes on holds a thread.

So an answer is held only where the application says that threads are left for it. Otherwise it is what is new by now,
and ends: a browser comes back by itself after a second, says what it saw last, and gets what has changed since.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

from backstory.contrib.http import events
from backstory.errors import HistoryMoved, StoreClosed, UnknownRevision
from backstory.live import Giving, Live, Seen
from backstory.place import Place

if TYPE_CHECKING:
    from backstory.contrib.http.exchange import Follow
    from backstory.database import Database
    from backstory.decide.state import State

T = TypeVar("T")

AGAIN = "retry: 1000\n\n"
"""A browser comes back after so many milliseconds."""


class Streams:
    """The answers that go on in this process."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: set[object] = set()

    def of(self, db: Database, follow: Follow, *, may_hold: bool) -> Iterator[str]:
        """What a client is sent. It ends with the client or with the database, or at once where it may not be held."""
        stream = _Stream(db, follow)
        self._held.add(stream)
        try:
            if may_hold and len(self._held) <= self._most:
                yield from stream.held()
            else:
                yield from stream.once()
        finally:
            self._held.discard(stream)


class _Stream:
    """The changes of one state that one client gets."""

    def __init__(self, db: Database, follow: Follow) -> None:
        self._db = db
        self._state = follow.state
        self._sent = ""
        self._place: Place | None = None
        with suppress(UnknownRevision):
            self._place = Place.parse(follow.last)

    def once(self) -> Iterator[str]:
        """What has changed since, and when to come back."""
        with suppress(StoreClosed):
            try:
                found = list(self._reader().take())
            except HistoryMoved:
                self._place = None
                found = list(self._reader().take())
            for seen in found:
                yield self._event(seen)
        yield AGAIN

    def held(self) -> Iterator[str]:
        """What changes, for ever; from the start where the history is another one by now."""
        yield events.HERE
        with suppress(StoreClosed):
            while True:
                with suppress(HistoryMoved), Live(Beating(self._reader())) as values:
                    for seen in values:
                        text = events.HERE if seen is None else self._event(seen)
                        if text:
                            yield text
                            time.sleep(events.APART)
                self._place = None

    def _reader(self) -> Giving[Seen[State]]:
        return self._db.watch(self._state, after=self._place).reader

    def _event(self, seen: Seen[State]) -> str:
        self._place = seen.place
        event = events.data(seen.value)
        if event == self._sent:
            return ""
        self._sent = event
        return events.identified(event, str(seen.place))


class Beating(Generic[T]):
    """A reader that gives None after some silence, too: the stream says that it is alive, or finds its client gone."""

    def __init__(self, reader: Giving[T]) -> None:
        self._reader = reader
        self._spoke = time.monotonic()

    def take(self) -> Iterator[T | None]:
        """All that is new; None if there was nothing for long."""
        for each in self._reader.take():
            yield each
            self._spoke = time.monotonic()
        if self._left() <= 0:
            self._spoke = time.monotonic()
            yield None

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """See `Reader.watch`."""
        return self._reader.watch(callback)

    def pause(self) -> float:
        """See `Reader.pause`."""
        return min(self._reader.pause(), max(self._left(), 0.0))

    def close(self) -> None:
        """See `Reader.close`."""
        self._reader.close()

    def _left(self) -> float:
        return self._spoke + events.BEAT - time.monotonic()
