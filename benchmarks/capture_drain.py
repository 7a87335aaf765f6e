"""How many rows a second does a drainer bring from an outbox to a log, and how much more is that than one at a time?

Rows of transactions of ten each, inserted before the clock runs. `a row a transaction` is the worst case: each row is a
commit of the log.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from time import perf_counter

from sqlalchemy import insert

from backstory import connect
from backstory.contrib.sqlalchemy import record
from benchmarks.capture import Article, Base, Engines, on_postgres, sqlite
from benchmarks.cli import alone
from benchmarks.frame import Contestant, Goal, Question, Run


def drain(run: Run, place: Callable[[Run], AbstractContextManager[Engines]], *, together: int) -> float:
    """Rows a second."""
    with place(run) as (_, engine), connect(run.folder / "history.db") as db:
        Base.metadata.create_all(engine)
        recording = record(Base, engine=engine, history=db).begin()
        rows = run.sizes["rows"]
        for first in range(0, rows, together):
            with engine.begin() as connection:
                numbers = range(first, first + together)
                values = [
                    {"title": f"title {n}", "body": "some text " * 20, "views": n, "rating": n / 7}
                    for n in numbers
                ]
                connection.execute(insert(Article), values)
        begun = perf_counter()
        drained = recording.drain().rows
        taken = perf_counter() - begun
        assert drained == rows
    return rows / taken


def contestants() -> Iterator[Contestant]:
    """Each database, and how many rows its transactions have."""
    for name, place in (("SQLite", sqlite), ("PostgreSQL", on_postgres)):
        yield Contestant(name, partial(drain, place=place, together=10), note="ten rows a transaction")
        yield Contestant(f"{name}, a row a transaction", partial(drain, place=place, together=1))


QUESTION = Question(
    "capture_drain",
    "rows that are drained into a log",
    "rows/s",
    list(contestants()),
    [Goal(f"{name}, a row a transaction", name, at_least=0.2) for name in ("SQLite", "PostgreSQL")],
    {"rows": 10_000},
    {"rows": 20},
    rounds=3,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
