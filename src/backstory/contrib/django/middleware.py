"""The author of a request: whatever is written while it is answered, as rows or by commands, is by its user."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from asgiref.sync import iscoroutinefunction, markcoroutinefunction

from backstory.contrib.django.authors import LONGEST, author_of
from backstory.decide.context import context

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase

CORRELATION = "X-Request-ID"
"""The header by which a proxy names a request."""


class BackstoryMiddleware:
    """Sets author, correlation and path for the length of a request, under WSGI and ASGI.

    It stands after `AuthenticationMiddleware`. The user is asked for when something is written: a request that only
    reads does not load one, and a user who is found later, by a token or by the login itself, is the author from then.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self._is_async:
            return self._answered(request)
        with _said_by(request):
            response: HttpResponseBase = self._get_response(request)
        return response

    async def _answered(self, request: HttpRequest) -> HttpResponseBase:
        user = await request.auser() if hasattr(request, "auser") else None
        with _said_by(request, user):
            response: HttpResponseBase = await self._get_response(request)
        return response


def _said_by(request: HttpRequest, user: Any = None) -> AbstractContextManager[None]:
    return context(
        author=partial(author_of, request, user),
        correlation=request.headers.get(CORRELATION, "")[:LONGEST] or str(uuid4()),
        path=request.path[:LONGEST],
    )
