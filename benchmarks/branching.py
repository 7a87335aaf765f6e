"""Does a branch cost more where there is more history, and what does reading through one cost?

At two sizes of log: making a branch at the head (a log, a ref and an entry of the reflog, each durable); opening it
again from the ref; reading every event through a branch that starts at the head, and entities of it, against main.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import ClassVar

from backstory.database import Database
from backstory.values.codec import PLAIN
from benchmarks import bank
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run

BRANCH = "to-read"


class Account(bank.Account):
    """An account that is folded from its first event on."""

    snapshot_every: ClassVar[int] = 0


def branch(db: Database, number: int) -> None:
    """Make one."""
    db.branch(f"what-if-{number}-{time.time_ns()}")


def switch(db: Database, _number: int) -> None:
    """Open one."""
    db.switch(BRANCH)


def timed(run: Run, *, verb: Callable[[Database, int], object], size: str) -> float:
    """The median time of one call, in microseconds."""
    with bank.database(_path(run, size)) as db:
        times = []
        for number in range(run.sizes["warm"] + run.sizes["calls"]):
            started = time.perf_counter()
            verb(db, number)
            times.append(time.perf_counter() - started)
        return median(times[run.sizes["warm"] :]) * 1e6


def read(run: Run, *, name: str) -> float:
    """The newest events, typed, in microseconds."""
    with bank.database(_path(run, "large")) as main:
        db = main.switch(name)
        started = time.perf_counter()
        deque(map(PLAIN.decode, db.log.read(after=db.head().position - run.sizes["read"])), maxlen=0)
        return (time.perf_counter() - started) * 1e6


def load(run: Run, *, name: str) -> float:
    """The median time of loading an entity that is not known, in microseconds."""
    with bank.database(_path(run, "large")) as main:
        db = main.switch(name)
        times = []
        for number in range(run.sizes["warm"] + run.sizes["calls"]):
            reference = Account(f"a-{number * 7:06}")
            started = time.perf_counter()
            db.load(reference)
            times.append(time.perf_counter() - started)
        return median(times[run.sizes["warm"] :]) * 1e6


def fill(run: Run, *, size: str) -> None:
    """A store of this size, and a branch at its head with a few events of its own."""
    bank.fill(run.kept / "bank.db", run.sizes[size], run.sizes["tags"], min(1_000, run.sizes[size] // 10))
    with bank.database(run.kept / "bank.db") as db:
        db.branch(BRANCH).append(*bank.events(bank.facts(100, 100)))


def _path(run: Run, size: str) -> Path:
    return run.kept.parent / f"branch-at-{size}" / "bank.db"


QUESTION = Question(
    "branching",
    "branches: to make, to open, and to read through, by the size of the log",
    "us",
    [
        Contestant("branch at small", partial(timed, verb=branch, size="small"), partial(fill, size="small")),
        Contestant("branch at large", partial(timed, verb=branch, size="large"), partial(fill, size="large")),
        Contestant("switch at small", partial(timed, verb=switch, size="small")),
        Contestant("switch at large", partial(timed, verb=switch, size="large")),
        Contestant("read main", partial(read, name="main")),
        Contestant("read branch", partial(read, name=BRANCH)),
        Contestant("load on main", partial(load, name="main")),
        Contestant("load on branch", partial(load, name=BRANCH)),
    ],
    [
        Goal("branch at large", "branch at small", at_most=1.5),
        Goal("switch at large", "switch at small", at_most=1.5),
        Goal("read branch", "read main", at_most=1.3),
        Goal("load on branch", "load on main", at_most=1.3),
    ],
    {"small": 1_000, "large": 1_000_000, "tags": 100_000, "calls": 200, "warm": 20, "read": 200_000},
    {"small": 500, "large": 2_000, "tags": 100, "calls": 5, "warm": 1, "read": 1_000},
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
