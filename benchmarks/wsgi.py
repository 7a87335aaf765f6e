"""Asking a WSGI application without a server, so that what is measured is its own work."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from typing import Any


def post(app: Any, path: str, sent: bytes, headers: Mapping[str, str]) -> int:
    """Send JSON; the status of the answer."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(sent)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(sent),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    found: list[str] = []
    answer = app(environ, lambda status, *_: found.append(status))
    for _ in answer:
        pass
    answer.close()
    return int(found[0].partition(" ")[0])
