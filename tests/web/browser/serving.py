"""A server of a test: in a thread, at one port, to be stopped and started again."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import uvicorn

from tests.patience import PATIENCE, until


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
        self.port = 0

    def start(self) -> None:
        """Serve until `stop`, at the port of before if there was one."""
        listening = socket.create_server(("127.0.0.1", self.port))
        self.port = listening.getsockname()[1]
        config = uvicorn.Config(self._app(), log_level="critical", timeout_graceful_shutdown=1, ws="none")
        self._server = Stopping(config)
        run, sockets = self._server.run, [listening]
        self._thread = threading.Thread(target=run, kwargs={"sockets": sockets}, daemon=True)
        self._thread.start()
        until(lambda: self._server.started)

    def stop(self) -> None:
        """End it, as a signal would."""
        self._server.should_exit = True
        self._thread.join(PATIENCE)

    def url(self, path: str) -> str:
        """The address of a page."""
        return f"http://127.0.0.1:{self.port}{path}"
