"""How many durable, conditional appends a second on PostgreSQL: by one caller, and by 32 threads of one process?"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

from benchmarks import postgres
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run


def backstory(run: Run, callers: str) -> float:
    """Each on its own tag."""
    with postgres.server(run.folder) as server, postgres.main_log(server.address()) as log:
        steps = [postgres.conditional(log, number) for number in range(run.sizes[callers])]
        return postgres.together(steps, run.sizes["appends"] // len(steps))


def aggregates(run: Run, callers: str) -> float:
    """Each on its own aggregate."""
    with postgres.server(run.folder) as server, postgres.aggregates(server) as store:
        steps = [postgres.of_aggregate(store) for _ in range(run.sizes[callers])]
        return postgres.together(steps, run.sizes["appends"] // len(steps))


def dcb(run: Run, callers: str) -> float:
    """Each on its own tag."""
    with postgres.server(run.folder) as server, postgres.dcb(server) as recorder:
        steps = [postgres.of_dcb(recorder, number) for number in range(run.sizes[callers])]
        return postgres.together(steps, run.sizes["appends"] // len(steps))


def _contestants(count: int, callers: str) -> list[Contestant]:
    kinds: list[tuple[str, Callable[..., float]]] = [
        (f"Backstory, {count}", backstory),
        (f"eventsourcing aggregates, {count}", aggregates),
        (f"eventsourcing DCB, {count}", dcb),
    ]
    return [Contestant(name, partial(measure, callers=callers)) for name, measure in kinds]


QUESTION = Question(
    "postgres_callers",
    "durable conditional appends per second on PostgreSQL, by one caller and by 32 threads",
    "appends/s",
    [*_contestants(1, "one"), *_contestants(32, "many")],
    [
        Goal("Backstory, 1", "eventsourcing aggregates, 1", at_least=1),
        Goal("Backstory, 1", "eventsourcing DCB, 1", at_least=1),
        Goal("Backstory, 32", "eventsourcing aggregates, 32", at_least=4),
        Goal("Backstory, 32", "eventsourcing DCB, 32", at_least=4),
    ],
    {"one": 1, "many": 32, "appends": 6_400},
    {"one": 1, "many": 32, "appends": 64},
    rounds=3,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
