"""How many rows does one caller change, one after the other, each change durable and with its history?

Each reads a row of four fields by its key, and gives one field another value. Everything is one SQLite file with
write-ahead log and `synchronous=FULL`, so one fsync a change. The limit is a plain UPDATE by the same SQLite that
Backstory has, which keeps no history.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import bank, customers
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run


def rate(run: Run, made: Callable[[Path, dict[str, dict[str, str]]], Callable[[str, str], None]]) -> float:
    """Changes a second, on 100 rows in turn."""
    rows = customers.rows(run.sizes["rows"])
    change, keys = made(run.folder / "rows.db", rows), list(rows)
    for key in keys:
        change(key, "warm")
    clock = bank.Stopwatch()
    for number in range(run.sizes["changes"]):
        change(keys[number % len(keys)], f"city {number}")
    return clock.rate(run.sizes["changes"])


def simple_history(run: Run) -> float:
    """Django."""
    from benchmarks import peer_rows

    return rate(run, peer_rows.simple_history)


def continuum(run: Run) -> float:
    """SQLAlchemy."""
    from benchmarks import peer_rows

    return rate(run, peer_rows.continuum)


QUESTION = Question(
    "row_update",
    "changes of a row per second, one caller, each durable and with its history",
    "changes/s",
    [
        Contestant("Backstory", partial(rate, made=customers.table_mode)),
        Contestant("django-simple-history", simple_history, note="WAL, one transaction a change"),
        Contestant("SQLAlchemy-Continuum", continuum, note="WAL, one transaction a change"),
        Contestant("plain UPDATE", partial(rate, made=customers.plain), note="no history; the limit"),
    ],
    [
        Goal("Backstory", "django-simple-history", at_least=1),
        Goal("Backstory", "SQLAlchemy-Continuum", at_least=1),
    ],
    {"changes": 1_000, "rows": 100},
    {"changes": 50, "rows": 10},
    rounds=9,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
