"""How long does it take to merge a branch of 1,000 commits into main, which has gone on by 100,000 events?

Every commit of the branch is a command on an account of its own; none is in conflict, so all are judged, appended as
one batch and durable. `in the way` is a dry run where each finds a newer event of its account on main: all conflicts,
with the states that each command had read and would read now.
"""

from __future__ import annotations

import sys
import time
from functools import partial

from backstory.history.merge.merge import Options
from benchmarks import bank
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run

BRANCH = "what-if"


def merge(run: Run, *, conflicts: bool) -> float:
    """Seconds."""
    commits, path = run.sizes["commits"], run.folder / "bank.db"
    with bank.database(path) as db:
        db.append(*bank.events(bank.facts(1_000, 1_000)))
        branch = db.branch(BRANCH)
        for number in range(commits):
            account = f"a-{number:06}" if conflicts else f"b-{number:06}"
            branch.execute(bank.deposit(bank.Account(account), cents=5))
        for group in bank.batched(bank.facts(run.sizes["new_on_main"], commits), 1_000):
            db.append(*bank.events(group))
        started = time.perf_counter()
        report = db.merge(BRANCH, Options(dry_run=conflicts))
        taken = time.perf_counter() - started
        assert len(report.conflicts) == (commits if conflicts else 0)
        return taken


QUESTION = Question(
    "merging",
    "merging a branch of 1,000 commits into main",
    "s",
    [
        Contestant("no conflict", partial(merge, conflicts=False)),
        Contestant("in the way", partial(merge, conflicts=True)),
    ],
    [Goal("no conflict", at_most=2)],
    {"commits": 1_000, "new_on_main": 100_000},
    {"commits": 10, "new_on_main": 1_000},
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
