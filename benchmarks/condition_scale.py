"""Does judging a condition get slower as the log grows?

The time from asking to the verdict, at two sizes of log, for three conditions: `near` is judged five positions behind
the head; `rare` names a tag of three old events, after 0; `new` names a tag that no event has, after 0 (a name that is
not taken yet). Each ends in a refusal, so nothing is written and no fsync hides the difference: in `new`, of a second
commit of the same batch, whose `near` condition is judged after the first has passed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from statistics import median

from backstory.errors import Conflict
from backstory.store import Log, append
from backstory.values.commit import Draft
from backstory.values.query import Condition, Query
from benchmarks import bank
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run

WARM = 300
"""Judgements before the clock starts: a store that has just been opened has nothing in its cache."""


def measure(kind: str, store: str, size: str) -> Callable[[Run], float]:
    """A contestant: the median time of one judgement, in microseconds."""

    def judged(run: Run) -> float:
        with bank.main_log(run.kept.parent / store / "bank.db") as log:
            drafts = _drafts(log, kind)
            times = []
            for _ in range(WARM + run.sizes["judgements"]):
                started = time.perf_counter()
                [verdict] = log.append([drafts])
                times.append(time.perf_counter() - started)
                assert isinstance(verdict, Conflict), verdict
                assert verdict.draft == len(drafts) - 1
            return median(times[WARM:]) * 1e6

    judged.__doc__ = f"{kind} at {size}"
    return judged


def _drafts(log: Log, kind: str) -> list[Draft]:
    """A batch that is refused: by the condition in question, or for `new` by the one after it."""
    head = log.head().position
    [recent] = log.read(after=head - 3, upto=head - 2)
    event = bank.Deposited("a-000001", 1)
    near = bank.drafted([event], Condition(Query.of(tags=recent.tags), head - 5))
    match kind:
        case "near":
            return [near]
        case "rare":
            return [bank.drafted([event], Condition(Query.of(tags=["account:rare"]), 0))]
        case _:
            return [bank.drafted([event], Condition(Query.of(tags=["account:nobody"]), 0)), near]


def fill(size: str) -> Callable[[Run], None]:
    """Build a store of this size, in big commits, with three events of the rare tag near its beginning."""

    def build(run: Run) -> None:
        with bank.main_log(run.kept / "bank.db") as log:
            left, seed = run.sizes[size], 0
            while left > 0:
                seed += 1
                group = bank.facts(min(10_000, left), run.sizes["tags"], seed)
                if seed == 1:
                    group[100:400:100] = [(True, "rare", 1)] * 3
                append(log, bank.drafted(bank.events(group)))
                left -= len(group)

    return build


QUESTION = Question(
    "condition_scale",
    "time to judge one condition, by the size of the log",
    "us",
    [
        Contestant("small near", measure("near", "small-near", "small"), fill("small")),
        Contestant("large near", measure("near", "large-near", "large"), fill("large")),
        Contestant("small rare", measure("rare", "small-near", "small")),
        Contestant("large rare", measure("rare", "large-near", "large")),
        Contestant("small new", measure("new", "small-near", "small")),
        Contestant("large new", measure("new", "large-near", "large")),
    ],
    [
        Goal("large near", "small near", at_most=1.5),
        Goal("large rare", "small rare", at_most=1.5),
        Goal("large new", "small new", at_most=1.5),
    ],
    {"small": 50_000, "large": 5_000_000, "tags": 100_000, "judgements": 2_000},
    {"small": 5_000, "large": 20_000, "tags": 1_000, "judgements": 50},
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
