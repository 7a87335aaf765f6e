"""Following every link of every page, as a reader would who has much time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from starlette.testclient import TestClient

from tests.web.html import Links
from tests.web.story import HOST

ROOT = f"http://{HOST}"


def crawled(
    client: TestClient, addresses: Iterable[str], most: int | None = None
) -> Iterator[tuple[str, str, Any]]:
    """Each address that is reached from these, where it was found, and its answer; `most` of them at most.

    Kinds of pages take turns, so that none is left out: a kind is a page with the parameters that it is asked with.
    """
    waiting: dict[str, list[tuple[str, str]]] = {}
    known: set[str] = set()

    def note(address: str, source: str) -> None:
        split = urlsplit(address)
        assert split.netloc == HOST, f"{source} leads to {address}"
        if address not in known:
            known.add(address)
            waiting.setdefault(_kind(split.path, split.query), []).append((address, source))

    for address in addresses:
        note(ROOT + address, "the examples")
    asked = 0
    while waiting:
        for kind in list(waiting):
            if most is not None and asked >= most:
                return
            address, source = waiting[kind].pop(0)
            if not waiting[kind]:
                del waiting[kind]
            asked += 1
            answer = client.get(address)
            yield address, source, answer
            if answer.status_code == 303:
                note(urljoin(address, answer.headers["location"]), address)
            elif answer.headers["content-type"].startswith("text/html"):
                found = Links(answer.text)
                for link in found.addresses:
                    note(urljoin(address, link).partition("#")[0], address)
                for target, fields in found.forms:
                    note(urljoin(address, target) + (f"?{urlencode(fields)}" if fields else ""), address)


def _kind(path: str, query: str) -> str:
    parts = path.strip("/").split("/")
    names = sorted({name.partition("=")[0] for name in query.split("&") if name})
    return f"{parts[0]}/{len(parts)}{'.json' if re.search('[.]json$', path) else ''}?{'&'.join(names)}"
