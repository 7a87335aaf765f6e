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
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import msgspec
from anyio import to_thread

from backstory.aio import AsyncDatabase
from backstory.contrib.starlette.streaming import Stream, Watched
from backstory.told import extra

extra("datastar_py", "backstory.web.live", "web")

from datastar_py.sse import DatastarEvent  # noqa: E402 - only where the extra is there
from datastar_py.sse import ServerSentEventGenerator as Events  # noqa: E402

if TYPE_CHECKING:
    from starlette.requests import Request

    from backstory.place import Place

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
        watched = Watched(
            what=self.what, sql=self.sql, arguments=self.arguments, into=self.into, tags=self.tags
        )
        return watched.watch(db, after)

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
) -> Stream:
    """The answer to a request of Datastar that keeps one element up to date.

    `what` is a state; events, of which the last one is shown; a projection with `sql`, `arguments` and `into`, as
    `rows` takes them; or a projection alone, whose place `render` gets after each batch: it asks for rows itself.
    Every client that asks sees all of it: the application says which ones may.
    """
    return together(request, db, Part(what, render, sql, arguments, into, tags))


def together(request: Request, db: AsyncDatabase, *parts: Part) -> Stream:
    """The same for several elements of a page, over one connection: a browser has few of them for each site.

    Raises `TypeError` for a database that is not one for async code.
    """
    if not isinstance(db, AsyncDatabase):
        raise TypeError(
            "live takes a database for async code: make it once by backstory.aio.connect, or of one that is open by"
            " backstory.aio.over(db)"
        )
    return Stream(db, parts, request.headers.get("last-event-id", ""))
