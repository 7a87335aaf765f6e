"""Server-sent events: what changes is sent to one client, for as long as it stays.

A connection costs a task and no thread. Nothing is read or rendered while what was sent before is still on its way: a
slow client gets the last value only. One that comes back names what it saw last, and gets what has changed since.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

import anyio
import msgspec
from starlette.responses import Response

from backstory.contrib.http.events import APART, BEAT, HEADERS, HERE, MEDIA_TYPE, identified
from backstory.errors import HistoryMoved, StoreClosed, UnknownRevision
from backstory.live import LastTables
from backstory.place import Place
from backstory.projections.projection import is_projection

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from backstory.aio import AsyncDatabase
    from backstory.live import Seen

NOTHING, BETWEEN = "-", ","
"""In the id of an event: a part that has shown nothing yet; and what stands between the places of parts."""


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """All that `AsyncDatabase.watch` takes; or a projection alone, of which the place is told when its tables move."""

    what: Any
    sql: str = ""
    arguments: Sequence[Any] = ()
    into: Callable[..., Any] | None = None
    tags: Sequence[str] = ()

    def watch(self, db: AsyncDatabase, after: Place | None) -> Any:
        """The values of it, for ever."""
        if self.sql:
            return db.watch(self.what, self.sql, self.arguments, after=after, into=self.into)
        if is_projection(self.what):
            views = db.db.views
            return db.given(LastTables(db.db.handle, views, views.group_of(self.what), after))
        return db.watch(self.what, tags=self.tags, after=after)


class Shows(Protocol):
    """A part of what is sent: values that change, and the events that show one."""

    def watch(self, db: AsyncDatabase, after: Place | None) -> Any:
        """The values of it, for ever."""
        ...

    async def events(self, value: Any) -> list[str]:
        """The events that show a value."""
        ...


class Stream(Response):
    """An answer that goes on until the client leaves, or the database is closed."""

    media_type = MEDIA_TYPE

    def __init__(self, db: AsyncDatabase, parts: Sequence[Shows], last: str) -> None:
        super().__init__(headers=HEADERS)
        self.raw_headers = [each for each in self.raw_headers if each[0] != b"content-length"]
        self._slots = [_Slot(part) for part in parts]
        self._db = db
        places = last.split(BETWEEN)
        if len(places) == len(parts):
            for slot, text in zip(self._slots, places, strict=True):
                with suppress(UnknownRevision):
                    slot.place = Place.parse(text)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - see ASGI
        """Send what changes; see the specification of ASGI."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async with anyio.create_task_group() as group:
            group.start_soon(_until_gone, receive, group.cancel_scope)
            news = _News()
            for slot in self._slots:
                group.start_soon(slot.follow, self._db, news, group.cancel_scope)
            with suppress(StoreClosed):
                await self._send(send, news)
            group.cancel_scope.cancel()
        with suppress(OSError):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send, news: _News) -> None:
        text = HERE
        while True:
            await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
            await anyio.sleep(APART)
            text = ""
            while not text:
                with anyio.move_on_after(BEAT) as waiting:
                    await news.wait()
                if waiting.cancelled_caught:
                    await self._db.head()  # a store that was closed wakes nobody
                    text = HERE
                else:
                    text = await self._rendered()

    async def _rendered(self) -> str:
        """The events of all parts that have changed. Each has the place of all as its id."""
        texts = []
        for slot in self._slots:
            events = await slot.changed()
            places = BETWEEN.join(NOTHING if each.place is None else str(each.place) for each in self._slots)
            texts += [identified(event, places) for event in events]
        return "".join(texts)


class _News:
    """Told by any part that has changed, to the one task that sends."""

    def __init__(self) -> None:
        self._event = anyio.Event()

    def tell(self) -> None:
        """There is something new."""
        self._event.set()

    async def wait(self) -> None:
        """Sleep until it was told since the last time."""
        await self._event.wait()
        self._event = anyio.Event()


class _Slot:
    """A part, and its value that was not sent yet. No other value is read before that one was taken."""

    def __init__(self, part: Shows) -> None:
        self.part = part
        self.place: Place | None = None
        self._seen: Seen[Any] | None = None
        self._sent: list[str] = []
        self._taken = anyio.Event()

    async def follow(self, db: AsyncDatabase, news: _News, scope: anyio.CancelScope) -> None:
        """Keep the value as it is now, for ever; from the start where the history is another one by now."""
        try:
            while True:
                with suppress(HistoryMoved):
                    async with self.part.watch(db, self.place) as values:
                        async for seen in values:
                            self._seen, self._taken = seen, anyio.Event()
                            news.tell()
                            await self._taken.wait()
                self.place = None
        except StoreClosed:
            scope.cancel()

    async def changed(self) -> list[str]:
        """The events that show the value, if it is not what was sent last."""
        seen = self._seen
        if seen is None:
            return []
        events = await self.part.events(seen.value)
        self._seen, self.place = None, seen.place
        self._taken.set()
        if events == self._sent:
            return []
        self._sent = events
        return events


async def _until_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
