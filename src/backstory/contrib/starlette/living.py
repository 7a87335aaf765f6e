"""Answers that go on: a value as JSON at first, and again after each change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from backstory.contrib.http.events import data, told
from backstory.contrib.http.problems import problem
from backstory.contrib.starlette.streaming import Stream, Watched

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from backstory.aio import AsyncDatabase
    from backstory.contrib.http.exchange import Answer
    from backstory.contrib.starlette.app import Backstory

MANY = "too many clients follow what changes here: try again later"


def plain(answer: Answer) -> Response:
    """An answer in one piece, as Starlette sends it."""
    return Response(answer.content, answer.status, headers=answer.headers, media_type=answer.media_type)


class Json(Watched, frozen=True, kw_only=True):
    """A value that is sent as JSON."""

    shown: Callable[[Any], Any] = told

    async def events(self, value: Any) -> list[str]:
        """One event."""
        return [data(value, self.shown)]


def live(
    request: Request,
    db: AsyncDatabase,
    what: Any,
    sql: str = "",
    arguments: Sequence[Any] = (),
    *,
    into: Callable[..., Any] | None = None,
    tags: Sequence[str] = (),
    shown: Callable[[Any], Any] = told,
) -> Response:
    """The answer to a request for what changes: server-sent events, each with the value as JSON.

    `what` is what `watch` takes: a state; events, of which the last one is sent; a projection with `sql`, `arguments`
    and `into`. `shown` makes the value that is sent; by itself it masks what is marked. A client that comes back names
    what it saw last (`Last-Event-ID`), and gets the value if it is another one by now. All changes within 50 ms
    are sent as one; a comment every 15 s says that the stream is alive. It ends with the client, or with the database.
    """
    part = Json(what=what, sql=sql, arguments=arguments, into=into, tags=tags, shown=shown)
    return Stream(db, [part], request.headers.get("last-event-id", ""))


class Counted(Response):
    """A stream that counts as one of those that an application has open; 503 if it has as many as it may."""

    def __init__(self, history: Backstory, stream: Response) -> None:
        super().__init__()
        self.raw_headers = stream.raw_headers  # a framework may add to them
        self._history, self._stream = history, stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See `Stream`."""
        if self._history.streams >= self._history.most_streams:
            await plain(problem(503, MANY, {"retry-after": "10"}))(scope, receive, send)
            return
        self._history.streams += 1
        try:
            await self._stream(scope, receive, send)
        finally:
            self._history.streams -= 1
