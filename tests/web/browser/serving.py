"""A server of a test: in a thread, at one port, to be stopped and started again."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import uvicorn

LONG = 20.0


class Stopping(uvicorn.Server):
    """Ends the live pages of a history browser first, as `backstory ui` does."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Called by uvicorn when it is to stop."""
        close = getattr(self.config.app, "close", None)
        if close is not None:
            await close()
        await super().shutdown(sockets)


class Server:
    """Serves the application that `app` makes at each start."""

    def __init__(self, app: Callable[[], Any]) -> None:
        self._app = app
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]

    def start(self) -> None:
        """Serve, until `stop`."""
        config = uvicorn.Config(
            self._app(), port=self.port, log_level="critical", timeout_graceful_shutdown=1, ws="none"
        )
        self._server = Stopping(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        until = time.monotonic() + LONG
        while not self._server.started:
            assert time.monotonic() < until
            time.sleep(0.01)

    def stop(self) -> None:
        """End it, as a signal would."""
        self._server.should_exit = True
        self._thread.join(LONG)

    def url(self, path: str) -> str:
        """The address of a page."""
        return f"http://127.0.0.1:{self.port}{path}"
