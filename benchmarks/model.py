"""How long do `model` and `check` take for an application of 200 event types, beside a store of a million events?

Each is a process of its own, as in CI. `first` counts what the store has seen; later ones go on from the counts that
the first one kept. Every event of the store is a commit of its own with its command, which is the most to count.
"""

from __future__ import annotations

import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from backstory.stores import open_store
from benchmarks import large
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run


def folder(run: Run) -> Path:
    """The folder of the application and its store, which all contestants share."""
    return run.kept.parent / "large"


def prepare(run: Run) -> None:
    """Write the application, and fill the store."""
    large.filled(folder(run), run.sizes["events"], run.sizes["jobs"])


def seconds(run: Run, verb: str, *, first: bool = False) -> float:
    """Seconds of the process."""
    if first:
        store = open_store(str(folder(run) / "large.db"))
        for name in store.caches.names("observed/"):
            store.caches.set(name, None)
        store.close()
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "backstory", verb, "--json"], cwd=folder(run), capture_output=True, check=False
    )
    took = time.perf_counter() - began
    assert done.returncode in (0, 1), done.stderr.decode()
    return took


QUESTION = Question(
    "model",
    "the event model of 200 event types and what a store has seen",
    "s",
    [
        Contestant("model, first", partial(seconds, verb="model", first=True), prepare, note="counts it"),
        Contestant("model", partial(seconds, verb="model"), note="goes on from the counts"),
        Contestant("check", partial(seconds, verb="check"), note="goes on from the counts"),
    ],
    [Goal("model", at_most=2), Goal("check", at_most=2)],
    {"events": 1_000_000, "jobs": 100_000},
    {"events": 1_000, "jobs": 100},
    rounds=3,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
