"""Applications behind real servers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.patience import PATIENCE, until

ROOT = Path(__file__).parents[2]


@contextmanager
def running(command: Callable[[int], list[str]], path: str, **environment: str) -> Iterator[str]:
    """The address of a server, from when it answers at a path; at the end it is told to end, and does."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        command(port), cwd=ROOT, env={**os.environ, **environment}, stderr=subprocess.PIPE
    )
    try:
        url = f"http://127.0.0.1:{port}"

        def answers() -> bool:
            assert server.poll() is None, server.stderr.read() if server.stderr else ""
            try:
                return httpx.get(f"{url}{path}", timeout=PATIENCE).status_code == 200
            except httpx.TransportError:
                return False

        until(answers)
        yield url
        server.send_signal(signal.SIGTERM)
        _, told = server.communicate(timeout=PATIENCE)
        assert b"Traceback" not in told, told.decode()
    finally:
        server.kill()
        server.wait()
