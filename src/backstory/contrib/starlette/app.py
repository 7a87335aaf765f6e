"""The database of an application: opened once in each process, and used by each request in the name of somebody."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeAlias

from anyio import to_thread
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from backstory import aio
from backstory.aio import AsyncDatabase
from backstory.contrib.http.exchange import Follow
from backstory.contrib.http.served import Served
from backstory.contrib.starlette.living import Counted, Json, plain
from backstory.contrib.starlette.streaming import Stream
from backstory.decide.context import context
from backstory.errors import BackstoryError
from backstory.local import import_key

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from backstory.contrib.http import exchange
    from backstory.contrib.http.exchange import Answered, Handler

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]

Authors: TypeAlias = Callable[[Any], str | Awaitable[str | None] | None]
"""Names who makes a request; None for somebody who is not known."""

NOT_OPEN = (
    "the database is open from the start of the application to its end: call install(app), and in a test run the"
    " application's lifespan, as `with TestClient(app)` does"
)


class Backstory(Served[Endpoint]):
    """One database for an application. Nothing is opened here: each process opens it when it starts to serve.

    `author` is a function of the request, which may be async: it names who makes the request, and every commit of the
    request has that author. The id of the request is the commits' `correlation`: from the header `correlation`, else
    that of a W3C trace, else a new one. `refusals` gives statuses to codes of `Refused`, `{"empty": 422}`; other
    refusals are 409. Other options are those of `backstory.connect`. Requests of more than `most_bytes` are refused,
    and so are clients that follow what changes (`live`, `bounded`) beyond `most_streams` in this process.
    """

    def __init__(
        self,
        address: str | PathLike[str],
        *,
        author: Authors | None = None,
        correlation: str = "x-request-id",
        refusals: Mapping[str, int] | None = None,
        most_bytes: int = 1_000_000,
        most_streams: int = 1_000,
        **options: Any,
    ) -> None:
        super().__init__(
            correlation=correlation,
            refusals=refusals,
            most_bytes=most_bytes,
            most_streams=most_streams,
            options=options,
        )
        self.streams = 0
        self.address = address
        self._author = author
        self._db: AsyncDatabase | None = None
        self._key: bytes | None = None

    @property
    def db(self) -> AsyncDatabase:
        """The open database; `db.db` is that for code that does not await. Raises `RuntimeError` if it is not open."""
        if self._db is None:
            raise RuntimeError(NOT_OPEN)
        return self._db

    @asynccontextmanager
    async def lifespan(self, app: object = None) -> AsyncIterator[None]:  # noqa: ARG002 - Starlette gives it
        """Open the database for the time that the application serves. Inside of another one this does nothing."""
        if self._db is not None:
            yield
            return
        async with aio.connect(self.address, **self._options) as db:
            self._db = db
            try:
                yield
            finally:
                self._db = self._key = None

    def install(self, app: Starlette) -> None:
        """Let an application open the database before its own lifespan, and answer the errors of the library."""
        app.add_exception_handler(BackstoryError, self.failed)
        inside = app.router.lifespan_context

        @asynccontextmanager
        async def lifespan(app: Any) -> AsyncIterator[Any]:
            async with self.lifespan(app), inside(app) as state:
                yield state

        app.router.lifespan_context = lifespan

    async def failed(self, request: object, error: Exception) -> Response:  # noqa: ARG002 - Starlette gives it
        """The answer to an error of the library. Raises the error if it is a fault and no answer."""
        assert isinstance(error, BackstoryError)
        return plain(self._answer_of(error))

    @asynccontextmanager
    async def acting(self, request: HTTPConnection) -> AsyncIterator[AsyncDatabase]:
        """The database, for one request: its commits have the author and the id of the request."""
        author = None if self._author is None else self._author(request)
        if inspect.isawaitable(author):
            author = await author
        with self.named(request, author):
            yield self.db

    def named(self, request: HTTPConnection, author: str | None) -> AbstractContextManager[None]:
        """A block whose commits have this author, and the id of the request."""
        return context(author=self._named(author), correlation=self.correlation(request.headers))

    def _route(self, request: exchange.Request) -> str:
        """The path of the route within its router; the path itself for an endpoint that has none."""
        assert isinstance(request, Request)
        return getattr(request.scope.get("route"), "path", request.url.path)

    async def _secret(self) -> bytes:
        if self._key is None:
            self._key = await to_thread.run_sync(import_key, self.db.db.store)
        return self._key

    def endpoint(self, answer: Handler) -> Endpoint:
        """An endpoint of Starlette that answers in the name of the author."""

        async def endpoint(request: Request) -> Response:
            async with self.acting(request) as db:
                return self._response(await answer(request, db))

        return endpoint

    def _response(self, answer: Answered) -> Response:
        """An answer as Starlette sends it."""
        if isinstance(answer, Follow):
            return self.bounded(Stream(self.db, [Json(what=answer.state)], answer.last))
        return plain(answer)

    def bounded(self, stream: Response) -> Response:
        """An answer that goes on, counted as one of `most_streams`: `history.bounded(live(request, db, Arrived))`.

        It is 503 where this process has as many open.
        """
        return Counted(self, stream)
