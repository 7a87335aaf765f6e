"""The store that the pages are tested on: the story of examples/refunds, told once for each process that runs tests."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from backstory import Database, connect
from backstory.application import load
from backstory.scope import Scope
from backstory.transfer.clone import clone
from backstory.web import Reader, app
from examples.refunds.order import Order
from examples.refunds.story import fill

REFUNDS = load("examples.refunds", Path(__file__).parents[2])
HOST = "127.0.0.1:9000"

READERS: dict[str, Reader | None] = {
    "nobody": None,
    "reads": Reader("mia"),
    "reads a part": Reader("eve", scope=Scope(tags=("account:nora",))),
    "appends": Reader("dana", frozenset({"read", "append"})),
    "operates": Reader("omar", frozenset({"read", "operate"})),
    "does all": Reader("lea", frozenset({"read", "append", "operate"})),
}
"""Those who may look at the pages, and one who may not."""


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a store with the story. Tests that append copy it."""
    address = str(tmp_path_factory.mktemp("story") / "refunds.db")
    fill(address, datetime.now(UTC))
    return address


@pytest.fixture(scope="module")
def db(told: str) -> Iterator[Database]:
    """The story, to read."""
    with connect(told) as db:
        yield db


@contextmanager
def copied(told: str, folder: Path) -> Iterator[Database]:
    """A copy of the story, to act on."""
    with connect(told) as original, connect(folder / "refunds.db") as db:
        clone(original.store, db.store)
        yield db


Client = Callable[..., TestClient]


@pytest.fixture(scope="module")
def reading(db: Database) -> Iterator[Client]:
    """Makes a client for somebody of `READERS`; each is made once."""
    made: dict[str, TestClient] = {}

    def client(who: str = "reads") -> TestClient:
        if who not in made:
            made[who] = client_of(db, READERS[who])
        return made[who]

    yield client
    for each in made.values():
        each.close()


def client_of(db: Database, reader: Reader | None) -> TestClient:
    """A client of the pages; it follows no redirect."""
    browser = app(db, REFUNDS, actor=lambda request: reader, address="refunds.db", hosts=[HOST])
    return TestClient(browser, base_url=f"http://{HOST}", follow_redirects=False)


def token_of(client: TestClient) -> str:
    """The token of the forms of this client, from a page that has one; empty if no page has."""
    for address in ("/branches", "/models/order_search", "/e/Order/o-1042", "/log"):
        found = re.search(r'name="token" value="(\w+)"', client.get(address).text)
        if found:
            return found[1]
    return ""


def places(db: Database) -> dict[str, str]:
    """What addresses of examples have in braces: the refund that was too much, by position and by hash."""
    found = db.bisect(Order("o-1042"), "refunded_cents > paid_cents").first
    assert found is not None
    return {
        "refund": str(found.position),
        "hash": found.commit.hash.hex()[:10],
        "head": str(db.head().position),
    }
