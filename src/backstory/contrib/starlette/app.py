"""The database of an application: opened once in each process, and used by each request in the name of somebody."""

from __future__ import annotations

import hmac
import inspect
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from anyio import to_thread
from starlette.requests import HTTPConnection, Request

from backstory import aio
from backstory.aio import AsyncDatabase
from backstory.contrib.starlette.answering import Answer, Endpoint
from backstory.contrib.starlette.doing import Doing
from backstory.contrib.starlette.living import Changes, Counted
from backstory.contrib.starlette.problems import answered
from backstory.contrib.starlette.reading import Many, One
from backstory.decide.context import context, current
from backstory.errors import BackstoryError, InputError
from backstory.local import import_key

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.responses import Response

    from backstory.decide.commands import CommandType
    from backstory.decide.state import State

Authors: TypeAlias = Callable[[Any], str | Awaitable[str | None] | None]
"""Names who makes a request; None for somebody who is not known."""

GIVEN_ID = re.compile(r"[!-~]{1,200}", re.ASCII)
"""An id of a request that is taken from outside."""

LONGEST_KEY = 255
"""Characters of an `Idempotency-Key`."""

TRACE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?", re.ASCII)
"""The header `traceparent` of W3C Trace Context, with the id of the trace."""

NOT_OPEN = (
    "the database is open from the start of the application to its end: call install(app), and in a test run the"
    " application's lifespan, as `with TestClient(app)` does"
)


class Backstory:
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
        self.address = address
        self.refusals = dict(refusals or {})
        if wrong := [code for code, status in self.refusals.items() if not 400 <= status < 500]:
            raise ValueError(f"the status of a refusal is from 400 to 499; that of {wrong[0]!r} is not")
        self.most_bytes = most_bytes
        self.most_streams = most_streams
        self.streams = 0
        self._author = author
        self._correlation = correlation
        self._options = options
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
        return answered(error, self.refusals)

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
        return context(author=author, correlation=self.correlation(request.headers))

    def correlation(self, headers: Mapping[str, str]) -> str:
        """The id of a request: as its headers have it, or a new one."""
        given = headers.get(self._correlation, "")
        if GIVEN_ID.fullmatch(given):
            return given
        trace = TRACE.fullmatch(headers.get("traceparent", ""))
        return f"{random.getrandbits(128):032x}" if trace is None else trace[1]

    async def commit_id(self, request: Request, key: str, what: str = "") -> str:
        """The id of the commit of a request with this key: the same for the same route, author and key.

        Nobody can guess it: it is an HMAC under a key of the store. `what` tells routes apart that have the same path
        within their routers. Raises `InputError` for a key that is empty, or of more than 255 characters.
        """
        if not 0 < len(key) <= LONGEST_KEY:
            raise InputError(f"an Idempotency-Key has from 1 to {LONGEST_KEY} characters")
        route = getattr(request.scope.get("route"), "path", request.url.path)
        said = ["backstory.http", request.method, route, what, current().author, key]
        if self._key is None:
            self._key = await to_thread.run_sync(import_key, self.db.db.store)
        return hmac.digest(self._key, msgspec.json.encode(said), "sha256").hex()

    def endpoint(self, answer: Answer) -> Endpoint:
        """An endpoint of Starlette that answers in the name of the author."""

        async def endpoint(request: Request) -> Response:
            async with self.acting(request) as db:
                return await answer(request, db)

        return endpoint

    def command(self, command: CommandType[...], *, status: int = 200) -> Endpoint:
        """An endpoint that executes a command: states and arguments from the path by their names, others from JSON."""
        return self.endpoint(Doing(self, command, status))

    def state(self, state: type[State]) -> Endpoint:
        """An endpoint that shows a state, whose identity is in the path, with an ETag; `?at=` shows it as it was."""
        return self.endpoint(One(state))

    def find(
        self,
        state: type[State],
        *,
        within: str = "",
        order: str = "",
        most: int = 100,
        fields: Iterable[str] | None = None,
    ) -> Endpoint:
        """An endpoint that finds states in a table: `where`, `order`, `limit` and `cursor` are in the address.

        `within` is a condition that all of them meet, `fields` are those of which a client may speak.
        """
        return self.endpoint(Many(state, within=within, order=order, most=most, fields=fields))

    def live(self, state: type[State]) -> Endpoint:
        """An endpoint that sends a state, whose identity is in the path, and sends it again after each change."""
        return self.endpoint(Changes(self, state))

    def bounded(self, stream: Response) -> Response:
        """An answer that goes on, counted as one of `most_streams`: `history.bounded(live(request, db, Arrived))`.

        It is 503 where this process has as many open.
        """
        return Counted(self, stream)
