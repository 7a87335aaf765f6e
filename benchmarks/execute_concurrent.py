"""How many commands do 32 threads of one process execute, on different entities and on one?

Backstory loads, decides and appends durably, on a condition. UmaDB's callers only append, unconditionally, which is
easier on it. `one entity` is the worst case: all threads decide on the same account, and every decision must know the
one before. `one caller` is the same work by a single thread. At the end the balances must be what was paid in.
"""

from __future__ import annotations

import sys
from functools import partial

from benchmarks import bank
from benchmarks.cli import alone
from benchmarks.concurrent import together, umadb
from benchmarks.frame import Contestant, Goal, Question, Run


def backstory(run: Run, *, accounts: int, callers: int) -> float:
    """So many threads, on so many accounts."""
    names = [f"a-{number:06}" for number in range(accounts)]
    with bank.database(run.folder / "bank.db") as db:
        total = run.sizes["callers"] * run.sizes["executions_each"]

        def caller(number: int, executions: int) -> None:
            for _ in range(executions):
                db.execute(bank.deposit(bank.Account(names[number % accounts]), cents=5), retries=1_000)

        rate = together(caller, callers, total // callers)
        assert sum(db.load(bank.Account(name)).balance for name in names) == 5 * total
        return rate


def uma(run: Run) -> float:
    """Unconditional appends by as many threads."""
    return umadb(
        Run(run.folder, run.kept, {**run.sizes, "appends_each": run.sizes["executions_each"]}, run.data)
    )


QUESTION = Question(
    "execute_concurrent",
    "commands executed per second by 32 threads of one process, durable",
    "commands/s",
    [
        Contestant("different entities", partial(backstory, accounts=32, callers=32)),
        Contestant("UmaDB", uma, note="appends only, unconditional"),
        Contestant("one entity", partial(backstory, accounts=1, callers=32)),
        Contestant("one caller", partial(backstory, accounts=1, callers=1)),
    ],
    [
        Goal("different entities", "UmaDB", at_least=3),
        Goal("one entity", "one caller", at_least=1),
    ],
    {"callers": 32, "executions_each": 150},
    {"callers": 32, "executions_each": 5},
    rounds=9,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
