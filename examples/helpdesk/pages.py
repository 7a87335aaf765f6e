"""The pages, for people: they work without a script, and with one they are live in all browsers.

An element is made by one template, for the page and for its changes. A form carries a key, so that it is done once if
it is sent twice; and a button what its page has shown, so that it does nothing where that has changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader

from backstory import Conflict, Refused
from backstory.decide.commands import CommandType
from backstory.errors import HistoryMoved, InputError, MissingInput, UnknownRevision
from backstory.live import Seen
from backstory.place import Place
from backstory.values.ids import new_id
from backstory.web.live import live
from examples.helpdesk.desk import open_tickets, tickets
from examples.helpdesk.history import Db, Me, history, setting
from examples.helpdesk.ticket import Ticket, open_ticket, reply, solve, take

HERE = Path(__file__).parent
LARGEST_FORM = 100_000
ACTIONS: Mapping[str, CommandType[...]] = {"reply": reply, "take": take, "solve": solve}

pages = APIRouter(include_in_schema=False)


def moment(at: datetime | str) -> str:
    """A time, as a page shows it."""
    return f"{at if isinstance(at, datetime) else datetime.fromisoformat(at):%d %b, %H:%M} UTC".lstrip("0")


html = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True)
html.globals |= {"datastar": setting("DATASTAR", default=""), "new_key": new_id}
html.filters["moment"] = moment


def made(template: str, **known: Any) -> str:
    return html.get_template(template).render(**known)


def path_of(ticket: str) -> str:
    """The address of the page of a ticket."""
    return f"/tickets/{quote(ticket, safe='')}"


# ---- what is seen


async def list_of(db: Db, after: str | None = None) -> str:
    return made("list.html", tickets=await open_tickets(db, after))


async def ticket_of(db: Db, ticket: str) -> str:
    return made("ticket.html", seen=await db.see(Ticket(ticket)))


async def desk(db: Db, me: str | None, *, after: str | None = None, **form: Any) -> str:
    parts = [await list_of(db, after), made("ask.html", me=me, **form)]
    return made("page.html", title="Open tickets", me=me, path="", parts=parts)


async def one(db: Db, me: str | None, ticket: str, **form: Any) -> str:
    seen = await db.see(Ticket(ticket))
    parts = [made("ticket.html", seen=seen)]
    if seen.value.open or form:
        parts.append(made("reply.html", ticket=ticket, me=me, **form))
    title = seen.value.subject or "There is no such ticket"
    return made("page.html", title=title, me=me, ticket=ticket, path=path_of(ticket), parts=parts)


@pages.get("/")
async def desk_page(db: Db, me: Me, after: str | None = None) -> HTMLResponse:
    return HTMLResponse(await desk(db, me, after=after))


@pages.get("/live")
async def desk_live(request: Request, db: Db) -> Response:
    return history.bounded(live(request, db, tickets, lambda _: list_of(db)))


@pages.get("/tickets/{ticket}")
async def ticket_page(ticket: str, db: Db, me: Me) -> HTMLResponse:
    known = (await db.load(Ticket(ticket))).subject
    return HTMLResponse(await one(db, me, ticket), 200 if known else 404)


@pages.get("/tickets/{ticket}/live")
async def ticket_live(ticket: str, request: Request, db: Db) -> Response:
    return history.bounded(live(request, db, Ticket(ticket), lambda _: ticket_of(db, ticket)))


@pages.get("/desk.css")
async def style() -> FileResponse:
    return FileResponse(HERE / "desk.css")


# ---- what is done


@pages.post("/me")
async def be(request: Request) -> Response:
    form = await fields(request)
    answer = RedirectResponse(path_of(form["ticket"]) if "ticket" in form else "/", 303)
    name = quote(form.get("name", "")[:60])
    answer.set_cookie("name", name, httponly=True, samesite="strict")
    return answer


@pages.post("/tickets")
async def ask(request: Request, db: Db, me: Me) -> Response:
    form = await fields(request)
    wrong, place = await do(request, db, open_ticket, {}, form, None)
    if "datastar-request" in request.headers:
        return HTMLResponse(made("ask.html", me=me, wrong=wrong, form=form if wrong else {}))
    if wrong:
        return HTMLResponse(await desk(db, me, wrong=wrong, form=form), 422)
    return RedirectResponse(f"/?after={place}", 303)


@pages.post("/tickets/{ticket}/{action}")
async def act(ticket: str, action: str, request: Request, db: Db, me: Me) -> Response:
    form = await fields(request)
    command = ACTIONS.get(action)
    if command is None:
        return Response(status_code=404)
    wrong, _ = await do(request, db, command, {"ticket": ticket}, form, form.get("seen"))
    if "datastar-request" in request.headers:
        known = {"ticket": ticket, "me": me, "wrong": wrong, "form": form if wrong else {}}
        return HTMLResponse(made("reply.html" if command is reply else "told.html", **known))
    if wrong:
        return HTMLResponse(await one(db, me, ticket, wrong=wrong, form=form), 409)
    return RedirectResponse(path_of(ticket), 303)


async def do(
    request: Request,
    db: Db,
    command: CommandType[...],
    given: dict[str, str],
    form: dict[str, str],
    seen: str | None,
) -> tuple[str, Place | None]:
    """Execute the command that a form means: why it was not done, in words, and the place of its commit."""
    try:
        called = command.parse(given | {name: form[name] for name in command.plain if name in form})
        id = await history.commit_id(request, form.get("key", "")) if form.get("key") else None
        what = None if seen is None else Seen(Ticket(given["ticket"]), Place.parse(seen))
        commit = await db.execute(called, id=id, seen=what)
        return "", None if commit is None else Place.of(commit)
    except Refused as refused:
        return refused.reason[:1].upper() + refused.reason[1:], None
    except MissingInput:
        return "Say who you are, above.", None
    except (Conflict, HistoryMoved, UnknownRevision):
        return "Somebody else was quicker: look again.", None
    except (TypeError, InputError):
        return "Something is missing, or too long.", None


async def fields(request: Request) -> dict[str, str]:
    """The fields of a form."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_FORM:
            raise HTTPException(413, f"a form has at most {LARGEST_FORM} bytes")
    return {name: value.replace("\0", "") for name, value in parse_qsl(body.decode(errors="replace"))}
