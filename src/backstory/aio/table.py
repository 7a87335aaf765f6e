"""`Table` for async code: the same verbs, awaited.

customers = db.table("customers")
await customers.put("c-1", {"name": "Ann"})
async with customers.edit("c-1") as row:
    row["city"] = "Bern"
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar, Unpack

from backstory.aio.rows import TableVerbs

if TYPE_CHECKING:
    from backstory.table import Key, Saying

T = TypeVar("T")


class AsyncTable(TableVerbs[T]):
    """A table whose verbs are awaited; they are described in `Table`. `table` is that one, below.

    Each operation of a dict is a verb here: `get`, `put`, `delete`.
    """

    @asynccontextmanager
    async def edit(self, key: Key, **said: Unpack[Saying]) -> AsyncIterator[T]:
        """See `Table.edit`."""
        editing = await self._run(self.table._begun, key)
        yield editing.row
        await self._run(self.table._ended, editing, **said)
