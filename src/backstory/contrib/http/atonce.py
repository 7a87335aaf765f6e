"""Endpoints without an event loop: each verb blocks its thread until it is done, so no coroutine waits for anything."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

if TYPE_CHECKING:
    from backstory.database import Database
    from backstory.decide.call import Command, R
    from backstory.history.refs.revision import Point, Revision
    from backstory.live import Seen
    from backstory.projections.find import Page
    from backstory.verbs.held import S

T = TypeVar("T")


class AtOnce:
    """The verbs that endpoints await, over a database that blocks. No coroutine of them is ever suspended."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def execute(
        self, command: Command[R], *, id: str | None = None, seen: Seen[Any] | None = None
    ) -> R:
        """See `Database.execute`."""
        return self._db.execute(command, id=id, seen=seen)

    async def point(self, at: Revision) -> Point:
        """See `Database.point`."""
        return self._db.point(at)

    async def see(self, state: S, at: Revision | None = None) -> Seen[S]:
        """See `Database.see`."""
        return self._db.see(state, at)

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
        return self._db.find(
            state, where, order_by=order_by, limit=limit, after=after, count=count, commit=commit
        )


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that awaits such verbs alone. Raises `RuntimeError` if it waits for anything else."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return cast("T", end.value)
    coroutine.close()
    raise RuntimeError("an endpoint waits for something, and here nobody can wait: no event loop is running")
