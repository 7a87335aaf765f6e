"""Answers that go on: a value as JSON at first, and again after each change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response

from backstory.contrib.starlette.naming import check_state, reference
from backstory.contrib.starlette.problems import Wrong, problem
from backstory.contrib.starlette.streaming import Stream, Watched
from backstory.errors import UnknownRevision
from backstory.history.compare.jsonable import shown
from backstory.place import Place
from backstory.store import Record

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from backstory.aio import AsyncDatabase
    from backstory.contrib.starlette.app import Backstory
    from backstory.decide.state import State

MANY = "too many clients follow what changes here: try again later"


def told(value: Any) -> Any:
    """A value as it is sent, what is marked masked: a state, rows, or an event with its type and position."""
    if isinstance(value, Record):
        return {"type": value.type, "position": value.position, "data": shown(value.event)}
    return list(map(told, value)) if isinstance(value, list) else shown(value)


class Json(Watched, frozen=True, kw_only=True):
    """A value that is sent as JSON."""

    shown: Callable[[Any], Any] = told

    async def events(self, value: Any) -> list[str]:
        """One event."""
        return [f"data: {msgspec.json.encode(self.shown(value)).decode()}\n\n"]


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
            await problem(503, MANY, {"retry-after": "10"})(scope, receive, send)
            return
        self._history.streams += 1
        try:
            await self._stream(scope, receive, send)
        finally:
            self._history.streams -= 1


class Changes:
    """Sends a state, whose identity is in the path, at first and after each of its events."""

    def __init__(self, history: Backstory, state: type[State]) -> None:
        check_state(state)
        self.cls = state
        self._history = history

    async def __call__(self, request: Request, db: AsyncDatabase) -> Response:
        """The stream; a state that no event concerns is 404."""
        try:
            state = reference(self.cls, request.path_params)
        except Wrong as wrong:
            return problem(wrong.status, wrong.detail)
        last, known = request.headers.get("last-event-id", ""), None
        with suppress(UnknownRevision):
            known = Place.parse(last)
        if known is None and not (await db.see(state)).place.position:
            return problem(404, f"there is no {self.cls.__name__} of this name")
        return Counted(self._history, Stream(db, [Json(what=state)], last))
