"""Does a command get slower as the history of its entity grows?

An account of 10 events and one of 10,000, both loaded once before. `execute` is the median time of a whole execution
with its fsync; `load` is the part that could depend on the history, alone.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median

from benchmarks import bank
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run

WARM = 200
"""Executions before the clock starts."""


def execute(run: Run, *, account: str) -> float:
    """Median of executions."""
    with bank.database(run.folder / "bank.db") as db:
        size = run.sizes[account]
        for group in bank.batched([(True, account, 5)] * size, 1_000):
            db.append(*bank.events(group))
        return _median(
            lambda: db.execute(bank.deposit(bank.Account(account), cents=5)), run.sizes["executions"]
        )


def load(run: Run, *, account: str) -> float:
    """Median of loads."""
    with bank.database(run.folder / "bank.db") as db:
        for group in bank.batched([(True, account, 5)] * run.sizes[account], 1_000):
            db.append(*bank.events(group))
        return _median(lambda: db.load(bank.Account(account)), run.sizes["executions"])


def _median(work: Callable[[], object], count: int) -> float:
    times = []
    for _ in range(WARM + count):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return median(times[WARM:]) * 1e6


QUESTION = Question(
    "execute_warm",
    "time of one command on an entity that is known already, by the entity's history",
    "us",
    [
        Contestant("execute short", partial(execute, account="short")),
        Contestant("execute long", partial(execute, account="long")),
        Contestant("load short", partial(load, account="short")),
        Contestant("load long", partial(load, account="long")),
    ],
    [
        Goal("execute long", "execute short", at_most=1.2),
        Goal("load long", "load short", at_most=1.2),
    ],
    {"short": 10, "long": 10_000, "executions": 1_000},
    {"short": 10, "long": 500, "executions": 20},
    rounds=9,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
