"""Values, names and messages of megabytes: pages show their beginnings, and lead to the whole."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from backstory import Database, Event, State, Tag, connect
from backstory.application import Application
from backstory.scope import Scope
from backstory.web import Reader
from tests.web.conftest import Site

LONG = "x" * 1_000_000

MOST = 200_000
"""Characters of a page at most."""


class Heaped(Event, name="web.heaped"):
    heap: Tag[str]
    what: Any


class Heap(State):
    heap: Tag[str]
    what: Any = None

    def apply(self, event: Heaped) -> None:
        self.what = event.what


HEAPS = Application("heaps", (), (Heap,), (), (), (), ())


@pytest.fixture
def db() -> Database:
    """A heap with everything that may be long."""
    db = connect("memory:")
    db.append(Heaped("h-1", LONG), message=LONG, author=LONG)
    db.append(Heaped("h-1", {LONG: [LONG, {"in": LONG}]}), message=f"Short\n\n{LONG}", metadata={LONG: LONG})
    db.append(Heaped(LONG, 1), message="a tag that is long")
    other = db.branch("other")
    other.append(Heaped("h-1", LONG), message=LONG)
    db.append(Heaped("h-1", 2), message=LONG)
    return db


PAGES = (
    "/log", "/log?patch=1", "/c/1", "/c/2", "/c/2?json=1", "/c/3", "/e", "/e/Heap", "/e/Heap/h-1", "/e/Heap/h-1?at=2",
    "/e/Heap/h-1?print=1", "/e/heap:h-1", "/e/Heap/h-1/blame", "/diff/%230/HEAD", "/diff/%231/HEAD?of=Heap/h-1",
    "/diff/%231/HEAD?kind=Heap", "/diff/%231/HEAD?kind=tags", "/diff/other/HEAD", "/branches", "/merge/other/main",
    "/search?q=xxx", "/search?q=xxx&in=data", "/search?q=tag&in=tags", "/bisect?of=Heap&where=what==2", "/act/mark",
)  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_the_beginning_of_what_is_long(page: str, db: Database, site: Site) -> None:
    answer = site(db, HEAPS).get(page)
    assert answer.status_code == 200
    assert len(answer.text) < MOST


def test_what_is_left_out_is_counted_and_there_as_a_file(db: Database, site: Site) -> None:
    client: TestClient = site(db, HEAPS)
    page = client.get("/c/1").text
    assert "999,000 more characters" in page
    for part, whole in (("message", LONG), ("1", f'{{\n  "heap": "h-1",\n  "what": "{LONG}"\n}}')):
        assert f'href="/c/1?whole={part}"' in page
        file = client.get(f"/c/1?whole={part}")
        assert file.text == whole
        assert file.headers["content-type"] == "text/plain; charset=utf-8"
        assert file.headers["content-disposition"].startswith("attachment; filename=")
        assert file.headers["x-content-type-options"] == "nosniff"
    for part in ("2", "0", "author", "-1", "1.5"):
        assert client.get(f"/c/1?whole={part}").status_code == 404


def test_a_file_has_nothing_that_the_reader_may_not_see(site: Site) -> None:
    db = connect("memory:")
    db.append(Heaped("h-1", "planted"), Heaped("h-2", LONG), message=f"planted {LONG}")
    some: TestClient = site(db, HEAPS, Reader("eve", scope=Scope(tags=("heap:h-2",))))
    assert [some.get(f"/c/2?whole={part}").status_code for part in ("message", "1", "2")] == [404, 404, 200]
    hidden: TestClient = site(db, HEAPS, Reader("eve", scope=Scope(hidden=("what",))))
    assert '"what": "withheld"' in hidden.get("/c/2?whole=1").text


def test_a_name_that_no_address_can_hold_leads_to_a_page_that_says_so(db: Database, site: Site) -> None:
    client: TestClient = site(db, HEAPS)
    assert 'href="/too-long"' in client.get("/c/3").text
    answer = client.get("/too-long")
    assert answer.status_code == 404
    assert "too long for an address" in answer.text
