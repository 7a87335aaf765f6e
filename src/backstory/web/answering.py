"""Answers as bytes: a page as HTML or JSON, a long question piece by piece, and an error as a page of its own."""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import msgspec
from anyio import CapacityLimiter, to_thread
from starlette.responses import RedirectResponse, Response, StreamingResponse

from backstory.documents import document
from backstory.documents.errors import error_document
from backstory.errors import (
    BackstoryError,
    OutOfScope,
    RevisionError,
    StoreCorrupt,
    StoreError,
)
from backstory.web.ask import Ask, NotFound
from backstory.web.guard import HEADERS, Forbidden
from backstory.web.page import Answer, Elsewhere, Page, Progress, Slow
from backstory.web.rendering import rendered, shell
from backstory.web.wrong import told, ways_out

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope, Send

log = logging.getLogger("backstory.web")

T = TypeVar("T")

STATUS: Sequence[tuple[type[BaseException], int]] = (
    (NotFound, 404),
    (RevisionError, 404),
    (Forbidden, 403),
    (OutOfScope, 403),
    (StoreCorrupt, 500),
    (StoreError, 503),
    (BackstoryError, 400),
    (UnicodeError, 400),
)
"""The status of an error; the first class that it is one of counts. Any other error is a bug of ours: 500."""


def responded(ask: Ask, answer: Answer, *, as_json: bool) -> Response:
    """The answer to a question as bytes."""
    if isinstance(answer, Elsewhere):
        return RedirectResponse(answer.url, 303, headers=dict(HEADERS))
    if isinstance(answer, Slow):
        return _slow(ask, answer, as_json=as_json)
    if as_json:
        return _json(answer.document, answer.status)
    return _html(rendered(ask, answer), answer.status)


def failed(error: Exception, ask: Ask | None, *, as_json: bool, prefix: str = "") -> Response:
    """An error as a page that says what was wrong, and what to do; a bug of ours has a number, which is in the log."""
    error = told(ask, error)
    status = next((code for kind, code in STATUS if isinstance(error, kind)), 500)
    report = ""
    if status == 500:
        report = secrets.token_hex(4)
        log.error("report %s", report, exc_info=error)
    words = (
        str(error) if status != 500 or isinstance(error, BackstoryError) else "this part could not be shown"
    )
    if as_json:
        fields = (
            error_document(error) if isinstance(error, BackstoryError) else {"error": "bug", "message": words}
        )
        return _json(document("error", **fields, **({"report": report} if report else {})), status)
    hints = error.hints if isinstance(error, BackstoryError) else ()
    values = {"words": words, "hints": hints, "report": report, "ways_out": ways_out(ask, error)}
    page = Page("error.html", words.partition("\n")[0], {}, values=values, status=status)
    return _html(rendered(ask, page, prefix=prefix), status)


def _slow(ask: Ask, answer: Slow, *, as_json: bool) -> Response:
    if as_json:
        return Late(ask, answer)
    pieces = in_threads(ask.reader.scope.each(_pieces(ask, answer)), ask.site.long_threads)
    return StreamingResponse(pieces, media_type="text/html", headers=dict(HEADERS))


class Late(Response):
    """The document of a page that reads much, made step by step: it is given up when the reader leaves."""

    def __init__(self, ask: Ask, answer: Slow) -> None:
        super().__init__()
        self._ask, self._answer = ask, answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Make it, and send it; see the specification of ASGI."""
        async with anyio.create_task_group() as group:
            group.start_soon(_until_gone, receive, group.cancel_scope)
            response = await self._made()
            await response(scope, receive, send)
            group.cancel_scope.cancel()

    async def _made(self) -> Response:
        made = None
        try:
            async for step in in_threads(
                self._ask.reader.scope.each(self._answer.steps), self._ask.site.long_threads
            ):
                made = step
        except Exception as error:  # noqa: BLE001 - each becomes a document that says what was wrong
            return failed(error, self._ask, as_json=True)
        assert isinstance(made, Page)
        return _json(made.document, made.status)


async def in_threads(steps: Iterator[T], limiter: CapacityLimiter) -> AsyncIterator[T]:
    """The same, each found in a thread of few: between two steps, other questions have their turn."""
    while (step := await to_thread.run_sync(next, steps, None, limiter=limiter)) is not None:
        yield step


async def _until_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


def _pieces(ask: Ask, answer: Slow) -> Iterator[str]:
    """The frame, then how far it is, then the page. A later piece hides the progress before it, without script."""
    before, after = shell(ask, answer)
    yield before
    try:
        for step in answer.steps:
            yield rendered(ask, step, part=True) if isinstance(step, Page) else _progress(ask, answer, step)
    except Exception as error:  # noqa: BLE001 - the frame is sent already
        yield (
            bytes(failed(error, ask, as_json=False).body)
            .decode()
            .partition("<main")[2]
            .partition(">")[2]
            .partition("</main>")[0]
        )
    yield after


def _progress(ask: Ask, answer: Slow, step: Progress) -> str:
    values = {"step": step, "stop": step.stop or answer.stop}
    page = Page("progress.html", answer.title, {}, values=values)
    return rendered(ask, page, part=True)


def _json(fields: Mapping[str, Any], status: int) -> Response:
    body = msgspec.json.encode(fields, enc_hook=str)
    return Response(body, status, media_type="application/json", headers=dict(HEADERS))


def _html(text: str, status: int) -> Response:
    return Response(text, status, media_type="text/html", headers=dict(HEADERS))
