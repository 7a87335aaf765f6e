"""How many durable, conditional appends a second on PostgreSQL by 4 processes of 8 callers?"""

from __future__ import annotations

import multiprocessing
import sys
from contextlib import ExitStack
from functools import partial
from types import SimpleNamespace
from typing import Any

from benchmarks import bank, postgres
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run


def work(kind: str, place: Any, first: int, callers: int, each: int, opening: Any, ready: Any) -> None:
    """One process: everything is opened, and each caller has appended once, before all begin."""
    numbers = range(first, first + callers)
    with ExitStack() as stack:
        with opening:  # eventsourcing makes its functions each time, which two may not do at once
            if kind == "Backstory":
                log = stack.enter_context(postgres.main_log(place.address))
                steps = [postgres.conditional(log, number) for number in numbers]
            elif kind == "aggregates":
                store = stack.enter_context(postgres.aggregates(place))
                steps = [postgres.of_aggregate(store) for _ in numbers]
            else:
                recorder = stack.enter_context(postgres.dcb(place))
                steps = [postgres.of_dcb(recorder, number) for number in numbers]
        run(steps, each, ready)


def run(steps: list[postgres.Step], each: int, ready: Any) -> None:
    """All callers of this process, once every process is ready, until every process is done."""
    for step in steps:
        step()
    ready.wait()
    postgres.together(steps, each)
    ready.wait()


def measure(run: Run, kind: str) -> float:
    """Appends of all processes, from the moment that all are ready until the last has ended."""
    context = multiprocessing.get_context("spawn")
    count, callers, each = run.sizes["processes"], run.sizes["callers"], run.sizes["each"]
    opening, ready = context.Lock(), context.Barrier(count + 1, timeout=60)
    with postgres.server(run.folder) as server:
        place = SimpleNamespace(socket=server.socket, port=server.port, address=server.address())
        if kind == "Backstory":
            with postgres.main_log(place.address):
                pass
        elif kind == "DCB":
            with postgres.dcb(server):
                pass
        else:
            with postgres.aggregates(server):
                pass
        processes = [
            context.Process(target=work, args=(kind, place, number * callers, callers, each, opening, ready))
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
    "postgres_processes",
    "durable conditional appends per second on PostgreSQL, by 4 processes of 8 threads",
    "appends/s",
    [
        Contestant("Backstory", partial(measure, kind="Backstory")),
        Contestant("eventsourcing aggregates", partial(measure, kind="aggregates")),
        Contestant("eventsourcing DCB", partial(measure, kind="DCB")),
    ],
    [
        Goal("Backstory", "eventsourcing aggregates", at_least=2),
        Goal("Backstory", "eventsourcing DCB", at_least=2),
    ],
    {"processes": 4, "callers": 8, "each": 150},
    {"processes": 2, "callers": 2, "each": 5},
    rounds=3,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
