"""How long does a reader wait: for 20 states of a million in a table, and for the row of an event just appended?

`find` asks a table with an index; `find, next page` goes on behind a cursor; `count about` guesses how many there are.
`visible` is the time from an append's return until a thread of the same process has made the row and a reader sees it;
`visible elsewhere` is the same where another process feeds the table.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

from backstory import connect
from backstory.projections.materialize import Materialized
from backstory.store import append
from benchmarks import bank
from benchmarks.bank import Account
from benchmarks.cli import alone
from benchmarks.frame import CHECKOUT, Contestant, Goal, Question, Run
from benchmarks.project import Balances

KEPT = Materialized(Account, index=["balance"])

FEEDING = """
import sys
from backstory import connect
from benchmarks.project import Balances
with connect(sys.argv[1]) as db, db.run(Balances):
    print("feeding", flush=True)
    sys.stdin.read()
"""


def milliseconds(ask: Callable[[], Any], times: int = 50) -> float:
    """The median of some tries."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        ask()
        found.append(1_000 * (time.perf_counter() - began))
    return median(found)


def _fill(run: Run) -> None:
    path, count = run.kept / "bank.db", run.sizes["entities"]
    with bank.main_log(path) as log:
        for group in bank.batched(range(count), 1_000):
            events = [bank.Deposited(f"a-{number:07}", number * 7_919 % 1_000_003) for number in group]
            append(log, bank.drafted(events))
    with connect(str(path)) as db:
        db.rebuild(KEPT)


def find(run: Run, question: dict[str, Any], *, second: bool = False) -> float:
    """20 states, in milliseconds."""
    with connect(str(run.kept.parent / "find" / "bank.db")) as db:
        db.project(KEPT)
        after = db.find(Account, **question, limit=20).cursor if second else None
        assert len(db.find(Account, **question, limit=20, after=after)) == 20
        return milliseconds(lambda: db.find(Account, **question, limit=20, after=after))


def visible(run: Run, *, elsewhere: bool = False) -> float:
    """Milliseconds from the append's return until the row is read."""
    path = str(run.folder / "bank.db")
    number = 0
    found = []
    with connect(path) as db:
        command = [sys.executable, "-c", FEEDING, path]
        runner: Any = (
            subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            if elsewhere
            else db.run(Balances)
        )
        with runner:
            if elsewhere:
                runner.stdout.readline()
            for number in range(run.sizes["rows"]):
                commit = db.append(bank.Deposited(f"a-{number}", 5))
                began = time.perf_counter()
                db.rows(
                    Balances, "SELECT cents FROM balances WHERE account = ?", (f"a-{number}",), after=commit
                )
                found.append(1_000 * (time.perf_counter() - began))
                time.sleep(0.01)
            if elsewhere:
                runner.stdin.close()
                runner.wait()
    return median(found)


def rebuilt(run: Run) -> float:
    """Megabytes that the process grows by while it makes the table anew."""
    import resource

    with connect(str(run.kept.parent / "find" / "bank.db")) as db:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        db.rebuild(Balances)
        return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1_024


ORDERED = {"order_by": "balance"}
RANGED = {"where": "balance > 500000", "order_by": "-balance"}

QUESTION = Question(
    "project_find",
    "until a reader has the answer; for `growth` the megabytes by which a rebuild of all events grows",
    "ms",
    [
        Contestant("find", partial(find, question=ORDERED), _fill, note="the first 20 by an indexed field"),
        Contestant(
            "find, next page", partial(find, question=RANGED, second=True), note="20 more, descending"
        ),
        Contestant(
            "count about", partial(find, question={**RANGED, "count": "about"}), note="20 and a guess"
        ),
        Contestant("visible", visible, note="a thread feeds"),
        Contestant("visible elsewhere", partial(visible, elsewhere=True), note="another process feeds"),
        Contestant("growth", rebuilt, note="MB"),
    ],
    [
        Goal("find", at_most=5),
        Goal("find, next page", at_most=5),
        Goal("visible elsewhere", at_most=1),
        Goal("growth", at_most=64),
    ],
    {"entities": 1_000_000, "rows": 200},
    {"entities": 2_000, "rows": 10},
    rounds=3,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
