"""Errors as answers: problem+json (RFC 9457), with the status that the kind of error has.

An answer speaks of the request alone. Messages of the library may name other requests, branches or tables, so
most kinds have words of their own here.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from backstory.contrib.http.exchange import Answer
from backstory.decide.call import shortened
from backstory.documents.decisions import refusal_details
from backstory.errors import (
    AmbiguousRevision,
    AppendError,
    BackstoryError,
    Behind,
    BranchError,
    Conflict,
    ExpressionError,
    HistoryMoved,
    IdReused,
    InputError,
    InvalidEvent,
    InvalidTag,
    MissingInput,
    MissingRow,
    NotReacting,
    OutOfScope,
    Refused,
    RevisionError,
    StoreClosed,
    StoreFull,
    StoreLocked,
    StoreReadOnly,
    StoreRefused,
)
from backstory.told import plain_lines

LONGEST = 1_000
"""Characters of the words of an answer."""

MEDIA_TYPE = "application/problem+json"

STATUSES: Mapping[type[BackstoryError], int] = {
    Refused: 409,
    MissingRow: 404,
    MissingInput: 403,
    InvalidEvent: 422,
    InvalidTag: 422,
    InputError: 422,
    ExpressionError: 422,
    StoreRefused: 422,
    IdReused: 422,
    AppendError: 409,
    BranchError: 409,
    RevisionError: 404,
    AmbiguousRevision: 400,
    OutOfScope: 404,
    Behind: 503,
    StoreLocked: 503,
    StoreClosed: 503,
    StoreFull: 503,
    StoreReadOnly: 503,
    NotReacting: 500,
}
"""The status of each kind of error. Any other is a fault of the application, or of the store."""

WORDS: Mapping[type[BackstoryError], str] = {
    MissingInput: "this can only be done by somebody who is known, and nobody is",
    Conflict: "others have changed what this decision needs, again and again: try again later",
    HistoryMoved: "the place is one of another history, which the store does not have any more: read again",
    IdReused: "this Idempotency-Key was used for another request",
    AppendError: "the history has gone on meanwhile: read again, and decide again",
    BranchError: "the history has gone on meanwhile: read again, and decide again",
    RevisionError: "no point of the history has this name; a position is written 12, or #12, which is %2312 in"
    " an address, and a time 2026-11-03T10:00:00Z",
    AmbiguousRevision: "several points of the history may have this name: write more of it",
    OutOfScope: "there is nothing of this name",
    StoreRefused: "the database cannot store a value of the request",
    BackstoryError: "the database does not answer now: try again later",
}
"""Words in place of the message, which would tell more."""

OWN_WORDS = (Refused, InvalidEvent, InvalidTag, InputError, ExpressionError)
"""Errors whose message is about the request, or written by the application."""

AGAIN = {"retry-after": "1"}

KINDS: Mapping[int, str] = {
    400: "bad-request",
    404: "not-found",
    412: "stale",
    413: "too-large",
    415: "unsupported-media-type",
    422: InputError("").kind,
    503: "busy",
}
"""The kind of a problem that no error of the library is behind, by its status."""


class Wrong(Exception):
    """A request that is answered with a problem, because of its own form."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def problem(
    status: int,
    detail: str,
    headers: Mapping[str, str] | None = None,
    *,
    kind: str | None = None,
    **more: Any,
) -> Answer:
    """An answer that says what is wrong. The words may be anybody's: control characters are shown as such.

    `kind` is that of the error; without one it is that of the status. `more` are further members; one that is empty is
    left out.
    """
    said = {"detail": detail, "kind": kind or KINDS[status]} | {
        name: value for name, value in more.items() if value
    }
    words = {
        name: shortened(plain_lines(value), LONGEST) if isinstance(value, str) else value
        for name, value in said.items()
    }
    said = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status} | words
    return Answer(status, msgspec.json.encode(said), headers or {}, MEDIA_TYPE)


def status_of(error: BackstoryError) -> int:
    """The status of an error, by the nearest of its classes; 500 if it is no answer to a request."""
    return next((STATUSES[cls] for cls in type(error).__mro__ if cls in STATUSES), 500)


def words_of(error: BackstoryError) -> str:
    """The words about an error in an answer."""
    if isinstance(error, OWN_WORDS):
        return str(error)
    return next(WORDS[cls] for cls in type(error).__mro__ if cls in WORDS)


def answered(error: BackstoryError, refusals: Mapping[str, int]) -> Answer:
    """The answer to an error. Raises the error itself if it is a fault, which the server is to log as such."""
    if isinstance(error, Refused):
        status = refusals.get(error.code, status_of(error))
        details = refusal_details(error)
        return problem(status, words_of(error), kind=error.kind, code=error.code, details=details)
    status = status_of(error)
    if status == 500:
        raise error
    return problem(status, words_of(error), AGAIN if status == 503 else None, kind=error.kind)
