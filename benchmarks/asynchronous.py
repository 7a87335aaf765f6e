"""How many durable, conditional executes does async code do, against threads?

Every caller executes a command on an entity of its own, one after the other, and waits for each to be durable: 32
threads on `Database`, and 64 tasks on `AsyncDatabase`, whose verbs run in threads, too.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

import anyio

from backstory import aio
from benchmarks import bank
from benchmarks.cli import alone
from benchmarks.concurrent import together
from benchmarks.frame import Contestant, Goal, Question, Run, Skip


def threads(run: Run) -> float:
    """32 threads."""
    with bank.database(run.folder / "bank.db") as db:

        def caller(number: int, appends: int) -> None:
            account = bank.Account(f"a-{number:06}")
            for _ in range(appends):
                db.execute(bank.deposit(account, 5))

        return together(caller, run.sizes["callers"], run.sizes["appends_each"])


def asyncio(run: Run) -> float:
    """64 tasks of asyncio."""
    return anyio.run(_tasks, run, backend="asyncio")


def trio(run: Run) -> float:
    """64 tasks of trio."""
    if find_spec("trio") is None:
        raise Skip("trio is not installed")
    return anyio.run(_tasks, run, backend="trio")


async def _tasks(run: Run) -> float:
    count = run.sizes["callers"] * run.sizes["appends_each"]
    tasks = run.sizes["tasks"]
    async with aio.connect(str(run.folder / "bank.db")) as db:

        async def caller(number: int) -> None:
            account = bank.Account(f"a-{number:06}")
            for _ in range(count // tasks):
                await db.execute(bank.deposit(account, 5))

        clock = bank.Stopwatch()
        async with anyio.create_task_group() as group:
            for number in range(tasks):
                group.start_soon(caller, number)
        return clock.rate(count)


QUESTION = Question(
    "asynchronous",
    "durable executes per second on different entities: 64 tasks against 32 threads",
    "executes/s",
    [
        Contestant("Backstory, asyncio", asyncio, note="64 tasks"),
        Contestant("Backstory, trio", trio, note="64 tasks"),
        Contestant("Backstory, threads", threads, note="32 threads"),
    ],
    [
        Goal("Backstory, asyncio", "Backstory, threads", at_least=1),
        Goal("Backstory, trio", "Backstory, threads", at_least=1),
    ],
    {"callers": 32, "tasks": 64, "appends_each": 400},
    {"callers": 32, "tasks": 64, "appends_each": 10},
    rounds=7,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
