"""A server of the pages in a thread, which can be stopped and started again at its port."""

from __future__ import annotations

import socket
import threading
from typing import Self

import uvicorn

from backstory import Database
from backstory.web import Reader, app
from tests.patience import PATIENCE, until
from tests.web.browser.serving import Stopping
from tests.web.story import REFUNDS


class Served:
    """The pages of a database on loopback. Any browser may read them: who it is is not what these tests ask."""

    def __init__(self, db: Database, reader: Reader | None) -> None:
        self.db = db
        self.reader = reader
        self.port = 0
        self._server: Stopping | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *wrong: object) -> None:
        self.stop()

    def url(self, address: str = "/") -> str:
        """A whole address."""
        return f"http://127.0.0.1:{self.port}{address}"

    def start(self) -> None:
        """Serve, at the port of before if there was one."""
        listening = socket.create_server(("127.0.0.1", self.port))
        self.port = listening.getsockname()[1]
        hosts = [f"127.0.0.1:{self.port}"]
        pages = app(self.db, REFUNDS, actor=lambda request: self.reader, address="refunds.db", hosts=hosts)
        config = uvicorn.Config(pages, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
        self._server = server = Stopping(config)
        self._thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        self._thread.start()
        until(lambda: server.started)

    def stop(self) -> None:
        """Stop, as a server that is stopped: what is open is closed."""
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join(PATIENCE)
        self._server = None
