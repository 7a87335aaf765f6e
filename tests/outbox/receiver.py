"""A server that receives webhooks, and answers as a test says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from backstory.outbox import verify

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"

Answer = Callable[[dict[str, Any]], tuple[int, dict[str, str]]]


class Receiver(ThreadingHTTPServer):
    """Keeps the events that came with a right signature, in order; `answers` says what each is answered."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.lock = threading.Lock()
        self.answer: Answer = lambda _: (204, {})

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}/hooks?to=crm"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        receiver = self.server
        assert isinstance(receiver, Receiver)
        body = self.rfile.read(int(self.headers["content-length"]))
        id = verify(dict(self.headers), body, SECRET)
        event = msgspec.json.decode(body)
        assert self.headers["content-type"].startswith("application/cloudevents+json")
        assert self.path == "/hooks?to=crm"
        with receiver.lock:
            status, headers = receiver.answer(event)
            if 200 <= status < 300:
                receiver.got.append(event)
                receiver.ids.append(id)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None: ...


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that runs for the length of a block."""
    with Receiver() as receiver:
        thread = threading.Thread(target=receiver.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield receiver
        receiver.shutdown()
        thread.join()
