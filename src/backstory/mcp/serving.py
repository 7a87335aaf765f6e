"""Serving: over standard input and output, or over HTTP on this machine, to clients that have the token."""

from __future__ import annotations

import asyncio
import math
import secrets
import socket
import threading
import time
from collections.abc import Callable, MutableMapping
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from anyio import create_memory_object_stream, create_task_group
from mcp.server.stdio import stdio_server
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from backstory.hosts import LOOPBACK, Forbidden, check_host, check_origin, has_token, on_loopback
from backstory.mcp.server import server

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Receive, Scope, Send

    from backstory.mcp.served import Served

PATH = "/mcp"

LARGEST = 1_000_000
"""Bytes of a request at most."""

LOOKS = 0.5
"""Seconds after which the thread that waits for the end looks by itself: a signal that comes just before a thread
begins to wait does not wake it.
"""


def run(served: Served, seconds: float | None = None) -> None:
    """Serve the client at the other end of standard input and output, until it hangs up, or for so many seconds.

    A thread serves, because nothing interrupts one that reads from standard input: Ctrl-C, or the time, ends the wait
    for it, and then the process is to end, too.
    """
    ended: Future[None] = Future()

    async def serve() -> None:
        made = server(served)
        async with stdio_server() as (incoming, outgoing):
            await made.run(incoming, outgoing, made.create_initialization_options())

    def work() -> None:
        try:
            ended.set_result(asyncio.run(serve()))
        except BaseException as wrong:  # noqa: BLE001 - it is raised to the caller
            ended.set_exception(wrong)

    until = math.inf if seconds is None else time.monotonic() + seconds
    with suppress(KeyboardInterrupt):
        threading.Thread(target=work, name="backstory mcp", daemon=True).start()
        while not ended.done() and (left := until - time.monotonic()) > 0:
            wait([ended], min(left, LOOKS))
        if ended.done():
            ended.result()


class Gate:
    """Lets requests through that are to this host, from no other site's page, and have the token."""

    def __init__(self, inside: ASGIApp, hosts: Collection[str], token: str) -> None:
        self._inside = inside
        self._hosts = frozenset(hosts)
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; see the specification of ASGI."""
        if scope["type"] == "http":
            refused = self._refused(Request(scope, receive))
            if refused is not None:
                await refused(scope, receive, send)
            else:
                await self._answer(scope, receive, send)
            return
        await self._inside(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, and end the work on it when the client goes away."""
        giving, taking = create_memory_object_stream[MutableMapping[str, Any]](0)

        async def hand_on() -> None:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    group.cancel_scope.cancel()
                await giving.send(message)

        async with create_task_group() as group, giving, taking:
            group.start_soon(hand_on)
            await self._inside(scope, taking.receive, send)
            group.cancel_scope.cancel()

    def _refused(self, request: Request) -> PlainTextResponse | None:
        host = request.headers.get("host", "")
        try:
            check_host(host, self._hosts)
            check_origin(request.headers, host)
        except Forbidden as wrong:
            return PlainTextResponse(str(wrong), 403)
        if has_token(request.headers, self._token):
            return None
        words = "the header Authorization needs the token that backstory mcp printed: Bearer TOKEN"
        return PlainTextResponse(words, 401, headers={"WWW-Authenticate": "Bearer"})


def run_http(
    served: Served,
    told: Callable[[str, str], None],
    *,
    port: int = 0,
    seconds: float | None = None,
) -> None:
    """Serve clients on this machine until SIGINT, or for so many seconds; port 0 is any free one.

    `told` is called with the address, and with the token that each request needs. Each start has another token.
    """
    import uvicorn

    token = secrets.token_urlsafe(32)
    with socket.create_server((LOOPBACK, port)) as listening:
        port = listening.getsockname()[1]
        inside = server(served).streamable_http_app(
            streamable_http_path=PATH,
            stateless_http=True,
            json_response=True,
            max_request_body_size=LARGEST,
            host=LOOPBACK,
        )
        gate = Gate(inside, on_loopback(port), token)
        serving = uvicorn.Server(
            uvicorn.Config(
                gate, log_level="warning", lifespan="on", timeout_graceful_shutdown=1, server_header=False
            )
        )

        async def serve() -> None:
            task = asyncio.ensure_future(serving.serve(sockets=[listening]))
            while not serving.started and not task.done():  # noqa: ASYNC110 - uvicorn tells nobody
                await asyncio.sleep(0.01)
            told(f"http://{LOOPBACK}:{port}{PATH}", token)
            await asyncio.wait([task], timeout=seconds)
            serving.should_exit = True
            await task

        with suppress(KeyboardInterrupt):
            asyncio.run(serve())
