"""The read side: the tickets that are open, in the order in which they are to be worked on."""

from __future__ import annotations

from backstory import Materialized
from backstory.aio import AsyncDatabase
from examples.helpdesk.ticket import Ticket

OPEN = "open == True"
ORDER = ("rank", "since")

tickets = Materialized(Ticket, index=[("open", *ORDER)])


async def open_tickets(db: AsyncDatabase, after: str | None = None) -> list[Ticket]:
    """The first of them, with all that happened up to a place: that of the visitor's last change."""
    return await db.find(Ticket, OPEN, order_by=ORDER, limit=50, commit=after)
