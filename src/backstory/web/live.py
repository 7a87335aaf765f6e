"""Live parts of an application's own pages, with Datastar: an element is patched whenever what it shows has changed.

    async def cart(request):
        return live(request, db, Cart(request.path_params["name"]), cart_html)

The page asks for it once, `<div data-init="@get('/carts/ann/live', {retry: 'always', retryMaxCount: 1000000})">`, and
`cart_html(cart)` gives the element, whose `id` says which one it takes the place of. A connection costs a task and no
thread. Nothing is rendered while the one before is still on its way: a slow browser gets the last value only. One that
comes back names what it saw last, and gets what has changed since. Needs the extra `web`.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import anyio
import msgspec
from anyio import to_thread
from starlette.responses import Response

from backstory.aio import AsyncDatabase
from backstory.errors import HistoryMoved, StoreClosed, UnknownRevision
from backstory.live import LastTables, Seen
from backstory.place import Place
from backstory.projections.projection import is_projection
from backstory.told import extra

extra("datastar_py", "backstory.web.live", "web")

from datastar_py.sse import SSE_HEADERS, DatastarEvent  # noqa: E402 - only where the extra is there
from datastar_py.sse import ServerSentEventGenerator as Events  # noqa: E402

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

APART = 0.05
"""Seconds between two sends to a browser: what changes meanwhile is sent once."""

BEAT = 15.0
"""Seconds of silence after which a comment says that the stream is alive."""

HERE = ": here\n\n"
"""The comment."""

NOTHING, BETWEEN = "-", ","
"""In the id of an event: a part that has shown nothing yet; and what stands between the places of parts."""

Html: TypeAlias = str | DatastarEvent | Sequence[DatastarEvent]
"""HTML of an element with an `id`, which takes the place of the one that the page has; or events of Datastar."""


class Template(Protocol):
    """A template of Jinja2, which gets the value as `value`."""

    def render(self, *args: Any, **kwargs: Any) -> str:
        """The HTML."""
        ...


Render: TypeAlias = Callable[[Any], Html | Awaitable[Html]] | Template
"""Makes the HTML of a value. A plain function runs in a thread, and a coroutine in the event loop."""


class Part(msgspec.Struct, frozen=True):
    """An element of a page, and what it shows: all that `AsyncDatabase.watch` takes, and how it is rendered."""

    what: Any
    render: Render
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

    async def events(self, value: Any) -> list[str]:
        """The events of Datastar that show a value."""
        render: Any = self.render
        if hasattr(render, "render"):
            html = await to_thread.run_sync(lambda: render.render(value=value))
        elif inspect.iscoroutinefunction(render):
            html = await render(value)
        else:
            html = await to_thread.run_sync(render, value)
            html = await html if inspect.isawaitable(html) else html
        if isinstance(html, DatastarEvent):
            return [html]
        return [Events.patch_elements(html)] if hasattr(html, "splitlines") else list(html)


def live(
    request: Request,
    db: AsyncDatabase,
    what: Any,
    render: Render,
    sql: str = "",
    arguments: Sequence[Any] = (),
    *,
    into: Callable[..., Any] | None = None,
    tags: Sequence[str] = (),
) -> Live:
    """The answer to a request of Datastar that keeps one element up to date.

    `what` is a state; events, of which the last one is shown; a projection with `sql`, `arguments` and `into`, as
    `rows` takes them; or a projection alone, whose place `render` gets after each batch: it asks for rows itself.
    Every client that asks sees all of it: the application says which ones may.
    """
    return together(request, db, Part(what, render, sql, arguments, into, tags))


def together(request: Request, db: AsyncDatabase, *parts: Part) -> Live:
    """The same for several elements of a page, over one connection: a browser has few of them for each site.

    Raises `TypeError` for a database that is not one for async code.
    """
    if not isinstance(db, AsyncDatabase):
        raise TypeError(
            "live takes a database for async code: make it once by backstory.aio.connect, or of one that is open by"
            " backstory.aio.over(db)"
        )
    return Live(db, parts, request.headers.get("last-event-id", ""))


class Live(Response):
    """An answer that goes on until the browser leaves, or the database is closed."""

    media_type = "text/event-stream"

    def __init__(self, db: AsyncDatabase, parts: Sequence[Part], last: str) -> None:
        super().__init__(headers=SSE_HEADERS)
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
            texts += [f"id: {places}\n{event}" for event in events]
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

    def __init__(self, part: Part) -> None:
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
