"""Backstory in an application of FastAPI: the database as a dependency, and endpoints in one line, with their schema.

    history = Backstory("helpdesk.db", author=signed_in)          # `signed_in` is any dependency that gives a name
    Db = Annotated[AsyncDatabase, Depends(history)]

    tickets = Router(history, prefix="/tickets", tags=["tickets"])
    tickets.command("/{ticket}", open_ticket, status_code=201)
    tickets.state("/{ticket}", Ticket)

    app = FastAPI()
    history.install(app)
    app.include_router(tickets)

`docs/guide/fastapi.md` says what the endpoints answer. Needs the extra `fastapi`.
"""

from backstory.told import extra

extra("fastapi", "backstory.contrib.fastapi", "fastapi")

from backstory.contrib.fastapi.app import Backstory  # noqa: E402 - only where the extra is there
from backstory.contrib.fastapi.router import Router  # noqa: E402
from backstory.contrib.starlette.living import live  # noqa: E402

__all__ = ["Backstory", "Router", "live"]
