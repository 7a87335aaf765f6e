"""The database of the application, and who uses it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from urllib.parse import unquote

from fastapi import Cookie, Depends, FastAPI
from starlette.config import Config

from backstory.aio import AsyncDatabase
from backstory.contrib.fastapi import Backstory
from examples.helpdesk.desk import tickets
from examples.helpdesk.escalation import Escalation

setting = Config()


async def signed_in(name: Annotated[str | None, Cookie()] = None) -> str | None:
    """A real helpdesk asks its session here. A name is anybody's own word."""
    return unquote(name)[:60].strip() or None if name else None


history = Backstory(
    setting("HELPDESK", default="helpdesk.db"),
    author=signed_in,
    refusals={"unknown": 404, "empty": 422},
)

Db = Annotated[AsyncDatabase, Depends(history)]
Me = Annotated[str | None, Depends(signed_in)]


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """What runs beside the requests: the table of tickets, and the clock of those that wait."""
    await history.db.project(tickets)
    async with history.db.run(tickets, Escalation):
        yield
