"""A request and its answer, as far as endpoints know them. Starlette's `Request` is one; others are made to be one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, overload

import msgspec

if TYPE_CHECKING:
    from backstory.decide.call import Command, R
    from backstory.decide.state import State
    from backstory.history.refs.revision import Point, Revision
    from backstory.live import Seen
    from backstory.projections.find import Page
    from backstory.verbs.held import S


class Words(Protocol):
    """Texts by their names."""

    @overload
    def get(self, key: str, /) -> str | None: ...

    @overload
    def get(self, key: str, default: str, /) -> str: ...


class Request(Protocol):
    """A request, as far as endpoints look at it."""

    @property
    def method(self) -> str:
        """Such as `POST`."""
        ...

    @property
    def path_params(self) -> Mapping[str, Any]:
        """The words of the path by their names."""
        ...

    @property
    def headers(self) -> Words:
        """The headers, whose names are looked up in any case."""
        ...

    @property
    def query_params(self) -> Words:
        """The parameters of the address."""
        ...

    def stream(self) -> AsyncIterator[bytes]:
        """The body, in pieces."""
        ...


class Answer(msgspec.Struct, frozen=True):
    """An answer in one piece; `media_type` is None where there is no content."""

    status: int
    content: bytes = b""
    headers: Mapping[str, str] = {}
    media_type: str | None = None


class Follow(msgspec.Struct, frozen=True):
    """An answer that goes on: a state, and again after each change. `last` is the id of what the client saw last."""

    state: State
    last: str


Answered: TypeAlias = Answer | Follow


class Verbs(Protocol):
    """The verbs that endpoints await; those of `AsyncDatabase`. Where nobody waits, `AtOnce` has them."""

    async def execute(
        self, command: Command[R], *, id: str | None = None, seen: Seen[Any] | None = None
    ) -> R:
        """See `Database.execute`."""
        ...

    async def point(self, at: Revision) -> Point:
        """See `Database.point`."""
        ...

    async def see(self, state: S, at: Revision | None = None) -> Seen[S]:
        """See `Database.see`."""
        ...

    async def find(
        self,
        state: type[S],
        where: str = "",
        *,
        order_by: str | Sequence[str] = (),
        limit: int | None = None,
        after: str | None = None,
        count: bool | Literal["about"] = False,
        commit: str | None = None,
    ) -> Page[S]:
        """See `Database.find`."""
        ...


class Handler(Protocol):
    """Answers a request from a database, in whose context the author is known."""

    @property
    def name(self) -> str:
        """A name for its route."""
        ...

    @property
    def made_of(self) -> tuple[Any, ...]:
        """All that it was made of: two of a class that were made of the same are the same."""
        ...

    async def __call__(self, request: Request, db: Verbs) -> Answered:
        """The answer. Raises errors of the library, which the application answers."""
        ...
