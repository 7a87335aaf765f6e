"""Backstory in an application of Starlette: the database, who acts, and endpoints from commands, states and tables.

    history = Backstory("helpdesk.db", author=signed_in)
    app = Starlette(
        routes=[
            Route("/tickets/{ticket}", history.command(open_ticket), methods=["POST"]),
            Route("/tickets/{ticket}", history.state(Ticket)),
            Route("/tickets", history.find(Ticket)),
            Route("/tickets/{ticket}/live", history.live(Ticket)),
        ],
    )
    history.install(app)

`backstory.contrib.fastapi` stands on it, and adds what OpenAPI tells. Needs the extra `web`.
"""

from backstory.told import extra

extra("starlette", "backstory.contrib.starlette", "web")

from backstory.contrib.starlette.app import Backstory  # noqa: E402 - only where the extra is there
from backstory.contrib.starlette.living import live  # noqa: E402

__all__ = ["Backstory", "live"]
