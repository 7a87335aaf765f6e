"""How long does a nightly dump take, and how much memory, if one row of a hundred differs?

`backstory import rows FILE --table customers --key id --sync`, in a process of its own, on a store that has the dump of
the day before: 1 percent of the rows have another balance, and one of a thousand is gone.
"""

from __future__ import annotations

import csv
import random
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial

from backstory import connect
from benchmarks.cli import alone
from benchmarks.frame import CHECKOUT, Contestant, Goal, Question, Run

COLUMNS = ("id", "name", "city", "email", "balance", "since")
CITIES = ("Basel", "Bern", "Chur", "Genf", "Zug")


def dump(count: int, *, later: bool) -> Iterator[tuple[str, ...]]:
    """The rows of a day, or of the next one."""
    chance = random.Random(1)
    for number in range(count):
        city, balance, day = chance.choice(CITIES), chance.randrange(10**6), chance.randrange(1, 29)
        what = chance.random()
        if later and what < 0.001:
            continue
        shown = str(balance + 1 if later and what < 0.011 else balance)
        name, email = f"Customer Number {number}", f"customer{number}@example.org"
        yield f"c-{number:07}", name, city, email, shown, f"2026-01-{day:02}"


def prepare(run: Run) -> None:
    """A store that has the first dump, and the second one as a file."""
    count = run.sizes["rows"]
    with connect(str(run.kept / "rows.db")) as db:
        table = db.table("customers", key="id")
        table.upsert_many(dict(zip(COLUMNS, row, strict=True)) for row in dump(count, later=False))
    with (run.kept / "dump.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(dump(count, later=True))


def synced(run: Run, *, memory: bool = False) -> float:
    """Seconds, or the megabytes that the process had at most."""
    kept, path = run.kept.parent / "sync", run.folder / "rows.db"
    shutil.copy(kept / "rows.db", path)
    words = ["import", "rows", str(kept / "dump.csv"), "--table", "customers", "--key", "id", "--sync"]
    command = [sys.executable, "-m", "backstory", *words, "-s", str(path), "--author", "cron", "--json"]
    began = time.perf_counter()
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)
    taken = time.perf_counter() - began
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1_024 if memory else taken


QUESTION = Question(
    "row_sync",
    "until a dump of a table with 1 percent changed is a part of its history; for `memory` megabytes",
    "s",
    [
        Contestant("sync", synced, prepare),
        Contestant("memory", partial(synced, memory=True), note="MB"),
    ],
    [Goal("sync", at_most=30), Goal("memory", at_most=200)],
    {"rows": 1_000_000},
    {"rows": 2_000},
    rounds=3,
)

if __name__ == "__main__":
    sys.exit(alone(QUESTION))
