"""The database of an application: what it is told once, and the endpoints that are made of it."""

from __future__ import annotations

import hmac
import random
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from backstory.contrib.http.doing import Doing
from backstory.contrib.http.problems import answered
from backstory.contrib.http.reading import Changes, Many, One
from backstory.decide.context import current
from backstory.errors import InputError

if TYPE_CHECKING:
    from backstory.contrib.http.exchange import Answer, Handler, Request, Words
    from backstory.decide.commands import CommandType
    from backstory.decide.state import State
    from backstory.errors import BackstoryError

Endpoint = TypeVar("Endpoint")

GIVEN_ID = re.compile(r"[!-~]{1,200}", re.ASCII)
"""An id of a request that is taken from outside."""

LONGEST_KEY = 255
"""Characters of an `Idempotency-Key`."""

TRACE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?", re.ASCII)
"""The header `traceparent` of W3C Trace Context, with the id of the trace."""


class Served(Generic[Endpoint]):
    """One database for an application, in any framework: a subclass says how it is opened and what an endpoint is."""

    def __init__(
        self,
        *,
        correlation: str,
        refusals: Mapping[str, int] | None,
        most_bytes: int,
        most_streams: int,
        options: Mapping[str, Any],
    ) -> None:
        self.refusals = dict(refusals or {})
        if wrong := [code for code, status in self.refusals.items() if not 400 <= status < 500]:
            raise ValueError(f"the status of a refusal is from 400 to 499; that of {wrong[0]!r} is not")
        self.most_bytes = most_bytes
        self.most_streams = most_streams
        self._correlation = correlation
        self._options = options

    def endpoint(self, answer: Handler) -> Endpoint:
        """An endpoint of the framework that answers in the name of the author."""
        raise NotImplementedError

    def _route(self, request: Request) -> str:
        """The path of the route that a request has come to."""
        raise NotImplementedError

    async def _secret(self) -> bytes:
        """The key of the store, which nobody outside knows."""
        raise NotImplementedError

    def _named(self, author: object) -> str | None:
        """The author of a request. Raises `TypeError` for one that is no text, such as the number of a user."""
        if author is not None and not isinstance(author, str):
            raise TypeError(
                f"author gives {author!r}: it is to give text, or None for somebody who is not known"
            )
        return author

    def _answer_of(self, error: BackstoryError) -> Answer:
        """The answer to an error of the library. Raises the error if it is a fault and no answer."""
        return answered(error, self.refusals)

    def correlation(self, headers: Words) -> str:
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
        said = ["backstory.http", request.method, self._route(request), what, current().author, key]
        return hmac.digest(await self._secret(), msgspec.json.encode(said), "sha256").hex()

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
        return self.endpoint(Changes(state))
