"""A day at the helpdesk; or, with the address of a store, its pages: `python -m examples.helpdesk helpdesk.db`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from backstory import Command, Database, Refused, connect
from examples.helpdesk.desk import OPEN, ORDER, tickets
from examples.helpdesk.escalation import Escalation
from examples.helpdesk.ticket import Ticket, open_ticket, solve, take

PORT = 8000
NAMES = {0: "waits too long", 1: "new", 2: "worked on"}


def day() -> None:
    """What happens to two tickets."""
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    with connect(clock=lambda: now) as db:
        db.execute(open_ticket("No picture in room 12", "The lecture begins at ten."), author="ann")
        db.execute(open_ticket("A new keyboard", "Mine has lost its letter E."), author="bob")
        for hour in 9, 10, 14, 15:
            now = now.replace(hour=hour)
            db.run(Escalation).run(once=True)
            db.run(tickets).run(once=True)
            print(f"{hour}:00")
            waiting = db.find(Ticket, OPEN, order_by=ORDER)
            for ticket in waiting:
                print(f"  {ticket.subject}, asked by {ticket.messages[0].by}: {NAMES[ticket.rank]}")
            if hour == 10:
                done(db, take(waiting[0]), "mia")
                done(db, take(waiting[0]), "leo")
            if hour == 14:
                for ticket in waiting:
                    done(db, solve(ticket), "mia")


def done(db: Database, command: Command, author: str) -> None:
    """Try it, and say what came of it."""
    try:
        db.execute(command, author=author)
    except Refused as refused:
        print(f"  {author}: no, {refused.reason}")


def serve(address: str) -> None:
    """The pages and the API, until Ctrl-C."""
    import uvicorn

    from examples.helpdesk.app import app
    from examples.helpdesk.history import history

    history.address = address
    print(f"http://127.0.0.1:{PORT} has the pages, and http://127.0.0.1:{PORT}/docs the API")
    uvicorn.run(app, port=PORT, log_level="warning", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve(sys.argv[1])
    else:
        day()
