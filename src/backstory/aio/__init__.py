"""The same database for async code: every verb of `Database`, awaited, under asyncio and trio.

    async with backstory.aio.connect("bank.db") as db:
        await db.execute(withdraw(Account("a-7"), cents=50))
        async for record in db.follow(Account("a-7")):
            ...

There is one implementation, the synchronous one. A verb runs in a worker thread, of which there are at most `threads`,
and the commands and appends of many tasks go into one transaction. A task that is cancelled before its verb began
leaves nothing. If the verb has begun, the task waits until the verb has ended as usual: nothing is half-done, and no
connection is lost. Only waiting for new events is given up at once. `over(db)`
is for a database that is open already. Needs the extra `async`.
"""

from backstory.told import extra

extra("anyio", "backstory.aio", "async")

from backstory.aio.database import AsyncDatabase, connect, over  # noqa: E402 - only where the extra is there
from backstory.aio.stream import Stream  # noqa: E402
from backstory.aio.table import AsyncTable  # noqa: E402

__all__ = ["AsyncDatabase", "AsyncTable", "Stream", "connect", "over"]
