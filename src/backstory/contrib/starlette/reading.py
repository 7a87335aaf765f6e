"""Endpoints that read: a state, now or at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from backstory.contrib.starlette.answering import after, etags, json, moment
from backstory.contrib.starlette.naming import reference
from backstory.contrib.starlette.problems import Wrong, problem
from backstory.history.compare.jsonable import shown

if TYPE_CHECKING:
    from starlette.requests import Request

    from backstory.aio import AsyncDatabase
    from backstory.decide.state import State


class One:
    """Shows a state, its marked fields masked, with an ETag: the place of the last event that the state has read.

    `?at=` shows it as of a revision, a position, a place or a time. A state that no event concerns is 404.
    """

    def __init__(self, state: type[State]) -> None:
        self.cls = state

    async def __call__(self, request: Request, db: AsyncDatabase) -> Response:
        """The state. Raises errors of the library."""
        try:
            state, at, known = reference(self.cls, request.path_params), moment(request), after(request)
            none_match = request.headers.get("if-none-match")
            unchanged = [] if none_match is None else etags(none_match)
        except Wrong as wrong:
            return problem(wrong.status, wrong.detail)
        if known is not None:
            await db.point(known)
        seen = await db.see(state, at=at)
        if not seen.place.position:
            return problem(404, f"there is no {self.cls.__name__} of this name")
        headers = {"etag": f'"{seen.place}"', "cache-control": "private, no-cache"}
        if unchanged is None or str(seen.place) in unchanged:
            return Response(status_code=304, headers=headers)
        return json(shown(seen.value), headers=headers)
