"""Answers as bytes: a page as HTML or JSON, and an error as a page of its own."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response

from backstory.documents import document
from backstory.documents.errors import error_document
from backstory.errors import (
    BackstoryError,
    OutOfScope,
    RevisionError,
    StoreCorrupt,
    StoreError,
)
from backstory.hosts import Forbidden
from backstory.web.ask import Ask, Busy, NotFound
from backstory.web.guard import HEADERS
from backstory.web.page import Attached, Page
from backstory.web.rendering import rendered
from backstory.web.wrong import told, ways_out

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger("backstory.web")

STATUS: Sequence[tuple[type[BaseException], int]] = (
    (NotFound, 404),
    (RevisionError, 404),
    (Forbidden, 403),
    (OutOfScope, 403),
    (Busy, 503),
    (StoreCorrupt, 500),
    (StoreError, 503),
    (BackstoryError, 400),
    (UnicodeError, 400),
)
"""The status of an error; the first class that it is one of counts. Any other error is a bug of ours: 500."""


def page_as(ask: Ask, page: Page, *, as_json: bool) -> Response:
    """A page as bytes."""
    if as_json:
        return _json(page.document, page.status)
    return _html(rendered(ask, page), page.status)


def attached(file: Attached) -> Response:
    """A text as a file, which no browser shows as a page."""
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{file.name}"'}
    return Response(file.text.encode("utf-8", "backslashreplace"), media_type="text/plain", headers=headers)


def failed(error: Exception, ask: Ask | None, *, as_json: bool, prefix: str = "") -> Response:
    """An error as a page that says what was wrong, and what to do; a bug of ours has a number, which is in the log."""
    error = told(ask, error)
    status = next((code for kind, code in STATUS if isinstance(error, kind)), 500)
    if ask is not None and isinstance(error, StoreError):
        ask.give_up()
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


def _json(fields: Mapping[str, Any], status: int) -> Response:
    body = msgspec.json.encode(fields, enc_hook=str)
    return Response(body, status, media_type="application/json", headers=dict(HEADERS))


def _html(text: str, status: int) -> Response:
    return Response(text, status, media_type="text/html", headers=dict(HEADERS))
