"""The database that Django's code holds, with what was captured until now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asgiref.sync import sync_to_async

from backstory.contrib.django.conf import configured
from backstory.contrib.django.databases import connection_of, current_database, in_transaction, main_database
from backstory.contrib.django.draining import drain

if TYPE_CHECKING:
    from backstory.aio.database import AsyncDatabase
    from backstory.database import Database

_faces: dict[int, AsyncDatabase] = {}


def database() -> Database:
    """The database of this project, on main, with all that was captured and committed until now.

    Inside of `transaction.atomic` on PostgreSQL it is a part of that transaction: it sees what the transaction
    appended, what it appends is kept with the rest or not at all, and it ends with the block, so ask for it there. What
    is captured in an open transaction comes to the log after its end. Everywhere else it is the one of this process.
    Raises `ImproperlyConfigured`, `StoreError`.
    """
    settings = configured()
    if settings.drain != "worker" and not in_transaction(connection_of(settings)):
        drain(settings)
    return current_database(settings)


async def adatabase() -> AsyncDatabase:
    """The same for async code, outside of every transaction: `db = await adatabase()`. Needs the extra `async`.

    There is one for each process. Django's transactions are those of a thread: code that needs one goes into a function
    under `sync_to_async`, and calls `execute` there.
    """
    from backstory.aio import over

    await sync_to_async(database)()
    db = main_database()
    face = _faces.get(id(db))
    if face is None or face.db is not db:
        _faces.clear()
        face = _faces[id(db)] = over(db)
    return face
