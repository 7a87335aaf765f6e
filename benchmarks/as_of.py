"""Does a state as of a point in the past cost more than the state now?

Entities of ten events in a log of 1,000,000, each loaded for the first time: as they are now, and as of the position,
the commit and the mark that are one commit back; as of the middle of the log, where there is half as much to read.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import ClassVar

from backstory.database import Database
from backstory.history.refs.revision import Revision
from benchmarks import bank
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run

WARM = 20


class Account(bank.Account):
    """An account that is folded from its first event on."""

    snapshot_every: ClassVar[int] = 0


def load(run: Run, *, at: Callable[[Database], Revision | None]) -> float:
    """The median time of one load, in microseconds."""
    with bank.database(run.kept.parent / "now" / "bank.db") as db:
        point, times = at(db), []
        for number in range(WARM + run.sizes["loads"]):
            reference = Account(f"a-{number * 7 % run.sizes['tags']:06}")
            started = time.perf_counter()
            db.load(reference, at=point)
            times.append(time.perf_counter() - started)
        return median(times[WARM:]) * 1e6


def fill(run: Run) -> None:
    """The log, with a mark before its last commit."""
    bank.fill(run.kept / "bank.db", run.sizes["events"], run.sizes["tags"])
    with bank.database(run.kept / "bank.db") as db:
        db.mark("yesterday", at="main~1")


QUESTION = Question(
    "as_of",
    "time to load an entity, as of now and as of then",
    "us",
    [
        Contestant("now", partial(load, at=lambda _: None), fill),
        Contestant("a position", partial(load, at=lambda db: db.head().position - 1_000)),
        Contestant("a commit", partial(load, at=lambda _: "main~1")),
        Contestant("a mark", partial(load, at=lambda _: "yesterday")),
        Contestant("a time", partial(load, at=lambda db: db.head().time)),
        Contestant("the middle", partial(load, at=lambda db: db.head().position // 2)),
    ],
    [
        Goal("a position", "now", at_most=1.1),
        Goal("a commit", "now", at_most=2),
        Goal("a mark", "now", at_most=2),
        Goal("a time", "now", at_most=2),
        Goal("the middle", "now", at_most=1.1),
    ],
    {"events": 1_000_000, "tags": 100_000, "loads": 500},
    {"events": 3_000, "tags": 300, "loads": 10},
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
