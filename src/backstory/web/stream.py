"""The commits that have come since a page was made: a stream of server-sent events that names commits, for one reader.

Each event has the position up to which the reader knows all, as its id: a browser that comes back names the last one,
and misses nothing. Many commits between two sends are one event. A reader costs a task and no thread: all of a branch
wait together, and what is new is read when the one before was taken.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from threading import Lock

import anyio
import msgspec
from starlette.responses import StreamingResponse

from backstory.aio import AsyncDatabase, over
from backstory.database import Database
from backstory.errors import HistoryMoved, StoreClosed, StoreError
from backstory.forks import on_fork
from backstory.history.ask.listing import Filter, Side
from backstory.live import Reader
from backstory.values.commit import Commit
from backstory.web.ask import Ask, BadParameter
from backstory.web.entities import entity, parts_of
from backstory.web.filters import filtered
from backstory.web.guard import HEADERS

log = logging.getLogger("backstory.web")

THREADS = 4
"""Threads that read for all streams of a site."""

APART = 0.1
"""Seconds between two events of a stream."""

BEAT = 15.0
"""Seconds of silence after which a line says that the stream is alive."""

LONGEST = 600.0
"""Seconds after which a stream ends: the browser comes again, and is asked again who it is."""

HERE, AGAIN, MOVED = (f"event: {name}\ndata: -\n\n" for name in ("here", "again", "moved"))
"""The stream is alive; it ends, and another one is to be asked for; its branch was moved."""

LOOKED, NAMED = 50_000, 100
"""Positions that are looked through for one event, and the commits and tags that it names at most."""


class News(msgspec.Struct, frozen=True):
    """The commits that a reader has not heard of. `commits` are the positions of the last of them."""

    count: int
    position: int
    commits: list[int]
    tags: list[str]


def wanted(ask: Ask, after: int, upto: int) -> Filter:
    """The filter of the log's parameters, or of the entity that `of` names: its query may have more than one clause."""
    found = filtered(ask, after, upto)
    if of := parts_of(ask.one("of")):
        found.query = entity(ask, of).reference.query()
    return found


class Newer(Reader[News]):
    """Gives the commits after a position that the page's filter wants, many at once if the reader is slow."""

    def __init__(self, ask: Ask, after: int | None) -> None:
        super().__init__(ask.db.handle, after)
        self._ask = ask
        self.query = wanted(ask, 0, 0).query

    def take(self) -> Iterator[News]:
        """The commits since the last time; see `Reader.take`."""
        head = self._look()
        if self.position is None:
            self.position = head.position
        if self.position > head.position:
            raise HistoryMoved(self.position, f"this one ends at #{head.position}")
        if self.position < head.position:
            upto = min(head.position, self.position + LOOKED)
            side = Side(self.line.log, wanted(self._ask, self.position, upto))
            count, last = 0, deque[Commit](maxlen=NAMED)
            for commit in side.commits(backwards=False):
                count += 1
                last.append(commit)
            self.position = max(upto, last[-1].position) if last else upto
            if count:
                events = (event for commit in last for event in side.events(commit, NAMED))
                tags = dict.fromkeys(tag for event in islice(events, NAMED) for tag in event.tags)
                positions = [commit.position for commit in last]
                yield News(count, self.position, positions, list(tags)[:NAMED])


class Streams:
    """The streams of a site, which share their waiting."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._closed = False
        self._begin()
        on_fork(child=self._begin)

    def _begin(self) -> None:
        self._over: AsyncDatabase | None = None
        self._lock = Lock()

    async def close(self) -> None:
        """End all streams, because the server stops."""
        self._closed = True
        if self._over is not None:
            await self._over.leave()

    def answer(self, ask: Ask, last: str) -> StreamingResponse:
        """The stream that a browser asks for; `last` is the id that it has seen last. Raises what pages raise."""
        if self._closed:
            raise StoreClosed("the server stops")
        with self._lock:
            self._over = self._over or over(self._db, THREADS)
        ask.head  # noqa: B018 - a store that does not answer says so
        if not ask.goes_on:
            raise BadParameter(f"at={ask.at!r} is no branch, and nothing else goes on")
        if ask.one("S"):
            raise BadParameter("S asks what a field has become, which no stream looks for")
        after = _position(last) if last else ask.number("after")
        newer = Newer(ask, after)
        # a filter out of scope is told before the stream begins
        next(newer.line.log.read(newer.query, after=ask.head.position, limit=1), None)
        headers = {**HEADERS, "X-Accel-Buffering": "no"}
        return StreamingResponse(_lines(self._over, newer), media_type="text/event-stream", headers=headers)


def _position(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadParameter(f"Last-Event-ID is a position, not {text[:60]!r}")
    return int(text)


async def _lines(db: AsyncDatabase, newer: Newer) -> AsyncIterator[str]:
    """The events as text."""
    until = time.monotonic() + LONGEST
    yield HERE
    try:
        async with db.given(newer) as stream:
            while time.monotonic() < until:
                news = None
                with anyio.move_on_after(BEAT):
                    news = await anext(stream)
                if news is None:
                    await db.head()  # a store that was closed wakes nobody
                    yield HERE
                    continue
                yield f"id: {news.position}\ndata: {msgspec.json.encode(news).decode()}\n\n"
                await anyio.sleep(APART)
        yield AGAIN
    except HistoryMoved:
        yield MOVED
    except StoreError as lost:
        if not isinstance(lost, StoreClosed):
            log.warning("a live page was left: %s", lost)
