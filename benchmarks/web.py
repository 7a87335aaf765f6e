"""How long does the server take to the first paint of each page, on a store of a million events?

Cold is the first request of a process: it imports the page, opens what it needs, and compiles the template. Warm is the
median of later ones, of the slower of the first two examples of the page; others may read the whole log. What is
measured is the time to the first bytes of the answer: of a page that reads much, its frame. The pages, and the
addresses of each, are those of the tests.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from statistics import median
from typing import Any

from backstory import Database, connect
from backstory.application import load
from backstory.web import Reader, app, pages
from benchmarks.asgi import first_byte
from benchmarks.cli import alone
from benchmarks.frame import CHECKOUT, Contestant, Goal, Question, Run
from examples.refunds.events import StockReserved
from examples.refunds.order import Order
from examples.refunds.story import fill
from tests.web.addresses import examples

AT_ONCE = 500
"""Events of a commit of what fills the store."""

EVERYTHING = Reader("mia", frozenset({"read", "append", "operate"}))


def prepare(run: Run) -> None:
    """Tell the story, and then let very much be reserved."""
    address = run.kept.parent / "refunds.db"
    if address.exists():
        return
    fill(str(address), datetime.now(UTC))
    with connect(address) as db:
        for start in range(0, run.sizes["events"], AT_ONCE):
            numbers = range(start, min(start + AT_ONCE, run.sizes["events"]))
            db.append(
                *(StockReserved(f"i-{each % 1000}", f"x-{each // 3}", 1) for each in numbers),
                author="warehouse",
            )


def cold(run: Run, part: str) -> float:
    """Milliseconds to the first byte of the first answer of this process."""
    with opened(run) as (db, browser):
        address = examples([part], places(db))[0]
        return asyncio.run(first_byte(browser, address)) * 1e3


def warm(run: Run, part: str) -> float:
    """Milliseconds to the first byte, of the slower of two addresses of a page."""
    with opened(run) as (db, browser):

        async def slowest() -> float:
            found = 0.0
            for address in examples([part], places(db))[:2]:
                times = [await first_byte(browser, address) for _ in range(run.sizes["requests"] + 1)]
                found = max(found, median(times[1:]))
            return found

        return asyncio.run(slowest()) * 1e3


@contextmanager
def opened(run: Run) -> Iterator[tuple[Database, Any]]:
    """The store, and its pages."""
    application = load("examples.refunds", CHECKOUT)
    with connect(run.kept.parent / "refunds.db") as db:
        yield db, app(db, application, actor=lambda _: EVERYTHING)


def places(db: Database) -> dict[str, str]:
    """What the addresses of examples have in braces."""
    record = db.bisect(Order("o-1042"), "refunded_cents > paid_cents").first
    assert record is not None
    head = db.head().position
    return {"refund": str(record.position), "hash": record.commit.hash.hex()[:10], "head": str(head)}


KINDS = {"cold": (cold, 300.0), "warm": (warm, 50.0)}
"""How a page is asked, and the milliseconds that it may take."""

QUESTION = Question(
    "web",
    "time to the first paint of a page, on a store of a million events",
    "ms",
    [
        Contestant(f"{part} {kind}", partial(measure, part=part), prepare)
        for part in sorted(pages.PAGES)
        for kind, (measure, _) in KINDS.items()
    ],
    [
        Goal(f"{part} {kind}", at_most=limit)
        for part in sorted(pages.PAGES)
        for kind, (_, limit) in KINDS.items()
    ],
    {"events": 1_000_000, "requests": 10},
    {"events": 1_000, "requests": 1},
    rounds=3,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
