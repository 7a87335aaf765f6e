"""Is the difference of all entities between two revisions linear in the events between?

Time for one event between, at 1,000 and at 20,000 events, of 1,000 entities in a log that is longer by far.
"""

from __future__ import annotations

import sys
import time
from functools import partial

from backstory.history.ask.diff_all import diff_all
from benchmarks import bank
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run


def difference(run: Run, *, between: str) -> float:
    """Microseconds for each event between."""
    count = run.sizes[between]
    with bank.main_log(run.kept.parent / "few" / "bank.db") as log:
        head = log.head().position
        sum(1 for _ in diff_all(log, head - 100, head, bank.Account))
        started = time.perf_counter()
        assert sum(1 for _ in diff_all(log, head - count, head, bank.Account))
        return (time.perf_counter() - started) * 1e6 / count


def fill(run: Run) -> None:
    """The log."""
    bank.fill(run.kept / "bank.db", run.sizes["events"], run.sizes["tags"])


QUESTION = Question(
    "diff_all",
    "difference of all entities between two revisions, time for each event between",
    "us/event",
    [
        Contestant("few", partial(difference, between="few"), fill),
        Contestant("many", partial(difference, between="many")),
    ],
    [Goal("many", "few", at_most=1.5)],
    {"events": 200_000, "tags": 20_000, "few": 2_000, "many": 50_000},
    {"events": 3_000, "tags": 300, "few": 200, "many": 1_000},
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
