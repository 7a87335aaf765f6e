"""The stylesheet, the scripts and the icon, which carry no data: sent to anybody, and kept until they change."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.resources import files

from starlette.responses import Response

from backstory.web.ask import NotFound

TYPES = {
    "backstory.css": "text/css", "backstory.js": "text/javascript", "entity.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}  # fmt: skip


def file(path: list[str]) -> Response:
    """One of the files. Its address has the beginning of its hash, so it may be kept for ever."""
    [name] = path if len(path) == 1 else [""]
    if name not in TYPES:
        raise NotFound("there is no such file")
    return Response(
        content(name),
        media_type=TYPES[name],
        headers={
            "Cache-Control": "private, max-age=31536000, immutable",
            "X-Content-Type-Options": "nosniff",
        },
    )


@cache
def content(name: str) -> bytes:
    """The bytes of a file."""
    return (files("backstory.web") / "assets" / name).read_bytes()


@cache
def version(name: str) -> str:
    """The beginning of a file's hash, by which its address changes when it does."""
    return sha256(content(name)).hexdigest()[:12]
