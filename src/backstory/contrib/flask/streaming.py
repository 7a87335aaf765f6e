"""Server-sent events from a worker of WSGI, where each answer that goes on holds a thread.

So an answer is held only where the application says that threads are left for it. Otherwise it is what is new by now,
and ends: a browser comes back by itself after a second, says what it saw last, and gets what has changed since.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Generic, Protocol, TypeAlias, TypeVar
from weakref import WeakSet

from backstory.contrib.http import events
from backstory.errors import HistoryMoved, StoreClosed, UnknownRevision
from backstory.live import Giving, Live, Seen
from backstory.place import Place

T = TypeVar("T")

Shown: TypeAlias = Callable[[Any], Any]
"""Makes what is sent of a value."""


class Watch(Protocol):
    """Watches a value; `Database.watch` that has been told of what."""

    def __call__(self, *, after: Place | None) -> Live[Seen[Any]]:
        """The values after a place."""
        ...


AGAIN = "retry: 1000\n\n"
"""A browser comes back after so many milliseconds."""


class Stream:
    """The changes of one value that one client gets who has seen the event with the id `last`.

    Raises errors about what is to be watched, before anything is sent.
    """

    def __init__(self, watch: Watch, shown: Shown, last: str) -> None:
        self._watch = watch
        self._shown = shown
        self._sent = ""
        place: Place | None = None
        with suppress(UnknownRevision):
            place = Place.parse(last)
        self._reader = self._from(place)

    def once(self) -> str:
        """The changes since then, and the time after which the client comes back."""
        try:
            found = list(self._reader.take())
        except HistoryMoved:
            found = list(self._from(None).take())
        return "".join(map(self._event, found)) + AGAIN

    def held(self) -> Iterator[str]:
        """The changes, until the database is closed; from the start where the history is another one by now."""
        yield events.HERE
        with suppress(StoreClosed):
            while True:
                with suppress(HistoryMoved), Live(Beating(self._reader)) as values:
                    for seen in values:
                        text = events.HERE if seen is None else self._event(seen)
                        if text:
                            yield text
                            time.sleep(events.APART)
                self._reader = self._from(None)

    def _from(self, place: Place | None) -> Giving[Seen[Any]]:
        return self._watch(after=place).reader

    def _event(self, seen: Seen[Any]) -> str:
        event = events.data(seen.value, self._shown)
        if event == self._sent:
            return ""
        self._sent = event
        return events.identified(event, str(seen.place))


class Streams:
    """The answers that go on in this process. One that nobody has any more does not count."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: WeakSet[Stream] = WeakSet()

    def hold(self, stream: Stream) -> bool:
        """Whether there is room for one more, which is taken then."""
        self._held.add(stream)
        if len(self._held) <= self._most:
            return True
        self.release(stream)
        return False

    def release(self, stream: Stream) -> None:
        """Its client has left."""
        self._held.discard(stream)


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
