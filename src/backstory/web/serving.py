"""Serving the pages to the person at this machine: on loopback, behind a token that works once."""

from __future__ import annotations

import asyncio
import hmac
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from backstory.hosts import LOOPBACK, Forbidden, on_loopback
from backstory.told import extra
from backstory.web.app import Browser, app
from backstory.web.guard import HEADERS, cookie_of, set_cookie
from backstory.web.reader import Reader, Right

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from backstory.application import Application
    from backstory.database import Database

COOKIE = "backstory-reader"
"""The cookie of the browser that came with the token; the port is in it, because cookies of all ports are one jar."""


class Here(msgspec.Struct, frozen=True):
    """The person at this machine, and the port to serve at; 0 is any free one."""

    name: str
    may: frozenset[Right] = frozenset({"read"})
    port: int = 0


class Door:
    """Lets in the browser that has the token, once, and every request of that browser by its cookie."""

    def __init__(self, here: Here, port: int) -> None:
        self._reader = Reader(here.name or "you", here.may)
        self._cookie = f"{COOKIE}-{port}"
        self.hosts = on_loopback(port)
        self._key = secrets.token_urlsafe(32)
        self.token = secrets.token_urlsafe(32)
        self.inside: Browser | None = None

    def reader(self, request: Request) -> Reader:
        """The person at this machine, if the request has the cookie. Raises `Forbidden` for any other."""
        given = cookie_of(request.headers.get("cookie", ""), self._cookie)
        if not hmac.compare_digest(given.encode(), self._key.encode()):
            raise Forbidden(
                "these pages are for the browser that was first to open the address that backstory ui printed; "
                "that address works once, so for this browser end backstory ui and start it again"
            )
        return self._reader

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Exchange the token for a cookie, by a redirect that takes it out of the address; else ask the pages."""
        if scope["type"] == "http" and scope["path"] == "/enter" and scope["method"] == "GET":
            request = Request(scope, receive)
            given = request.query_params.get("token", "")
            is_ours = request.headers.get("host") in self.hosts
            if self.token and is_ours and hmac.compare_digest(given.encode(), self.token.encode()):
                self.token = ""
                response: Response = RedirectResponse("/log", 303, headers=dict(HEADERS))
                response.headers.append("set-cookie", set_cookie(self._cookie, self._key, "/", secure=False))
                await response(scope, receive, send)
                return
        assert self.inside is not None
        await self.inside(scope, receive, send)


def serve(
    db: Database,
    application: Application | None,
    here: Here,
    address: str,
    told: Callable[[str], None],
    seconds: float | None = None,
) -> None:
    """Serve the pages of a database until SIGINT, or for so many seconds; `told` is called with the first address."""
    extra("uvicorn", "backstory ui", "web")
    import uvicorn

    class Server(uvicorn.Server):
        """Ends the live pages first, which else keep it waiting."""

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            assert door.inside is not None
            await door.inside.close()
            await super().shutdown(sockets)

    with socket.create_server((LOOPBACK, here.port)) as listening:
        port = listening.getsockname()[1]
        door = Door(here, port)
        door.inside = app(db, application, actor=door.reader, address=address, hosts=door.hosts)
        server = Server(
            uvicorn.Config(
                door, log_level="warning", lifespan="off", timeout_graceful_shutdown=1, server_header=False
            )
        )

        async def run() -> None:
            serving = asyncio.ensure_future(server.serve(sockets=[listening]))
            while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn tells nobody
                await asyncio.sleep(0.01)
            told(f"http://{LOOPBACK}:{port}/enter?token={door.token}")
            await asyncio.wait([serving], timeout=seconds)
            server.should_exit = True
            await serving

        with suppress(KeyboardInterrupt):
            asyncio.run(run())
