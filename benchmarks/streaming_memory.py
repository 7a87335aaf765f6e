"""How much memory does reading a long log take?

The growth of the process's peak from where the store is open to where every event was decoded once: what streaming
costs, whatever the length.
"""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path

from backstory.values.codec import PLAIN
from backstory.values.query import Query
from benchmarks import bank
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run


def everything(run: Run) -> float:
    """All events, in order."""
    return _growth(run, Query.all())


def by_type(run: Run) -> float:
    """Those of one type, through its index."""
    return _growth(run, Query.of(types=["Deposited"]))


def _growth(run: Run, query: Query) -> float:
    with bank.main_log(run.kept.parent / "everything" / "bank.db") as log:
        before = peak()
        deque(map(PLAIN.decode, log.read(query)), maxlen=0)
        return (peak() - before) / 1e6


def peak() -> int:
    """The most memory that this process ever had resident, in bytes.

    Linux's `VmHWM` is this process's alone; `ru_maxrss` may be that of the process which started it.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
    [line] = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def _fill(run: Run) -> None:
    bank.fill(run.kept / "bank.db", run.sizes["events"], run.sizes["tags"])


QUESTION = Question(
    "streaming_memory",
    "growth of memory while all events are read and decoded",
    "MB",
    [Contestant("everything", everything, _fill), Contestant("by type", by_type)],
    [Goal("everything", at_most=50), Goal("by type", at_most=50)],
    {"events": 1_000_000, "tags": 100_000},
    {"events": 10_000, "tags": 1_000},
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
