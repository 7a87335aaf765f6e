"""What does a reader cost who looks at a live page while nothing happens?"""

from __future__ import annotations

import asyncio
import importlib.util
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from backstory import connect
from backstory.web import Reader, app
from benchmarks.asgi import request
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run, Skip
from examples.refunds.events import PriceSet


def memory(run: Run) -> float:
    """Kilobytes for each reader."""
    return asyncio.run(_looked_at(run, _memory))


def processor(run: Run) -> float:
    """Percent of a core for each reader."""
    return asyncio.run(_looked_at(run, _processor))


async def _looked_at(
    run: Run, measured: Callable[[Run, Callable[[], Awaitable[None]]], Awaitable[float]]
) -> float:
    """Open a store, and measure what it costs that readers come and stay."""
    if importlib.util.find_spec("backstory.web.stream") is None:
        raise Skip("there is no stream")
    with connect(run.folder / "prices.db") as db:
        db.append(PriceSet("pen", 250))
        browser = app(db, actor=lambda _: Reader("mia"))
        tasks: list[asyncio.Task[None]] = []

        async def come() -> None:
            opened = [asyncio.Event() for _ in range(run.sizes["readers"])]
            tasks.extend(asyncio.ensure_future(_read(browser, each)) for each in opened)
            await asyncio.gather(*(each.wait() for each in opened))

        try:
            return await measured(run, come)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _memory(run: Run, come: Callable[[], Awaitable[None]]) -> float:
    await come()  # what the first ones need, such as modules, is no cost of a reader
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await come()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / run.sizes["readers"]


async def _processor(run: Run, come: Callable[[], Awaitable[None]]) -> float:
    await come()
    spent, started = time.process_time(), time.monotonic()
    await asyncio.sleep(run.sizes["seconds"])
    return 100 * (time.process_time() - spent) / (time.monotonic() - started) / run.sizes["readers"]


async def _read(browser: Any, opened: asyncio.Event) -> None:
    """Ask for the stream, and stay."""
    await request(browser, "/live?after=1", lambda _: opened.set())


QUESTION = Question(
    "web_reader",
    "cost of a live reader while nothing happens",
    "",
    [
        Contestant("memory, kB", memory),
        Contestant("processor, percent of a core", processor),
    ],
    [
        Goal("memory, kB", at_most=50),
        Goal("processor, percent of a core", at_most=0.1),
    ],
    {"readers": 200, "seconds": 60},
    {"readers": 3, "seconds": 1},
    rounds=1,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
