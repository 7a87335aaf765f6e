"""Listening to a stream that does not end: an ASGI application is asked, and what it sends is read piece by piece."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio

from tests.patience import PATIENCE


class Heard:
    """An answer that is still being sent. `slow` lets the sender wait, as a connection does that nobody reads."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.ended = False
        self.text = ""
        self._given = 0
        self._more = anyio.Event()
        self.open = anyio.Event()
        self.open.set()

    def slow(self) -> None:
        """Take nothing more until `open` is set."""
        self.open = anyio.Event()

    async def send(self, message: Any) -> None:
        """What the application calls."""
        await self.open.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.text += message.get("body", b"").decode()
        self._tell()

    def end(self) -> None:
        """The application has returned."""
        self.ended = True
        self._tell()

    def _tell(self) -> None:
        self._more.set()
        self._more = anyio.Event()

    @property
    def blocks(self) -> list[str]:
        """The events that have come so far, as text."""
        return self.text.split("\n\n")[:-1]

    async def block(self, containing: str = "data:") -> str:
        """The next event with such a text."""
        with anyio.fail_after(PATIENCE):
            while True:
                for block in self.blocks[self._given :]:
                    self._given += 1
                    if containing in block:
                        return block
                assert not self.ended, f"it has ended: {self.text}"
                await self._more.wait()

    async def news(self) -> tuple[int, dict[str, Any]]:
        """The next event's id, and its data."""
        block = await self.block("id:")
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        return int(fields["id"]), json.loads(fields["data"])

    async def over(self) -> None:
        """Wait for the end."""
        with anyio.fail_after(PATIENCE):
            while not self.ended:
                await self._more.wait()


@asynccontextmanager
async def listening(
    app: Any, address: str, headers: Mapping[str, str] | None = None, **extra: Any
) -> AsyncIterator[Heard]:
    """Ask an application for a stream; at the end of the block the connection is lost."""
    path, _, query = address.partition("?")
    sent = {"host": "127.0.0.1", **(headers or {})}
    scope = {
        "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": path,
        "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "asgi": {"version": "3.0", "spec_version": "2.3"},
        **extra,
    }  # fmt: skip
    heard, gone = Heard(), anyio.Event()
    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def run() -> None:
        await app(scope, receive, heard.send)
        heard.end()

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        try:
            with anyio.fail_after(PATIENCE):
                while not heard.status:
                    await heard._more.wait()
            yield heard
        finally:
            gone.set()
            heard.open.set()
            with anyio.fail_after(PATIENCE):
                await heard.over()
