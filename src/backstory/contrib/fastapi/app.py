"""The database of an application of FastAPI, as a dependency."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from inspect import Parameter, Signature
from os import PathLike
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

from fastapi import Depends
from starlette.requests import HTTPConnection, Request

from backstory.aio import AsyncDatabase
from backstory.contrib import starlette
from backstory.database import Database

if TYPE_CHECKING:
    from starlette.responses import Response

    from backstory.contrib.http.exchange import Handler

POSITIONAL = Parameter.POSITIONAL_OR_KEYWORD


async def nobody() -> None:
    """The author of an application that knows nobody."""


class Backstory(starlette.Backstory):
    """One database for an application; see `backstory.contrib.starlette.Backstory`.

    `Depends(history)` gives an endpoint the `AsyncDatabase`, in whose commits the author and the id of the request are;
    `Depends(history.sync)` gives the `Database`, for endpoints that are plain functions. `author` is a dependency, too:
    it may take headers, cookies and security schemes, which the documentation of the endpoints then shows.
    """

    def __init__(
        self,
        address: str | PathLike[str],
        *,
        author: Callable[..., Any] | None = None,
        correlation: str = "x-request-id",
        refusals: Mapping[str, int] | None = None,
        most_bytes: int = 1_000_000,
        most_streams: int = 1_000,
        **options: Any,
    ) -> None:
        super().__init__(
            address,
            correlation=correlation,
            refusals=refusals,
            most_bytes=most_bytes,
            most_streams=most_streams,
            **options,
        )
        self._depends = author or nobody
        self.__signature__ = self._taking(Parameter("connection", POSITIONAL, annotation=HTTPConnection))
        self.sync = self._sync()

    async def __call__(self, connection: HTTPConnection, author: str | None) -> AsyncIterator[AsyncDatabase]:
        """The dependency. It is async, so that the endpoint sees the author, whichever kind of function it is."""
        with self.named(connection, author):
            yield self.db

    def _sync(self) -> Callable[..., AsyncIterator[Database]]:
        async def sync(connection: HTTPConnection, author: str | None) -> AsyncIterator[Database]:
            with self.named(connection, author):
                yield self.db.db

        sync.__signature__ = self.__signature__  # type: ignore[attr-defined]
        return sync

    def acting(self, request: HTTPConnection) -> NoReturn:  # noqa: ARG002 - as in Starlette
        """Raise `TypeError`: FastAPI finds the author as a dependency, so an endpoint takes `Depends(history)`."""
        raise TypeError("the author is a dependency here: let the endpoint take Depends(history)")

    def endpoint(self, answer: Handler) -> Callable[..., Awaitable[Response]]:
        """An endpoint of FastAPI that answers in the name of the author.

        It takes the author alone, because a dependency that is a generator takes as long as all of the rest.
        """

        async def endpoint(request: Request, author: str | None) -> Response:
            with self.named(request, author):
                return self._response(await answer(request, self.db))

        taking = self._taking(Parameter("request", POSITIONAL, annotation=Request))
        endpoint.__signature__ = taking  # type: ignore[attr-defined]
        return endpoint

    def _taking(self, *parameters: Parameter) -> Signature:
        """Parameters, and the author, as FastAPI reads them."""
        author = Annotated[str | None, Depends(self._depends)]
        return Signature([*parameters, Parameter("author", POSITIONAL, annotation=author)])
