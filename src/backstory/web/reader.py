"""The reader of a page: who it is, what the reader may do, and which events and fields the reader may see."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from backstory.scope import Scope

if TYPE_CHECKING:
    from starlette.requests import Request

Right: TypeAlias = Literal["read", "append", "operate"]
"""`read` pages; `append` commits, branches and marks; `operate` read models: retry, skip, rebuild."""


class Reader(msgspec.Struct, frozen=True):
    """Somebody who looks at the history. `name` becomes the author of what the reader appends."""

    name: str
    may: frozenset[Right] = frozenset({"read"})
    scope: Scope = Scope()


Actor: TypeAlias = "Callable[[Request], Awaitable[Reader | None] | Reader | None]"
"""A function of the host that says who makes a request; None: nobody who may read."""
