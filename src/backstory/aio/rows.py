"""The verbs of a table, awaited. `scripts/async_face.py` makes them from `backstory/table.py`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Unpack

from backstory.aio.face import TableFace
from backstory.aio.stream import Stream
from backstory.syncing import BATCH

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from typing import Literal, Unpack

    from backstory.history.refs.revision import Revision
    from backstory.projections.find import Page
    from backstory.store import Record
    from backstory.syncing import Written
    from backstory.table import Given, Key, Saying
    from backstory.values.commit import Commit

T = TypeVar("T")


class TableVerbs(TableFace[T]):
    """Each verb says in `Table` what it does."""

    async def get(self, key: Key, at: Revision | None = None) -> T | None:
        """See `Table.get`."""
        return await self._run(self.table.get, key, at)

    def history(self, key: Key, at: Revision | None = None) -> Stream[Record]:
        """See `Table.history`."""
        return self._stream(partial(self.table.history, key, at))

    async def find(
        self,
        where: str = "",
        *,
        order_by: str | Sequence[str] = (),
        limit: int | None = None,
        after: str | None = None,
        count: bool | Literal["about"] = False,
        at: Revision | None = None,
        commit: Commit | int | str | None = None,
        timeout: float = 5.0,
    ) -> Page[T]:
        """See `Table.find`."""
        return await self._run(
            self.table.find,
            where,
            order_by=order_by,
            limit=limit,
            after=after,
            count=count,
            at=at,
            commit=commit,
            timeout=timeout,
        )

    async def insert(
        self, key: Key | Given[T], row: Given[T] | None = None, /, **said: Unpack[Saying]
    ) -> Commit:
        """See `Table.insert`."""
        return await self._run(self.table.insert, key, row, **said)

    async def put(
        self, key: Key | Given[T], row: Given[T] | None = None, /, **said: Unpack[Saying]
    ) -> Commit | None:
        """See `Table.put`."""
        return await self._run(self.table.put, key, row, **said)

    async def update(self, key: Key, /, **fields: Any) -> Commit | None:
        """See `Table.update`."""
        return await self._run(self.table.update, key, **fields)

    async def patch(
        self, key: Key, set: Mapping[str, Any], unset: Iterable[str] = (), **said: Unpack[Saying]
    ) -> Commit | None:
        """See `Table.patch`."""
        return await self._run(self.table.patch, key, set, unset, **said)

    async def delete(self, key: Key, **said: Unpack[Saying]) -> Commit:
        """See `Table.delete`."""
        return await self._run(self.table.delete, key, **said)

    async def upsert_many(
        self,
        rows: Iterable[Given[T] | tuple[Key, Given[T]]],
        *,
        columns: Collection[str] | None = None,
        batch: int = BATCH,
        **said: Unpack[Saying],
    ) -> Written:
        """See `Table.upsert_many`."""
        return await self._run(self.table.upsert_many, rows, columns=columns, batch=batch, **said)

    async def sync(
        self,
        rows: Iterable[Given[T] | tuple[Key, Given[T]]],
        *,
        columns: Collection[str] | None = None,
        allow_deletes: int | None = None,
        allow_missing: str | Iterable[str] | None = None,
        batch: int = BATCH,
        **said: Unpack[Saying],
    ) -> Written:
        """See `Table.sync`."""
        return await self._run(
            self.table.sync,
            rows,
            columns=columns,
            allow_deletes=allow_deletes,
            allow_missing=allow_missing,
            batch=batch,
            **said,
        )
