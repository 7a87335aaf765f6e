"""From a request to values, and from values to an answer: what all endpoints have in common."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from backstory.contrib.http.exchange import Answer
from backstory.contrib.http.problems import Wrong
from backstory.errors import UnknownRevision
from backstory.place import Place
from backstory.values.event_data import NUL

if TYPE_CHECKING:
    from backstory.contrib.http.exchange import Request
    from backstory.history.refs.revision import Revision

PLACE = "backstory-place"
"""The header of an answer with the place of the commit that was made."""

AFTER = "backstory-after"
"""The header of a request with the place that its reader must have seen; or `?after=`."""

ETAGS = re.compile(r'[\s,]*(?P<weak>W/)?"(?P<value>[\x21\x23-\x7e\x80-\xff]*)"\s*(?:,[\s,]*|$)')

JSON = re.compile(r"application/(?:[\w.-]+\+)?json\s*(?:;.*)?", re.IGNORECASE)

LONGEST_WORD = 1_000
"""Characters of a parameter."""

DIGITS = re.compile(r"\d{1,18}", re.ASCII)

TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]", re.ASCII)

FAR = re.compile(r"~\d{5}")
"""So many commits before another one that to count them would take long."""


async def body(request: Request, most: int) -> dict[str, Any]:
    """The JSON object of a request; empty if there is none. Raises `Wrong`."""
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > most:
            raise Wrong(413, f"a request has at most {most} bytes")
        pieces.append(piece)
    if not size:
        return {}
    if not JSON.fullmatch(request.headers.get("content-type", "")):
        raise Wrong(415, "the request has a body, so say Content-Type: application/json")
    text = b"".join(pieces)
    if NUL.search(text):
        raise Wrong(422, "a text of the body has a NUL character, which not every database can keep")
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise Wrong(400, f"the body is no JSON: {wrong}") from None
    if not isinstance(found, dict):
        raise Wrong(422, "the body is a JSON object, with a member for each argument")
    return found


def parameter(request: Request, name: str) -> str | None:
    """A parameter of the address. Raises `Wrong` for one that is too long."""
    text = request.query_params.get(name)
    if text is not None and len(text) > LONGEST_WORD:
        raise Wrong(422, f"{name} has at most {LONGEST_WORD} characters")
    return text


def moment(request: Request) -> Revision | None:
    """The point that `?at=` means: a position, a time, a place, or any other revision. Raises `Wrong`."""
    text = parameter(request, "at")
    if text is None:
        return None
    if DIGITS.fullmatch(text):
        return int(text)
    if FAR.search(text):
        raise Wrong(422, "at: name a point that is nearer to its beginning")
    if not TIME.match(text):
        return text
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise Wrong(422, "at: a time is written as 2026-11-03T10:00:00Z") from None
    if time.tzinfo is None:
        raise Wrong(
            422, "at: a time needs its zone, as in 2026-11-03T10:00:00Z; in an address + is written %2B"
        )
    return time


def after(request: Request) -> str | None:
    """The place that the reader must have seen. Raises `Wrong`."""
    text = parameter(request, "after") or request.headers.get(AFTER)
    if not text:
        return None
    try:
        return str(Place.parse(text))
    except UnknownRevision as wrong:
        raise Wrong(422, f"after: {wrong.why}") from None


def etags(header: str, *, weak: bool = False) -> list[str] | None:
    """The strong ETags of a header, or the `weak` ones, too; None for `*`. Raises `Wrong`."""
    if header.strip() == "*":
        return None
    found, begin = [], 0
    while begin < len(header):
        match = ETAGS.match(header, begin)
        if match is None:
            raise Wrong(400, 'an ETag stands in quotes: "12-0f3a9c1b"')
        found.append((match["weak"], match["value"]))
        begin = match.end()
    return [value for mark, value in found if weak or not mark]


def places(values: list[str]) -> list[Place]:
    """The places that ETags name, the latest first. Others are of nothing here."""
    found = []
    for value in values:
        try:
            found.append(Place.parse(value))
        except UnknownRevision:
            continue
    return sorted(found, key=lambda place: -place.position)


def json(found: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer in JSON."""
    return Answer(status, msgspec.json.encode(found), headers or {}, "application/json")
