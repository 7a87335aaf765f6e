"""The author of a request: whatever is written while it is answered, as rows or by commands, is by its user."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async

from backstory.contrib.django.authors import LONGEST, author_of
from backstory.contrib.django.conf import configured
from backstory.contrib.django.draining import drain
from backstory.decide.context import context

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase

CORRELATION = "X-Request-ID"
"""The header by which a proxy names a request."""

logger = logging.getLogger(__name__)


class BackstoryMiddleware:
    """Sets author, correlation and path for the length of a request, under WSGI and ASGI.

    It stands after `AuthenticationMiddleware`. The user is asked for when something is written: a request that only
    reads does not load one, and a user who is found later, by a token or by the login itself, is the author from then.
    With `BACKSTORY["DRAIN"] = "request"` it brings what was captured to the log before the answer is given; if that
    fails, it is logged, and the rows stay in the outbox.
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
        _drained()
        return response

    async def _answered(self, request: HttpRequest) -> HttpResponseBase:
        user = await request.auser() if hasattr(request, "auser") else None
        with _said_by(request, user):
            response: HttpResponseBase = await self._get_response(request)
        if configured().drain == "request":
            await sync_to_async(_drained)()
        return response


def _said_by(request: HttpRequest, user: Any = None) -> AbstractContextManager[None]:
    return context(
        author=partial(author_of, request, user),
        correlation=request.headers.get(CORRELATION, "")[:LONGEST] or str(uuid4()),
        path=request.path[:LONGEST],
    )


def _drained() -> None:
    if configured().drain == "request":
        try:
            drain()
        except Exception:
            logger.exception("what was captured could not be brought to the log; it stays in the outbox")
