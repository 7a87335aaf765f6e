"""Asking an ASGI application without a server, so that what is measured is its own work."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote


class Enough(Exception):
    """The first bytes have come; what else would come is of no interest."""


async def request(
    browser: Any,
    address: str,
    told: Callable[[dict[str, Any]], None],
    sent: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> None:
    """Ask for an address, or send something there. `told` gets each message of the answer.

    Nobody hangs up before the answer is whole.
    """
    path, _, query = address.partition("?")
    known = {"host": "127.0.0.1", **(headers or {})}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST" if sent else "GET",
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in known.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "asgi": {"version": "3.0", "spec_version": "2.3"},
    }
    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": sent, "more_body": False}
        await asyncio.Event().wait()
        raise AssertionError("nobody leaves")

    async def send(message: dict[str, Any]) -> None:
        told(message)

    await browser(scope, receive, send)


async def post(browser: Any, address: str, sent: bytes, headers: Mapping[str, str]) -> int:
    """Send JSON; the status of the answer."""
    found = 0

    def told(message: dict[str, Any]) -> None:
        nonlocal found
        found = message.get("status", found)

    await request(browser, address, told, sent, {"content-type": "application/json", **headers})
    return found


def body(browser: Any, address: str) -> bytes:
    """The whole answer."""
    pieces: list[bytes] = []
    asyncio.run(request(browser, address, lambda message: pieces.append(message.get("body", b""))))
    return b"".join(pieces)


async def first_byte(browser: Any, address: str) -> float:
    """Seconds from the request to the first bytes of its answer."""
    ended = 0.0

    def told(message: dict[str, Any]) -> None:
        nonlocal ended
        if not ended and (message.get("body") or message.get("status") == 303):
            ended = time.perf_counter()
            if message.get("more_body"):
                raise Enough

    started = time.perf_counter()
    try:
        await request(browser, address, told)
    except* Enough:
        pass
    return ended - started
