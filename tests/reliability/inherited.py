"""What a child has of its parent's locks and threads: `python -m tests.reliability.inherited ADDRESS ...`.

Uses what there is in the library and forks. Prints the classes and modules in which it found some, and of these those
that still have their parent's in the child.
"""

from __future__ import annotations

import gc
import json
import os
import sqlite3
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing, contextmanager
from pathlib import Path
from queue import SimpleQueue
from types import ModuleType
from typing import Any

import anyio
import anyio.to_thread
from django.conf import settings

from backstory import Database, Projection, Tx, aio, reaction
from backstory.capture import Capture, Captured, Running, transaction_on
from backstory.contrib.django.running import forget_logs
from backstory.mcp.served import Served
from backstory.outbox import Jsonl
from backstory.tables import Transaction
from backstory.values.ids import new_id
from backstory.waiting import Waiting
from backstory.web.stream import Streams
from backstory.web.trend import Trend
from tests.patience import until
from tests.reliability.torture import Account, Paid, deposit

settings.configure()  # or nobody may even ask what kind of object they are

PRIMITIVES = (type(threading.Lock()), type(threading.RLock()), SimpleQueue, threading.Thread)


def found() -> Iterator[tuple[str, Any]]:
    """Each lock, queue and thread that an object or a module of the library has, with the name of the owner.

    An object is named by its class and by those that it inherits from, any of which may have made what it has.
    """
    for one in gc.get_objects():
        if isinstance(one, ModuleType):
            names, held = [one.__name__], list(vars(one).values())
        else:
            names = [f"{cls.__module__}.{cls.__qualname__}" for cls in type(one).__mro__]
            held = gc.get_referents(one)
        for name in names:
            if name.startswith("backstory."):
                for primitive in inside(held):
                    yield name, primitive


def inside(value: Any, depth: int = 7) -> Iterator[Any]:
    """The primitives in a value: itself, or in a container, or in what the standard library made of some."""
    if isinstance(value, PRIMITIVES):
        yield value
    elif depth and type(value).__module__ in {"threading", "queue"}:
        yield from inside(list(vars(value).values()), depth - 1)
    elif depth and isinstance(value, (list, tuple, set, deque, dict)):
        for item in list(value.values() if isinstance(value, dict) else value):
            yield from inside(item, depth - 1)


class Sums(Projection):
    """A table that a runner feeds."""

    tables = "CREATE TABLE sums (account TEXT PRIMARY KEY, cents BIGINT NOT NULL)"

    def apply(self, event: Paid, tx: Tx) -> None:
        sql = "INSERT INTO sums VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET cents = sums.cents + excluded.cents"
        tx.execute(sql, (event.account, event.cents))


SEEN: list[Paid] = []


@reaction(since="start", concurrency=2)
async def noted(event: Paid) -> None:
    """Runs in threads, and in an event loop."""
    SEEN.append(event)


def drained(db: Database) -> Running:
    """A thread that has brought rows of an application's database."""
    file = Path(tempfile.mkdtemp(), "app.db")

    @contextmanager
    def begin() -> Iterator[Transaction]:
        with closing(sqlite3.connect(file)) as connection, connection:
            yield transaction_on(connection)

    capture = Capture([Captured("notes", ("id",), history=f"notes_{os.urandom(4).hex()}")])
    with begin() as tx:
        tx.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY)")
        capture.install(tx)
        tx.execute("INSERT INTO notes VALUES (1)")
    with Running(capture.drainer(db, begin)) as running:
        return running


def use(db: Database) -> list[Any]:
    """Use what has locks, and return what must stay alive until the fork."""
    db.execute(deposit(Account("a"), cents=1))
    db.handle.tip.line.executor._lanes.conflict(Account("a").query())
    db.execute(deposit(Account("a"), cents=1))
    branch = db.branch(new_id())
    with db.what_if() as trial:
        trial.execute(deposit(Account("a"), cents=1))
    with db.run(Sums) as runner:
        db.wait(Sums, timeout=60)
    SEEN.clear()
    events, rows = db.follow(after=0), db.watch(Sums, "SELECT * FROM sums")
    next(events)
    next(rows)
    subscription = db.subscribe("crm", Paid, after=0)
    next(subscription)
    reacting = db.run(noted)
    with reacting:
        until(lambda: SEEN)
    waiting = Waiting(db.store, db.log)
    outbox = db.run(Jsonl("archive", Path(tempfile.mkdtemp(), "out.jsonl")))
    with outbox:
        db.execute(deposit(Account("a"), cents=1))
    forget_logs()
    readers = [Streams(db), Trend(), Served(db)]
    return [
        branch,
        trial,
        runner,
        events,
        rows,
        subscription,
        reacting,
        waiting,
        outbox,
        readers,
        drained(db),
    ]


async def use_async(db: aio.AsyncDatabase) -> list[Any]:
    """The same for tasks, and one that waits for events."""
    await db.execute(deposit(Account("a"), cents=1))
    with anyio.move_on_after(0.1):
        async for _ in db.follow(after=(await db.head()).position):
            pass
    return await anyio.to_thread.run_sync(use, db.db)


def fork() -> dict[str, Any]:
    """The owners of primitives here, and those that keep theirs in a child."""
    before = list(found())
    known = {id(primitive) for _, primitive in before}
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.write(writing, json.dumps(sorted({name for name, one in found() if id(one) in known})).encode())
        os._exit(0)
    os.close(writing)
    os.wait()
    with os.fdopen(reading) as answer:
        return {"owners": sorted({name for name, _ in before}), "kept": json.load(answer)}


async def main() -> None:
    """Fork while everything is open."""
    async with AsyncExitStack() as stack:
        alive = []
        for address in sys.argv[1:]:
            db = await stack.enter_async_context(aio.connect(address))
            alive.append(await use_async(db))
        print(json.dumps(fork()))


if __name__ == "__main__":
    anyio.run(main)
