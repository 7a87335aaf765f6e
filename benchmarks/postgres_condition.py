"""Does judging a condition on PostgreSQL get slower as the log grows?

As in `condition_scale`, but the figure is the ratio itself: the same server is asked at 10,000 events, and again once
it has grown to 1,000,000.
"""

from __future__ import annotations

import sys
import time
from statistics import median

from backstory.errors import Conflict
from backstory.store import Log, append
from backstory.values.commit import Draft
from benchmarks import bank, postgres
from benchmarks.cli import alone
from benchmarks.condition_scale import WARM, _drafts
from benchmarks.frame import Contestant, Goal, Question, Run

KINDS = ("near", "rare", "new")


def judged(log: Log, drafts: list[Draft], times: int) -> float:
    """The median seconds of one judgement."""
    taken = []
    for _ in range(WARM + times):
        started = time.perf_counter()
        [verdict] = log.append([drafts])
        taken.append(time.perf_counter() - started)
        assert isinstance(verdict, Conflict), verdict
    return median(taken[WARM:])


def fill(log: Log, start: int, upto: int, tags: int) -> None:
    """Let the log grow, in big commits; near its beginning it has three events of the rare tag."""
    for done in range(start, upto, 10_000):
        group = bank.facts(min(10_000, upto - done), tags, done)
        if done == 0:
            group[100:400:100] = [(True, "rare", 1)] * 3
        append(log, bank.drafted(bank.events(group)))


def measure(run: Run) -> float:
    """The worst ratio of the three conditions."""
    sizes = run.sizes
    with postgres.server(run.folder) as server:
        with postgres.main_log(server.address()) as log:
            fill(log, 0, sizes["small"], sizes["tags"])
        small = _all(server.address(), sizes["judgements"])
        with postgres.main_log(server.address()) as log:
            fill(log, sizes["small"], sizes["large"], sizes["tags"])
        large = _all(server.address(), sizes["judgements"])
    for kind, before, after in zip(KINDS, small, large, strict=True):
        print(f"{kind}: {before * 1e6:.0f} us, {after * 1e6:.0f} us", file=sys.stderr)
    return max(after / before for before, after in zip(small, large, strict=True))


def _all(address: str, times: int) -> list[float]:
    with postgres.main_log(address) as log:
        return [judged(log, _drafts(log, kind), times) for kind in KINDS]


QUESTION = Question(
    "postgres_condition",
    "time to judge a condition on PostgreSQL at 1,000,000 events, as a multiple of that at 10,000",
    "times",
    [Contestant("Backstory", measure, note="the worst of near, rare and new")],
    [Goal("Backstory", at_most=1.5)],
    {"small": 10_000, "large": 1_000_000, "tags": 100_000, "judgements": 1_000},
    {"small": 1_000, "large": 3_000, "tags": 100, "judgements": 10},
    rounds=1,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
