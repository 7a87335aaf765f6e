"""A request of Flask as endpoints know it, and their answer as Flask sends it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from flask import Response

if TYPE_CHECKING:
    from flask import Request

    from backstory.contrib.http.exchange import Answer

PIECE = 65_536
"""Bytes that are read at a time."""


class Asked:
    """The request that is being answered."""

    def __init__(self, request: Request, most: int) -> None:
        self._request = request
        self._most = most
        self.method = request.method
        self.path_params: Mapping[str, Any] = request.view_args or {}
        self.headers = request.headers
        self.query_params = request.args

    @property
    def route(self) -> str:
        """The rule that the request has met."""
        rule = self._request.url_rule
        return self._request.path if rule is None else rule.rule

    async def stream(self) -> AsyncIterator[bytes]:
        """The body. One that is too long is not read to its end; another is the application's to read, too."""
        length = self._request.content_length
        if length is not None and length <= self._most:
            yield self._request.get_data()
            return
        while piece := self._request.stream.read(PIECE):
            yield piece


def plain(answer: Answer) -> Response:
    """An answer in one piece, as Flask sends it."""
    response = Response(answer.content, answer.status, answer.headers, content_type=answer.media_type)
    if answer.media_type is None:
        response.headers.pop("content-type", None)
    return response
