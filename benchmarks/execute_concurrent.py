"""How many commands do 32 threads of one process execute, on different entities and on one?

All load, decide and append durably, on a condition, again on a conflict: Backstory, the callers of a UmaDB server, and
`eventsourcing`. Those of `UmaDB` alone only append, unconditionally, which is easier on it. `one entity` is the worst
case: all threads decide on the same account, and every decision must know the one before. `one caller` is the same work
by a single thread. At the end Backstory's balances must be what was paid in.
"""

from __future__ import annotations

import sys
from functools import partial

from benchmarks import bank, deposits
from benchmarks.cli import alone
from benchmarks.concurrent import together
from benchmarks.frame import Contestant, Goal, Question, Run


def measure(run: Run, kind: str, *, accounts: int = 32, callers: int = 32) -> float:
    """So many threads, on so many accounts."""
    names = [f"a-{number:06}" for number in range(accounts)]
    total = run.sizes["callers"] * run.sizes["executions_each"]
    with deposits.place(kind, run.folder) as place:
        with deposits.KINDS[kind](place) as made:
            steps = [made(names[number % accounts]) for number in range(callers)]

            def caller(number: int, times: int) -> None:
                for _ in range(times):
                    steps[number]()

            rate = together(caller, callers, total // callers)
        if kind == "backstory":
            with bank.database(run.folder / "bank.db") as db:
                balances = [db.load(bank.Account(name)).balance for name in names]
                assert sum(balances) == deposits.CENTS * (total // callers) * callers
        return rate


QUESTION = Question(
    "execute_concurrent",
    "commands executed per second by 32 threads of one process, durable",
    "commands/s",
    [
        Contestant("different entities", partial(measure, kind="backstory")),
        Contestant("UmaDB, deciding", partial(measure, kind="umadb"), note="reads what is newer"),
        Contestant(
            "eventsourcing, deciding", partial(measure, kind="eventsourcing"), note="cached aggregates"
        ),
        Contestant("UmaDB", partial(measure, kind="umadb appends"), note="appends only, unconditional"),
        Contestant("one entity", partial(measure, kind="backstory", accounts=1)),
        Contestant("UmaDB, one entity", partial(measure, kind="umadb", accounts=1)),
        Contestant("eventsourcing, one entity", partial(measure, kind="eventsourcing", accounts=1)),
        Contestant("one caller", partial(measure, kind="backstory", accounts=1, callers=1)),
    ],
    [
        Goal("different entities", "UmaDB, deciding", at_least=1),
        Goal("different entities", "eventsourcing, deciding", at_least=1),
        Goal("one entity", "UmaDB, one entity", at_least=1),
        Goal("one entity", "eventsourcing, one entity", at_least=1),
        Goal("one entity", "one caller", at_least=1),
    ],
    {"callers": 32, "executions_each": 150},
    {"callers": 32, "executions_each": 5},
    rounds=9,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
