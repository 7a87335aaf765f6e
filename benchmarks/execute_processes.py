"""How many commands do 4 processes of 8 threads execute on one file, each thread on an entity of its own?

All load, decide and append durably, on a condition: Backstory, `eventsourcing`, and the callers of one UmaDB server.
Those of `UmaDB` alone only append.
"""

from __future__ import annotations

import multiprocessing
import sys
from contextlib import ExitStack
from functools import partial
from typing import Any

from benchmarks import bank, deposits
from benchmarks.cli import alone
from benchmarks.concurrent import together
from benchmarks.frame import Contestant, Goal, Question, Run


def work(kind: str, place: str, numbers: range, each: int, opening: Any, ready: Any) -> None:
    """One process: everything is opened, and each caller has executed once, before all begin."""
    with ExitStack() as stack:
        with opening:
            made = stack.enter_context(deposits.KINDS[kind](place))
            steps = [made(f"a-{number:06}") for number in numbers]

        def caller(number: int, times: int) -> None:
            for _ in range(times):
                steps[number]()

        for step in steps:
            step()
        ready.wait()
        together(caller, len(steps), each)
        ready.wait()


def measure(run: Run, kind: str) -> float:
    """Executions of all processes, from the moment that all are ready until the last has ended."""
    context = multiprocessing.get_context("spawn")
    count, callers, each = run.sizes["processes"], run.sizes["callers"], run.sizes["each"]
    opening, ready = context.Lock(), context.Barrier(count + 1, timeout=60)
    with deposits.place(kind, run.folder) as place:
        processes = [
            context.Process(
                target=work,
                args=(kind, place, range(number * callers, (number + 1) * callers), each, opening, ready),
            )
            for number in range(count)
        ]
        for process in processes:
            process.start()
        ready.wait()
        clock = bank.Stopwatch()
        ready.wait()
        rate = clock.rate(count * callers * each)
        for process in processes:
            process.join()
        return rate


QUESTION = Question(
    "execute_processes",
    "commands executed per second by 4 processes of 8 threads on one file, durable",
    "commands/s",
    [
        Contestant("Backstory", partial(measure, kind="backstory")),
        Contestant("UmaDB, deciding", partial(measure, kind="umadb"), note="reads what is newer"),
        Contestant(
            "eventsourcing, deciding", partial(measure, kind="eventsourcing"), note="cached aggregates"
        ),
        Contestant("UmaDB", partial(measure, kind="umadb appends"), note="appends only, unconditional"),
    ],
    [
        Goal("Backstory", "UmaDB, deciding", at_least=1),
        Goal("Backstory", "eventsourcing, deciding", at_least=1),
    ],
    {"processes": 4, "callers": 8, "each": 100},
    {"processes": 2, "callers": 2, "each": 5},
    rounds=3,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
