"""The API, for programs: each command is an endpoint."""

from __future__ import annotations

from backstory.contrib.fastapi import Router
from examples.helpdesk.desk import OPEN
from examples.helpdesk.history import history
from examples.helpdesk.ticket import Ticket, open_ticket, reply, solve, take

api = Router(history, prefix="/api/tickets", tags=["tickets"])
api.find("", Ticket, within=OPEN, order="rank,since", fields=["subject", "agent", "rank", "since"])
api.command("", open_ticket, status_code=201)
api.state("/{ticket}", Ticket)
api.live("/{ticket}/live", Ticket)
api.command("/{ticket}/messages", reply, status_code=201)
api.command("/{ticket}/agent", take, method="PUT")
api.command("/{ticket}/solution", solve, method="PUT")
